"""What the user typed, as the plain value that a field of its kind would have."""

from __future__ import annotations

import ast
from typing import Any, cast

from ezmsg_core.errors import EzmsgError
from ezmsg_core.model.plain import to_plain
from ezmsg_core.model.settings import FieldKind, SettingsFieldMetadata
from ezmsg_tui.present.quantities import parse_quantity, parse_whole
from ezmsg_tui.present.value_text import MAX_EDITOR_TEXT, choice_text

_TRUE, _FALSE = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0"})
_NONE = frozenset({"none", "null", "‹none›"})


def parse_value(field: SettingsFieldMetadata, text: str) -> Any:
    """The plain value of a typed text; whether the field's rules allow it is another question.

    Raises:
        ValueError: the text is not a value of the field's kind; the message says why.
    """
    if len(text) > MAX_EDITOR_TEXT:
        raise ValueError(f"longer than {MAX_EDITOR_TEXT} characters")
    if field.is_optional and text.strip().lower() in _NONE:
        return None
    match field.kind:
        case FieldKind.BOOL:
            return _parse_bool(text)
        case FieldKind.INT:
            return parse_whole(text, field.unit)
        case FieldKind.FLOAT:
            return float(parse_quantity(text, field.unit))
        case FieldKind.STR:
            return text
        case FieldKind.ENUM | FieldKind.LITERAL:
            return _parse_choice(field, text)
        case FieldKind.ARRAY | FieldKind.OPAQUE:
            raise ValueError("it cannot be changed from here")
        case _:
            return _parse_literal(field, text)


def loose_value(text: str) -> Any:
    """The plain value of a typed text where nothing is known of its kind: as Python writes it, or else the text."""
    try:
        return to_plain(ast.literal_eval(_pythonic(text.strip())))
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError, EzmsgError):
        return text


def _parse_bool(text: str) -> bool:
    word = text.strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise ValueError(f"{text.strip()[:40]!r} is neither true nor false")


def _parse_choice(field: SettingsFieldMetadata, text: str) -> Any:
    choices = field.choices or []
    for choice in choices:
        if choice_text(choice) == text.strip() or choice == text:
            return choice
    known = ", ".join(choice_text(choice) for choice in choices[:8])
    raise ValueError(f"{text.strip()[:40]!r} is not among {known}")


def _parse_literal(field: SettingsFieldMetadata, text: str) -> Any:
    """A list, a dict, bytes: written as in Python or JSON; a list of scalars also with bare commas."""
    stripped = text.strip()
    try:
        value = ast.literal_eval(_pythonic(stripped))
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError) as error:
        if field.kind in (FieldKind.LIST, FieldKind.TUPLE) and len(field.items) == 1:
            return _parse_items(field, stripped)
        raise ValueError(f"{stripped[:40]!r} is not a value as Python writes it") from error
    is_bare_item = field.kind in (FieldKind.LIST, FieldKind.TUPLE) and type(value) not in (list, tuple)
    if is_bare_item and len(field.items) == 1:
        return _parse_items(field, stripped)
    try:
        return to_plain(_as_sequence(field.kind, value))
    except EzmsgError as error:
        raise ValueError(str(error)) from error


def _as_sequence(kind: FieldKind, value: object) -> object:
    """A list for a list and a tuple for a tuple, whichever brackets were typed."""
    if kind is FieldKind.LIST and isinstance(value, tuple):
        return list(cast("tuple[object, ...]", value))
    if kind is FieldKind.TUPLE and isinstance(value, list):
        return tuple(cast("list[object]", value))
    return value


def _parse_items(field: SettingsFieldMetadata, text: str) -> Any:
    bare = text[1:-1] if text[:1] + text[-1:] in ("[]", "()") else text
    items = [parse_value(field.items[0], part.strip()) for part in bare.split(",") if part.strip()]
    return to_plain(tuple(items)) if field.kind is FieldKind.TUPLE else items


def _pythonic(text: str) -> str:
    """The three words of JSON that Python spells otherwise, where they stand alone."""
    return {"true": "True", "false": "False", "null": "None"}.get(text, text)
