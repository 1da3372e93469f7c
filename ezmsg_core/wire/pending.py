"""Commands in flight on one link: which id waits for what; every one ends exactly once."""

from typing import Generic, TypeVar

from ezmsg_core.errors import LimitExceededError

W = TypeVar("W")


class PendingAsks(Generic[W]):
    """Ids of commands in flight, each with whatever waits for its end.

    Args:
        limit: most commands in flight; one more is refused.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._next_id = 1
        self._waiting: dict[int, W] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, waiter: W) -> int:
        """A new id for the waiter.

        Raises:
            LimitExceededError: as many commands are in flight as the link takes.
        """
        if len(self._waiting) >= self._limit:
            raise LimitExceededError(
                f"{self._limit} commands are in flight on this link; wait for some to end.",
                what="asks",
                limit=self._limit,
                size=len(self._waiting) + 1,
            )
        ask_id = self._next_id
        self._next_id += 1
        self._waiting[ask_id] = waiter
        return ask_id

    def end(self, ask_id: int) -> W | None:
        """The waiter of an id, which is over now; None if it was over before or never was."""
        return self._waiting.pop(ask_id, None)

    def end_all(self) -> list[W]:
        """All waiters, none of whom waits any longer."""
        waiters = list(self._waiting.values())
        self._waiting.clear()
        return waiters
