"""Settings objects as plain data, as far as they can be."""

import dataclasses
from typing import Any

from ezmsg_core.component.schema import schema_of
from ezmsg_core.errors import EzmsgError
from ezmsg_core.model.plain import to_plain
from ezmsg_core.model.settings import SettingsSnapshotValue

MAX_TEXT = 4096  # characters of a value that is shown as text
MAX_NESTING = 16


def structured_of(settings: Any) -> tuple[dict[str, Any] | None, dict[str, Any] | str]:
    """The settings as plain data, or None, and the same or a text for people."""
    if dataclasses.is_dataclass(settings) and not isinstance(settings, type):
        tree = _tree(settings, 0)
        return tree, tree
    return None, _text(settings)


def snapshot_value(
    settings: Any, *, actor: str = "", timestamp: float = 0.0, is_uncertain: bool = False
) -> SettingsSnapshotValue:
    """The settings as the server keeps them.

    Args:
        settings: the object in force.
        actor: who asked for it.
        timestamp: when it was applied, seconds since the epoch.
        is_uncertain: the unit's handler failed on it.
    """
    structured, shown = structured_of(settings)
    return SettingsSnapshotValue(
        serialized=None,
        repr_value=shown,
        structured_value=structured,
        settings_schema=schema_of(settings),
        actor=actor,
        timestamp=timestamp,
        is_uncertain=is_uncertain,
    )


def plain_or_text(value: Any) -> Any:
    """The value as plain data; what has no plain form as text."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _tree(value, 0)
    try:
        return to_plain(value)
    except EzmsgError:
        return _text(value)


def _tree(settings: Any, depth: int) -> dict[str, Any]:
    return {field.name: _leaf(getattr(settings, field.name, None), depth) for field in dataclasses.fields(settings)}


def _leaf(value: Any, depth: int) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type) and depth < MAX_NESTING:
        return _tree(value, depth + 1)
    return plain_or_text(value) if not dataclasses.is_dataclass(value) else _text(value)


def _text(value: Any) -> str:
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001 - the object's own code
        text = f"<{type(value).__name__} whose repr raised {type(error).__name__}>"
    return text[:MAX_TEXT].encode("utf-8", "backslashreplace").decode()
