"""The decorators that say what the runtime does with a unit's functions."""

import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from ezmsg_core.component.other_tree import REMEDY, is_of_other_tree
from ezmsg_core.component.stream import InputStream, OutputStream
from ezmsg_core.errors import ConfigError

F = TypeVar("F", bound=Callable[..., Any])
C = TypeVar("C")

TASK_ATTR = "__ez_task__"
SUBSCRIBES_ATTR = "__ez_subscribes__"
PUBLISHES_ATTR = "__ez_publishes__"
LEAKY_ATTR = "__ez_leaky__"
MAX_QUEUE_ATTR = "__ez_max_queue__"
ZERO_COPY_ATTR = "__ez_zerocopy__"
MAIN_ATTR = "__ez_main__"
THREAD_ATTR = "__ez_thread__"
TIMEIT_ATTR = "__ez_timeit__"
PROCESS_ATTR = "__ez_process__"

_UNSET: Any = object()


def task(function: F) -> F:
    """Run the coroutine once when the unit starts."""
    setattr(function, TASK_ATTR, True)
    return function


def publisher(stream: OutputStream) -> Callable[[F], F]:
    """Let an asynchronous generator publish what it yields as ``(stream, message)``; may be stacked.

    Raises:
        ConfigError: the stream is no `OutputStream`.
    """
    if not isinstance(stream, OutputStream):  # pyright: ignore[reportUnnecessaryIsInstance] - users pass what they have
        raise _wrong_stream("publisher", "OutputStream", stream)

    def mark(function: F) -> F:
        declared: list[OutputStream] = getattr(function, PUBLISHES_ATTR, [])
        setattr(function, PUBLISHES_ATTR, [*declared, stream])
        return task(function)

    return mark


def subscriber(stream: InputStream, zero_copy: bool = _UNSET) -> Callable[[F], F]:  # noqa: FBT001 - as programs call it
    """Call the function with every message of a stream; a function has one stream, a stream any number of functions.

    Raises:
        ConfigError: the stream is no `InputStream`, or the function has one already.
    """
    if not isinstance(stream, InputStream):  # pyright: ignore[reportUnnecessaryIsInstance] - users pass what they have
        raise _wrong_stream("subscriber", "InputStream", stream)
    if zero_copy is not _UNSET:
        warnings.warn(
            "zero_copy is deprecated and has no effect: functions always get the message without a copy.",
            DeprecationWarning,
            stacklevel=2,
        )

    def mark(function: F) -> F:
        if hasattr(function, SUBSCRIBES_ATTR):
            raise ConfigError(
                f"{function.__qualname__} subscribes to a stream already; write one function for each stream.",
                name="stream",
                value=repr(stream),
            )
        setattr(function, SUBSCRIBES_ATTR, stream)
        setattr(function, LEAKY_ATTR, stream.leaky)
        setattr(function, MAX_QUEUE_ATTR, stream.max_queue)
        setattr(function, ZERO_COPY_ATTR, True)
        return task(function)

    return mark


def _wrong_stream(decorator: str, wanted: str, stream: Any) -> ConfigError:
    hint = REMEDY if is_of_other_tree(stream) else f"Declare one above the function: NAME = {wanted}(type)."
    return ConfigError(f"@{decorator} takes an {wanted}, not {stream!r:.80}. {hint}", name="stream", value=repr(stream))


def main(function: F) -> F:
    """Run the plain function on the main thread of the unit's process; at most one in a process."""
    setattr(function, MAIN_ATTR, True)
    return function


def thread(function: F) -> F:
    """Run the plain function on a thread. Deprecated: nothing tells it to stop."""
    warnings.warn(
        "@thread is deprecated: use @task with asyncio.to_thread, and a flag that ends it.",
        DeprecationWarning,
        stacklevel=2,
    )
    setattr(function, THREAD_ATTR, True)
    return function


def process(kind: C) -> C:
    """Give every unit of the class a process of its own."""
    setattr(kind, PROCESS_ATTR, True)
    return kind


def timeit(function: F) -> F:
    """Have the runtime log how long each call of a task takes."""
    setattr(function, TIMEIT_ATTR, True)
    return function
