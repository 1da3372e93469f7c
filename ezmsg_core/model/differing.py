"""Which fields of two settings values differ."""

import math
from typing import Any, cast


def differing_paths(old: Any, new: Any) -> list[str]:
    """Dotted paths of the leaves that differ between two plain values, sorted; a path missing on one side differs."""
    paths: list[str] = []
    _collect(old, new, "", paths)
    return sorted(paths)


def _collect(old: object, new: object, prefix: str, paths: list[str]) -> None:
    if isinstance(old, dict) and isinstance(new, dict):
        before, after = cast("dict[str, Any]", old), cast("dict[str, Any]", new)
        for key in before.keys() | after.keys():
            path = f"{prefix}.{key}" if prefix else str(key)
            if key in before and key in after:
                _collect(before[key], after[key], path, paths)
            else:
                paths.append(path)
    elif not _is_same_leaf(cast("object", old), new):
        paths.append(prefix)


def _is_same_leaf(old: object, new: object) -> bool:
    return (old == new and type(old) is type(new)) or (_is_nan(old) and _is_nan(new))


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)
