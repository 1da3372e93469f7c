"""One link's life: three watches, and the patches that are sent while it stands."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from ezmsg_core.errors import (
    EzmsgError,
    LinkLostError,
    RequestTimeoutError,
    SettingsConflictError,
)
from ezmsg_core.model.watching import ProfileSampled, StreamName, WatchItem
from ezmsg_tui.feed.clocks import Clocks
from ezmsg_tui.feed.links import InspectorLink
from ezmsg_tui.feed.mailbox import Mailbox
from ezmsg_tui.feed.resuming import ResumePoint
from ezmsg_tui.feed.retrying import sentence_of
from ezmsg_tui.store.change_book import Submission
from ezmsg_tui.store.facts import ItemCame, PatchEnded, PatchSent, SamplesDropped, StreamFailed, Verdict

PATCH_TIMEOUT_S = 5.0  # an owner answers within a message; one that is busy for longer is shown as unknown


class Follower:
    """Follows a server over one link. Belongs to the feed's event loop.

    Args:
        link: that stands; stays the caller's to close.
        points: where each stream may resume; brought up to date.
        interval_s: between profiles.
    """

    def __init__(
        self,
        link: InspectorLink,
        mailbox: Mailbox,
        clocks: Clocks,
        points: dict[StreamName, ResumePoint],
        *,
        interval_s: float,
    ) -> None:
        self._link = link
        self._mailbox = mailbox
        self._clocks = clocks
        self._points = points
        self._interval_s = interval_s
        self._room = asyncio.Event()
        self._relist = asyncio.Event()
        self._patches: set[asyncio.Task[None]] = set()
        self._dropped = 0

    def make_room(self) -> None:
        """Facts were taken: whoever waits goes on."""
        self._room.set()

    def relist(self) -> None:
        """Ask for whole states again."""
        for point in self._points.values():
            point.forget()
        self._relist.set()

    def patch(self, submission: Submission) -> None:
        """Send a patch; how it ends comes as a fact."""
        task = asyncio.get_running_loop().create_task(self._send_patch(submission))
        self._patches.add(task)
        task.add_done_callback(self._patches.discard)

    async def run(self) -> str:
        """Follow until the link goes; answers the reason.

        Cancellation: stops following; patches in flight end as unknown.
        """
        lost = asyncio.ensure_future(self._link.wait_lost())
        try:
            while not lost.done():
                self._relist.clear()
                relist = asyncio.ensure_future(self._relist.wait())
                watches = [asyncio.ensure_future(self._follow(stream)) for stream in StreamName]
                try:
                    await asyncio.wait([lost, relist], return_when=asyncio.FIRST_COMPLETED)
                finally:
                    await _end([*watches, relist])
            return lost.result()
        finally:
            await _end([lost, *self._patches])

    async def _follow(self, stream: StreamName) -> None:
        point = self._points[stream]
        try:
            watch = await self._link.watch(
                stream, after_seq=point.after_seq, epoch=point.epoch, interval_s=self._interval_s
            )
            try:
                async for item in watch:
                    await self._hand_over(stream, item)
                    point.take(item, self._link.server.epoch)
            finally:
                await watch.aclose()
        except LinkLostError:
            return  # `run` hears of it too
        except EzmsgError as error:
            self._fail(stream, sentence_of(error))
        else:
            self._fail(stream, "the server ended it without a reason")

    async def _hand_over(self, stream: StreamName, item: WatchItem) -> None:
        fact = ItemCame(self._clocks.monotonic_s(), self._clocks.wall_s(), stream, item)
        if isinstance(item, ProfileSampled):  # the next one says all that this one said
            if not self._mailbox.offer(fact):
                self._dropped += 1
            elif self._dropped:
                dropped, self._dropped = self._dropped, 0
                self._mailbox.put(SamplesDropped(fact.at_s, fact.wall_s, dropped))
            return
        while not self._mailbox.has_room:
            self._room.clear()
            if not self._mailbox.has_room:
                await self._room.wait()
        self._mailbox.put(fact)

    async def _send_patch(self, submission: Submission) -> None:
        now = self._clocks
        self._mailbox.put(PatchSent(now.monotonic_s(), now.wall_s(), submission.patch_id))
        verdict, text, revision, parts = Verdict.UNKNOWN, "The inspector stopped waiting for the answer.", None, {}
        try:
            receipt = await self._link.patch(submission, timeout_s=PATCH_TIMEOUT_S)
            verdict, text, revision = Verdict.ACCEPTED, "", receipt.revision
        except (RequestTimeoutError, LinkLostError) as error:
            text = sentence_of(error)
        except SettingsConflictError as error:
            verdict, text, parts = Verdict.OUTDATED, sentence_of(error), error.parts
        except EzmsgError as error:
            verdict, text, parts = Verdict.REFUSED, sentence_of(error), error.parts
        finally:
            end = PatchEnded(now.monotonic_s(), now.wall_s(), submission.patch_id, verdict, text, revision, dict(parts))
            self._mailbox.put(end)

    def _fail(self, stream: StreamName, reason: str) -> None:
        self._points[stream].forget()
        self._mailbox.put(StreamFailed(self._clocks.monotonic_s(), self._clocks.wall_s(), stream, reason))


async def _end(tasks: Sequence[asyncio.Future[Any]]) -> None:
    """Cancel what still runs and wait for it."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
