"""The schema of a settings class, read from its declaration."""

import dataclasses
import enum
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal, Union, cast, get_args, get_origin

from ezmsg_core.component.stream import type_name
from ezmsg_core.model.settings import FieldKind, SettingsFieldMetadata, SettingsSchemaMetadata

MAX_NESTING = 8  # levels of nested classes; deeper ones are shown whole

_SCALARS: dict[Any, FieldKind] = {
    bool: FieldKind.BOOL,
    int: FieldKind.INT,
    float: FieldKind.FLOAT,
    str: FieldKind.STR,
    bytes: FieldKind.BYTES,
    Any: FieldKind.ANY,
    object: FieldKind.ANY,
}


def schema_of(settings: Any) -> SettingsSchemaMetadata | None:
    """The schema of a settings class, or of a settings object's class; None for classes of an unknown kind."""
    kind = settings if isinstance(settings, type) else type(settings)
    if not dataclasses.is_dataclass(kind):
        return None
    return SettingsSchemaMetadata("dataclass", type_name(kind), _fields(kind, 0))


def _fields(kind: type[Any], depth: int) -> list[SettingsFieldMetadata]:
    try:
        hints = typing.get_type_hints(kind, include_extras=True)
    except Exception:  # noqa: BLE001 - an annotation that does not resolve is the program's business
        hints = {}
    return [
        _described(field, _typed(field.name, hints.get(field.name, field.type), depth))
        for field in dataclasses.fields(kind)
        if field.init
    ]


def _described(field: "dataclasses.Field[Any]", base: SettingsFieldMetadata) -> SettingsFieldMetadata:
    marks = field.metadata
    low, is_low_out = _bound(marks, "ge", "min", "gt")
    high, is_high_out = _bound(marks, "le", "max", "lt")
    choices = [_plain(choice) for choice in marks["choices"]] if marks.get("choices") else base.choices
    required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    described = _replace(
        base,
        required=required,
        default=_default(field),
        description=_text(marks.get("description")),
        bounds=(low, high) if low is not None or high is not None else None,
        choices=choices,
        is_read_only=bool(marks.get("read_only", False)),
        is_lower_exclusive=is_low_out,
        is_upper_exclusive=is_high_out,
        step=marks.get("step"),
        unit=_text(marks.get("unit")),
        length=_length(marks.get("length")),
        pattern=_text(marks.get("pattern")),
    )
    return _replace(described, widget_hint=_text(marks.get("widget")) or _widget(described))


def _typed(name: str, annotation: Any, depth: int) -> SettingsFieldMetadata:
    """What an annotation alone says of a field."""
    base = SettingsFieldMetadata(name, _shown(annotation), True, None, None, None, None, None)
    inner, is_optional = _without_none(annotation)
    origin, arguments = get_origin(inner), get_args(inner)
    parts: dict[str, Any] = {"is_optional": is_optional, "kind": FieldKind.OPAQUE}
    if origin is typing.Annotated:
        return _replace(_typed(name, arguments[0], depth), is_optional=is_optional, field_type=base.field_type)
    if inner in _SCALARS if isinstance(inner, type) or inner is Any else False:
        parts["kind"] = _SCALARS[inner]
    elif origin is Literal:
        parts.update(kind=FieldKind.LITERAL, choices=[_plain(choice) for choice in arguments])
    elif isinstance(inner, type) and issubclass(inner, enum.Enum):
        parts.update(kind=FieldKind.ENUM, choices=[_plain(member.value) for member in inner])
    elif inner is list or origin is list:
        parts.update(kind=FieldKind.LIST, items=[_typed("item", a, depth + 1) for a in arguments[:1]])
    elif inner is tuple or origin is tuple:
        is_variadic = len(arguments) == 2 and arguments[1] is Ellipsis
        kinds = arguments[:1] if is_variadic else arguments
        parts.update(kind=FieldKind.TUPLE, is_variadic=is_variadic, items=[_typed("item", a, depth + 1) for a in kinds])
    elif inner is dict or origin is dict:
        parts.update(kind=FieldKind.DICT, items=[_typed("item", a, depth + 1) for a in arguments[1:2]])
    elif isinstance(inner, type) and dataclasses.is_dataclass(inner) and depth < MAX_NESTING:
        parts.update(kind=FieldKind.NESTED, fields=_fields(inner, depth + 1))
    elif isinstance(inner, type) and inner.__module__.partition(".")[0] == "numpy":
        parts["kind"] = _numpy_kind(inner)
    elif "numpy" in str(origin):
        parts["kind"] = FieldKind.ARRAY
    elif isinstance(inner, typing.TypeVar) or origin in (Union, types.UnionType):
        parts["kind"] = FieldKind.ANY
    return _replace(base, **parts)


def _numpy_kind(kind: type) -> FieldKind:
    name = kind.__name__
    if name == "ndarray":
        return FieldKind.ARRAY
    if name.startswith(("int", "uint")):
        return FieldKind.INT
    if name.startswith("float"):
        return FieldKind.FLOAT
    return FieldKind.BOOL if name.startswith("bool") else FieldKind.OPAQUE


def _without_none(annotation: Any) -> tuple[Any, bool]:
    if get_origin(annotation) not in (Union, types.UnionType):
        return annotation, False
    arguments = get_args(annotation)
    rest = [argument for argument in arguments if argument is not type(None)]
    if len(rest) == len(arguments):
        return annotation, False
    return (rest[0] if len(rest) == 1 else Union[tuple(rest)]), True  # noqa: UP007 - made at run time


def _bound(marks: Mapping[Any, Any], inclusive: str, alias: str, exclusive: str) -> tuple[float | None, bool]:
    for name in (inclusive, alias):
        if marks.get(name) is not None:
            return float(marks[name]), False
    if marks.get(exclusive) is not None:
        return float(marks[exclusive]), True
    return None, False


def _default(field: "dataclasses.Field[Any]") -> Any:
    if field.default is not dataclasses.MISSING:
        return _plain(field.default)
    if field.default_factory is dataclasses.MISSING:
        return None
    try:
        return _plain(field.default_factory())
    except Exception:  # noqa: BLE001 - a factory is the program's code; without a default the schema still holds
        return None


def _plain(value: Any) -> Any:
    from ezmsg_core.component.structured import plain_or_text

    return plain_or_text(value)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _length(value: Any) -> tuple[int | None, int | None] | None:
    if isinstance(value, int):
        return value, value
    return cast("tuple[int | None, int | None] | None", tuple(value) if value is not None else None)


def _shown(annotation: Any) -> str:
    if annotation is Any:
        return "Any"
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation.__qualname__ if annotation.__module__ != "builtins" else annotation.__name__
    return str(annotation).replace("typing.", "").replace("NoneType", "None")


def _widget(field: SettingsFieldMetadata) -> str | None:
    if field.choices:
        return "select"
    match field.kind:
        case FieldKind.BOOL:
            return "checkbox"
        case FieldKind.INT | FieldKind.FLOAT if field.bounds is not None and None not in field.bounds:
            return "slider"
        case FieldKind.INT:
            return "int_input"
        case FieldKind.FLOAT:
            return "float_input"
        case FieldKind.STR:
            return "text_input"
        case _:
            return None


def _replace(field: SettingsFieldMetadata, **parts: Any) -> SettingsFieldMetadata:
    values = {name: getattr(field, name) for name in field.__struct_fields__}
    return SettingsFieldMetadata(**{**values, **parts})
