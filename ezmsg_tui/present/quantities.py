"""Numbers as people type them: `8`, `1e3`, `0x10`, `10ms`, `1.5 kHz`."""

from __future__ import annotations

import math
import re

_PREFIXES = {"p": 1e-12, "n": 1e-9, "µ": 1e-6, "μ": 1e-6, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}
_BARE = {"k": 1e3, "M": 1e6, "G": 1e9}  # `1.5k` where the unit is Hz; a lone m might be anything
_NUMBER = re.compile(
    r"\s*([+-]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?|inf|nan|infinity))"
    r"\s*(\S*)\s*",
    re.IGNORECASE,
)
_LONGEST = 400  # characters; a number of a setting has a few, and long ones take long to read


def parse_quantity(text: str, unit: str | None) -> int | float:
    """The number that a text stands for, in the field's unit.

    Args:
        text: a number, with a unit that fits or without one.
        unit: of the field; None: it has none, so none may be typed.

    Raises:
        ValueError: it is no number, or its unit does not fit; the message says which.
    """
    found = _NUMBER.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        raise ValueError(f"{text.strip()[:40]!r} is not a number")
    number = _plain_number(found[1])
    suffix = found[2]
    if not suffix or suffix == unit:
        return number
    factor = _factor(suffix, unit)
    if factor is None:
        hint = f"the unit here is {unit}" if unit else "this field has no unit"
        raise ValueError(f"{suffix[:20]!r} does not fit: {hint}")
    scaled = number * factor
    return float(f"{scaled:.15g}") if math.isfinite(scaled) else scaled


def parse_whole(text: str, unit: str | None) -> int:
    """The same for a whole number: `1e3` is 1000, and `1.5` is refused.

    Raises:
        ValueError: it is no number, not a whole one, or its unit does not fit.
    """
    value = parse_quantity(text, unit)
    if not math.isfinite(value) or value != int(value):
        raise ValueError(f"{text.strip()[:40]!r} is not a whole number")
    return int(value)


def _plain_number(text: str) -> int | float:
    bare = text.replace("_", "")
    if bare.lower().lstrip("+-").startswith(("0x", "0b", "0o")):
        return int(bare, 0)
    return int(bare) if bare.lstrip("+-").isdigit() else float(bare)


def _factor(suffix: str, unit: str | None) -> float | None:
    """By what a number with the suffix is to be multiplied; None if the units have nothing in common."""
    if not unit:
        return None
    ours = {unit[len(p) :]: size for p, size in _PREFIXES.items() if unit.startswith(p) and len(unit) > len(p)}
    theirs = {suffix[len(p) :]: size for p, size in _PREFIXES.items() if suffix.startswith(p) and len(suffix) > len(p)}
    if not set(ours) & set(theirs):
        return _BARE.get(suffix)
    base = max(set(ours) & set(theirs), key=len)
    return theirs[base] / ours[base]
