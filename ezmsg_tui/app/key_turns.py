"""Whose turn it is among the keys that have come: one is looked at when all that the one before led to is done."""

from __future__ import annotations

from collections import deque

from textual import events
from textual.message import Message

ROUNDS = 3
"""How often a message goes from the focused widget to the application behind a key before the next key's turn. A key
acts on its way up; what it opens is told by a message that goes up once more, and gets the focus in a third round."""

PATIENCE_S = 0.5
"""So long a turn may take: the widget that a key went to may be gone, and answers nothing."""

MAX_WAITING = 500
"""Keys that wait: more than anybody types ahead, less than a book that is pasted where nothing takes it."""


class KeyHandled(Message):
    """Goes from the focused widget up to the application, behind a key and what it led to."""

    def __init__(self, rounds_left: int) -> None:
        super().__init__()
        self.rounds_left = rounds_left


class KeyTurns:
    """Keys in the order in which they came.

    Buffered: `MAX_WAITING`; when full, keys are refused and counted. Pure: time is an argument.
    """

    def __init__(self) -> None:
        self.refused_total = 0
        self._waiting: deque[events.Key] = deque()
        self._begun_at: float | None = None

    def put(self, key: events.Key) -> None:
        """A key came."""
        if len(self._waiting) < MAX_WAITING:
            self._waiting.append(key)
        else:
            self.refused_total += 1

    def begin(self, now: float) -> events.Key | None:
        """The key whose turn it is; None while another one has it, or none waits."""
        is_taken = self._begun_at is not None and now - self._begun_at < PATIENCE_S
        if is_taken or not self._waiting:
            return None
        self._begun_at = now
        return self._waiting.popleft()

    @property
    def is_taken(self) -> bool:
        """Whether a key has its turn, or waits for it."""
        return self._begun_at is not None or bool(self._waiting)

    def end(self) -> None:
        """All that the last key led to is done."""
        self._begun_at = None
