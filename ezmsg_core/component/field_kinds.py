"""What an annotation says of a settings field: its kind, and what is in it."""

import collections
import collections.abc
import dataclasses
import enum
import pathlib
import typing
from typing import Any, Literal, cast, get_args, get_origin

import msgspec

from ezmsg_core.component.annotations import (
    annotation_text,
    annotations_of,
    bare,
    inner_of,
    rules_in_notes,
    union_members,
)
from ezmsg_core.component.field_rules import ruled
from ezmsg_core.component.foreign_settings import foreign_fields
from ezmsg_core.component.plain_tree import plain_or_text
from ezmsg_core.errors import EzmsgError
from ezmsg_core.model.plain import to_plain
from ezmsg_core.model.settings import FieldKind, SettingsFieldMetadata

Classes = tuple[type[Any], ...]

MAX_NESTING = 8  # levels of classes in classes; editors show no more

LISTS = (list, collections.deque, collections.abc.Sequence, collections.abc.MutableSequence, collections.abc.Iterable)
DICTS = (dict, collections.OrderedDict, collections.abc.Mapping, collections.abc.MutableMapping)
_SCALARS = (
    (bool, FieldKind.BOOL),
    (int, FieldKind.INT),
    (float, FieldKind.FLOAT),
    (str, FieldKind.STR),
    (bytes, FieldKind.BYTES),
    (bytearray, FieldKind.BYTES),
)
_NUMPY_SCALARS = {
    "integer": FieldKind.INT,
    "floating": FieldKind.FLOAT,
    "bool": FieldKind.BOOL,
    "bool_": FieldKind.BOOL,
}


def field_of(name: str, annotation: Any, within: Classes = ()) -> SettingsFieldMetadata:
    """What an annotation alone says of a required field.

    Args:
        name: of the field.
        annotation: resolved; text that could not be resolved gives a field of any kind.
        within: the settings classes above it, the outermost first.
    """
    inner, is_optional, notes = inner_of(annotation)
    field = msgspec.structs.replace(_blank(name, annotation_text(annotation)), **_parts(inner, within))
    if is_optional or (field.kind is FieldKind.LITERAL and None in get_args(inner)):
        field = msgspec.structs.replace(field, is_optional=True)
    return ruled(field, rules_in_notes(notes))


def _blank(name: str, field_type: str) -> SettingsFieldMetadata:
    return SettingsFieldMetadata(
        name, field_type, required=True, default=None, description=None, bounds=None, choices=None, widget_hint=None
    )


def fields_in(kind: Any, within: Classes = ()) -> list[SettingsFieldMetadata] | None:
    """The fields of a settings class, in its order; None if it is of no known kind.

    Args:
        kind: the class, with its arguments if it is generic.
        within: the settings classes above it, the outermost first.
    """
    origin: type[Any] = get_origin(kind) or kind
    if dataclasses.is_dataclass(origin):
        annotations = annotations_of(origin, get_args(kind))
        return [_of_dataclass(field, annotations, within) for field in dataclasses.fields(origin)]
    foreign = foreign_fields(origin)
    if foreign is None:
        return None
    return [
        _with_default(ruled(field_of(each.name, each.annotation, within), each.rules), each.default) for each in foreign
    ]


def _of_dataclass(
    field: "dataclasses.Field[Any]", annotations: dict[str, Any], within: Classes
) -> SettingsFieldMetadata:
    described = ruled(field_of(field.name, annotations.get(field.name, field.type), within), field.metadata)
    if described.description is None and isinstance(text := getattr(field, "doc", None), str):
        described = msgspec.structs.replace(described, description=text)
    if not field.init:
        described = msgspec.structs.replace(described, is_read_only=True)  # computed by the class itself
    default: Any = field.default
    if field.default_factory is not dataclasses.MISSING:
        try:
            default = field.default_factory()
        except Exception:  # noqa: BLE001 - a factory is the program's code
            default = "<factory>"
    return _with_default(described, default)


def _with_default(field: SettingsFieldMetadata, default: Any) -> SettingsFieldMetadata:
    if default is dataclasses.MISSING:
        return msgspec.structs.replace(field, required=not field.is_read_only)
    if default is None:  # says that None is a value, whatever the annotation says
        return msgspec.structs.replace(field, required=False, is_optional=True)
    if field.kind is FieldKind.ANY and not is_plain(default):
        field = msgspec.structs.replace(field, kind=FieldKind.OPAQUE, widget_hint=None)
    return msgspec.structs.replace(field, required=False, default=plain_or_text(default))


def is_plain(value: object) -> bool:
    """Whether the value can be expressed as data."""
    try:
        to_plain(value)
    except EzmsgError:
        return False
    return True


def _parts(inner: Any, within: Classes) -> dict[str, Any]:
    """The fields of a record that follow from an annotation without wrappers."""
    origin: Any = get_origin(inner) or inner
    arguments = get_args(inner)
    if inner is Any or inner is object or isinstance(inner, str):
        return {"kind": FieldKind.ANY}
    if union_members(inner):
        is_number = all(member in (int, float) for member in arguments)
        return {"kind": FieldKind.FLOAT if is_number else FieldKind.ANY}
    if origin is Literal:
        return {"kind": FieldKind.LITERAL, "choices": [plain_or_text(each) for each in arguments if each is not None]}
    if not isinstance(origin, type):
        return {"kind": FieldKind.OPAQUE}
    kind = cast("type[Any]", origin)
    if issubclass(kind, tuple):
        return _tuple_parts(cast("Any", kind), arguments, within)
    if origin in LISTS:
        return {"kind": FieldKind.LIST, "items": [field_of("item", each, within) for each in arguments[:1]]}
    if origin in DICTS or typing.is_typeddict(kind):
        is_by_name = not arguments or bare(arguments[0])[0] is str
        items = [field_of("value", each, within) for each in arguments[1:2]]
        return {"kind": FieldKind.DICT, "items": items} if is_by_name else {"kind": FieldKind.ANY}
    if issubclass(kind, collections.abc.Set):
        return {"kind": FieldKind.ANY}
    return _class_parts(kind, inner, within)


def _tuple_parts(origin: type[Any], arguments: tuple[Any, ...], within: Classes) -> dict[str, Any]:
    names: tuple[str, ...] | None = getattr(origin, "_fields", None)
    if names is not None:
        annotations = annotations_of(origin)
        members = [(name, annotations.get(name, Any)) for name in names]
        return {"kind": FieldKind.TUPLE, "items": [field_of(name, each, within) for name, each in members]}
    is_variadic = not arguments or (len(arguments) == 2 and arguments[1] is Ellipsis)
    items = [field_of("item", each, within) for each in (arguments[:1] if is_variadic else arguments)]
    return {"kind": FieldKind.TUPLE, "is_variadic": is_variadic, "items": items}


def _class_parts(kind: type[Any], annotation: Any, within: Classes) -> dict[str, Any]:
    if issubclass(kind, enum.Enum):
        if issubclass(kind, enum.Flag):
            return {"kind": FieldKind.INT}
        values = [member.value for member in kind]
        if not all(map(is_plain, values)):
            return {"kind": FieldKind.OPAQUE}
        return {"kind": FieldKind.ENUM, "choices": [to_plain(value) for value in values]}
    if kind.__module__.partition(".")[0] == "numpy":
        if kind.__name__ == "ndarray":
            return {"kind": FieldKind.ARRAY}
        names = [base.__name__ for base in kind.__mro__ if base.__name__ in _NUMPY_SCALARS]
        if names:
            return {"kind": _NUMPY_SCALARS[names[0]]}
    for scalar, field_kind in _SCALARS:
        if issubclass(kind, scalar):
            return {"kind": field_kind}
    if issubclass(kind, pathlib.PurePath):
        return {"kind": FieldKind.STR}
    if kind.__module__ == "datetime" or kind is complex:
        return {"kind": FieldKind.ANY}
    if kind in within or len(within) >= MAX_NESTING:
        return {"kind": FieldKind.ANY}
    fields = fields_in(annotation, (*within, kind))
    return {"kind": FieldKind.OPAQUE} if fields is None else {"kind": FieldKind.NESTED, "fields": fields}
