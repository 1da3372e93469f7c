"""The graph machine against an oracle too simple to be wrong, under any sequence of commands and losses."""

from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from ezmsg_core.errors import AddressCollisionError, CycleError, EzmsgError, OwnershipError
from ezmsg_core.model.control import ProcessControlResponse
from ezmsg_core.model.fold import TopologyFold
from ezmsg_core.model.roles import Role
from ezmsg_core.model.settings import SettingsSnapshotValue
from ezmsg_core.model.watching import (
    Gap,
    SettingsEvent,
    SettingsListed,
    StreamName,
    TopologyEvent,
    TopologyListed,
)
from ezmsg_core.wire import commands, frames
from tests.graph.play import Actor, Play, metadata, unit

TOPICS = st.sampled_from("abcdef")
UNITS = st.sampled_from(["U", "V", "W"])


class Follower:
    """A watcher that folds what it hears, with as little credit as it is given."""

    def __init__(self, play: Play) -> None:
        self.actor = play.enter(Role.OBSERVE)
        self.topology_watch = self.actor.ask(commands.OpenWatch(StreamName.TOPOLOGY)).watch_id
        self.settings_watch = self.actor.ask(commands.OpenWatch(StreamName.SETTINGS)).watch_id
        self.fold = TopologyFold()
        self.values: dict[str, int] = {}
        self.settings_seq = 0

    def read(self, items: int) -> bool:
        """Take what came, grant more; False when nothing came."""
        topology = self.actor.items(self.topology_watch)
        settings_items = self.actor.items(self.settings_watch)
        for item in topology:
            if isinstance(item, TopologyListed):
                self.fold = TopologyFold(item.state)
            elif isinstance(item, TopologyEvent):
                assert item.event.seq == self.fold.revision + 1, "a hole that nobody named"
                self.fold.apply(item.event)
            elif isinstance(item, Gap):
                assert item.from_seq == self.fold.revision + 1
                assert item.to_seq >= item.from_seq
        for item in settings_items:
            if isinstance(item, SettingsListed):
                self.values = {key: v.revision for key, v in item.state.values.items()}
                self.settings_seq = item.state.revision
            elif isinstance(item, SettingsEvent):
                assert item.event.seq == self.settings_seq + 1, "a hole that nobody named"
                self.settings_seq = item.event.seq
                self._take(item)
        self.actor.send(frames.CreditGranted(self.topology_watch, items))
        self.actor.send(frames.CreditGranted(self.settings_watch, items))
        return bool(topology or settings_items)

    def _take(self, item: SettingsEvent) -> None:
        if item.event.event_type.value == "SETTINGS_REMOVED":
            del self.values[item.event.component_address]
        else:
            self.values[item.event.component_address] = item.event.value.revision


class GraphModel(RuleBasedStateMachine):
    actors: Bundle[Actor] = Bundle("actors")
    sessions: Bundle[tuple[Actor, str]] = Bundle("sessions")
    processes: Bundle[tuple[Actor, UUID]] = Bundle("processes")
    subscribers: Bundle[tuple[Actor, str]] = Bundle("subscribers")

    @initialize()
    def begin(self) -> None:
        self.play = Play(journal_events=8, credit_items=4)
        self.edges: dict[tuple[str, str], set[str]] = {}
        self.holders: dict[str, str] = {}
        self.owners: dict[str, UUID] = {}
        self.live_sessions: dict[str, Actor] = {}
        self.live_processes: dict[UUID, Actor] = {}
        self.started: list[tuple[Actor, int]] = []
        self.followers = [Follower(self.play)]

    @rule(target=actors)
    def enter(self) -> Actor:
        return self.play.enter()

    @rule(actor=consumes(actors))
    def leave(self, actor: Actor) -> None:
        actor.leave()
        for session in [s for s, a in self.live_sessions.items() if a is actor]:
            self._end_session(session)
        for process in [p for p, a in self.live_processes.items() if a is actor]:
            self._end_process(process)

    @rule()
    def follow(self) -> None:
        if len(self.followers) < 3:
            self.followers.append(Follower(self.play))

    @rule(items=st.integers(0, 3), which=st.integers(0, 2))
    def read(self, items: int, which: int) -> None:
        self.followers[which % len(self.followers)].read(items)

    @rule(target=sessions, actor=actors)
    def open_session(self, actor: Actor) -> tuple[Actor, str]:
        session = actor.ask(commands.OpenSession()).session_id
        self.live_sessions[session] = actor
        return actor, session

    @rule(session=consumes(sessions))
    def close_session(self, session: tuple[Actor, str]) -> None:
        if self._is_live(session):
            self._finish(session[0], commands.CloseSession(session[1]))
            self._end_session(session[1])

    @rule(session=sessions)
    def clear_session(self, session: tuple[Actor, str]) -> None:
        if self._is_live(session):
            self._finish(session[0], commands.ClearSession(session[1]))
            self._release(session[1])

    @rule(session=sessions, source=TOPICS, sink=TOPICS)
    def connect(self, session: tuple[Actor, str], source: str, sink: str) -> None:
        if not self._is_live(session):
            return
        is_loop = self._reaches(sink, source)
        try:
            self._finish(session[0], commands.ConnectEdge(source, sink, session[1]))
        except CycleError as error:
            assert is_loop, "a refused edge closes a loop"
            for step in zip(error.path, error.path[1:], strict=False):
                assert step in self.edges, "the named loop is made of edges"
            return
        assert not is_loop
        self.edges.setdefault((source, sink), set()).add(session[1])

    @rule(session=sessions, source=TOPICS, sink=TOPICS)
    def disconnect(self, session: tuple[Actor, str], source: str, sink: str) -> None:
        if self._is_live(session):
            self._finish(session[0], commands.DisconnectEdge(source, sink, session[1]))
            self._drop((source, sink), session[1])

    @rule(session=sessions, units=st.sets(UNITS))
    def register(self, session: tuple[Actor, str], units: set[str]) -> None:
        if not self._is_live(session):
            return
        taken = {u for u in units if self.holders.get(u, session[1]) != session[1]}
        try:
            session[0].ask(commands.RegisterMetadata(session[1], metadata(*(unit(u, gain=1) for u in sorted(units)))))
        except AddressCollisionError as error:
            assert set(error.addresses) == taken
            return
        assert not taken
        self.holders = {u: s for u, s in self.holders.items() if s != session[1]} | dict.fromkeys(units, session[1])

    @rule(target=processes, actor=actors)
    def open_process(self, actor: Actor) -> Any:
        if actor.link not in self.play.actors:
            return multiple()
        process = actor.ask(commands.OpenProcess(1, "h")).process_id
        self.live_processes[process] = actor
        return actor, process

    @rule(process=processes, units=st.sets(UNITS))
    def own(self, process: tuple[Actor, UUID], units: set[str]) -> None:
        if self.live_processes.get(process[1]) is not process[0]:
            return
        taken = {u for u in units if self.owners.get(u, process[1]) != process[1]}
        try:
            process[0].ask(commands.RegisterUnits(process[1], sorted(units)))
        except OwnershipError as error:
            assert set(error.units) == taken
            return
        assert not taken
        self.owners = {u: p for u, p in self.owners.items() if p != process[1]} | dict.fromkeys(units, process[1])

    @rule(process=processes, which=UNITS, gain=st.integers(0, 3))
    def report(self, process: tuple[Actor, UUID], which: str, gain: int) -> None:
        if self.live_processes.get(process[1]) is not process[0]:
            return
        value = SettingsSnapshotValue(None, {"gain": gain}, {"gain": gain})
        try:
            process[0].ask(commands.ReportSettings(process[1], which, value, 0.0))
        except OwnershipError:
            assert self.owners.get(which) != process[1]
            return
        assert self.owners[which] == process[1]
        assert self.play.machine.settings().values[which].structured_value == {"gain": gain}

    @rule(caller=actors, which=UNITS)
    def call(self, caller: Actor, which: str) -> None:
        ask = caller.start(commands.CallUnit("PING", 1.0, which))
        self.started.append((caller, ask))
        if which not in self.owners:
            assert caller.ended(ask).response.error_code.value == "UNROUTABLE_UNIT"

    @rule(actor=actors)
    def reply(self, actor: Actor) -> None:
        for invoked in actor.take(frames.Invoked):
            actor.send(frames.CallReply(invoked.call_id, ProcessControlResponse("", ok=True)))

    @rule(actor=actors, topic=TOPICS)
    def publish(self, actor: Actor, topic: str) -> None:
        self._finish(actor, commands.AdvertisePublisher(topic, 1, []))

    @rule(target=subscribers, actor=actors, topic=TOPICS)
    def subscribe(self, actor: Actor, topic: str) -> tuple[Actor, str]:
        return actor, actor.ask(commands.AdvertiseSubscriber(topic)).endpoint_id

    @rule(subscriber=consumes(subscribers))
    def unsubscribe(self, subscriber: tuple[Actor, str]) -> None:
        if subscriber[0].link in self.play.actors:
            subscriber[0].ask(commands.Withdraw(subscriber[1]))

    @rule(seconds=st.sampled_from([0.1, 1.5, 9.0]))
    def wait(self, seconds: float) -> None:
        self.play.wait(seconds)

    @invariant()
    def edges_are_the_oracles(self) -> None:
        state = self.play.machine.topology()
        assert {(e.source, e.target): set(e.owners) for e in state.edges} == self.edges
        assert {s.session_id for s in state.sessions} == set(self.live_sessions)
        assert {p.process_id: set(p.units) for p in state.processes} == {
            p: {u for u, owner in self.owners.items() if owner == p} for p in self.live_processes
        }

    @invariant()
    def subscribers_know_who_reaches_them(self) -> None:
        state = self.play.machine.topology()
        routed = {
            (actor.link, frame.subscriber_id): [p.endpoint_id for p in frame.publishers]
            for actor in self.play.actors.values()
            for frame in actor.heard
            if isinstance(frame, frames.Routed)
        }
        for subscriber in state.subscribers:
            told = next((ids for (_, key), ids in routed.items() if key == subscriber.endpoint_id), None)
            expected = sorted(p.endpoint_id for p in state.publishers if self._reaches(p.topic, subscriber.topic))
            if told is not None:
                assert told == expected

    def teardown(self) -> None:
        for follower in self.followers:
            follower.read(4)  # it may be out of credit
            while follower.read(4):
                pass
            assert follower.fold.state() == self.play.machine.topology()
            settings_state = self.play.machine.settings()
            assert follower.values == {key: v.revision for key, v in settings_state.values.items()}
        self.play.wait(70.0)
        for caller, ask in self.started:
            assert caller.link not in self.play.actors or caller.ended(ask) is not None, "a call that never ends"

    def _finish(self, actor: Actor, command: commands.Command) -> Any:
        """Ask, and let every link that is told a route obey, so that the answer comes."""
        ask = actor.start(command)
        for other in list(self.play.actors.values()):
            for frame in [f for f in other.heard if isinstance(f, frames.Routed) and f.route_id]:
                other.send(frames.RouteTaken(frame.route_id))
        end = actor.ended(ask)
        assert end is not None
        if isinstance(end, EzmsgError):
            raise end
        return end

    def _is_live(self, session: tuple[Actor, str]) -> bool:
        return self.live_sessions.get(session[1]) is session[0]

    def _reaches(self, start: str, goal: str) -> bool:
        seen, frontier = {start}, [start]
        while frontier:
            topic = frontier.pop()
            if topic == goal:
                return True
            for source, target in self.edges:
                if source == topic and target not in seen:
                    seen.add(target)
                    frontier.append(target)
        return False

    def _drop(self, edge: tuple[str, str], owner: str) -> None:
        owners = self.edges.get(edge, set())
        owners.discard(owner)
        if not owners:
            self.edges.pop(edge, None)

    def _release(self, session: str) -> None:
        for edge in list(self.edges):
            self._drop(edge, session)
        self.holders = {u: s for u, s in self.holders.items() if s != session}

    def _end_session(self, session: str) -> None:
        self._release(session)
        del self.live_sessions[session]

    def _end_process(self, process: UUID) -> None:
        self.owners = {u: p for u, p in self.owners.items() if p != process}
        del self.live_processes[process]


TestGraphModel = GraphModel.TestCase
TestGraphModel.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
