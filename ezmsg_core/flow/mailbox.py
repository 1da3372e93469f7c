"""What a leaky reader has not read yet: the newest messages, and how many older ones were let go."""

from collections import deque
from typing import Generic, TypeVar

from ezmsg_core.errors import ConfigError

T = TypeVar("T")

MAX_QUEUE = 1_000_000  # a leaky reader that wants more wants a lossless one
DEFAULT_MAX_QUEUE = 1  # a viewer needs the newest only


class LeakyMailbox(Generic[T]):
    """The newest messages of a reader that never holds anyone up. Not thread-safe.

    Buffered: up to `max_queue`. When full: the oldest is dropped and counted.

    Args:
        max_queue: most messages kept.
    """

    __slots__ = ("_items", "dropped_total", "max_queue")

    def __init__(self, max_queue: int) -> None:
        self.max_queue = max_queue
        self.dropped_total = 0
        self._items: deque[T] = deque()

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T) -> T | None:
        """Keep a message; return the one that it pushed out."""
        items = self._items
        oldest = None
        if len(items) >= self.max_queue:
            oldest = items.popleft()
            self.dropped_total += 1
        items.append(item)
        return oldest

    def take(self) -> T:
        """The oldest message that is kept.

        Raises:
            IndexError: there is none.
        """
        return self._items.popleft()


def check_max_queue(max_queue: int | None) -> int:
    """The size of a leaky mailbox as users give it.

    Raises:
        ConfigError: it is not a number from 1 to `MAX_QUEUE`.
    """
    if max_queue is None:
        return DEFAULT_MAX_QUEUE
    if type(max_queue) is not int or not 1 <= max_queue <= MAX_QUEUE:
        raise ConfigError(
            f"max_queue is {max_queue!r}; give a whole number from 1 to {MAX_QUEUE}, or None for {DEFAULT_MAX_QUEUE}.",
            name="max_queue",
            value=repr(max_queue),
        )
    return max_queue
