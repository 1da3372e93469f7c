"""Any object as plain data, as far as it can be; the parts of it that cannot as text."""

import collections
import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, cast

from ezmsg_core.component.foreign_settings import foreign_names
from ezmsg_core.errors import EzmsgError
from ezmsg_core.model.plain import MAX_DEPTH, TAG, to_plain

MAX_TEXT = 4096  # characters of a value that is shown as text


def fields_of(value: Any) -> dict[str, Any] | None:
    """The fields of an object of a settings class by name; None for any other object."""
    if isinstance(value, type):
        return None
    if dataclasses.is_dataclass(value):
        names: list[str] | None = [field.name for field in dataclasses.fields(value)]
    else:
        names = foreign_names(cast("type[Any]", type(value)))
    return None if names is None else {name: getattr(value, name, None) for name in names}


def plain_or_text(value: Any, depth: int = 0) -> Any:
    """The value as plain data; a part without a plain form as text, the others as data all the same.

    Args:
        value: anything; objects of settings classes become dicts by field name.
        depth: levels already above the value.
    """
    if depth >= MAX_DEPTH:
        return text_of(value)
    fields = fields_of(value)
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
    try:
        if type(value).__name__ == "ndarray":
            text = f"array of {value.dtype} with the shape {value.shape}"
        else:
            text = repr(value)
    except Exception as error:  # noqa: BLE001 - the object's own code
        text = f"<{type(value).__name__} whose repr raised {type(error).__name__}>"
    return text[:MAX_TEXT].encode("utf-8", "backslashreplace").decode()


def _by_parts(value: Any, depth: int) -> Any:
    """A container, some part of which has no plain form; anything else as text."""
    match value:
        case list() | collections.deque():
            return [plain_or_text(item, depth + 1) for item in cast("Iterable[Any]", value)]
        case tuple():
            return {TAG: "tuple", "v": [plain_or_text(item, depth + 1) for item in cast("tuple[Any, ...]", value)]}
        case Mapping():
            pairs = [(key, plain_or_text(item, depth + 1)) for key, item in cast("Mapping[Any, Any]", value).items()]
            if all(type(key) is str and key != TAG and isinstance(to_plain(key), str) for key, _ in pairs):
                return dict(pairs)
            return {TAG: "map", "v": [[plain_or_text(key, depth + 1), item] for key, item in pairs]}
        case _:
            return text_of(value)
