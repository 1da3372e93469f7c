"""Settings objects as the server keeps them."""

from collections.abc import Mapping
from typing import Any, cast

from ezmsg_core.component.plain_tree import fields_of, plain_or_text, text_of
from ezmsg_core.component.schema import schema_of
from ezmsg_core.model.plain import TAG
from ezmsg_core.model.settings import SettingsSchemaMetadata, SettingsSnapshotValue


def structured_of(settings: Any) -> tuple[dict[str, Any] | None, dict[str, Any] | str]:
    """The settings as plain data, or None, and the same or a text for people."""
    if fields_of(settings) is not None or isinstance(settings, Mapping):
        tree = plain_or_text(settings)
        if isinstance(tree, dict) and TAG not in tree:
            fields = cast("dict[str, Any]", tree)
            return fields, fields
    return None, text_of(settings)


def snapshot_value(
    settings: Any,
    *,
    actor: str = "",
    timestamp: float = 0.0,
    is_uncertain: bool = False,
    schema: SettingsSchemaMetadata | None = None,
) -> SettingsSnapshotValue:
    """The settings as the server keeps them.

    Args:
        settings: the object in force.
        actor: who asked for it.
        timestamp: when it was applied, seconds since the epoch.
        is_uncertain: the unit's handler failed on it.
        schema: of the settings, where the caller has it; None: it is derived.
    """
    structured, shown = structured_of(settings)
    return SettingsSnapshotValue(
        serialized=None,
        repr_value=shown,
        structured_value=structured,
        settings_schema=schema or schema_of(settings),
        actor=actor,
        timestamp=timestamp,
        is_uncertain=is_uncertain,
    )
