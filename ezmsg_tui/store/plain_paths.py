"""Looking into plain settings values: by dotted path, and for sameness."""

from __future__ import annotations

import math
from typing import Any, Final, cast


class _Missing:
    """No value at the path."""

    def __repr__(self) -> str:
        return "-"


MISSING: Final = _Missing()


def value_at(tree: Any, path: str) -> Any:
    """The value at a dotted path; `MISSING` where the path leads nowhere."""
    value = tree
    for part in path.split("."):
        if not isinstance(value, dict) or part not in value:
            return MISSING
        value = cast("dict[str, Any]", value)[part]
    return value


def is_same(one: Any, other: Any) -> bool:
    """Whether two plain values mean the same setting: 8 is 8.0, but not True; NaN is NaN."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return one == other or (math.isnan(one) and math.isnan(other))
    if isinstance(one, dict) and isinstance(other, dict):
        left, right = cast("dict[str, Any]", one), cast("dict[str, Any]", other)
        return left.keys() == right.keys() and all(is_same(left[key], right[key]) for key in left)
    if isinstance(one, list) and isinstance(other, list):
        items, others = cast("list[Any]", one), cast("list[Any]", other)
        return len(items) == len(others) and all(map(is_same, items, others))
    return one == other
