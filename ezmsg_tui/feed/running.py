"""The feed: keeps a link to a server from a thread of its own, and hands over what it hears."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections.abc import Callable

from ezmsg_core.model.watching import StreamName
from ezmsg_tui.feed.clocks import Clocks
from ezmsg_tui.feed.following import Follower
from ezmsg_tui.feed.links import Connect, InspectorLink
from ezmsg_tui.feed.mailbox import Mailbox
from ezmsg_tui.feed.resuming import ResumePoint
from ezmsg_tui.feed.retrying import RetryPolicy, is_worth_a_retry, remedy_of, sentence_of
from ezmsg_tui.store.change_book import Submission
from ezmsg_tui.store.facts import (
    Attached,
    AttemptFailed,
    AttemptStarted,
    Fact,
    FeedClosed,
    LinkWent,
    PatchEnded,
    Verdict,
)

INTERVAL_S = 0.5  # between profiles: twice a second is as often as a figure can be read
CLOSE_S = 2.0  # for a link to say farewell; a server that does not answer is not waited for
ALIVE_S = 5.0  # a link that stood for so long was a good one: the next tries begin with short delays again


class Feed:
    """Connects, follows, and connects again when the link goes.

    Facts are buffered in a `Mailbox`; commands may come from any thread and are carried out in order on the feed's
    own. If the server goes, facts say so and the tries go on until `close`.

    Args:
        connect: reaches the server anew.
        address: of the server, as the user would type it.
        interval_s: between profiles.
        chance: answers a number from 0.0 to 1.0.
    """

    def __init__(
        self,
        connect: Connect,
        address: str,
        *,
        clocks: Clocks | None = None,
        retry: RetryPolicy | None = None,
        interval_s: float = INTERVAL_S,
        mailbox: Mailbox | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.clocks = clocks or Clocks()
        self.mailbox = mailbox or Mailbox()
        self.crash: BaseException | None = None  # what ended the feed though nobody asked it to
        self._connect = connect
        self._address = address
        self._retry = retry or RetryPolicy()
        self._interval_s = interval_s
        self._chance = chance
        self._loop: asyncio.AbstractEventLoop | None = None
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._main, name="ezmsg-tui feed", daemon=True)
        self._follower: Follower | None = None
        self._nudge: asyncio.Event | None = None
        self._work: asyncio.Task[None] | None = None
        self._is_closing = False
        self._points = {stream: ResumePoint() for stream in StreamName}

    def start(self) -> None:
        """Begin to connect. Once."""
        self._thread.start()
        self._started.wait()

    def take(self) -> list[Fact]:
        """What has come since the last time, oldest first."""
        return self.mailbox.take()

    def patch(self, submission: Submission) -> None:
        """Send a patch; a `PatchEnded` with its id follows in any case, unless the feed is closed."""
        self._call(lambda: self._start_patch(submission))

    def reconnect_now(self) -> None:
        """Between tries: try at once. While attached: ask for whole states again."""
        self._call(self._hurry)

    def close(self) -> None:
        """End the link and the thread. Returns within `CLOSE_S` and a little."""
        self._call(self._begin_close)
        self._thread.join(CLOSE_S + 1.0)

    def _call(self, callback: Callable[[], None]) -> None:
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(callback)

    def _start_patch(self, submission: Submission) -> None:
        if self._follower is not None:
            self._follower.patch(submission)
            return
        at_s, wall_s = self._now()
        text = "There is no connection; nothing was sent."
        self.mailbox.put(PatchEnded(at_s, wall_s, submission.patch_id, Verdict.UNSENT, text))

    def _hurry(self) -> None:
        if self._follower is not None:
            self._follower.relist()
        elif self._nudge is not None:
            self._nudge.set()

    def _begin_close(self) -> None:
        self._is_closing = True
        if self._work is not None:
            self._work.cancel()

    def _main(self) -> None:
        """The thread."""
        try:
            asyncio.run(self._run())
        except BaseException as error:  # noqa: BLE001 # nobody waits for the thread; the mailbox is told
            self.crash = error
            at_s, wall_s = self._now()
            self.mailbox.put(AttemptFailed(at_s, wall_s, f"The feed failed: {sentence_of(error)}", "", None))
        finally:
            self._loop = None
            self._started.set()

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._nudge = asyncio.Event()
        self.mailbox.on_room(lambda: self._call(self._make_room))
        self._work = asyncio.create_task(self._stay_connected())
        self._started.set()
        try:
            await self._work
        except asyncio.CancelledError:
            if not self._is_closing:
                raise
        self.mailbox.put(FeedClosed(*self._now()))

    async def _stay_connected(self) -> None:
        failures, attempt, was_attached = 0, 0, False
        while True:
            attempt += 1
            self.mailbox.put(AttemptStarted(*self._now(), self._address, attempt))
            try:
                link = await self._connect()
            except Exception as error:  # noqa: BLE001 # judged below: tried again or told
                failures += 1
                is_final = not is_worth_a_retry(error, was_attached=was_attached, failures=failures)
                delay_s = None if is_final else self._retry.delay_s(failures, self._chance)
                self._tell_failure(error, delay_s)
                if await self._wait_for_nudge(delay_s):
                    attempt = failures = 0
                continue
            was_attached, attempt = True, 0
            began_s = self.clocks.monotonic_s()
            reason = await self._stay_on(link)
            failures = 0 if self.clocks.monotonic_s() - began_s >= ALIVE_S else failures + 1
            delay_s = self._retry.delay_s(max(failures, 1), self._chance)
            at_s, wall_s = self._now()
            self.mailbox.put(LinkWent(at_s, wall_s, reason, at_s + delay_s))
            await self._wait_for_nudge(delay_s)

    async def _stay_on(self, link: InspectorLink) -> str:
        self._address = link.address
        self.mailbox.put(Attached(*self._now(), link.address, link.server))
        follower = Follower(link, self.mailbox, self.clocks, self._points, interval_s=self._interval_s)
        self._follower = follower
        try:
            return await follower.run()
        finally:
            self._follower = None
            with contextlib.suppress(Exception):
                await asyncio.wait_for(link.aclose(), CLOSE_S)

    async def _wait_for_nudge(self, delay_s: float | None) -> bool:
        """Wait for the time, or for the user; True if it was the user."""
        assert self._nudge is not None
        self._nudge.clear()
        try:
            await asyncio.wait_for(self._nudge.wait(), delay_s)
        except TimeoutError:
            return False
        return True

    def _tell_failure(self, error: Exception, delay_s: float | None) -> None:
        at_s, wall_s = self._now()
        retry_at_s = None if delay_s is None else at_s + delay_s
        self.mailbox.put(AttemptFailed(at_s, wall_s, sentence_of(error), remedy_of(error), retry_at_s))

    def _make_room(self) -> None:
        if self._follower is not None:
            self._follower.make_room()

    def _now(self) -> tuple[float, float]:
        return self.clocks.monotonic_s(), self.clocks.wall_s()
