"""What is said of a settings field besides its type: bounds, choices, length, unit, description."""

import math
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import msgspec

from ezmsg_core.component.plain_tree import plain_or_text
from ezmsg_core.model.settings import FieldKind, SettingsFieldMetadata

MAX_CHOICES = 1000  # a list that a person chooses from; a longer one is a mistake, such as range(10**9)


def ruled(field: SettingsFieldMetadata, rules: Mapping[Any, Any]) -> SettingsFieldMetadata:
    """The field with rules applied; a rule that makes no sense is left out, for a schema must not stop a program.

    Args:
        field: as its type says.
        rules: ``description``, ``choices``, ``ge`` or ``min``, ``gt``, ``le`` or ``max``, ``lt``, ``step``, ``unit``,
            ``length`` or ``min_length`` and ``max_length``, ``pattern``, ``widget``, ``read_only``.
    """
    changes: dict[str, Any] = {}
    low, is_above = _limit(rules, ("ge", "min"), "gt", max)
    high, is_below = _limit(rules, ("le", "max"), "lt", min)
    if low is not None or high is not None:
        changes |= {"bounds": (low, high), "is_lower_exclusive": is_above, "is_upper_exclusive": is_below}
    if "choices" in rules and (choices := _choices(rules["choices"])):
        changes["choices"] = choices
    if (length := _length(rules)) is not None:
        changes["length"] = length
    if (step := _number(rules.get("step"))) is not None and step > 0:
        changes["step"] = step
    for name in ("description", "unit", "pattern"):
        if (text := _text(rules.get(name))) is not None:
            changes[name] = text
    if rules.get("read_only") is True:
        changes["is_read_only"] = True
    described = msgspec.structs.replace(field, **changes)
    return msgspec.structs.replace(described, widget_hint=_text(rules.get("widget")) or widget_of(described))


def widget_of(field: SettingsFieldMetadata) -> str | None:
    """How a form would show it: select, checkbox, slider, int_input, float_input, text_input; None: nothing fits."""
    if field.choices:
        return "select"
    match field.kind:
        case FieldKind.BOOL:
            return "checkbox"
        case FieldKind.INT | FieldKind.FLOAT if field.bounds is not None:
            return "slider"
        case FieldKind.INT:
            return "int_input"
        case FieldKind.FLOAT:
            return "float_input"
        case FieldKind.STR:
            return "text_input"
        case _:
            return None


def _limit(
    rules: Mapping[Any, Any], inclusive: tuple[str, ...], exclusive: str, tightest: Callable[[float, float], float]
) -> tuple[float | None, bool]:
    """The tightest limit on one side, and whether the value must not reach it."""
    limit: float | None = None
    for name in inclusive:
        value = _number(rules.get(name))
        if value is not None:
            limit = value if limit is None else tightest(limit, value)
    open_limit = _number(rules.get(exclusive))
    if open_limit is not None and (limit is None or tightest(limit, open_limit) == open_limit):
        return open_limit, True
    return limit, False


def _text(value: Any) -> str | None:
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else None


def _number(value: Any) -> float | None:
    if value is None or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return None if math.isnan(number) else number


def _choices(choices: Any) -> list[Any]:
    if isinstance(choices, (str, bytes)) or not isinstance(choices, Iterable):
        return []
    return [
        plain_or_text(choice) for choice, _ in zip(cast("Iterable[Any]", choices), range(MAX_CHOICES), strict=False)
    ]


def _length(rules: Mapping[Any, Any]) -> tuple[int | None, int | None] | None:
    length: Any = rules.get("length")
    low, high = rules.get("min_length"), rules.get("max_length")
    if isinstance(length, (tuple, list)) and len(cast("list[Any]", length)) == 2:
        low, high = cast("list[Any]", length)
    elif length is not None:
        low = high = cast("Any", length)
    low, high = (limit if type(limit) is int and 0 <= limit < sys.maxsize else None for limit in (low, high))
    return None if low is None and high is None else (low, high)
