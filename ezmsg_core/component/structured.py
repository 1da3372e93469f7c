"""Settings objects as plain data, as far as they can be; the rest of them as text."""

import dataclasses
from collections.abc import Mapping
from typing import Any, cast

from ezmsg_core.errors import EzmsgError
from ezmsg_core.model.plain import MAX_DEPTH, TAG, to_plain

MAX_TEXT = 4096  # characters of a value that is shown as text


def structured_of(settings: Any) -> tuple[dict[str, Any] | None, dict[str, Any] | str]:
    """The settings as plain data, or None, and the same or a text for people."""
    tree = _fields_of(settings)
    if tree is None:
        return None, text_of(settings)
    structured = {str(name): plain_or_text(value) for name, value in tree.items()}
    return structured, structured


def plain_or_text(value: Any, depth: int = 0) -> Any:
    """The value as plain data; a part of it that has no plain form as text, the rest as data all the same.

    Args:
        value: anything.
        depth: levels already above the value.
    """
    if depth >= MAX_DEPTH:
        return text_of(value)
    fields = None if isinstance(value, Mapping) else _fields_of(value)
    if fields is not None:
        return {name: plain_or_text(inner, depth + 1) for name, inner in fields.items()}
    try:
        return to_plain(value, depth=depth)
    except EzmsgError:
        return _by_parts(value, depth)
    except Exception:  # noqa: BLE001 - a program's own mapping or number may raise anything
        return text_of(value)


def text_of(value: Any) -> str:
    """The value as text, cut, without what cannot be encoded."""
    if type(value).__name__ == "ndarray" and hasattr(value, "shape"):
        text = f"array of {value.dtype} with the shape {value.shape}"
    else:
        try:
            text = repr(value)
        except Exception as error:  # noqa: BLE001 - the object's own code
            text = f"<{type(value).__name__} whose repr raised {type(error).__name__}>"
    return text[:MAX_TEXT].encode("utf-8", "backslashreplace").decode()


def _by_parts(value: Any, depth: int) -> Any:
    """A container with a part that has no plain form; anything else as text."""
    match value:
        case list() | tuple() | set() | frozenset():
            items = [plain_or_text(item, depth + 1) for item in cast("list[Any]", value)]
            tag = next((kind.__name__ for kind in (tuple, set, frozenset) if isinstance(value, kind)), "")
            return {TAG: tag, "v": items} if tag else items
        case Mapping():
            pairs = [(key, plain_or_text(item, depth + 1)) for key, item in cast("Mapping[Any, Any]", value).items()]
            if all(type(key) is str and key != TAG for key, _ in pairs):
                return dict(pairs)
            return {TAG: "map", "v": [[plain_or_text(key, depth + 1), item] for key, item in pairs]}
        case _:
            return text_of(value)


def _fields_of(value: Any) -> Mapping[str, Any] | None:
    """The fields of an object of a known kind, by name; None for any other object."""
    if isinstance(value, type):
        return None
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name, None) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return cast("Mapping[str, Any]", value)
    names = field_names(type(value))
    return None if names is None else {name: getattr(value, name, None) for name in names}


def field_names(kind: type[Any]) -> list[str] | None:
    """The field names of a pydantic model or a param class, known by their shape; None for any other class."""
    for attribute in ("model_fields", "__fields__"):  # pydantic 2, pydantic 1
        fields: Any = vars(kind).get(attribute) or getattr(kind, attribute, None)
        if isinstance(fields, Mapping) and hasattr(
            kind, "__fields_set__" if attribute == "__fields__" else "model_dump"
        ):
            return list(cast("Mapping[str, Any]", fields))
    values = getattr(getattr(kind, "param", None), "values", None)
    if callable(values):
        return [name for name in cast("dict[str, Any]", values()) if name != "name"]
    return None
