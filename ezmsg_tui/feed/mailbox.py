"""The hand-over of facts from the feed's thread to whoever shows them: a bounded batch, swapped under a lock."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ezmsg_tui.store.facts import Fact

MAX_FACTS = 4096  # minutes of a busy graph, while the terminal is suspended


class Mailbox:
    """Facts in order, from one thread to another.

    Buffered: `limit` facts. When full: `has_room` is False, and a producer that can wait does (the server keeps
    its events meanwhile); `offer` refuses; `put` takes the fact all the same, for the few that must not wait.
    """

    def __init__(self, limit: int = MAX_FACTS) -> None:
        self._limit = limit
        self._facts: list[Fact] = []
        self._changed = threading.Condition()
        self._is_pressed = False  # a producer waits for room
        self._on_room: Callable[[], None] | None = None

    def on_room(self, callback: Callable[[], None]) -> None:
        """Call back, on the consumer's thread, when facts were taken while a producer waited."""
        self._on_room = callback

    @property
    def has_room(self) -> bool:
        """Whether another fact fits."""
        with self._changed:
            is_full = len(self._facts) >= self._limit
            self._is_pressed = self._is_pressed or is_full
            return not is_full

    def put(self, fact: Fact) -> None:
        """Hand a fact over, whatever the limit."""
        with self._changed:
            self._facts.append(fact)
            self._changed.notify_all()

    def offer(self, fact: Fact) -> bool:
        """Hand a fact over if it fits."""
        with self._changed:
            if len(self._facts) >= self._limit:
                return False
            self._facts.append(fact)
            self._changed.notify_all()
            return True

    def take(self) -> list[Fact]:
        """Everything that has come, oldest first."""
        with self._changed:
            facts, self._facts = self._facts, []
            was_pressed, self._is_pressed = self._is_pressed, False
        if was_pressed and self._on_room is not None:
            self._on_room()
        return facts

    def wait(self, timeout_s: float) -> bool:
        """Block until there is something to take; False if the time ran out first."""
        with self._changed:
            return self._changed.wait_for(lambda: bool(self._facts), timeout_s)
