"""Retained events of one stream: numbered without holes, encoded once, dropped from the old end at a limit."""

from collections import deque
from typing import Generic, NamedTuple, TypeVar

import msgspec

E = TypeVar("E")


class Entry(NamedTuple, Generic[E]):
    """An event with its number, and the watch item as it goes over the wire."""

    seq: int
    event: E
    item: msgspec.Raw


class Journal(Generic[E]):
    """The newest events of a stream.

    Args:
        max_events: most events kept.
        max_bytes: most encoded bytes kept; the newest event is kept whatever its size.
    """

    def __init__(self, *, max_events: int, max_bytes: int) -> None:
        self._entries: deque[Entry[E]] = deque()
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._bytes = 0
        self.last_seq = 0
        self.dropped_total = 0

    @property
    def first_seq(self) -> int:
        """Number of the oldest event kept; one past the last if none is."""
        return self.last_seq - len(self._entries) + 1

    def append(self, event: E, item: msgspec.Raw) -> None:
        """Keep one more event, whose number is ``last_seq + 1``."""
        self.last_seq += 1
        self._entries.append(Entry(self.last_seq, event, item))
        self._bytes += _size(item)
        while len(self._entries) > self._max_events or (self._bytes > self._max_bytes and len(self._entries) > 1):
            self._bytes -= _size(self._entries.popleft().item)
            self.dropped_total += 1

    def entry(self, seq: int) -> Entry[E]:
        """The event with a number from `first_seq` to `last_seq`."""
        return self._entries[seq - self.first_seq]

    def events_after(self, seq: int) -> list[E]:
        """Events kept whose number is greater, in order."""
        start = max(seq + 1, self.first_seq)
        return [self.entry(number).event for number in range(start, self.last_seq + 1)]


def _size(item: msgspec.Raw) -> int:
    return len(memoryview(item))
