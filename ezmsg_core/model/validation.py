"""Checking a value against the schema of its field: one function for owners, servers and editors."""

import difflib
import math
import re
from typing import Any, cast

from ezmsg_core.errors import EzmsgError, SettingsValueError, UnknownSettingError
from ezmsg_core.model.plain import from_plain
from ezmsg_core.model.settings import FieldKind, SettingsFieldMetadata, SettingsSchemaMetadata

MAX_SHOWN = 80  # characters of a value in an error


def find_field(
    schema: SettingsSchemaMetadata, dotted_path: str, *, component: str = ""
) -> SettingsFieldMetadata:
    """The field at a dotted path.

    Raises:
        UnknownSettingError: there is none; the error names the nearest.
    """
    fields = schema.fields
    found: SettingsFieldMetadata | None = None
    walked: list[str] = []
    for part in dotted_path.split("."):
        found = next((field for field in fields if field.name == part), None)
        if found is None:
            names = [field.name for field in fields]
            nearest = difflib.get_close_matches(part, names, n=3) or names[:8]
            prefix = ".".join([*walked, ""])
            raise UnknownSettingError(
                f"{component or schema.settings_type} has no field {dotted_path!r}. Near it: "
                f"{', '.join(prefix + name for name in nearest) or 'nothing; it has no fields there'}.",
                component=component,
                field_path=dotted_path,
                nearest=[prefix + name for name in nearest],
            )
        walked.append(part)
        fields = found.fields
    assert found is not None
    return found


def check_value(
    field: SettingsFieldMetadata, value: Any, *, component: str = "", path: str | None = None
) -> Any:
    """The value, coerced to its field's kind where that loses nothing.

    Args:
        field: what the value is for.
        value: plain data.
        component: address, for the error.
        path: dotted path of the field, for the error; None: its name.

    Raises:
        SettingsValueError: it breaks a rule, which the error names.
    """
    return _Check(component, path or field.name).value(field, value)


class _Check:
    """One check; knows what to call the field in an error."""

    def __init__(self, component: str, path: str) -> None:
        self._component = component
        self._path = path

    def value(self, field: SettingsFieldMetadata, value: Any) -> Any:
        if field.is_read_only or field.kind in (FieldKind.ARRAY, FieldKind.OPAQUE):
            raise self._refusal(value, "read_only", "it is read-only")
        if value is None and (field.is_optional or field.kind is FieldKind.ANY):
            return None
        try:
            value = from_plain(value)
        except EzmsgError as error:
            raise self._refusal(value, "type", error.text) from error
        checked = self._kind(field, value)
        self._bounds(field, checked)
        self._length(field, checked)
        return checked

    def _kind(self, field: SettingsFieldMetadata, value: Any) -> Any:
        match field.kind:
            case FieldKind.BOOL if isinstance(value, bool):
                return value
            case FieldKind.INT if isinstance(value, int) and not isinstance(value, bool):
                return value
            case FieldKind.INT if isinstance(value, float) and value.is_integer():
                return int(value)
            case FieldKind.FLOAT if isinstance(value, (int, float)) and not isinstance(value, bool):
                if math.isnan(value):
                    raise self._refusal(value, "type", "it is not a number")
                return float(value)
            case FieldKind.STR if isinstance(value, str):
                return value
            case FieldKind.BYTES if isinstance(value, bytes):
                return value
            case FieldKind.ENUM | FieldKind.LITERAL:
                return self._choice(field, value)
            case FieldKind.LIST | FieldKind.TUPLE if isinstance(value, (list, tuple)):
                return self._items(field, list(cast("list[Any]", value)))
            case FieldKind.DICT if isinstance(value, dict):
                items = field.items[0] if field.items else None
                pairs = cast("dict[Any, Any]", value)
                return {k: self._inner(items, v, f"[{k!r}]") for k, v in pairs.items()}
            case FieldKind.NESTED if isinstance(value, dict):
                return self._nested(field, cast("dict[str, Any]", value))
            case FieldKind.ANY:
                return self._choice(field, value) if field.choices else value
            case _:
                wanted = field.field_type or field.kind.value
                raise self._refusal(value, "type", f"it has to be {wanted}, and is {type(value).__name__}")

    def _choice(self, field: SettingsFieldMetadata, value: Any) -> Any:
        for choice in field.choices or []:
            known = from_plain(choice)
            if known == value and isinstance(known, bool) is isinstance(value, bool):
                return known
        allowed = ", ".join(repr(from_plain(choice)) for choice in field.choices or [])
        raise self._refusal(value, "choices", f"it has to be one of {allowed}")

    def _items(self, field: SettingsFieldMetadata, values: list[Any]) -> list[Any]:
        kinds = field.items
        if field.kind is FieldKind.TUPLE and not field.is_variadic and kinds and len(kinds) != len(values):
            raise self._refusal(values, "length", f"it has to have {len(kinds)} items, and has {len(values)}")
        is_same = field.kind is FieldKind.LIST or field.is_variadic
        return [
            self._inner((kinds[0] if is_same else kinds[i]) if kinds else None, item, f"[{i}]")
            for i, item in enumerate(values)
        ]

    def _nested(self, field: SettingsFieldMetadata, value: dict[str, Any]) -> dict[str, Any]:
        known = {inner.name: inner for inner in field.fields}
        for name in value:
            if name not in known:
                raise self._refusal(value, "type", f"it has no field {name!r}")
        missing = [inner.name for inner in field.fields if inner.required and inner.name not in value]
        if missing:
            raise self._refusal(value, "type", f"the field {missing[0]!r} is missing")
        return {name: self._inner(known[name], item, f".{name}") for name, item in value.items()}

    def _inner(self, field: SettingsFieldMetadata | None, value: Any, suffix: str) -> Any:
        if field is None:
            return value
        return _Check(self._component, self._path + suffix).value(field, value)

    def _bounds(self, field: SettingsFieldMetadata, value: Any) -> None:
        if field.bounds is None or isinstance(value, bool) or not isinstance(value, (int, float)):
            return
        low, high = field.bounds
        unit = f" {field.unit}" if field.unit else ""
        if low is not None and (value < low or (field.is_lower_exclusive and value == low)):
            rule = "above" if field.is_lower_exclusive else "at least"
            raise self._refusal(value, "bounds", f"it has to be {rule} {low:g}{unit}")
        if high is not None and (value > high or (field.is_upper_exclusive and value == high)):
            rule = "below" if field.is_upper_exclusive else "at most"
            raise self._refusal(value, "bounds", f"it has to be {rule} {high:g}{unit}")

    def _length(self, field: SettingsFieldMetadata, value: Any) -> None:
        if field.length is not None and isinstance(value, (str, bytes, list, tuple, dict)):
            low, high = field.length
            size = len(cast("list[Any]", value))
            if (low is not None and size < low) or (high is not None and size > high):
                raise self._refusal(
                    value, "length", f"its length has to be {low or 0} to {'any' if high is None else high}, and is {size}"
                )
        if field.pattern is not None and isinstance(value, str) and re.fullmatch(field.pattern, value) is None:
            raise self._refusal(value, "pattern", f"it has to match {field.pattern}")

    def _refusal(self, value: Any, rule: str, reason: str) -> SettingsValueError:
        shown = repr(value)[:MAX_SHOWN].encode("utf-8", "backslashreplace").decode()
        where = f"{self._component}.{self._path}" if self._component else self._path
        return SettingsValueError(
            f"{where} cannot be {shown}: {reason}.",
            component=self._component,
            field_path=self._path,
            value=shown,
            rule=rule,
        )
