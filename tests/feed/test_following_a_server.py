"""Whatever a server sends, and however often the link goes, the store ends in the server's state."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ezmsg_core.graph.effects import Send
from ezmsg_core.graph.limits import GraphLimits
from ezmsg_core.graph.machine import GraphMachine
from ezmsg_core.graph.stimuli import FrameReceived, LinkClosed, LinkOpened, Now
from ezmsg_core.model.components import ComponentMetadata, DynamicSettingsMetadata, GraphMetadata
from ezmsg_core.model.roles import Role
from ezmsg_core.model.settings import SettingsSnapshotValue
from ezmsg_core.model.watching import StreamName, WatchItem
from ezmsg_core.wire import commands, frames
from ezmsg_core.wire.answers import ProcessOpened, SessionOpened, WatchOpened
from ezmsg_tui.feed.resuming import ResumePoint
from ezmsg_tui.store.facts import Attached, ItemCame, LinkWent, ServerFacts
from ezmsg_tui.store.reducer import InspectorStore

TOPICS = ["A", "B", "C", "D"]
UNITS = ["R/ONE", "R/TWO"]
FOLLOWED = (StreamName.TOPOLOGY, StreamName.SETTINGS)


class Server:
    """A graph machine with a short memory, one client that changes it and one inspector that follows."""

    def __init__(self, store: InspectorStore) -> None:
        self.store = store
        self.now_s = 0.0
        self.links = 0
        self.asks = 0
        self.epochs = 0
        self.watches: dict[int, StreamName] = {}
        self.outbox: list[tuple[StreamName, WatchItem]] = []
        self.answers: dict[int, Any] = {}
        self.points = {stream: ResumePoint() for stream in FOLLOWED}
        self.start()

    def start(self) -> None:
        """A new server, after a crash of the one before."""
        self.epochs += 1
        self.epoch = f"{self.epochs:032x}"
        limits = GraphLimits(journal_events=3, credit_items=4)
        self.machine = GraphMachine(epoch=self.epoch, graph_id="g", pid=1, host="h", limits=limits)
        self.client = self.open(Role.PARTICIPATE)
        self.session: str | None = None
        self.process: Any = None
        self.attach()

    def attach(self) -> None:
        """The inspector links up and resumes its watches."""
        self.watches = {}
        self.inspector = self.open(Role.OBSERVE)
        facts = ServerFacts("g", self.epoch, 1, "h", "observe")
        self.store.take(Attached(self.now_s, self.now_s, "here", facts))
        for stream in FOLLOWED:
            point = self.points[stream]
            answer = self.ask(self.inspector, commands.OpenWatch(stream, point.after_seq, point.epoch))
            assert isinstance(answer, WatchOpened)
            self.watches[answer.watch_id] = stream
            self.grant(0)

    def detach(self) -> None:
        """The inspector's link goes; what was not read is lost with it."""
        self.outbox.clear()
        self.handle(LinkClosed(self.inspector, "lost"))
        self.store.take(LinkWent(self.now_s, self.now_s, "lost", None))

    def open(self, role: Role) -> int:
        self.links += 1
        self.handle(LinkOpened(self.links, role, False, "peer"))
        self.handle(FrameReceived(self.links, frames.Hello("program", 1, "h")))
        return self.links

    def ask(self, link: int, command: commands.Command) -> Any:
        self.asks += 1
        self.handle(FrameReceived(link, frames.Ask(self.asks, command)))
        return self.answers.pop(self.asks, None)

    def handle(self, stimulus: Any) -> None:
        self.now_s += 0.01
        for effect in self.machine.handle(stimulus, Now(self.now_s, self.now_s)):
            if not isinstance(effect, Send):
                continue
            if isinstance(effect.frame, frames.PushedRaw):
                item = msgspec.msgpack.decode(effect.frame.item, type=WatchItem)
                self.outbox.append((self._stream(effect.frame.watch_id), item))
            elif isinstance(effect.frame, frames.Answered):
                self.answers[effect.frame.id] = effect.frame.answer

    def _stream(self, watch_id: int) -> StreamName:
        return self.watches.get(watch_id) or FOLLOWED[len(self.watches)]  # the first items come before the answer

    def grant(self, items: int) -> None:
        for watch_id in self.watches:
            self.handle(FrameReceived(self.inspector, frames.CreditGranted(watch_id, items)))

    def read(self, count: int) -> None:
        """The inspector takes some of what came, and gives the credit back."""
        for stream, item in self.outbox[:count]:
            self.store.take(ItemCame(self.now_s, self.now_s, stream, item))
            self.points[stream].take(item, self.epoch)
        del self.outbox[:count]
        self.grant(count)

    def read_all(self) -> None:
        for _ in range(1000):
            self.grant(4)
            if not self.outbox:
                return
            self.read(len(self.outbox))
        raise AssertionError("the server never ran out of items")

    def change(self, what: int, which: int) -> None:
        """One of the things that change a graph; a refused one changes nothing."""
        topic, other = TOPICS[which % 4], TOPICS[(which // 4) % 4]
        unit = UNITS[which % 2]
        if what in (0, 3, 4) and self.session is None:
            answer = self.ask(self.client, commands.OpenSession())
            self.session = answer.session_id if isinstance(answer, SessionOpened) else None
        if what in (5, 6, 7) and self.process is None:
            answer = self.ask(self.client, commands.OpenProcess(1, "h"))
            self.process = answer.process_id if isinstance(answer, ProcessOpened) else None
            self.ask(self.client, commands.RegisterUnits(self.process, UNITS))
        match what:
            case 1:
                self.ask(self.client, commands.ConnectEdge(topic, other, self.session))
            case 2:
                self.ask(self.client, commands.DisconnectEdge(topic, other, self.session))
            case 3 if self.session is not None:
                self.ask(self.client, commands.RegisterMetadata(self.session, _metadata(unit, which)))
            case 4 if self.session is not None:
                self.ask(self.client, commands.CloseSession(self.session))
                self.session = None
            case 5 if self.process is not None:
                self.ask(self.client, commands.CloseProcess(self.process))
                self.process = None
            case 6 if self.process is not None:
                self.ask(self.client, commands.RegisterUnits(self.process, UNITS[: which % 3]))
            case 7 if self.process is not None:
                value = SettingsSnapshotValue(None, {"gain": which}, {"gain": which})
                self.ask(self.client, commands.ReportSettings(self.process, unit, value, 0.0))
            case 8:
                self.ask(self.client, commands.AdvertisePublisher(topic, 4, []))
            case 9:
                self.ask(self.client, commands.AdvertiseSubscriber(topic))
            case 10:
                self.handle(LinkClosed(self.client, "gone"))
                self.client, self.session, self.process = self.open(Role.PARTICIPATE), None, None
            case _:
                pass


def _metadata(unit: str, gain: int) -> GraphMetadata:
    component = ComponentMetadata(
        address=unit,
        name=unit,
        component_type="m.C",
        settings_type="m.S",
        initial_settings=(None, {"gain": gain}),
        dynamic_settings=DynamicSettingsMetadata(False, None, None),
        settings_schema=None,
    )
    return GraphMetadata(1, "R", {unit: component})


_changes = st.tuples(st.just("change"), st.integers(0, 10), st.integers(0, 15))
_reads = st.tuples(st.just("read"), st.integers(1, 6), st.just(0))
_breaks = st.sampled_from([("lose", 0, 0), ("crash", 0, 0)])
_plays = st.lists(st.one_of(_changes, _changes, _changes, _reads, _breaks), max_size=60)


@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.too_slow])
@given(_plays)
def test_any_course_of_events_ends_in_the_servers_state(play: list[tuple[str, int, int]]) -> None:
    store = InspectorStore()
    server = Server(store)
    for act, what, which in play:
        match act:
            case "change":
                server.change(what, which)
            case "read":
                server.read(what)
            case "lose":
                server.detach()
                server.attach()
            case _:
                server.detach()
                server.start()
    server.read_all()
    assert store.topology.fold.state() == server.machine.topology()
    expected = server.machine.settings()
    assert store.settings.seq == expected.revision
    assert store.settings.values == expected.values


def test_events_beyond_the_servers_memory_are_a_line_and_a_new_state() -> None:
    store = InspectorStore()
    server = Server(store)
    server.read_all()
    for number in range(12):
        server.change(8, number)
    server.read_all()
    texts = [line.text for line in store.happenings.lines]
    assert any("topology events" in text and "will not come" in text for text in texts)
    assert any("listed anew" in text for text in texts)
    assert store.topology.fold.state() == server.machine.topology()


def test_a_refused_command_leaves_no_trace() -> None:
    store = InspectorStore()
    server = Server(store)
    server.change(1, 1)  # B → A
    server.read_all()
    before = store.topology.fold.state()
    server.change(1, 4)  # A → B would close a loop
    server.read_all()
    assert store.topology.fold.state() == before
