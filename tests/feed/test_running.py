"""The feed against servers that behave, refuse, vanish, stall and come back."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypeVar
from uuid import UUID

import pytest

from ezmsg_core import errors
from ezmsg_core.model.profiles import ProcessProfile
from ezmsg_core.model.settings import SettingsState
from ezmsg_core.model.topology import TopologyChangedEvent, TopologyEventType, TopologyState
from ezmsg_core.model.watching import (
    Bookmark,
    Gap,
    ProfileSampled,
    ProfilesListed,
    SettingsListed,
    StreamName,
    TopologyEvent,
    TopologyListed,
    WatchItem,
)
from ezmsg_tui.feed.links import Receipt
from ezmsg_tui.feed.mailbox import Mailbox
from ezmsg_tui.feed.retrying import RetryPolicy
from ezmsg_tui.feed.running import Feed
from ezmsg_tui.store.change_book import Submission
from ezmsg_tui.store.facts import (
    Attached,
    AttemptFailed,
    AttemptStarted,
    Fact,
    FeedClosed,
    ItemCame,
    LinkWent,
    PatchEnded,
    PatchSent,
    SamplesDropped,
    ServerFacts,
    StreamFailed,
    Verdict,
)

F = TypeVar("F")
DEADLINE_S = 10.0
QUICK = RetryPolicy(first_s=0.01, longest_s=0.02)
PROFILE = ProcessProfile(UUID(int=1), 1, "h", 0.0, 1, [], [])


class ScriptedWatch:
    """A watch whose items the test hands in; an exception ends it."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[WatchItem | Exception | None] = asyncio.Queue()
        self.is_closed = False

    async def __aiter__(self) -> AsyncIterator[WatchItem]:
        while True:
            item = await self.queue.get()
            if item is None:
                return
            if isinstance(item, Exception):
                raise item
            yield item

    async def aclose(self) -> None:
        self.is_closed = True


class ScriptedLink:
    """A link of a server that says what the test wants."""

    def __init__(self, server: ScriptedServer) -> None:
        self.address = "h:1"
        self.server = ServerFacts("g", server.epoch, 1, "h", "control")
        self.opened: list[tuple[StreamName, int | None, str]] = []
        self.watches: dict[StreamName, ScriptedWatch] = {}
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.is_closed = False
        self.patches: asyncio.Queue[Submission] = asyncio.Queue()
        self.answers: list[Receipt | Exception] = []
        self._server = server

    async def watch(self, stream: StreamName, *, after_seq: int | None, epoch: str, interval_s: float) -> ScriptedWatch:
        assert interval_s > 0
        self.opened.append((stream, after_seq, epoch))
        watch = self.watches[stream] = ScriptedWatch()
        if after_seq is None:
            watch.queue.put_nowait(self._server.listing(stream))
        return watch

    async def patch(self, submission: Submission, *, timeout_s: float) -> Receipt:
        assert timeout_s > 0
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        reason = await asyncio.shield(self.lost)
        raise errors.LinkLostError(f"lost: {reason}")

    async def wait_lost(self) -> str:
        return await asyncio.shield(self.lost)

    async def aclose(self) -> None:
        self.is_closed = True


class ScriptedServer:
    """What the feed connects to: each entry of `doors` is how one try ends; then tries succeed."""

    def __init__(self, *doors: Exception) -> None:
        self.doors = list(doors)
        self.epoch = "e1"
        self.links: list[ScriptedLink] = []
        self.revision = 0

    async def connect(self) -> ScriptedLink:
        await asyncio.sleep(0)
        if self.doors:
            raise self.doors.pop(0)
        self.links.append(ScriptedLink(self))
        return self.links[-1]

    def listing(self, stream: StreamName) -> WatchItem:
        match stream:
            case StreamName.TOPOLOGY:
                return TopologyListed(TopologyState(self.revision, [], [], [], [], [], []))
            case StreamName.SETTINGS:
                return SettingsListed(SettingsState(self.revision, {}))
            case StreamName.PROFILING:
                return ProfilesListed(0, [])


class Reader:
    """Takes facts from a feed until one is of the kind that the test waits for."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.facts: list[Fact] = []
        self._next = 0

    def until(self, kind: type[F], which: Callable[[F], bool] = lambda _: True) -> F:
        while True:
            while self._next < len(self.facts):
                fact = self.facts[self._next]
                self._next += 1
                if isinstance(fact, kind) and which(fact):
                    return fact
            assert self.feed.mailbox.wait(DEADLINE_S), f"no {kind.__name__} came; there were {self.facts[-5:]}"
            self.facts += self.feed.take()

    def synced(self) -> None:
        """Wait until every stream has delivered a state."""
        waiting = set(StreamName)
        while waiting:
            waiting.discard(self.until(ItemCame).stream)


Started = Callable[..., tuple[Feed, Reader]]


@pytest.fixture
def started() -> Iterator[Started]:
    feeds: list[Feed] = []

    def start(server: ScriptedServer, **options: Any) -> tuple[Feed, Reader]:
        feed = Feed(server.connect, "h:1", retry=options.pop("retry", QUICK), chance=lambda: 0.5, **options)
        feeds.append(feed)
        feed.start()
        return feed, Reader(feed)

    yield start
    for feed in feeds:
        feed.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "ezmsg-tui feed"]


def on_loop(feed: Feed, callback: Callable[[], None]) -> None:
    """Run a callback on the feed's loop, as the server's bytes would."""
    loop = feed._loop
    assert loop is not None
    loop.call_soon_threadsafe(callback)


def lose(feed: Feed, link: ScriptedLink, reason: str = "connection reset by peer") -> None:
    on_loop(feed, lambda: link.lost.set_result(reason))


def push(feed: Feed, link: ScriptedLink, stream: StreamName, *items: WatchItem | Exception | None) -> None:
    def hand_in() -> None:
        for item in items:
            link.watches[stream].queue.put_nowait(item)

    on_loop(feed, hand_in)


def event(seq: int) -> TopologyEvent:
    return TopologyEvent(TopologyChangedEvent(seq, TopologyEventType.GRAPH_CHANGED, 0.0, [], None, None, []))


def test_a_server_that_is_there_is_attached_to_and_its_three_streams_come(started: Started) -> None:
    server = ScriptedServer()
    _, reader = started(server)
    assert reader.until(AttemptStarted).attempt == 1
    attached = reader.until(Attached)
    assert (attached.address, attached.server.epoch) == ("h:1", "e1")
    reader.synced()
    assert {opened[0] for opened in server.links[0].opened} == set(StreamName)


def test_a_server_that_is_not_there_yet_is_tried_until_it_is(started: Started) -> None:
    server = ScriptedServer(*[errors.ServerUnreachableError("Nobody listens there.") for _ in range(4)])
    _, reader = started(server)
    for attempt in range(1, 5):
        assert reader.until(AttemptStarted).attempt == attempt
        failed = reader.until(AttemptFailed)
        assert failed.reason == "Nobody listens there."
        assert failed.retry_at_s is not None and failed.retry_at_s > failed.at_s
    assert reader.until(AttemptStarted).attempt == 5
    reader.until(Attached)


def test_a_refusal_is_said_once_and_tried_again_only_when_the_user_asks(started: Started) -> None:
    server = ScriptedServer(errors.ProtocolMismatchError("It speaks protocol 4.", ours=1, theirs=4))
    feed, reader = started(server)
    failed = reader.until(AttemptFailed)
    assert failed.retry_at_s is None
    assert failed.remedy
    assert not feed.mailbox.wait(0.1), "no retry loop"
    feed.reconnect_now()
    assert reader.until(AttemptStarted).attempt == 1
    reader.until(Attached)


def test_the_user_need_not_wait_for_the_next_try(started: Started) -> None:
    server = ScriptedServer(errors.ServerUnreachableError("no"))
    feed, reader = started(server, retry=RetryPolicy(first_s=3600.0, longest_s=3600.0))
    reader.until(AttemptFailed)
    feed.reconnect_now()
    reader.until(Attached)


def test_after_a_loss_the_streams_resume_where_they_were(started: Started) -> None:
    server = ScriptedServer()
    server.revision = 7
    feed, reader = started(server)
    reader.synced()
    push(feed, server.links[0], StreamName.TOPOLOGY, event(8), event(9))
    reader.until(ItemCame, lambda came: came.item == event(9))
    lose(feed, server.links[0])
    went = reader.until(LinkWent)
    assert went.reason == "connection reset by peer"
    reader.until(Attached)
    reader.until(ItemCame)  # of profiling, which is listed each time
    assert server.links[0].is_closed
    assert {(s, seq, epoch) for s, seq, epoch in server.links[1].opened} == {
        (StreamName.TOPOLOGY, 9, "e1"),
        (StreamName.SETTINGS, 7, "e1"),
        (StreamName.PROFILING, None, ""),
    }


def test_after_a_hole_a_stream_starts_with_a_state(started: Started) -> None:
    server = ScriptedServer()
    feed, reader = started(server)
    reader.synced()
    push(feed, server.links[0], StreamName.TOPOLOGY, Gap(1, 5, "too slow"))
    reader.until(ItemCame, lambda came: isinstance(came.item, Gap))
    lose(feed, server.links[0])
    reader.until(Attached)
    reader.until(ItemCame, lambda came: came.stream is StreamName.TOPOLOGY)
    assert (StreamName.TOPOLOGY, None, "") in server.links[1].opened


def test_asking_for_fresh_states_lists_everything_again_over_the_same_link(started: Started) -> None:
    server = ScriptedServer()
    feed, reader = started(server)
    reader.synced()
    feed.reconnect_now()
    reader.synced()
    assert len(server.links) == 1
    assert [after for _, after, _ in server.links[0].opened] == [None] * 6


def test_a_stream_that_fails_is_named_and_the_others_go_on(started: Started) -> None:
    server = ScriptedServer()
    feed, reader = started(server)
    reader.synced()
    push(feed, server.links[0], StreamName.PROFILING, errors.GraphError("too many watches"))
    failed = reader.until(StreamFailed)
    assert (failed.stream, failed.reason) == (StreamName.PROFILING, "too many watches")
    push(feed, server.links[0], StreamName.SETTINGS, None)
    assert "without a reason" in reader.until(StreamFailed).reason
    push(feed, server.links[0], StreamName.TOPOLOGY, event(1))
    reader.until(ItemCame, lambda came: came.item == event(1))


def test_how_a_patch_ends_is_always_told(started: Started) -> None:
    cases: list[tuple[Receipt | Exception, Verdict, str]] = [
        (Receipt(7), Verdict.ACCEPTED, ""),
        (errors.SettingsValueError("above 250", field_path="high"), Verdict.REFUSED, "above 250"),
        (errors.SettingsConflictError("it is at 5"), Verdict.OUTDATED, "it is at 5"),
        (errors.CallError("nobody owns it"), Verdict.REFUSED, "nobody owns it"),
        (errors.RequestTimeoutError("no answer"), Verdict.UNKNOWN, "no answer"),
    ]
    server = ScriptedServer()
    feed, reader = started(server)
    reader.synced()
    server.links[0].answers = [answer for answer, _, _ in cases]
    for number, (_, verdict, text) in enumerate(cases):
        feed.patch(Submission(number, "A", {"x": 1}, 1))
        assert reader.until(PatchSent).patch_id == number
        ended = reader.until(PatchEnded)
        assert (ended.patch_id, ended.verdict, ended.text) == (number, verdict, text)
    ended = [fact for fact in reader.facts if isinstance(fact, PatchEnded)]
    assert ended[0].revision == 7
    assert ended[1].parts["field_path"] == "high"


def test_a_patch_in_flight_when_the_link_goes_is_unknown(started: Started) -> None:
    server = ScriptedServer()
    feed, reader = started(server)
    reader.synced()
    feed.patch(Submission(1, "A", {"x": 1}, 1))
    reader.until(PatchSent)
    lose(feed, server.links[0])
    assert reader.until(PatchEnded).verdict is Verdict.UNKNOWN


def test_a_patch_without_a_link_is_not_sent(started: Started) -> None:
    server = ScriptedServer(errors.AccessDeniedError("no"))
    feed, reader = started(server)
    reader.until(AttemptFailed)
    feed.patch(Submission(1, "A", {"x": 1}, 1))
    assert reader.until(PatchEnded).verdict is Verdict.UNSENT


def test_a_reader_that_stands_still_holds_events_back_and_lets_profiles_go(started: Started) -> None:
    server = ScriptedServer()
    feed, reader = started(server, mailbox=Mailbox(limit=8))
    reader.synced()
    while feed.mailbox.wait(0.05):
        reader.facts += feed.take()
    link = server.links[0]
    push(feed, link, StreamName.TOPOLOGY, *[event(seq) for seq in range(1, 101)])
    push(feed, link, StreamName.PROFILING, *[ProfileSampled(seq, PROFILE) for seq in range(1, 101)])
    held = threading.Event()

    def look() -> None:
        if link.watches[StreamName.PROFILING].queue.empty():
            held.set()
        else:
            on_loop(feed, look)

    on_loop(feed, look)
    assert held.wait(DEADLINE_S)
    reader.until(ItemCame, lambda came: came.item == event(100))
    push(feed, link, StreamName.PROFILING, ProfileSampled(101, PROFILE))
    dropped = reader.until(SamplesDropped).count
    items = [fact.item for fact in reader.facts if isinstance(fact, ItemCame)]
    assert [item for item in items if isinstance(item, TopologyEvent)] == [event(seq) for seq in range(1, 101)]
    assert dropped + sum(isinstance(item, ProfileSampled) for item in items) == 101


def test_closing_says_so_last_and_ends_the_link_and_the_thread(started: Started) -> None:
    server = ScriptedServer()
    feed, reader = started(server)
    reader.synced()
    feed.close()
    reader.until(FeedClosed)
    assert server.links[0].is_closed
    feed.close()
    feed.patch(Submission(1, "A", {}, 1))
    feed.reconnect_now()


def test_closing_between_tries_does_not_wait_for_the_next_one(started: Started) -> None:
    server = ScriptedServer(errors.ServerUnreachableError("no"))
    feed, reader = started(server, retry=RetryPolicy(first_s=3600.0, longest_s=3600.0))
    reader.until(AttemptFailed)
    feed.close()
    reader.until(FeedClosed)


def test_a_bookmark_is_a_sign_of_life_and_moves_no_resume_point(started: Started) -> None:
    server = ScriptedServer()
    feed, reader = started(server)
    reader.synced()
    push(feed, server.links[0], StreamName.TOPOLOGY, Bookmark(50))
    reader.until(ItemCame, lambda came: isinstance(came.item, Bookmark))
    lose(feed, server.links[0])
    reader.until(Attached)
    reader.until(ItemCame)
    assert (StreamName.TOPOLOGY, 0, "e1") in server.links[1].opened


def test_what_the_feed_cannot_handle_is_shown_and_kept(started: Started) -> None:
    class BrokenLink(ScriptedLink):
        async def wait_lost(self) -> str:
            raise ZeroDivisionError("a mistake")

    class BrokenServer(ScriptedServer):
        async def connect(self) -> ScriptedLink:
            return BrokenLink(self)

    feed, reader = started(BrokenServer())
    failed = reader.until(AttemptFailed)
    assert "a mistake" in failed.reason
    assert failed.retry_at_s is None
    assert isinstance(feed.crash, ZeroDivisionError)
