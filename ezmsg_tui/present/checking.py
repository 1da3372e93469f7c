"""What is wrong with a value, by the rules that its owner will apply."""

from __future__ import annotations

from typing import Any

from ezmsg_core.errors import EzmsgError
from ezmsg_core.model.settings import SettingsFieldMetadata
from ezmsg_core.model.validation import check_value
from ezmsg_tui.present.text import safe_text


def schema_complaint(field: SettingsFieldMetadata, value: Any) -> str:
    """What the schema has against a plain value; empty if nothing. The owner has the last word all the same."""
    try:
        check_value(field, value)
    except EzmsgError as error:
        return safe_text(str(error), 300)
    return ""
