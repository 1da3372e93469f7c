"""An attached desk for commands without a screen: one try to connect, deadlines instead of patience."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

from ezmsg_core.model.roles import Role
from ezmsg_tui.cli.exits import CommandError, Exit
from ezmsg_tui.feed.clocks import Clocks
from ezmsg_tui.feed.connecting import connect_to
from ezmsg_tui.feed.running import Feed
from ezmsg_tui.present.live_desk import LiveDesk
from ezmsg_tui.store.connection import Standing
from ezmsg_tui.store.facts import Fact

if TYPE_CHECKING:
    from ezmsg_tui.feed.connecting import ServerChoice

SYNC_S = 10.0  # for three whole states; those of a large graph take a fraction of a second
STEP_S = 0.1  # longest wait for facts at a time


class AttachedDesk:
    """A desk whose feed runs, with waits that have deadlines."""

    def __init__(self, desk: LiveDesk, feed: Feed) -> None:
        self.desk = desk
        self.feed = feed

    def wait(self, is_done: Callable[[], bool], timeout_s: float | None) -> bool:
        """Take facts in until something holds; False if the time ran out.

        Raises:
            CommandError: the link went, or never came about.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            self.desk.poll()
            if is_done():
                return True
            self._check_standing()
            left_s = STEP_S if deadline is None else deadline - time.monotonic()
            if left_s <= 0:
                return False
            self.feed.mailbox.wait(min(left_s, STEP_S))

    def wait_synced(self) -> None:
        """Wait for the first whole states.

        Raises:
            CommandError: they do not come.
        """
        connection = self.desk.store.connection
        is_synced = self.wait(lambda: connection.standing is Standing.ATTACHED and connection.is_synced, SYNC_S)
        if not is_synced:
            text = f"the server at {connection.address} did not tell its state within {SYNC_S:g} s."
            raise CommandError(text, Exit.TIMEOUT)

    def _check_standing(self) -> None:
        connection = self.desk.store.connection
        if connection.standing is Standing.LOST:
            raise CommandError(f"the link to {connection.address} was lost: {connection.reason}", Exit.NO_CONNECTION)
        if connection.reason and connection.standing is not Standing.ATTACHED:
            text = f"{connection.reason} {connection.remedy}".strip()
            raise CommandError(text, Exit.NO_CONNECTION)


class _OverheardSource:
    """The feed, with somebody who hears of every fact first."""

    def __init__(self, feed: Feed, on_fact: Callable[[Fact], None]) -> None:
        self._feed = feed
        self._on_fact = on_fact
        self.patch = feed.patch
        self.reconnect_now = feed.reconnect_now

    def take(self) -> list[Fact]:
        facts = self._feed.take()
        for fact in facts:
            self._on_fact(fact)
        return facts


@contextlib.contextmanager
def attached(
    choice: ServerChoice, role: Role, *, interval_s: float = 0.5, on_fact: Callable[[Fact], None] | None = None
) -> Generator[AttachedDesk]:
    """A desk that is attached and synced for the length of the block.

    Args:
        choice: the server.
        role: to attach with.
        interval_s: between profiles.
        on_fact: hears of every fact before the desk does.

    Raises:
        CommandError: it could not be attached.
    """
    clocks = Clocks()
    feed = Feed(lambda: connect_to(choice, role), choice.label, clocks=clocks, interval_s=interval_s)
    source = feed if on_fact is None else _OverheardSource(feed, on_fact)
    desk = AttachedDesk(LiveDesk(source, clocks, is_read_only=role is Role.OBSERVE), feed)
    feed.start()
    try:
        desk.wait_synced()
        yield desk
    finally:
        feed.close()
