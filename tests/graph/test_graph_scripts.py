"""The graph machine, played: who says what, and what everyone hears."""

from uuid import uuid4

import pytest

from ezmsg_core.errors import (
    AddressCollisionError,
    ConfigError,
    CycleError,
    LimitExceededError,
    NotPermittedError,
    OwnershipError,
    RequestTimeoutError,
    UnknownRecordError,
)
from ezmsg_core.graph.access import COMMAND_ROLES, FRAME_ROLES
from ezmsg_core.model.control import ProcessControlErrorCode, ProcessControlResponse
from ezmsg_core.model.fold import TopologyFold, snapshot_of
from ezmsg_core.model.profiles import ProcessProfile, ProfileChannelType
from ezmsg_core.model.roles import Role
from ezmsg_core.model.settings import SettingsEventType, SettingsSnapshotValue
from ezmsg_core.model.topology import Edge, Phase, TopologyEventType
from ezmsg_core.model.watching import (
    Bookmark,
    Gap,
    ProfileSampled,
    ProfilesListed,
    Resync,
    SettingsEvent,
    SettingsListed,
    StreamName,
    TopologyEvent,
    TopologyListed,
)
from ezmsg_core.wire import commands, frames
from ezmsg_core.wire.answers import EdgeHeld
from tests.graph.play import EPOCH, Actor, Play, metadata, unit


def session_of(actor: Actor) -> str:
    return actor.ask(commands.OpenSession()).session_id


def process_of(actor: Actor, *units: str):
    process_id = actor.ask(commands.OpenProcess(1, "stage")).process_id
    if units:
        actor.ask(commands.RegisterUnits(process_id, list(units)))
    return process_id


def value(**fields: object) -> SettingsSnapshotValue:
    return SettingsSnapshotValue(None, fields, fields, actor="tester")


def publisher_of(actor: Actor, topic: str) -> str:
    return actor.ask(commands.AdvertisePublisher(topic, 32, ["unix:/x"])).endpoint_id


def profile(**parts: object) -> ProcessProfile:
    base = {"process_id": uuid4(), "pid": 1, "host": "h", "timestamp": 1.0, "sampled_ns": 1}
    return ProcessProfile(**{**base, "publishers": [], "subscribers": [], **parts})  # pyright: ignore[reportArgumentType]


class TestEdges:
    def test_an_edge_lives_while_somebody_holds_it(self):
        play = Play()
        ada, bob = play.enter(), play.enter()
        a, b = session_of(ada), session_of(bob)
        assert ada.ask(commands.ConnectEdge("x", "y", a)) == EdgeHeld(is_changed=True)
        assert ada.ask(commands.ConnectEdge("x", "y", a)) == EdgeHeld(is_changed=False)
        assert bob.ask(commands.ConnectEdge("x", "y", b)) == EdgeHeld(is_changed=False)
        assert play.machine.topology().edges[0].owners == sorted([a, b])
        assert ada.ask(commands.DisconnectEdge("x", "y", a)) == EdgeHeld(is_changed=False)
        assert bob.ask(commands.DisconnectEdge("x", "y", b)) == EdgeHeld(is_changed=True)
        assert play.machine.topology().edges == []

    def test_a_persistent_edge_outlives_the_link_that_made_it(self):
        play = Play()
        ada = play.enter()
        ada.ask(commands.ConnectEdge("x", "y"))
        ada.leave()
        assert play.machine.topology().edges[0].owners == ["persistent"]

    def test_releasing_another_owners_edge_changes_nothing(self):
        play = Play()
        ada = play.enter()
        ada.ask(commands.ConnectEdge("x", "y"))
        assert ada.ask(commands.DisconnectEdge("x", "y", session_of(ada))) == EdgeHeld(is_changed=False)
        assert len(play.machine.topology().edges) == 1

    @pytest.mark.parametrize("edges", [["aa"], ["ab", "ba"], ["ab", "bc", "ca"], ["ab", "bd", "ac", "cd", "da"]])
    def test_a_refused_loop_is_named_and_leaves_no_trace(self, edges: list[str]):
        play = Play()
        ada = play.enter()
        for source, target in edges[:-1]:
            ada.ask(commands.ConnectEdge(source, target))
        before = play.machine.topology()
        source, target = edges[-1]
        with pytest.raises(CycleError) as refusal:
            ada.ask(commands.ConnectEdge(source, target))
        assert refusal.value.edge == [source, target]
        assert (refusal.value.path[0], refusal.value.path[-1]) == (target, source)
        assert play.machine.topology() == before

    def test_ways_that_part_and_meet_again_are_no_loop_and_lead_there_once(self):
        play = Play()
        ada = play.enter()
        for edge in ("ab", "ac", "bd", "cd"):
            ada.ask(commands.ConnectEdge(*edge))
        ada.ask(commands.ConnectEdge("x", "a"))
        publisher = publisher_of(ada, "x")
        placed = ada.ask(commands.AdvertiseSubscriber("d"))
        assert [p.endpoint_id for p in placed.publishers] == [publisher]
        with pytest.raises(CycleError) as refusal:
            ada.ask(commands.ConnectEdge("d", "x"))
        assert refusal.value.path == ["x", "a", "b", "d"]

    @pytest.mark.parametrize("topic", ["", "x" * 513, "é" * 257])
    def test_a_topic_beyond_its_limit_is_refused(self, topic: str):
        ada = Play().enter()
        with pytest.raises(LimitExceededError):
            ada.ask(commands.ConnectEdge(topic, "y"))

    def test_a_topic_at_its_limit_is_taken(self):
        assert Play().enter().ask(commands.ConnectEdge("x" * 512, "y")).is_changed


class TestSessions:
    def test_a_lost_link_releases_all_in_one_step_and_announces_it_once(self):
        play = Play()
        ada, eve = play.enter(), play.enter(Role.OBSERVE)
        session = session_of(ada)
        ada.ask(commands.ConnectEdge("x", "y", session))
        ada.ask(commands.ConnectEdge("y", "z", session))
        ada.ask(commands.RegisterMetadata(session, metadata(unit("U", gain=1))))
        watch = eve.ask(commands.OpenWatch(StreamName.TOPOLOGY)).watch_id
        eve.items(watch)
        ada.leave()
        events = [item.event for item in eve.items(watch) if isinstance(item, TopologyEvent)]
        assert [event.event_type for event in events] == [
            TopologyEventType.SESSION_CHANGED,
            TopologyEventType.GRAPH_CHANGED,
        ]
        assert events[-1].changed_topics == ["y", "z"]
        state = play.machine.topology()
        assert (state.edges, state.sessions) == ([], [])
        assert play.machine.settings().values == {}

    def test_clearing_keeps_the_session_and_shared_edges(self):
        play = Play()
        ada, bob = play.enter(), play.enter()
        a, b = session_of(ada), session_of(bob)
        for actor, session in ((ada, a), (bob, b)):
            actor.ask(commands.ConnectEdge("x", "y", session))
        ada.ask(commands.ConnectEdge("x", "z", a))
        ada.ask(commands.ClearSession(a))
        state = play.machine.topology()
        assert [(e.source, e.target, e.owners) for e in state.edges] == [("x", "y", [b])]
        assert len(state.sessions) == 2

    def test_clearing_a_session_takes_what_it_declared(self):
        play = Play()
        ada = play.enter()
        session = session_of(ada)
        ada.ask(commands.RegisterMetadata(session, metadata(unit("U", gain=1))))
        ada.ask(commands.ClearSession(session))
        (record,) = play.machine.topology().sessions
        assert record.metadata is None
        assert play.machine.settings().values == {}

    def test_a_closed_session_is_unknown_and_its_addresses_are_free(self):
        play = Play()
        ada, bob = play.enter(), play.enter()
        session = session_of(ada)
        ada.ask(commands.RegisterMetadata(session, metadata(unit("U"))))
        ada.ask(commands.CloseSession(session))
        with pytest.raises(UnknownRecordError, match="session"):
            ada.ask(commands.ConnectEdge("x", "y", session))
        bob.ask(commands.RegisterMetadata(session_of(bob), metadata(unit("U"))))

    def test_the_session_of_another_link_is_unknown(self):
        play = Play()
        session = session_of(play.enter())
        with pytest.raises(UnknownRecordError):
            play.enter().ask(commands.ClearSession(session))

    def test_an_address_that_another_session_holds_is_refused_with_its_holder(self):
        play = Play()
        ada, bob = play.enter(label="ada@lab"), play.enter()
        a, b = session_of(ada), session_of(bob)
        ada.ask(commands.RegisterMetadata(a, metadata(unit("U"), unit("V"))))
        with pytest.raises(AddressCollisionError, match=r"component address collision\(s\): U, V.*ada@lab") as refusal:
            bob.ask(commands.RegisterMetadata(b, metadata(unit("U"), unit("V"), unit("W"))))
        assert refusal.value.holder == a
        assert set(play.machine.settings().values) == {"U", "V"}

    def test_registering_again_replaces_what_was_declared(self):
        play = Play()
        ada = play.enter()
        session = session_of(ada)
        ada.ask(commands.RegisterMetadata(session, metadata(unit("U", gain=1))))
        ada.ask(commands.RegisterMetadata(session, metadata(unit("V", gain=1))))
        assert set(play.machine.settings().values) == {"V"}
        play.enter().ask(commands.OpenSession())


class TestProcesses:
    def test_a_unit_has_one_owner(self):
        play = Play()
        ada, bob = play.enter(), play.enter()
        first = process_of(ada, "U", "V")
        second = process_of(bob, "W")
        with pytest.raises(OwnershipError) as refusal:
            bob.ask(commands.UpdateOwnership(second, ["X", "U"]))
        assert (refusal.value.units, refusal.value.holder) == (["U"], str(first))
        assert {p.process_id: p.units for p in play.machine.topology().processes} == {first: ["U", "V"], second: ["W"]}

    def test_the_first_process_of_a_link_has_the_links_id(self):
        play = Play()
        ada = play.enter()
        welcome = ada.take(frames.Welcome)[0]
        assert process_of(ada) == welcome.link_id
        assert process_of(ada) != welcome.link_id

    def test_units_change_hands_when_their_process_leaves(self):
        play = Play()
        ada, bob = play.enter(), play.enter()
        process_of(ada, "U")
        ada.leave()
        process_of(bob, "U")

    def test_given_up_units_are_free_and_added_come_before_removed(self):
        play = Play()
        ada = play.enter()
        process = process_of(ada, "U", "V")
        ada.ask(commands.UpdateOwnership(process, ["W", "X"], ["U", "X"]))
        assert play.machine.topology().processes[0].units == ["V", "W"]
        process_of(play.enter(), "U", "X")

    def test_a_process_may_correct_its_pid_when_it_registers(self):
        play = Play()
        ada = play.enter()
        process = process_of(ada)
        ada.ask(commands.RegisterUnits(process, ["U"], pid=77, host="elsewhere"))
        record = play.machine.topology().processes[0]
        assert (record.pid, record.host) == (77, "elsewhere")

    def test_registering_what_is_owned_already_is_no_event(self):
        play = Play()
        ada = play.enter()
        process = process_of(ada, "U")
        before = play.machine.topology().revision
        ada.ask(commands.RegisterUnits(process, ["U"]))
        assert play.machine.topology().revision == before

    def test_a_process_that_stays_as_alive_as_it_was_is_no_event(self):
        play = Play()
        ada = play.enter()
        process_of(ada)
        before = play.machine.topology().revision
        ada.send(frames.Alive(0))
        assert play.machine.topology().revision == before

    def test_a_busy_loop_and_silence_are_shown_not_evicted(self):
        play = Play()
        ada = play.enter()
        process_of(ada)
        phases = []
        for act in (
            lambda: ada.send(frames.Alive(2_000_000_000)),
            lambda: ada.send(frames.Alive(0)),
            lambda: play.wait(11.0),
            lambda: ada.send(frames.Alive(0)),
        ):
            act()
            phases.append(play.machine.topology().processes[0].phase)
        assert phases == [Phase.BUSY, Phase.LIVE, Phase.UNRESPONSIVE, Phase.LIVE]

    def test_a_silent_remote_link_is_closed_with_the_reason(self):
        play = Play()
        far, near = play.enter(is_remote=True), play.enter()
        play.wait(11.0)
        assert far.closed is not None
        assert far.closed.code == "SILENT"
        assert near.closed is None

    def test_what_the_judge_was_late_is_held_against_nobody(self):
        play = Play()
        far = play.enter(is_remote=True)
        play.now_s += 60.0
        play.wait(2.0)
        assert far.closed is None


class TestCalls:
    def call(self, actor: Actor, **parts: object) -> int:
        return actor.start(commands.CallUnit(**{"operation": "PING", "timeout_s": 2.0, "unit": "U", **parts}))  # pyright: ignore[reportArgumentType]

    def test_a_call_reaches_the_owner_and_its_reply_the_caller(self):
        play = Play()
        owner, caller = play.enter(), play.enter(Role.CONTROL, label="tui@lab")
        process = process_of(owner, "U")
        ask = self.call(caller, data={"n": 1}, operation="ECHO")
        invoked = owner.take(frames.Invoked)[0]
        assert (invoked.unit, invoked.operation, invoked.data, invoked.actor) == ("U", "ECHO", {"n": 1}, "tui@lab")
        owner.send(frames.CallReply(invoked.call_id, ProcessControlResponse("?", ok=True, data=2)))
        response = caller.ended(ask).response
        assert (response.ok, response.data, response.process_id) == (True, 2, process)

    def test_a_process_is_callable_by_its_id(self):
        play = Play()
        owner = play.enter()
        process = process_of(owner)
        self.call(play.enter(), unit=None, process_id=process)
        assert owner.take(frames.Invoked)[0].process_id == process

    @pytest.mark.parametrize("target", [{"unit": "nobody's"}, {"unit": None}, {"unit": None, "process_id": uuid4()}])
    def test_a_call_for_nobody_is_unroutable(self, target: dict[str, object]):
        caller = Play().enter()
        response = caller.ended(self.call(caller, **target)).response
        assert response.error_code is ProcessControlErrorCode.UNROUTABLE_UNIT

    def test_no_answer_in_time_ends_the_call_and_a_late_one_is_nothing(self):
        play = Play()
        owner, caller = play.enter(), play.enter()
        process_of(owner, "U")
        ask = self.call(caller, timeout_s=0.5)
        play.wait(0.4)
        assert caller.ended(ask) is None
        play.wait(0.2)
        response = caller.ended(ask).response
        assert response.error_code is ProcessControlErrorCode.TIMEOUT
        assert "Timed out waiting for process response" in response.error
        owner.send(frames.CallReply(owner.take(frames.Invoked)[0].call_id, ProcessControlResponse("", ok=True)))
        assert caller.ended(ask).response is response

    @pytest.mark.parametrize(("asked_s", "given_s"), [(1e9, 60.0), (-1.0, 0.01), (1.5, 1.5)])
    def test_deadlines_are_finite(self, asked_s: float, given_s: float):
        play = Play()
        owner = play.enter()
        process_of(owner, "U")
        self.call(owner, timeout_s=asked_s)
        assert owner.take(frames.Invoked)[0].timeout_s == given_s

    def test_400_pending_calls_end_when_their_process_dies(self):
        play = Play(asks_in_flight=400)
        owner, caller = play.enter(), play.enter()
        process_of(owner, "U")
        asks = [self.call(caller) for _ in range(400)]
        owner.leave()
        codes = {caller.ended(ask).response.error_code for ask in asks}
        assert codes == {ProcessControlErrorCode.PROCESS_DISCONNECTED}

    def test_a_closed_registration_ends_its_calls_only(self):
        play = Play()
        owner, caller = play.enter(), play.enter()
        process = process_of(owner, "U")
        other = process_of(owner, "V")
        gone, kept = self.call(caller), self.call(caller, unit="V")
        owner.ask(commands.CloseProcess(process))
        assert caller.ended(gone).response.error_code is ProcessControlErrorCode.PROCESS_DISCONNECTED
        assert caller.ended(kept) is None
        assert [p.process_id for p in play.machine.topology().processes] == [other]

    def test_only_the_owner_can_answer(self):
        play = Play()
        owner, caller, mallory = play.enter(), play.enter(), play.enter()
        process_of(owner, "U")
        ask = self.call(caller)
        call_id = owner.take(frames.Invoked)[0].call_id
        mallory.send(frames.CallReply(call_id, ProcessControlResponse("", ok=True, data="forged")))
        assert caller.ended(ask) is None

    def test_a_caller_that_leaves_is_forgotten(self):
        play = Play()
        owner, caller = play.enter(), play.enter()
        process_of(owner, "U")
        self.call(caller)
        caller.leave()
        owner.send(frames.CallReply(owner.take(frames.Invoked)[0].call_id, ProcessControlResponse("", ok=True)))
        assert play.machine.next_deadline() is not None  # the heartbeat alone

    def test_more_commands_in_flight_than_the_limit_are_refused(self):
        play = Play(asks_in_flight=2)
        owner, caller = play.enter(), play.enter()
        process_of(owner, "U")
        self.call(caller), self.call(caller)
        with pytest.raises(LimitExceededError):
            caller.ask(commands.GetTopology())


class TestSettings:
    def test_a_declared_component_has_its_initial_value(self):
        play = Play()
        ada = play.enter(label="ada@lab")
        ada.ask(commands.RegisterMetadata(session_of(ada), metadata(unit("U", gain=1.0))))
        state = ada.ask(commands.GetSettings()).state
        entry = state.values["U"]
        assert (entry.structured_value, entry.revision, entry.actor) == ({"gain": 1.0}, 1, "ada@lab")

    def test_only_the_owner_is_believed(self):
        play = Play()
        ada, bob = play.enter(), play.enter()
        process_of(ada, "U")
        other = process_of(bob)
        with pytest.raises(OwnershipError):
            bob.ask(commands.ReportSettings(other, "U", value(gain=9), 0.0))
        with pytest.raises(UnknownRecordError):
            bob.ask(commands.ReportSettings(uuid4(), "U", value(gain=9), 0.0))
        assert play.machine.settings().values == {}

    def test_an_applied_value_is_an_event_with_what_changed(self):
        play = Play()
        ada = play.enter()
        ada.ask(commands.RegisterMetadata(session_of(ada), metadata(unit("U", gain=1.0, band={"low": 1, "high": 2}))))
        process = process_of(ada, "U")
        reported = ada.ask(commands.ReportSettings(process, "U", value(gain=1.0, band={"low": 1, "high": 3}), 0.0))
        assert reported.revision == 2
        event = ada.ask(commands.GetSettingsEvents(after_seq=1)).events[0]
        assert event.changed_fields == ["band.high"]
        assert event.old_value.structured_value == {"gain": 1.0, "band": {"low": 1, "high": 2}}
        assert (event.seq, event.source_process_id) == (reported.seq, process)

    def test_registering_again_does_not_undo_what_a_process_applied(self):
        play = Play()
        ada = play.enter()
        session = session_of(ada)
        ada.ask(commands.RegisterMetadata(session, metadata(unit("U", gain=1))))
        ada.ask(commands.ReportSettings(process_of(ada, "U"), "U", value(gain=5), 0.0))
        ada.ask(commands.RegisterMetadata(session, metadata(unit("U", gain=1))))
        assert play.machine.settings().values["U"].structured_value == {"gain": 5}
        assert len(ada.ask(commands.GetSettingsEvents()).events) == 2

    def test_declaring_the_same_again_is_no_event_and_something_else_is(self):
        play = Play()
        ada = play.enter()
        session = session_of(ada)
        for gain, revision in ((1, 1), (1, 1), (2, 2)):
            ada.ask(commands.RegisterMetadata(session, metadata(unit("U", gain=gain))))
            assert play.machine.settings().values["U"].revision == revision
            assert len(ada.ask(commands.GetSettingsEvents()).events) == revision

    def test_a_value_falls_back_to_the_initial_one_when_its_process_leaves(self):
        play = Play()
        ada, worker = play.enter(), play.enter()
        ada.ask(commands.RegisterMetadata(session_of(ada), metadata(unit("U", gain=1))))
        worker.ask(commands.ReportSettings(process_of(worker, "U"), "U", value(gain=5), 0.0))
        worker.leave()
        entry = play.machine.settings().values["U"]
        assert (entry.structured_value, entry.revision) == ({"gain": 1}, 3)

    def test_a_value_goes_with_the_last_who_knows_the_component(self):
        play = Play()
        ada, worker = play.enter(), play.enter()
        ada.ask(commands.RegisterMetadata(session_of(ada), metadata(unit("U", gain=1))))
        worker.ask(commands.ReportSettings(process_of(worker, "U"), "U", value(gain=5), 0.0))
        ada.leave()
        assert play.machine.settings().values["U"].structured_value == {"gain": 5}
        observer = play.enter()
        worker.leave()
        assert play.machine.settings().values == {}
        assert observer.ask(commands.GetSettingsEvents()).events[-1].event_type is SettingsEventType.SETTINGS_REMOVED

    def test_a_unit_that_is_given_up_loses_its_applied_value(self):
        play = Play()
        ada = play.enter()
        process = process_of(ada, "U")
        ada.ask(commands.ReportSettings(process, "U", value(gain=5), 0.0))
        ada.ask(commands.RegisterUnits(process, []))
        assert play.machine.settings().values == {}


class TestWatches:
    def test_a_watch_begins_with_a_state_and_has_no_hole(self):
        play = Play()
        ada, eve = play.enter(), play.enter(Role.OBSERVE)
        ada.ask(commands.ConnectEdge("a", "b"))
        watch = eve.ask(commands.OpenWatch(StreamName.TOPOLOGY)).watch_id
        ada.ask(commands.ConnectEdge("b", "c"))
        first, *rest = eve.items(watch)
        assert isinstance(first, TopologyListed)
        fold = TopologyFold(first.state)
        for item in rest:
            assert isinstance(item, TopologyEvent)
            assert item.event.seq == fold.revision + 1
            fold.apply(item.event)
        assert fold.state() == play.machine.topology()
        assert snapshot_of(fold.state()).graph == {"a": ["b"], "b": ["c"], "c": []}

    def test_without_credit_nothing_comes_and_with_it_nothing_is_missing(self):
        play = Play(credit_items=2)
        ada, eve = play.enter(), play.enter(Role.OBSERVE)
        watch = eve.ask(commands.OpenWatch(StreamName.TOPOLOGY)).watch_id
        for name in "bcdef":
            ada.ask(commands.ConnectEdge("a", name))
        seqs: list[int] = []
        while items := eve.items(watch):
            assert len(items) <= 2
            seqs += [item.event.seq for item in items if isinstance(item, TopologyEvent)]
            eve.send(frames.CreditGranted(watch, 100))
        last = play.machine.topology().revision
        assert seqs == list(range(last - 4, last + 1))

    def test_falling_off_the_journal_is_a_gap_and_a_fresh_state(self):
        play = Play(credit_items=1, journal_events=3)
        ada, eve = play.enter(), play.enter(Role.OBSERVE)
        watch = eve.ask(commands.OpenWatch(StreamName.TOPOLOGY)).watch_id
        start = eve.items(watch)[0].state.revision
        for name in "bcdefg":
            ada.ask(commands.ConnectEdge("a", name))
        heard: list[object] = []
        for _ in range(2):
            eve.send(frames.CreditGranted(watch, 1))
            heard += eve.items(watch)
        gap, listed = heard
        last = play.machine.topology().revision
        assert isinstance(gap, Gap)
        assert (gap.from_seq, gap.to_seq) == (start + 1, last)
        assert isinstance(listed, TopologyListed)
        assert listed.state == play.machine.topology()

    def test_resuming_within_retention_delivers_exactly_what_is_new(self):
        play = Play()
        ada, eve = play.enter(), play.enter(Role.OBSERVE)
        ada.ask(commands.ConnectEdge("a", "b"))
        seen = play.machine.topology().revision
        ada.ask(commands.ConnectEdge("b", "c"))
        watch = eve.ask(commands.OpenWatch(StreamName.TOPOLOGY, after_seq=seen, epoch=EPOCH)).watch_id
        items = eve.items(watch)
        assert [item.event.seq for item in items] == [seen + 1]

    @pytest.mark.parametrize("resume", [{"after_seq": 0, "epoch": "another"}, {"after_seq": 999}, {"after_seq": -1}])
    def test_another_epoch_or_a_seq_from_the_future_is_a_resync(self, resume: dict[str, object]):
        eve = Play().enter(Role.OBSERVE)
        watch = eve.ask(commands.OpenWatch(StreamName.TOPOLOGY, **resume)).watch_id  # pyright: ignore[reportArgumentType]
        resync, listed = eve.items(watch)
        assert isinstance(resync, Resync)
        assert resync.epoch == EPOCH
        assert isinstance(listed, TopologyListed)

    def test_a_quiet_watch_hears_a_bookmark_with_the_current_revision(self):
        play = Play()
        eve = play.enter(Role.OBSERVE)
        watch = eve.ask(commands.OpenWatch(StreamName.SETTINGS)).watch_id
        assert isinstance(eve.items(watch)[0], SettingsListed)
        play.wait(2.5)
        assert eve.items(watch) == [Bookmark(0)]

    def test_no_watch_hears_nothing_for_longer_than_two_seconds(self):
        play = Play()
        ada, eve = play.enter(), play.enter(Role.OBSERVE)
        watch = eve.ask(commands.OpenWatch(StreamName.TOPOLOGY)).watch_id
        play.wait(1.9)
        ada.ask(commands.ConnectEdge("a", "b"))
        eve.items(watch)
        for _ in range(3):
            play.wait(2.0)
            assert [type(item) for item in eve.items(watch)] == [Bookmark]

    @pytest.mark.parametrize("stream", [StreamName.TOPOLOGY, StreamName.SETTINGS])
    def test_all_who_begin_at_one_revision_begin_with_the_same_state(self, stream: StreamName):
        play = Play()
        eve, ian = play.enter(Role.OBSERVE), play.enter(Role.OBSERVE)
        watches = [(actor, actor.ask(commands.OpenWatch(stream)).watch_id) for actor in (eve, ian)]
        first, second = (actor.items(watch)[0].state for actor, watch in watches)
        assert first == second

    def test_settings_are_watched_like_the_graph(self):
        play = Play()
        ada, eve = play.enter(), play.enter(Role.OBSERVE)
        watch = eve.ask(commands.OpenWatch(StreamName.SETTINGS)).watch_id
        ada.ask(commands.RegisterMetadata(session_of(ada), metadata(unit("U", gain=1), unit("V"))))
        listed, *events = eve.items(watch)
        assert isinstance(listed, SettingsListed)
        assert [item.event.component_address for item in events if isinstance(item, SettingsEvent)] == ["U", "V"]

    def test_profiles_are_asked_for_while_somebody_watches(self):
        play = Play()
        worker, eve = play.enter(), play.enter(Role.OBSERVE)
        assert worker.take(frames.Sampling) == []
        watch = eve.ask(commands.OpenWatch(StreamName.PROFILING, interval_s=0.001)).watch_id
        assert worker.take(frames.Sampling) == [frames.Sampling(0.05)]
        assert play.enter().take(frames.Sampling) == [frames.Sampling(0.05)]
        eve.ask(commands.CloseWatch(watch))
        assert worker.take(frames.Sampling) == [frames.Sampling(0.0)]
        eve.ask(commands.OpenWatch(StreamName.PROFILING, interval_s=99.0))
        assert worker.take(frames.Sampling) == [frames.Sampling(10.0)]
        eve.leave()
        assert worker.take(frames.Sampling) == [frames.Sampling(0.0)]

    def test_a_profile_is_known_by_the_link_it_came_over(self):
        play = Play()
        worker, eve = play.enter(), play.enter(Role.OBSERVE)
        link_id = worker.take(frames.Welcome)[0].link_id
        watch = eve.ask(commands.OpenWatch(StreamName.PROFILING)).watch_id
        worker.send(frames.ProfileReport(profile()))
        listed, sampled = eve.items(watch)
        assert listed == ProfilesListed(0, [])
        assert isinstance(sampled, ProfileSampled)
        assert sampled.profile.process_id == link_id

    def test_an_interval_that_is_no_number_slows_nobody_down(self):
        play = Play()
        ada, eve, ian = play.enter(), play.enter(Role.OBSERVE), play.enter(Role.OBSERVE)
        process_of(ada)
        eve.ask(commands.OpenWatch(StreamName.PROFILING, interval_s=0.5))
        ian.ask(commands.OpenWatch(StreamName.PROFILING, interval_s=float("nan")))
        assert all(0.0 < frame.interval_s <= 0.5 for frame in ada.take(frames.Sampling))

    def test_a_deadline_that_is_no_number_has_passed_and_hides_no_other(self):
        play = Play()
        ada, bob = play.enter(), play.enter()
        process_of(ada, "U")
        odd = bob.start(commands.CallUnit("ECHO", float("nan"), "U"))
        other = bob.start(commands.CallUnit("ECHO", 0.1, "U"))
        play.wait(0.15)
        assert bob.ended(odd).response.error_code == ProcessControlErrorCode.TIMEOUT
        assert bob.ended(other).response.error_code == ProcessControlErrorCode.TIMEOUT

    def test_profiles_that_were_overtaken_are_counted_in_a_gap(self):
        play = Play(credit_items=1, profile_events=2)
        worker, eve = play.enter(), play.enter(Role.OBSERVE)
        watch = eve.ask(commands.OpenWatch(StreamName.PROFILING)).watch_id
        eve.items(watch)
        for n in range(5):
            worker.send(frames.ProfileReport(profile(sampled_ns=n)))
        heard: list[object] = []
        for _ in range(4):
            eve.send(frames.CreditGranted(watch, 1))
            heard += eve.items(watch)
        assert heard[0] == Gap(1, 3, "newer profiles took their place")
        assert [item.profile.sampled_ns for item in heard[1:] if isinstance(item, ProfileSampled)] == [3, 4]

    def test_watches_have_a_limit_and_an_owner(self):
        play = Play(watches_per_link=1)
        eve, mallory = play.enter(Role.OBSERVE), play.enter(Role.OBSERVE)
        watch = eve.ask(commands.OpenWatch(StreamName.TOPOLOGY)).watch_id
        with pytest.raises(LimitExceededError):
            eve.ask(commands.OpenWatch(StreamName.TOPOLOGY))
        with pytest.raises(UnknownRecordError):
            mallory.ask(commands.CloseWatch(watch))
        eve.items(watch)
        mallory.send(frames.CreditGranted(watch, 5))
        eve.ask(commands.CloseWatch(watch))
        play.enter().ask(commands.ConnectEdge("a", "b"))
        assert eve.items(watch) == []


class TestEndpoints:
    def test_a_subscriber_hears_of_publishers_on_its_topic_and_above(self):
        play = Play()
        pub, sub = play.enter(), play.enter()
        own, above = publisher_of(pub, "t"), publisher_of(pub, "source")
        publisher_of(pub, "elsewhere")
        pub.ask(commands.ConnectEdge("source", "relay"))
        pub.ask(commands.ConnectEdge("relay", "t"))
        placed = sub.ask(commands.AdvertiseSubscriber("t"))
        assert [p.endpoint_id for p in placed.publishers] == sorted([own, above])

    def test_an_edge_is_announced_as_ready_once_its_subscribers_are_attached(self):
        play = Play()
        pub, sub = play.enter(), play.enter()
        publisher = publisher_of(pub, "a")
        subscriber = sub.ask(commands.AdvertiseSubscriber("b")).endpoint_id
        ask = pub.start(commands.ConnectEdge("a", "b"))
        assert pub.ended(ask) is None
        routed = sub.take(frames.Routed)[0]
        assert (routed.subscriber_id, [p.endpoint_id for p in routed.publishers]) == (subscriber, [publisher])
        pub.send(frames.RouteTaken(routed.route_id))
        assert pub.ended(ask) is None, "only the subscriber's link can say so"
        sub.send(frames.RouteTaken(routed.route_id))
        assert pub.ended(ask) == EdgeHeld(is_changed=True)

    def test_a_stopped_subscriber_delays_one_change_and_no_other(self):
        play = Play()
        pub, sub = play.enter(), play.enter()
        publisher_of(pub, "a")
        sub.ask(commands.AdvertiseSubscriber("b"))
        ask = pub.start(commands.ConnectEdge("a", "b"))
        play.wait(0.9)
        assert pub.ended(ask) is None
        play.wait(0.2)
        assert pub.ended(ask) == EdgeHeld(is_changed=True)
        assert pub.ask(commands.DisconnectEdge("a", "b")) == EdgeHeld(is_changed=True)
        sub.send(frames.Alive())
        assert pub.ended(pub.start(commands.ConnectEdge("a", "b"))) is None

    def test_a_subscriber_that_dies_is_not_waited_for(self):
        play = Play()
        pub, sub = play.enter(), play.enter()
        publisher_of(pub, "a")
        sub.ask(commands.AdvertiseSubscriber("b"))
        ask = pub.start(commands.ConnectEdge("a", "b"))
        sub.leave()
        assert pub.ended(ask) == EdgeHeld(is_changed=True)

    def test_an_asker_that_dies_while_it_waits_is_forgotten(self):
        play = Play()
        pub, sub, asker = play.enter(), play.enter(), play.enter()
        publisher_of(pub, "a")
        sub.ask(commands.AdvertiseSubscriber("b"))
        asker.start(commands.ConnectEdge("a", "b"))
        asker.leave()
        sub.send(frames.RouteTaken(sub.take(frames.Routed)[0].route_id))
        assert play.machine.topology().edges

    def test_a_publisher_that_leaves_is_taken_from_the_routes(self):
        play = Play()
        pub, sub = play.enter(), play.enter()
        publisher = publisher_of(pub, "t")
        sub.ask(commands.AdvertiseSubscriber("t"))
        pub.ask(commands.Withdraw(publisher))
        assert sub.take(frames.Routed)[-1].publishers == []
        pub.leave()

    def test_a_change_that_reaches_nobody_new_sends_no_route(self):
        play = Play()
        pub, sub = play.enter(), play.enter()
        publisher_of(pub, "a")
        pub.ask(commands.ConnectEdge("a", "b"))
        sub.ask(commands.AdvertiseSubscriber("b"))
        pub.ask(commands.ConnectEdge("nobody", "b"))
        assert sub.take(frames.Routed) == []

    def test_a_ticket_is_made_for_a_subscriber_that_the_publisher_reaches(self):
        play = Play()
        pub, sub = play.enter(), play.enter()
        publisher, far = publisher_of(pub, "t"), publisher_of(pub, "elsewhere")
        subscriber = sub.ask(commands.AdvertiseSubscriber("t")).endpoint_id
        ask = sub.start(commands.GetTicket(publisher, subscriber))
        ticket = play.tickets[0]
        assert (ticket.publisher_link, ticket.subscriber_link, ticket.ask_id) == (pub.link, sub.link, ask)
        for wrong in (commands.GetTicket(far, subscriber), commands.GetTicket("t:nobody", subscriber)):
            with pytest.raises(UnknownRecordError, match="publisher"):
                sub.ask(wrong)
        with pytest.raises(UnknownRecordError, match="subscriber"):
            pub.ask(commands.GetTicket(publisher, subscriber))

    def test_a_publisher_is_no_subscriber_whatever_is_asked_of_it(self):
        play = Play()
        ada = play.enter()
        publisher = publisher_of(ada, "t")
        with pytest.raises(UnknownRecordError, match="subscriber"):
            ada.ask(commands.GetTicket(publisher, publisher))
        before = play.machine.topology()
        ada.send(frames.ChannelReport(publisher, publisher, ProfileChannelType.LOCAL))
        assert play.machine.topology() == before

    def test_endpoint_ids_belong_to_their_topic_and_are_distinct(self):
        ada = Play().enter()
        chosen = "t:11111111-1111-4111-8111-111111111111"
        assert ada.ask(commands.AdvertisePublisher("t", 1, [], chosen)).endpoint_id == chosen
        for wrong in (chosen, "other:1", "t:" + "x" * 100):
            with pytest.raises(ConfigError):
                ada.ask(commands.AdvertisePublisher("t", 1, [], wrong))

    def test_channels_are_shown_with_their_path_and_go_with_their_ends(self):
        play = Play()
        pub, sub = play.enter(), play.enter()
        first, second = publisher_of(pub, "t"), publisher_of(pub, "t")
        subscriber = sub.ask(commands.AdvertiseSubscriber("t")).endpoint_id
        for publisher in (first, second):
            sub.send(frames.ChannelReport(publisher, subscriber, ProfileChannelType.TCP, "another host"))
        sub.send(frames.ChannelReport("nobody", subscriber, ProfileChannelType.TCP))
        before = play.machine.topology()
        assert [c.reason for c in before.channels] == ["another host"] * 2
        sub.send(frames.ChannelReport(first, subscriber, ProfileChannelType.TCP, "another host"))
        assert play.machine.topology() == before
        sub.send(frames.ChannelReport(first, subscriber, None))
        sub.send(frames.ChannelReport(first, subscriber, None))
        assert [c.publisher_id for c in play.machine.topology().channels] == [second]
        sub.leave()
        assert play.machine.topology().channels == []

    def test_a_withdrawn_endpoint_is_unknown(self):
        ada = Play().enter()
        publisher = publisher_of(ada, "t")
        ada.ask(commands.Withdraw(publisher))
        with pytest.raises(UnknownRecordError):
            ada.ask(commands.Withdraw(publisher))

    def test_steering_is_over_when_every_link_with_publishers_obeyed(self):
        play = Play()
        first, second, eve = play.enter(), play.enter(), play.enter(Role.CONTROL)
        publisher_of(first, "a"), publisher_of(second, "b")
        ask = eve.start(commands.SteerPublishers("sync"))
        for actor in (first, second):
            assert eve.ended(ask) is None
            actor.send(frames.SteerTaken(actor.take(frames.Steered)[0].steer_id))
        assert eve.ended(ask) is not None

    def test_steering_that_is_not_obeyed_in_time_names_who_is_late(self):
        play = Play()
        slow, eve = play.enter(label="slow@lab"), play.enter(Role.CONTROL)
        publisher_of(slow, "a")
        ask = eve.start(commands.SteerPublishers("sync", timeout_s=1.0))
        play.wait(1.1)
        error = eve.ended(ask)
        assert isinstance(error, RequestTimeoutError)
        assert error.late == ["slow@lab"]
        slow.send(frames.SteerTaken(slow.take(frames.Steered)[0].steer_id))

    def test_steering_without_a_deadline_ends_when_the_server_waits_no_longer(self):
        play = Play(max_steering_s=5.0)
        pub, eve = play.enter(label="slow@lab"), play.enter(Role.CONTROL)
        publisher_of(pub, "a")
        ask = eve.start(commands.SteerPublishers("sync"))
        play.wait(4.9)
        assert eve.ended(ask) is None
        play.wait(0.2)
        assert isinstance(eve.ended(ask), RequestTimeoutError)

    def test_steering_nobody_is_done_at_once_and_nonsense_is_refused(self):
        eve = Play().enter(Role.CONTROL)
        eve.ask(commands.SteerPublishers("pause"))
        with pytest.raises(ConfigError, match="pause, resume, sync"):
            eve.ask(commands.SteerPublishers("explode"))

    def test_steering_by_one_who_left_ends_quietly(self):
        play = Play()
        pub, eve = play.enter(), play.enter(Role.CONTROL)
        publisher_of(pub, "a")
        eve.start(commands.SteerPublishers("sync", timeout_s=1.0))
        eve.leave()
        play.wait(2.0)
        assert play.actors == {pub.link: pub}


class TestLinks:
    def test_the_first_frame_is_hello(self):
        play = Play()
        actor = Actor(play, 7, Role.OBSERVE)
        play.actors[7] = actor
        from ezmsg_core.graph.stimuli import LinkOpened

        play.stimulate(LinkOpened(7, Role.OBSERVE, False, "peer"))
        actor.send(frames.Alive())
        assert actor.closed is not None
        assert "Hello" in actor.closed.text

    def test_what_nobody_waits_for_is_in_flight_no_longer(self):
        play = Play(asks_in_flight=3)
        owner, caller = play.enter(), play.enter()
        process_of(owner, "U")
        publisher_of(owner, "t")
        for _ in range(3):
            steered = caller.start(commands.SteerPublishers("sync"))
            called = caller.start(commands.CallUnit("WAIT", 60.0, "U"))
            for ask in (steered, called):
                caller.send(frames.Forget(ask))
        waiting = caller.start(commands.CallUnit("WAIT", 60.0, "U"))
        assert caller.ask(commands.ConnectEdge("a", "b")) == EdgeHeld(True)
        for order in owner.take(frames.Steered):
            owner.send(frames.SteerTaken(order.steer_id))
        for call in owner.take(frames.Invoked):
            owner.send(frames.CallReply(call.call_id, ProcessControlResponse("1", ok=True)))
        assert caller.ended(waiting).response.ok
        play.wait(120.0)
        ended = {frame.id for frame in caller.take(frames.Answered)} | {
            frame.id for frame in caller.take(frames.Faulted)
        }
        assert waiting in ended
        assert not ended & set(range(1, waiting))
        assert caller.closed is None

    def test_forgetting_what_was_answered_or_never_asked_does_nothing(self):
        play = Play()
        owner, caller, other = play.enter(), play.enter(), play.enter()
        process_of(owner, "U")
        caller.ask(commands.ConnectEdge("a", "b"))
        call = other.start(commands.CallUnit("WAIT", 60.0, "U"))
        for ask in (call, 99):  # of this link, the first is the answered one
            caller.send(frames.Forget(ask))
        (invoked,) = owner.take(frames.Invoked)
        owner.send(frames.CallReply(invoked.call_id, ProcessControlResponse("1", ok=True)))
        assert other.ended(call).response.ok
        assert caller.closed is None

    def test_two_commands_with_one_id_end_the_link(self):
        play = Play()
        owner, caller = play.enter(), play.enter()
        process_of(owner, "U")
        for _ in range(2):
            caller.send(frames.Ask(9, commands.CallUnit("PING", 1.0, "U")))
        assert caller.closed is not None

    def test_the_server_says_that_it_is_alive(self):
        play = Play()
        actor = play.enter()
        play.wait(4.1)
        assert len(actor.take(frames.ServerAlive)) == 2

    def test_nothing_is_due_while_nobody_is_linked(self):
        play = Play()
        play.enter().leave()
        assert play.machine.next_deadline() is None
        play.wait(10.0)

    def test_stopping_the_server_is_answered_first(self):
        play = Play()
        eve = play.enter(Role.CONTROL, label="ops@lab")
        eve.ask(commands.StopServer())
        assert play.ended is not None
        assert "ops@lab" in play.ended.text

    def test_frames_and_ends_of_links_that_are_gone_change_nothing(self):
        play = Play()
        from ezmsg_core.graph.stimuli import FrameReceived, LinkClosed

        play.stimulate(FrameReceived(99, frames.Alive()))
        play.stimulate(LinkClosed(99, "?"))
        assert play.machine.topology().revision == 0

    def test_the_same_inputs_give_the_same_state(self):
        def run() -> Play:
            play = Play()
            ada = play.enter()
            session = session_of(ada)
            ada.ask(commands.ConnectEdge("a", "b", session))
            ada.ask(commands.RegisterMetadata(session, metadata(unit("U", gain=1))))
            process_of(ada, "U")
            return play

        assert run().machine.topology() == run().machine.topology()


COMMANDS: dict[type, commands.Command] = {
    type(command): command
    for command in [
        commands.OpenSession(),
        commands.CloseSession("s"),
        commands.ClearSession("s"),
        commands.ConnectEdge("a", "b"),
        commands.DisconnectEdge("a", "b"),
        commands.RegisterMetadata("s", metadata()),
        commands.GetTopology(),
        commands.GetSettings(),
        commands.GetSettingsEvents(),
        commands.OpenProcess(1, "h"),
        commands.RegisterUnits(uuid4(), []),
        commands.UpdateOwnership(uuid4()),
        commands.CloseProcess(uuid4()),
        commands.ReportSettings(uuid4(), "U", value(), 0.0),
        commands.CallUnit("PING", 1.0, "U"),
        commands.AdvertisePublisher("t", 1, []),
        commands.AdvertiseSubscriber("t"),
        commands.Withdraw("t:1"),
        commands.GetTicket("t:1", "t:2"),
        commands.OpenWatch(StreamName.TOPOLOGY),
        commands.CloseWatch(1),
        commands.SteerPublishers("pause"),
        commands.StopServer(),
    ]
}
RANKS = [Role.OBSERVE, Role.CONTROL, Role.PARTICIPATE]


class TestAccess:
    @pytest.mark.parametrize("role", RANKS)
    @pytest.mark.parametrize("kind", COMMAND_ROLES, ids=lambda kind: kind.__name__)
    def test_each_command_is_refused_to_lesser_roles(self, role: Role, kind: type):
        play = Play()
        actor = play.enter(role)
        before = play.machine.topology()
        end = actor.ended(actor.start(COMMANDS[kind]))
        is_allowed = RANKS.index(role) >= RANKS.index(COMMAND_ROLES[kind])
        assert isinstance(end, NotPermittedError) is not is_allowed
        if not is_allowed:
            assert (end.role, end.command) == (str(role), kind.__name__)
            assert play.machine.topology() == before

    def test_an_observer_may_call_only_to_look(self):
        play = Play()
        owner, eve = play.enter(), play.enter(Role.OBSERVE)
        process_of(owner, "U")
        for operation in ("PING", "GET_PROCESS_STATS", "GET_PROFILING_SNAPSHOT"):
            eve.start(commands.CallUnit(operation, 1.0, "U"))
        assert len(owner.take(frames.Invoked)) == 3
        for operation in ("UPDATE_SETTING_FIELD", "CUSTOM"):
            with pytest.raises(NotPermittedError):
                eve.ask(commands.CallUnit(operation, 1.0, "U"))

    @pytest.mark.parametrize("role", RANKS)
    @pytest.mark.parametrize("kind", FRAME_ROLES, ids=lambda kind: kind.__name__)
    def test_each_frame_of_a_higher_role_ends_the_link(self, role: Role, kind: type):
        samples: dict[type, frames.ClientFrame] = {
            frames.Hello: frames.Hello("l", 1, "h"),
            frames.Ask: frames.Ask(1, commands.GetTopology()),
            frames.Forget: frames.Forget(1),
            frames.CreditGranted: frames.CreditGranted(1, 1),
            frames.Alive: frames.Alive(),
            frames.CallReply: frames.CallReply(1, ProcessControlResponse("", ok=True)),
            frames.RouteTaken: frames.RouteTaken(1),
            frames.SteerTaken: frames.SteerTaken(1),
            frames.ProfileReport: frames.ProfileReport(profile()),
            frames.ChannelReport: frames.ChannelReport("p", "s", None),
        }
        actor = Play().enter(role)
        actor.send(samples[kind])
        is_allowed = RANKS.index(role) >= RANKS.index(FRAME_ROLES[kind])
        assert (actor.closed is None) is is_allowed

    def test_every_command_and_frame_is_in_the_tables(self):
        assert set(COMMAND_ROLES) == set(commands.Command.__args__) == set(COMMANDS)
        assert set(FRAME_ROLES) == set(frames.ClientFrame.__args__)


def test_a_snapshot_shows_who_holds_what():
    play = Play()
    ada = play.enter()
    session = session_of(ada)
    ada.ask(commands.ConnectEdge("a", "b", session))
    ada.ask(commands.ConnectEdge("a", "b"))
    process = process_of(ada, "U")
    snapshot = snapshot_of(play.machine.topology())
    assert snapshot.edge_owners == {Edge("a", "b"): ["persistent", session]}
    assert snapshot.sessions[session].edges == [Edge("a", "b")]
    assert snapshot.processes[process].units == ["U"]


def test_who_joins_and_leaves_is_noted():
    play = Play()
    play.enter(label="ada@lab").leave()
    assert "ada@lab" in play.notes[0]
    assert "left" in play.notes[1]


def test_an_owner_gone_between_two_beats_is_judged_no_more():
    play = Play()
    ada, bob = play.enter(), play.enter()
    process_of(ada, "U")
    ada.leave()
    play.wait(12.0)
    assert bob.closed is None
    assert play.machine.topology().processes == []
