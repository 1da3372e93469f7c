"""Whether the functions of a unit fit the unit: the streams they name, and the arguments they take."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from ezmsg_core.component.stream import Stream
from ezmsg_core.component.tasks import PUBLISHES_ATTR, SUBSCRIBES_ATTR
from ezmsg_core.component.unit import Unit
from ezmsg_core.errors import ConfigError


def takes_message(function: Callable[..., Any]) -> bool:
    """Whether a function is to be called with the unit and a message, or with the unit alone."""
    return _can_take(function, 2)


def check_functions(unit: Unit) -> None:
    """See that each function that runs by itself can run.

    Raises:
        ConfigError: one takes other arguments than it gets, or names a stream that the unit does not have.
    """
    kind = type(unit).__name__
    for name, function in unit.tasks.items():
        if not _can_take(function, 1) and not _can_take(function, 2):
            raise _misfit(
                f"{kind}.{name} takes {inspect.signature(function)}. Write it as {name}(self), or as "
                f"{name}(self, message) for a subscriber.",
                name,
            )
        for decorator, stream in _streams(function):
            if not stream.has_name or stream.name not in unit.streams:
                raise _misfit(
                    f"{kind}.{name} is decorated with @{decorator}({stream!r}), a stream that {kind} does not have. "
                    f"Declare the stream in the body of {kind}, or of a unit that it derives from.",
                    name,
                )
    alone = {**unit.threads, **({unit.main.__name__: unit.main} if unit.main is not None else {})}
    for name, function in alone.items():
        if not _can_take(function, 1):
            raise _misfit(f"{kind}.{name} takes {inspect.signature(function)}. Write it as {name}(self).", name)


def _streams(function: Callable[..., Any]) -> Iterator[tuple[str, Stream]]:
    source: Stream | None = getattr(function, SUBSCRIBES_ATTR, None)
    if source is not None:
        yield "subscriber", source
    for output in getattr(function, PUBLISHES_ATTR, ()):
        yield "publisher", output


def _can_take(function: Callable[..., Any], count: int) -> bool:
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    except ValueError:  # nothing is known of what it takes
        return True
    return True


def _misfit(text: str, name: str) -> ConfigError:
    return ConfigError(text, name="function", value=name)
