"""Patches applied to settings objects: all fields together, or nothing."""

import dataclasses
import enum
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar, Union, cast, get_args, get_origin

from ezmsg_core.component.schema import schema_of
from ezmsg_core.errors import EzmsgError, SettingsError, SettingsValueError
from ezmsg_core.model.validation import check_value, find_field

S = TypeVar("S")


def apply_patch(settings: S, fields: Mapping[str, Any], *, component: str) -> S:
    """A settings object with these fields changed; the given one stays as it is.

    Args:
        settings: the object in force.
        fields: plain data by dotted path.
        component: address, for errors.

    Raises:
        UnknownSettingError: a path leads to no field.
        SettingsValueError: a value breaks a rule of its field, or the class refuses the combination.
        SettingsError: settings of this kind cannot be changed field by field.
    """
    schema = schema_of(settings)
    if schema is None:
        raise SettingsError(
            f"The settings of {component} are a {type(settings).__name__}, whose fields are not known; only dataclasses "
            "can be changed field by field.",
            component=component,
        )
    checked = {
        path: check_value(find_field(schema, path, component=component), value, component=component, path=path)
        for path, value in fields.items()
    }
    try:
        return _rebuilt(settings, checked)
    except EzmsgError:
        raise
    except Exception as error:
        names = ", ".join(fields)
        raise SettingsValueError(
            f"{component} refuses {names}: {error}",
            component=component,
            field_path=names,
            value=repr(dict(fields))[:80],
            rule="settings class",
        ) from error


def _rebuilt(settings: Any, values: Mapping[str, Any]) -> Any:
    """The object with values at dotted paths; each level is made once, with everything that changes in it."""
    hints = _hints(type(settings))
    changes: dict[str, Any] = {}
    deeper: dict[str, dict[str, Any]] = {}
    for path, value in values.items():
        name, _, rest = path.partition(".")
        if rest:
            deeper.setdefault(name, {})[rest] = value
        else:
            changes[name] = _as_annotated(value, hints.get(name, Any))
    for name, inner in deeper.items():
        changes[name] = _rebuilt(changes.get(name, getattr(settings, name)), inner)
    return dataclasses.replace(settings, **changes)


def _hints(kind: type[Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(kind)
    except Exception:  # noqa: BLE001 - an annotation that does not resolve is the program's business
        return {}


def _as_annotated(value: Any, annotation: Any) -> Any:
    """A checked value in the type that the annotation names."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        if value is None:
            return None
        rest = [argument for argument in arguments if argument is not type(None)]
        return _as_annotated(value, rest[0]) if len(rest) == 1 else value
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return annotation(value)
    if dataclasses.is_dataclass(annotation) and isinstance(annotation, type) and isinstance(value, dict):
        hints = _hints(annotation)
        parts = cast("dict[str, Any]", value)
        return annotation(**{name: _as_annotated(item, hints.get(name, Any)) for name, item in parts.items()})
    if origin is list or annotation is list:
        return [_as_annotated(item, arguments[0] if arguments else Any) for item in value]
    if origin is tuple or annotation is tuple:
        is_variadic = len(arguments) == 2 and arguments[1] is Ellipsis
        kinds = [arguments[0]] * len(value) if is_variadic else [*arguments, *[Any] * len(value)]
        return tuple(_as_annotated(item, kind) for item, kind in zip(value, kinds, strict=False))
    if origin is dict and len(arguments) == 2:
        return {key: _as_annotated(item, arguments[1]) for key, item in value.items()}
    if isinstance(annotation, type) and annotation.__module__ == "numpy" and isinstance(value, (bool, int, float)):
        return annotation(value)
    return value
