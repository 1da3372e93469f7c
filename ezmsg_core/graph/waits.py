"""Answers that wait until several links have obeyed, or until a deadline."""

import msgspec

from ezmsg_core.graph.stimuli import LinkKey
from ezmsg_core.wire.answers import Answer


class Wait(msgspec.Struct):
    """One answer that waits."""

    link: LinkKey  # who asked
    ask_id: int
    answer: Answer
    orders: set[int]  # what has not been obeyed yet
    deadline_s: float  # monotonic
    is_strict: bool  # at the deadline: refuse, instead of answering all the same


class Waits:
    """Orders given to links, and the answers that depend on them."""

    def __init__(self) -> None:
        self._next_order = 1
        self._links: dict[int, LinkKey] = {}  # whom an order was given to
        self._waits: dict[int, Wait] = {}  # by order
        self._all: dict[tuple[LinkKey, int], Wait] = {}

    def order(self, link: LinkKey) -> int:
        """A number for an order that is given to a link."""
        number = self._next_order
        self._next_order += 1
        self._links[number] = link
        return number

    def add(self, wait: Wait) -> None:
        """Let an answer wait for its orders; there is at least one."""
        self._all[wait.link, wait.ask_id] = wait
        for number in wait.orders:
            self._waits[number] = wait

    def obeyed(self, link: LinkKey, number: int) -> Wait | None:
        """An order was obeyed by the link that it was given to; the wait that is over by it, if any."""
        if self._links.get(number) != link:
            return None
        del self._links[number]
        wait = self._waits.pop(number)
        wait.orders.discard(number)
        if wait.orders:
            return None
        del self._all[wait.link, wait.ask_id]
        return wait

    def link_closed(self, link: LinkKey) -> list[Wait]:
        """A link went: nobody waits for it, and what it waited for is forgotten. The waits that are over by it."""
        for wait in [wait for wait in self._all.values() if wait.link == link]:
            self._forget(wait)
        orders = [number for number, to in self._links.items() if to == link]
        return [wait for wait in (self.obeyed(link, number) for number in orders) if wait is not None]

    def forget(self, link: LinkKey, ask_id: int) -> None:
        """Nobody wants this answer; orders that it waited for are no longer followed."""
        wait = self._all.get((link, ask_id))
        if wait is not None:
            self._forget(wait)

    def expired(self, now_s: float) -> list[tuple[Wait, set[LinkKey]]]:
        """Waits whose deadline has passed, which are over, each with the links that did not obey."""
        late = [wait for wait in self._all.values() if wait.deadline_s <= now_s]
        result: list[tuple[Wait, set[LinkKey]]] = []
        for wait in late:
            result.append((wait, {self._links[number] for number in wait.orders if number in self._links}))
            self._forget(wait)
        return result

    def next_deadline(self) -> float | None:
        """The earliest deadline, monotonic seconds."""
        return min((wait.deadline_s for wait in self._all.values()), default=None)

    def _forget(self, wait: Wait) -> None:
        self._all.pop((wait.link, wait.ask_id), None)
        for number in wait.orders:
            self._waits.pop(number, None)
            self._links.pop(number, None)
