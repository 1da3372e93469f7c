"""Plain settings values as text: for a line of a table, and for an editor that reads it back."""

from __future__ import annotations

import math
from typing import Any, cast

from ezmsg_core.model.plain import TAG
from ezmsg_core.model.settings import FieldKind, SettingsFieldMetadata
from ezmsg_tui.present.text import safe_text
from ezmsg_tui.store.plain_paths import MISSING

MAX_EDITOR_TEXT = 4096  # characters; a longer value is not one to be typed
MAX_ITEMS = 200  # of a list or dict; the text is cut long before
MAX_LEVELS = 12
_TYPES = {"b": "int", "i": "int", "u": "uint", "f": "float", "c": "complex"}


def value_label(value: Any, limit: int = 60) -> str:
    """A value in a table, as a person would write it in Python; cut and harmless."""
    if value is MISSING:
        return "-"
    return safe_text(_literal(value, MAX_LEVELS), limit)


def editor_text(field: SettingsFieldMetadata, value: Any) -> str:
    """What an editor of the field starts with; reading it back gives the value."""
    if value is MISSING or value is None:
        return "None" if value is None else ""
    if field.kind is FieldKind.BOOL and isinstance(value, bool):
        return "true" if value else "false"
    if field.kind in (FieldKind.STR, FieldKind.ENUM, FieldKind.LITERAL) and isinstance(value, str):
        return safe_text(value, MAX_EDITOR_TEXT)
    return safe_text(_literal(value, MAX_LEVELS), MAX_EDITOR_TEXT)


def choice_text(value: Any) -> str:
    """One choice among others."""
    return safe_text(value, 60) if isinstance(value, str) else value_label(value)


def range_label(field: SettingsFieldMetadata) -> str:
    """What a field accepts, in a few characters: `0.1 … 250`, `≥ 1`, `3 choices`, `≤ 32 chars`."""
    if field.choices is not None:
        texts = "|".join(choice_text(choice) for choice in field.choices[:8])
        return texts if len(texts) <= 14 else f"{len(field.choices)} choices"
    if field.bounds is not None:
        low, high = field.bounds
        below = ">" if field.is_lower_exclusive else "≥"
        above = "<" if field.is_upper_exclusive else "≤"
        if low is not None and high is not None:
            marks = (f"{below} " if below == ">" else "", f" {above}" if above == "<" else "")
            return f"{marks[0]}{_number(low)} …{marks[1]} {_number(high)}"
        if low is not None:
            return f"{below} {_number(low)}"
        if high is not None:
            return f"{above} {_number(high)}"
    if field.length is not None:
        what = "chars" if field.kind is FieldKind.STR else "items"
        least, most = field.length
        if least is not None and most is not None:
            return f"{least} … {most} {what}"
        if least is not None or most is not None:
            return f"≥ {least} {what}" if least is not None else f"≤ {most} {what}"
    return f"/{safe_text(field.pattern, 12)}/" if field.pattern else ""


def _number(value: float) -> str:
    return str(int(value)) if math.isfinite(value) and value == int(value) and abs(value) < 1e6 else f"{value:g}"


def _literal(value: Any, levels: int) -> str:
    if levels == 0:
        return "…"
    if isinstance(value, dict):
        tree = cast("dict[str, Any]", value)
        if TAG in tree:
            return _tagged(tree, levels)
        items = [f"{key!r}: {_literal(item, levels - 1)}" for key, item in list(tree.items())[:MAX_ITEMS]]
        return "{" + ", ".join(items) + (", …" if len(tree) > MAX_ITEMS else "") + "}"
    if isinstance(value, list):
        return "[" + _items(cast("list[Any]", value), levels) + "]"
    if isinstance(value, (str, bytes)):
        return repr(value[: MAX_EDITOR_TEXT + 1])
    return repr(value)


def _items(items: list[Any], levels: int) -> str:
    more = ", …" if len(items) > MAX_ITEMS else ""
    return ", ".join(_literal(item, levels - 1) for item in items[:MAX_ITEMS]) + more


def _tagged(tree: dict[str, Any], levels: int) -> str:
    """A value that has no plain form of its own; what does not fit its tag is shown as it came."""
    tag: Any = tree[TAG]
    content: Any = tree.get("v")
    if isinstance(content, list):
        items = cast("list[Any]", content)
        if tag == "tuple":
            return f"({_items(items, levels)}{',' if len(items) == 1 else ''})"
        if tag in ("set", "frozenset"):
            return "{" + _items(items, levels) + "}" if items else "set()"
        if tag == "array" and len(items) == 3:
            return _array(str(items[0]), items[1])
        if tag == "complex" and len(items) == 2:
            return f"({items[0]}{'+' if str(items[1])[:1] != '-' else ''}{items[1]}j)"
        if tag == "timedelta" and len(items) == 3:
            return f"{items[0]} d {items[1]} s {items[2]} µs"
        if tag == "map":
            pairs = [cast("list[Any]", pair) for pair in items[:MAX_ITEMS] if isinstance(pair, list)]
            texts = [f"{_literal(p[0], levels - 1)}: {_literal(p[1], levels - 1)}" for p in pairs if len(p) == 2]
            return "{" + ", ".join(texts) + "}"
    if tag == "int" and isinstance(content, str):
        return content[:MAX_EDITOR_TEXT]
    return str(cast("object", content))[:MAX_EDITOR_TEXT]


def _array(dtype: str, shape: Any) -> str:
    sizes = cast("list[Any]", shape) if isinstance(shape, list) else []
    name = _TYPES.get(dtype[1:2], dtype[1:2])
    bits = int(dtype[2:]) * 8 if dtype[2:].isascii() and dtype[2:].isdigit() else ""
    inside = ", ".join(str(size) for size in sizes) + ("," if len(sizes) == 1 else "")
    return f"({inside}) {name}{bits}"
