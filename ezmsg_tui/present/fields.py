"""A settings schema as the list of fields that a form shows: groups, then what is in them, one step deeper."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ezmsg_core.model.settings import (
    FieldKind,
    SettingsFieldMetadata,
    SettingsSchemaMetadata,
    SettingsSnapshotValue,
)
from ezmsg_tui.present.form import EditorKind

MAX_DEPTH = 8  # of nested records; deeper ones are edited as one value
MAX_FIELDS = 500  # of one form; more are not read by anybody


@dataclass(frozen=True, slots=True)
class PlacedField:
    """A field and where it is."""

    path: str  # dotted
    depth: int
    field: SettingsFieldMetadata


def placed_fields(schema: SettingsSchemaMetadata) -> list[PlacedField]:
    """All fields of a schema, a group before what is in it."""
    found: list[PlacedField] = []
    _collect(schema.fields, "", 0, found)
    return found[:MAX_FIELDS]


def schemaless_fields(value: SettingsSnapshotValue) -> list[PlacedField]:
    """The fields of a value whose class has no schema, by what is in it; to be looked at only."""
    tree = value.structured_value if value.structured_value is not None else value.repr_value
    if not isinstance(tree, dict):
        return []
    names = list(tree)[:MAX_FIELDS]
    return [
        PlacedField(
            name,
            0,
            SettingsFieldMetadata(
                name, "", False, None, None, None, None, None, kind=FieldKind.OPAQUE, is_read_only=True
            ),
        )
        for name in names
    ]


def editor_of(field: SettingsFieldMetadata, running: Any) -> EditorKind:
    """How a field is edited while it has a value."""
    if field.kind is FieldKind.NESTED:
        return EditorKind.READ_ONLY if running is None or not field.fields else EditorKind.GROUP
    if field.is_read_only or field.kind in (FieldKind.ARRAY, FieldKind.OPAQUE):
        return EditorKind.READ_ONLY
    if field.kind is FieldKind.BOOL:
        return EditorKind.TOGGLE
    if field.kind in (FieldKind.ENUM, FieldKind.LITERAL) or field.choices is not None:
        return EditorKind.CHOICE
    if field.kind in (FieldKind.INT, FieldKind.FLOAT):
        return EditorKind.NUMBER
    return EditorKind.TEXT


def stepped(field: SettingsFieldMetadata, value: Any, steps: int) -> Any:
    """The value moved by so many steps, within its bounds; of a choice, the next one; itself where nothing can move."""
    if field.choices:
        at = next((i for i, choice in enumerate(field.choices) if choice == value), None)
        return field.choices[0 if at is None else (at + steps) % len(field.choices)]
    if field.kind is FieldKind.BOOL:
        return not value if steps % 2 else value
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return value
    step = step_of(field, value)
    low, high = field.bounds or (None, None)
    least = -math.inf if low is None else low + (step if field.is_lower_exclusive else 0.0)
    most = math.inf if high is None else high - (step if field.is_upper_exclusive else 0.0)
    moved = value + steps * step
    if field.kind is FieldKind.INT:
        return int(min(max(round(moved), math.ceil(least) if low is not None else moved), most))
    digits = max(0, 1 - math.floor(math.log10(step)))
    return min(max(round(moved, digits), least), most)


def step_of(field: SettingsFieldMetadata, value: float) -> float:
    """By how much one step moves: what the schema says, else a hundredth of the range, else a tenth of the value."""
    if field.step is not None and field.step > 0:
        return max(field.step, 1.0) if field.kind is FieldKind.INT else field.step
    low, high = field.bounds or (None, None)
    if low is not None and high is not None and math.isfinite(high - low) and high > low:
        rough = (high - low) / 100
    else:
        rough = abs(value) / 10 or 0.1
    step = _on_grid(rough)
    return max(1.0, float(round(step))) if field.kind is FieldKind.INT else step


def _on_grid(rough: float) -> float:
    """The nearest of 1, 2, 5 times a power of ten that is not above."""
    power = 10.0 ** math.floor(math.log10(max(rough, 1e-12)))
    lead = rough / power
    return power * (5 if lead >= 5 else 2 if lead >= 2 else 1)


def _collect(fields: list[SettingsFieldMetadata], prefix: str, depth: int, found: list[PlacedField]) -> None:
    for field in fields:
        path = f"{prefix}.{field.name}" if prefix else field.name
        found.append(PlacedField(path, depth, field))
        if field.kind is FieldKind.NESTED and depth < MAX_DEPTH and len(found) < MAX_FIELDS:
            _collect(field.fields, path, depth + 1, found)
