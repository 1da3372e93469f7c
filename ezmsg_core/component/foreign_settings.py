"""Settings classes of other libraries, known by their shape: pydantic models of both kinds, and param classes.

None of the libraries is imported; without them, nothing here applies.
"""

import copy
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field
from typing import Any, Literal, cast

from ezmsg_core.component.annotations import annotations_of, rules_in_notes

Library = Literal["pydantic", "pydantic 1", "param"]

_PARAM_TYPES: dict[str, Any] = {
    "Boolean": bool,
    "Bytes": bytes,
    "Dict": dict,
    "Integer": int,
    "List": list,
    "Magnitude": float,
    "Number": float,
    "String": str,
}


@dataclass(frozen=True, slots=True)
class ForeignField:
    """What a foreign class says of one field."""

    name: str
    annotation: Any
    default: Any = MISSING  # MISSING: required
    rules: Mapping[str, Any] = field(default_factory=dict[str, Any])  # as of `field_rules.ruled`


def library_of(kind: type[Any]) -> Library | None:
    """The library whose settings class it is; None for any other class."""
    if isinstance(getattr(kind, "model_fields", None), Mapping) and hasattr(kind, "model_validate"):
        return "pydantic"
    if isinstance(vars(kind).get("__fields__"), Mapping) and hasattr(kind, "parse_obj"):
        return "pydantic 1"
    if hasattr(kind, "param") and hasattr(kind.param, "add_parameter"):
        return "param"
    return None


def foreign_names(kind: type[Any]) -> list[str] | None:
    """Field names of a foreign settings class; None for any other class."""
    match library_of(kind):
        case "pydantic":
            return list(kind.model_fields)
        case "pydantic 1":
            return list(kind.__fields__)
        case "param":
            return [name for name in kind.param.values() if name != "name"]
        case _:
            return None


def foreign_fields(kind: type[Any]) -> list[ForeignField] | None:
    """The fields of a foreign settings class, in its order; None for any other class."""
    match library_of(kind):
        case "pydantic":
            return [_of_pydantic(name, info) for name, info in kind.model_fields.items()]
        case "pydantic 1":
            annotations = annotations_of(kind)
            return [_of_pydantic1(name, entry, annotations) for name, entry in kind.__fields__.items()]
        case "param":
            return [_of_param(name, kind.param[name]) for name in foreign_names(kind) or ()]
        case _:
            return None


def with_changes(settings: Any, changes: Mapping[str, Any]) -> Any:
    """A foreign settings object with other values in some fields; its library checks them.

    Raises:
        Exception: whatever the library has against a value.
    """
    kind = cast("Any", type(settings))
    if library_of(kind) == "param":
        changed = copy.deepcopy(settings)
        changed.param.update(**changes)
        return changed
    return from_fields(kind, {**{name: getattr(settings, name) for name in foreign_names(kind) or ()}, **changes})


def from_fields(kind: Any, values: Mapping[str, Any]) -> Any:
    """An object of a foreign settings class with these values, by field name; its library checks them.

    Raises:
        Exception: whatever the library has against a value.
    """
    match library_of(kind):
        case "pydantic":
            keys = {name: _alias(name, info) for name, info in kind.model_fields.items()}
            return kind.model_validate({keys.get(name, name): value for name, value in values.items()})
        case "pydantic 1":
            keys = {name: entry.alias for name, entry in kind.__fields__.items()}
            return kind.parse_obj({keys.get(name, name): value for name, value in values.items()})
        case _:
            return kind(**values)


def _alias(name: str, info: Any) -> str:
    """Under which key the model takes a field."""
    alias = getattr(info, "validation_alias", None)
    return alias if isinstance(alias, str) else name


def _of_pydantic(name: str, info: Any) -> ForeignField:
    rules = rules_in_notes(info.metadata)
    if info.description:
        rules["description"] = info.description
    extra = info.json_schema_extra
    if isinstance(extra, Mapping):
        rules = {**cast("Mapping[str, Any]", extra), **rules}
    if getattr(info, "frozen", None):
        rules["read_only"] = True
    return ForeignField(name, info.annotation, _default_of(info, is_required=info.is_required()), rules)


def _of_pydantic1(name: str, entry: Any, annotations: Mapping[str, Any]) -> ForeignField:
    info = entry.field_info
    names = {"regex": "pattern", "multiple_of": "step", "min_items": "min_length", "max_items": "max_length"}
    rules = {
        names.get(rule, rule): value
        for rule in ("ge", "gt", "le", "lt", "min_length", "max_length", "description", *names)
        if (value := getattr(info, rule, None)) is not None
    }
    return ForeignField(name, annotations.get(name, Any), _default_of(entry, is_required=bool(entry.required)), rules)


def _default_of(info: Any, *, is_required: bool) -> Any:
    if is_required:
        return MISSING
    if info.default_factory is None:
        return info.default
    try:
        return info.default_factory()
    except Exception:  # noqa: BLE001 - the program's code, which may want the other fields
        return None


def _of_param(name: str, parameter: Any) -> ForeignField:
    rules: dict[str, Any] = {}
    bounds: Any = getattr(parameter, "bounds", None)
    if isinstance(bounds, tuple):
        default: Any = parameter.default
        if isinstance(default, (list, tuple)):
            rules["length"] = bounds
        else:
            low_in, high_in = getattr(parameter, "inclusive_bounds", (True, True))
            rules["ge" if low_in else "gt"], rules["le" if high_in else "lt"] = cast("tuple[Any, Any]", bounds)
    objects: Any = getattr(parameter, "objects", None)
    if objects:
        named: Any = cast("Mapping[Any, Any]", objects).values() if isinstance(objects, Mapping) else objects
        rules["choices"] = list(named)
    rules["step"] = getattr(parameter, "step", None)
    rules["pattern"] = getattr(parameter, "regex", None)
    rules["description"] = (parameter.doc or "").strip() or None
    rules["read_only"] = bool(parameter.constant or parameter.readonly)
    annotation = next((_PARAM_TYPES[k.__name__] for k in type(parameter).__mro__ if k.__name__ in _PARAM_TYPES), Any)
    if annotation is list and isinstance(getattr(parameter, "item_type", None), type):
        annotation = list[parameter.item_type]
    if parameter.allow_None and annotation is not Any:
        annotation = annotation | None
    return ForeignField(name, annotation, parameter.default, rules)
