"""Copies of messages that stay in the process, for readers who may change what they get."""

import copy
from typing import Any, cast

_IMMUTABLE = frozenset({type(None), bool, int, float, complex, str, bytes})


def copied(message: object) -> object:
    """A message that shares nothing changeable with the given one.

    Raises:
        Exception: whatever copying an object of its class gives rise to.
    """
    kind = type(message)
    if kind in _IMMUTABLE:
        return message
    if kind.__name__ == "ndarray" and kind.__module__ == "numpy":
        array = cast("Any", message)
        if not array.dtype.hasobject:
            return array.copy(order="K")
    return copy.deepcopy(message)
