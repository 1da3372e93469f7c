"""Plain values that came from outside, as objects of the types that annotations name."""

import collections
import collections.abc
import dataclasses
import enum
import pathlib
import typing
from collections.abc import Iterable, Mapping
from typing import Any, Literal, cast, get_args, get_origin

from ezmsg_core.component.annotations import annotation_text, annotations_of, bare, union_members
from ezmsg_core.component.field_kinds import DICTS, LISTS, field_of
from ezmsg_core.component.foreign_settings import foreign_names, from_fields
from ezmsg_core.component.plain_tree import plain_or_text
from ezmsg_core.errors import SettingsValueError
from ezmsg_core.model.plain import to_plain
from ezmsg_core.model.validation import check_value

_SCALARS: tuple[tuple[type[Any], tuple[type[Any], ...]], ...] = (
    (bool, (bool,)),
    (int, (int,)),
    (float, (int, float)),
    (complex, (int, float, complex)),
    (str, (str,)),
    (bytes, (bytes,)),
    (bytearray, (bytes,)),
    (pathlib.PurePath, (str,)),
)
"""Classes, and of which values their objects can be made without a loss."""


def typed_value(value: Any, annotation: Any) -> Any:
    """The value as an object of the type; enum members, records, paths, sets and numpy scalars among them.

    Args:
        value: what `from_plain` gives, normally after `check_value`.
        annotation: resolved; what is no type lets the value through as it is.

    Raises:
        TypeError: the value is of another type.
        Exception: what the class of a record has against its fields.
    """
    inner, _ = bare(annotation)
    members = union_members(inner)
    if members:
        return _of_union(value, members, annotation)
    origin: Any = get_origin(inner) or inner
    if origin is Literal:
        return _member(value, get_args(inner), annotation)
    if origin is Any or not isinstance(origin, type):
        return value
    kind = cast("type[Any]", origin)
    if issubclass(kind, enum.Enum):
        return kind(value) if issubclass(kind, enum.Flag) else _member(value, kind, annotation)
    if isinstance(value, Mapping):
        return _of_mapping(cast("Mapping[Any, Any]", value), kind, annotation, get_args(inner))
    if isinstance(value, (list, tuple, set, frozenset)):
        return _of_items(list(cast("Iterable[Any]", value)), kind, annotation, get_args(inner))
    return _of_scalar(value, kind, annotation)


def _of_union(value: Any, members: tuple[Any, ...], annotation: Any) -> Any:
    """As the member of which the value is already, or else the first one that takes it."""
    if any(bare(member)[0] is type(value) for member in members):
        return value
    for member in members:
        try:
            return typed_value(check_value(field_of("value", member), to_plain(value)), member)
        except (SettingsValueError, TypeError, ValueError):
            continue
    raise _mismatch(value, annotation)


def _member(value: Any, members: Iterable[Any], annotation: Any) -> Any:
    plain = to_plain(value)
    for member in members:
        its_plain = plain_or_text(member)
        if its_plain == plain and isinstance(its_plain, bool) is isinstance(plain, bool):
            return member
    raise _mismatch(value, annotation)


def _of_mapping(value: Mapping[Any, Any], kind: type[Any], annotation: Any, arguments: tuple[Any, ...]) -> Any:
    if dataclasses.is_dataclass(kind):
        hints = annotations_of(kind, arguments)
        make: Any = kind
        return make(**{name: _of_field(item, hints.get(name, Any)) for name, item in value.items()})
    if foreign_names(kind) is not None:
        return from_fields(kind, value)
    if typing.is_typeddict(kind):
        hints = annotations_of(kind)
        return {name: _of_field(item, hints.get(name, Any)) for name, item in value.items()}
    if kind is object:
        return value
    if kind not in DICTS:
        raise _mismatch(value, annotation)
    of_key, of_item = arguments if len(arguments) == 2 else (Any, Any)
    pairs = {typed_value(key, of_key): typed_value(item, of_item) for key, item in value.items()}
    return collections.OrderedDict(pairs) if kind is collections.OrderedDict else pairs


def _of_field(value: Any, annotation: Any) -> Any:
    """None stays None: a field may have it for a default, whatever its annotation says."""
    return None if value is None else typed_value(value, annotation)


def _of_items(items: list[Any], kind: type[Any], annotation: Any, arguments: tuple[Any, ...]) -> Any:
    if issubclass(kind, tuple):
        return _of_tuple(items, cast("Any", kind), arguments)
    if kind is object:
        return items
    of_item: Any = arguments[0] if arguments else Any
    made = [typed_value(item, of_item) for item in items]
    if issubclass(kind, collections.abc.Set):
        return set(made) if issubclass(kind, collections.abc.MutableSet) else frozenset(made)
    if kind not in LISTS:
        raise _mismatch(items, annotation)
    return collections.deque(made) if kind is collections.deque else made


def _of_tuple(items: list[Any], kind: type[Any], arguments: tuple[Any, ...]) -> Any:
    names: tuple[str, ...] | None = getattr(kind, "_fields", None)
    if names is not None:
        hints = annotations_of(kind)
        named = dict(zip(names, items, strict=True))
        return kind(**{name: _of_field(item, hints.get(name, Any)) for name, item in named.items()})
    if not arguments:
        return tuple(items)
    is_variadic = len(arguments) == 2 and arguments[1] is Ellipsis
    kinds = arguments[:1] * len(items) if is_variadic else arguments
    return tuple(typed_value(item, each) for item, each in zip(items, kinds, strict=True))


def _of_scalar(value: Any, kind: type[Any], annotation: Any) -> Any:
    if kind is object or (isinstance(value, kind) and not isinstance(value, bool)):
        return value
    for base, sources in _SCALARS:
        if issubclass(kind, base):
            if not isinstance(value, sources) or isinstance(value, bool) is not (base is bool):
                raise _mismatch(value, annotation)
            return value if base is bool else kind(value)
    if kind.__module__ == "numpy" and isinstance(value, (bool, int, float)):
        return value if "__new__" not in vars(kind) else kind(value)
    raise _mismatch(value, annotation)


def _mismatch(value: Any, annotation: Any) -> TypeError:
    is_of = "None" if value is None else type(value).__name__
    return TypeError(f"it has to be {annotation_text(annotation)}, and is {is_of}")
