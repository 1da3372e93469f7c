"""Checking a value against the schema of its field: one function for owners, servers and editors."""

import difflib
import math
import re
from typing import Any, cast

import msgspec

from ezmsg_core.errors import EzmsgError, SettingsValueError, UnknownSettingError
from ezmsg_core.model.plain import from_plain
from ezmsg_core.model.settings import FieldKind, SettingsFieldMetadata, SettingsSchemaMetadata

MAX_SHOWN = 80  # characters of a value in an error
MAX_CHOICES_SHOWN = 12  # of a field, in an error

_ANYTHING = SettingsFieldMetadata(
    "value", "Any", required=True, default=None, description=None, bounds=None, choices=None, widget_hint=None
)


def find_field(schema: SettingsSchemaMetadata, dotted_path: str, *, component: str = "") -> SettingsFieldMetadata:
    """The field at a dotted path, which may lead through records and keys of dicts.

    A field of something read-only is read-only.

    Raises:
        UnknownSettingError: there is none; the error names the nearest.
    """
    fields = schema.fields
    found = _ANYTHING
    is_read_only = False
    walked = ""
    for part in dotted_path.split("."):
        if found.kind is FieldKind.DICT:  # whether it has the key, only its owner knows
            found = found.items[0] if found.items else _ANYTHING
        else:
            match = next((field for field in fields if field.name == part), None)
            if match is None:
                owner = component or schema.settings_type
                names = [field.name for field in fields]
                raise unknown_field(owner, dotted_path, walked + part, names, component=component)
            found = match
        is_read_only = is_read_only or found.is_read_only
        walked += f"{part}."
        fields = found.fields
    return msgspec.structs.replace(found, is_read_only=is_read_only)


def unknown_field(owner: str, dotted_path: str, wrong: str, names: list[str], *, component: str) -> UnknownSettingError:
    """What to raise for a path that leads to no field.

    Args:
        owner: what does not have the field, for people.
        dotted_path: that was asked for.
        wrong: the path as far as the first name that is wrong.
        names: what could stand in the place of that name.
        component: address.
    """
    above, dot, part = wrong.rpartition(".")
    close = difflib.get_close_matches(part, names, n=3)
    nearest = [above + dot + name for name in close or names[:MAX_CHOICES_SHOWN]]
    if close:
        hint = f"Near it: {', '.join(nearest)}."
    elif nearest:
        hint = f"There is: {', '.join(nearest)}{', …' if len(names) > len(nearest) else ''}."
    else:
        hint = f"{above or owner} has no fields."
    return UnknownSettingError(
        f"{owner} has no field {dotted_path!r}. {hint}", component=component, field_path=dotted_path, nearest=nearest
    )


def check_value(field: SettingsFieldMetadata, value: Any, *, component: str = "", path: str | None = None) -> Any:
    """The value, coerced to its field's kind where that loses nothing.

    Args:
        field: what the value is for.
        value: plain data.
        component: address, for the error.
        path: dotted path of the field, for the error; None: its name.

    Returns:
        The value that the plain data stands for. Enums and nested records are still what they are on the wire: the
        member's value, a dict.

    Raises:
        SettingsValueError: it breaks a rule, which the error names: read_only, type, choices, bounds, length, pattern.
    """
    check = _Check(component, path or field.name)
    return check.value(field, check.decoded(value))


def check_rules(field: SettingsFieldMetadata, value: Any, *, component: str = "", path: str | None = None) -> Any:
    """The value, checked by all rules of its field but its type.

    For fields whose annotation says something else than what they hold; see `is_as_declared`.

    Args:
        field: what the value is for.
        value: plain data.
        component: address, for the error.
        path: dotted path of the field, for the error; None: its name.

    Returns:
        The value that the plain data stands for.

    Raises:
        SettingsValueError: it breaks a rule, which the error names: read_only, choices, bounds, length, pattern.
    """
    is_typed_choice = field.kind in (FieldKind.ENUM, FieldKind.LITERAL)
    rules = msgspec.structs.replace(
        field, kind=FieldKind.ANY, choices=None if is_typed_choice else field.choices, fields=[], items=[]
    )
    return check_value(rules, value, component=component, path=path)


def is_as_declared(field: SettingsFieldMetadata, value: Any) -> bool:
    """Whether a value in force is of its field's type, whatever else it breaks.

    Annotations lie: where this is false, new values of the field cannot be checked by type either.

    Args:
        field: what the value is for.
        value: plain data.
    """
    try:
        check_value(_by_type_alone(field), value)
    except SettingsValueError:
        return False
    return True


def _by_type_alone(field: SettingsFieldMetadata) -> SettingsFieldMetadata:
    is_choice = field.kind in (FieldKind.ENUM, FieldKind.LITERAL)
    is_shown = field.kind in (FieldKind.ARRAY, FieldKind.OPAQUE)  # as plain data it may be a text
    return msgspec.structs.replace(
        field,
        kind=FieldKind.ANY if is_shown else field.kind,
        is_read_only=False,
        bounds=None,
        length=None,
        pattern=None,
        choices=field.choices if is_choice else None,
        fields=[_by_type_alone(inner) for inner in field.fields],
        items=[_by_type_alone(inner) for inner in field.items],
    )


def refused_value(path: str, value: Any, rule: str, reason: str, *, component: str) -> SettingsValueError:
    """What to raise for a value that breaks a rule.

    Args:
        path: dotted path of the field.
        value: plain data, or what it stands for.
        rule: which one, in a word.
        reason: half a sentence about "it".
        component: address, or empty.
    """
    shown = repr(value)[:MAX_SHOWN].encode("utf-8", "backslashreplace").decode()
    where = f"{component}.{path}" if component else path
    return SettingsValueError(
        f"{where} cannot be {shown}: {reason}.", component=component, field_path=path, value=shown, rule=rule
    )


class _Check:
    """One check; knows what to call the field in an error."""

    def __init__(self, component: str, path: str) -> None:
        self._component = component
        self._path = path

    def decoded(self, value: Any) -> Any:
        try:
            return from_plain(value)
        except EzmsgError as error:
            raise self.refusal(value, "type", error.text.rstrip(".")) from error

    def value(self, field: SettingsFieldMetadata, value: Any) -> Any:
        if field.is_read_only:
            raise self.refusal(value, "read_only", "it is read-only: its unit reports it, and nobody sets it")
        if value is None and (field.is_optional or field.kind is FieldKind.ANY):
            return None
        if field.kind is FieldKind.OPAQUE:
            raise self.refusal(value, "read_only", f"a {field.field_type} cannot be made from outside the program")
        checked = self._by_kind(field, value)
        self._bounds(field, checked)
        self._length(field, checked)
        return checked

    def _by_kind(self, field: SettingsFieldMetadata, value: Any) -> Any:
        typed = self._typed(field, value)
        return self._choice(field, typed) if field.choices else typed

    def _typed(self, field: SettingsFieldMetadata, value: Any) -> Any:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        match field.kind:
            case FieldKind.ANY | FieldKind.ENUM | FieldKind.LITERAL:
                return value
            case FieldKind.BOOL if isinstance(value, bool):
                return value
            case FieldKind.INT if is_number and (isinstance(value, int) or value.is_integer()):
                return int(value)
            case FieldKind.FLOAT if is_number:
                return self._float(value)
            case FieldKind.STR if isinstance(value, str):
                return value
            case FieldKind.BYTES if isinstance(value, bytes):
                return value
            case FieldKind.ARRAY if type(value).__name__ == "ndarray":
                return value
            case FieldKind.LIST | FieldKind.TUPLE if isinstance(value, (list, tuple)):
                return self._items(field, list(cast("list[Any]", value)))
            case FieldKind.DICT if isinstance(value, dict):
                return self._entries(field, cast("dict[Any, Any]", value))
            case FieldKind.NESTED if isinstance(value, dict):
                return self._nested(field, cast("dict[str, Any]", value))
            case _:
                wanted = field.field_type or field.kind.value
                raise self.refusal(value, "type", f"it has to be {wanted}, and is {_kind_of(value)}")

    def _float(self, value: float) -> float:
        try:
            number = float(value)
        except OverflowError:
            raise self.refusal(value, "type", "it is larger than any float") from None
        if math.isnan(number):
            raise self.refusal(value, "type", "it has to be a number, and NaN is none")
        return number

    def _choice(self, field: SettingsFieldMetadata, value: Any) -> Any:
        choices = [from_plain(choice) for choice in field.choices or ()]
        for choice in choices:
            if _is_same(choice, value):
                return choice
        allowed = ", ".join(repr(choice) for choice in choices[:MAX_CHOICES_SHOWN])
        more = "" if len(choices) <= MAX_CHOICES_SHOWN else f" or {len(choices) - MAX_CHOICES_SHOWN} others"
        raise self.refusal(value, "choices", f"it has to be one of {allowed}{more}")

    def _items(self, field: SettingsFieldMetadata, values: list[Any]) -> list[Any]:
        kinds = field.items
        is_uniform = field.kind is FieldKind.LIST or field.is_variadic
        if is_uniform:
            kinds = kinds[:1] * len(values)
        elif len(kinds) != len(values):
            raise self.refusal(values, "length", f"it has to have {len(kinds)} items, and has {len(values)}")
        if not kinds:
            return values
        return [self._inner(kind, item, f"[{i}]") for i, (kind, item) in enumerate(zip(kinds, values, strict=True))]

    def _entries(self, field: SettingsFieldMetadata, entries: dict[Any, Any]) -> dict[Any, Any]:
        stranger = next((key for key in entries if not isinstance(key, str)), None)
        if stranger is not None:
            raise self.refusal(entries, "type", f"its keys have to be text, and {stranger!r} is not")
        if not field.items:
            return entries
        return {key: self._inner(field.items[0], item, f"[{key!r}]") for key, item in entries.items()}

    def _nested(self, field: SettingsFieldMetadata, value: dict[str, Any]) -> dict[str, Any]:
        known = {inner.name: inner for inner in field.fields}
        stranger = next((name for name in value if name not in known), None)
        if stranger is not None:
            raise self.refusal(value, "type", f"it has no field {stranger!r}")
        missing = next((inner.name for inner in field.fields if inner.required and inner.name not in value), None)
        if missing is not None:
            raise self.refusal(value, "type", f"the field {missing!r} is missing")
        return {name: self._inner(known[name], item, f".{name}") for name, item in value.items()}

    def _inner(self, field: SettingsFieldMetadata, value: Any, suffix: str) -> Any:
        return _Check(self._component, self._path + suffix).value(field, value)

    def _bounds(self, field: SettingsFieldMetadata, value: Any) -> None:
        if field.bounds is None or isinstance(value, bool) or not isinstance(value, (int, float)):
            return
        low, high = field.bounds
        unit = f" {field.unit}" if field.unit else ""
        if low is not None and (value < low or (field.is_lower_exclusive and value == low)):
            rule = "above" if field.is_lower_exclusive else "at least"
            raise self.refusal(value, "bounds", f"it has to be {rule} {_number(low)}{unit}")
        if high is not None and (value > high or (field.is_upper_exclusive and value == high)):
            rule = "below" if field.is_upper_exclusive else "at most"
            raise self.refusal(value, "bounds", f"it has to be {rule} {_number(high)}{unit}")

    def _length(self, field: SettingsFieldMetadata, value: Any) -> None:
        if field.length is not None and isinstance(value, (str, bytes, list, tuple, dict)):
            low, high = field.length
            size = len(cast("list[Any]", value))
            if low is not None and size < low:
                raise self.refusal(value, "length", f"its length has to be at least {low}, and is {size}")
            if high is not None and size > high:
                raise self.refusal(value, "length", f"its length has to be at most {high}, and is {size}")
        if field.pattern is not None and isinstance(value, str) and not _is_match(field.pattern, value):
            raise self.refusal(value, "pattern", f"it has to match {field.pattern}")

    def refusal(self, value: Any, rule: str, reason: str) -> SettingsValueError:
        return refused_value(self._path, value, rule, reason, component=self._component)


def _is_same(choice: Any, value: Any) -> bool:
    """Whether they are equal, and not merely 1 and True."""
    if isinstance(choice, bool) is not isinstance(value, bool):
        return False
    if isinstance(choice, (list, tuple)) and isinstance(value, (list, tuple)):
        return list(cast("list[Any]", choice)) == list(cast("list[Any]", value))
    try:
        return bool(choice == value)
    except ValueError:  # arrays do not say whether they are equal
        return False


def _is_match(pattern: str, text: str) -> bool:
    try:
        return re.fullmatch(pattern, text) is not None
    except (re.error, OverflowError):  # a pattern in another dialect than ours: the owner has the last word
        return True


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _kind_of(value: Any) -> str:
    return "None" if value is None else type(value).__name__
