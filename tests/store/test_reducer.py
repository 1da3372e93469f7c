"""Facts about the link, the streams and time."""

from __future__ import annotations

from uuid import UUID

from ezmsg_core.model.profiles import ProcessProfile, PublisherCounters
from ezmsg_core.model.settings import (
    SettingsChangedEvent,
    SettingsEventType,
    SettingsSnapshotValue,
    SettingsState,
)
from ezmsg_core.model.topology import (
    EdgeChanged,
    OwnedEdge,
    ProcessChanged,
    ProcessGone,
    ProcessRecord,
    TopologyChange,
    TopologyChangedEvent,
    TopologyEventType,
    TopologyState,
)
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
    WatchItem,
)
from ezmsg_tui.store.change_book import Edit
from ezmsg_tui.store.changes import ChangeState
from ezmsg_tui.store.connection import Standing
from ezmsg_tui.store.facts import (
    Attached,
    AttemptFailed,
    AttemptStarted,
    FeedClosed,
    ItemCame,
    LinkWent,
    PatchEnded,
    SamplesDropped,
    ServerFacts,
    StreamFailed,
    Verdict,
)
from ezmsg_tui.store.reducer import MAX_STEPS, STRANGER_S, InspectorStore
from ezmsg_tui.store.steps import settings_text
from ezmsg_tui.store.topology import RETAIN_S

P1 = UUID(int=1)
TOPOLOGY, SETTINGS, PROFILING = StreamName.TOPOLOGY, StreamName.SETTINGS, StreamName.PROFILING
EMPTY = TopologyState(0, [], [], [], [], [], [])


def came(store: InspectorStore, stream: StreamName, item: WatchItem, at_s: float = 1.0) -> None:
    store.take(ItemCame(at_s, 1000 + at_s, stream, item))


def attached(epoch: str = "e1", at_s: float = 0.0) -> Attached:
    return Attached(at_s, 1000.0, "h:1", ServerFacts("g", epoch, 1, "h", "control"))


def live_store() -> InspectorStore:
    store = InspectorStore()
    store.take(AttemptStarted(0.0, 1000.0, "h:1", 1))
    store.take(attached())
    came(store, TOPOLOGY, TopologyListed(EMPTY))
    came(store, SETTINGS, SettingsListed(SettingsState(0, {})))
    came(store, PROFILING, ProfilesListed(0, []))
    return store


def step(seq: int, *changes: TopologyChange) -> TopologyEvent:
    event = TopologyChangedEvent(seq, TopologyEventType.GRAPH_CHANGED, 1000.0, [], None, None, list(changes))
    return TopologyEvent(event)


def texts(store: InspectorStore) -> list[str]:
    return [line.text for line in store.happenings.lines]


def profile(sampled_s: int, total: int) -> ProcessProfile:
    counters = PublisherCounters("T:1", "T", published_total=total)
    return ProcessProfile(P1, 1, "h", 0.0, sampled_s * 10**9, [counters], [])


def test_a_first_connection_goes_from_connecting_over_syncing_to_synced() -> None:
    store = InspectorStore()
    assert store.connection.standing is Standing.CONNECTING
    store.take(AttemptStarted(1.0, 1000.0, "h:1", 1))
    assert (store.connection.attempt, store.connection.since_s) == (1, 1.0)
    store.take(AttemptFailed(2.0, 1000.0, "Nobody listens there.", "Start it.", 2.25))
    assert store.connection.standing is Standing.CONNECTING
    assert (store.connection.reason, store.connection.retry_at_s) == ("Nobody listens there.", 2.25)
    store.take(AttemptStarted(2.25, 1000.0, "h:1", 2))
    assert (store.connection.since_s, store.connection.attempt) == (1.0, 2)
    store.take(attached(at_s=2.3))
    assert store.connection.standing is Standing.ATTACHED
    assert not store.connection.is_synced
    came(store, TOPOLOGY, TopologyListed(EMPTY))
    came(store, SETTINGS, SettingsListed(SettingsState(0, {})))
    assert not store.connection.is_synced
    came(store, PROFILING, Bookmark(0))
    assert store.connection.is_synced


def test_a_refusal_ends_the_tries_until_the_user_asks_for_one() -> None:
    store = InspectorStore()
    store.take(AttemptStarted(0.0, 0.0, "h:1", 1))
    store.take(AttemptFailed(0.1, 0.0, "It speaks protocol 4.", "Update.", None))
    assert store.connection.standing is Standing.REFUSED
    store.take(AttemptStarted(5.0, 0.0, "h:1", 1))
    assert store.connection.standing is Standing.CONNECTING


def test_a_lost_link_keeps_the_data_and_makes_what_is_in_flight_unknown() -> None:
    store = live_store()
    value = SettingsSnapshotValue(None, {"x": 1}, {"x": 1}, revision=1)
    came(store, SETTINGS, SettingsListed(SettingsState(3, {"A": value})))
    came(store, TOPOLOGY, step(1, EdgeChanged(OwnedEdge("A", "B", ["s"]))))
    store.changes.edit("A", "x", Edit("2", 2), value, 1.0)
    assert store.changes.submit("A", value, 1.0) is not None
    store.take(LinkWent(2.0, 1002.0, "connection reset by peer", 2.25))
    assert store.connection.standing is Standing.LOST
    assert len(store.topology.fold.edges) == 1
    change = store.changes.of("A", "x")
    assert change is not None and change.state is ChangeState.UNKNOWN
    store.take(AttemptStarted(2.25, 0.0, "h:1", 1))
    store.take(AttemptFailed(2.3, 0.0, "no", "", 3.0))
    assert (store.connection.standing, store.connection.since_s) == (Standing.LOST, 2.0)
    store.take(attached(at_s=5.2))
    assert any(text.startswith("reconnected after 3.2 s") for text in texts(store))
    came(store, SETTINGS, SettingsListed(SettingsState(4, {"A": value})))
    assert change.state is ChangeState.STAGED


def test_another_epoch_is_a_new_server_and_its_counters_begin_anew() -> None:
    store = live_store()
    came(store, PROFILING, ProfileSampled(1, profile(1, 100)))
    store.take(LinkWent(2.0, 0.0, "closed", None))
    store.take(attached("e2", 3.0))
    assert store.connection.is_new_server
    assert store.profiles.publishers == {}
    came(store, TOPOLOGY, Resync("e2", "another server"))
    came(store, TOPOLOGY, TopologyListed(EMPTY))
    assert store.topology.seq == 0
    assert texts(store)[-1].endswith("to a new server"), "one line tells it all"
    came(store, TOPOLOGY, Resync("e2", "too far behind"))
    came(store, TOPOLOGY, TopologyListed(EMPTY))
    assert texts(store)[-2:] == ["topology starts anew: too far behind", "topology listed anew, seq 0 → 0"]


def test_the_same_epoch_is_not_a_new_server() -> None:
    store = live_store()
    came(store, PROFILING, ProfileSampled(1, profile(1, 100)))
    store.take(LinkWent(2.0, 0.0, "closed", None))
    store.take(attached("e1", 3.0))
    assert not store.connection.is_new_server
    assert set(store.profiles.publishers) == {"T:1"}


def test_one_failed_stream_is_named_and_the_others_count_as_synced() -> None:
    store = InspectorStore()
    store.take(attached())
    came(store, TOPOLOGY, TopologyListed(EMPTY))
    came(store, SETTINGS, Bookmark(0))
    store.take(StreamFailed(1.0, 0.0, PROFILING, "too many watches"))
    assert store.connection.failed == {PROFILING: "too many watches"}
    assert store.connection.is_synced
    assert any("profiling watch ended: too many watches" in text for text in texts(store))


def test_a_process_that_went_is_remembered_for_a_while() -> None:
    store = live_store()
    record = ProcessRecord(P1, 8101, "rig", ["R/A"], "worker")
    came(store, TOPOLOGY, step(1, ProcessChanged(record)))
    came(store, TOPOLOGY, step(2, ProcessGone(P1)), at_s=10.0)
    assert store.topology.departed[P1].record == record
    assert "- worker pid 8101" in texts(store)
    store.advance(10.0 + RETAIN_S - 0.1)
    assert P1 in store.topology.departed
    revision = store.revision
    store.advance(10.0 + RETAIN_S)
    assert store.topology.departed == {}
    assert store.revision > revision


def test_a_process_that_comes_back_is_not_among_the_departed() -> None:
    store = live_store()
    record = ProcessRecord(P1, 8101, "rig", [], "worker")
    came(store, TOPOLOGY, step(1, ProcessChanged(record)))
    came(store, TOPOLOGY, step(2, ProcessGone(P1)))
    came(store, TOPOLOGY, step(3, ProcessChanged(record)))
    assert store.topology.departed == {}


def test_counters_of_a_process_that_the_graph_does_not_know_go_after_a_while() -> None:
    store = live_store()
    came(store, PROFILING, ProfileSampled(1, profile(1, 100)), at_s=2.0)
    store.advance(2.0 + STRANGER_S - 0.1)
    assert "T:1" in store.profiles.publishers
    store.advance(2.0 + STRANGER_S)
    assert store.profiles.publishers == {}


def test_an_event_that_was_included_already_is_not_told_again() -> None:
    store = live_store()
    came(store, TOPOLOGY, step(1, EdgeChanged(OwnedEdge("A", "B", ["s"]))))
    before = texts(store)
    came(store, TOPOLOGY, step(1, EdgeChanged(OwnedEdge("A", "B", ["s"]))))
    assert texts(store) == before
    assert before[-1] == "+ A → B"


def test_lines_tell_an_edge_that_came_from_one_that_changed_hands_and_one_that_went() -> None:
    store = live_store()
    came(store, TOPOLOGY, step(1, EdgeChanged(OwnedEdge("A", "B", ["s"]))))
    came(store, TOPOLOGY, step(2, EdgeChanged(OwnedEdge("A", "B", ["s", "t"]))))
    came(store, TOPOLOGY, step(3, EdgeChanged(OwnedEdge("A", "B", []))))
    assert texts(store)[-3:] == ["+ A → B", "± A → B", "- A → B"]


def test_a_step_with_hundreds_of_changes_adds_a_bounded_number_of_lines() -> None:
    store = live_store()
    before = store.happenings.total
    came(store, TOPOLOGY, step(1, *[EdgeChanged(OwnedEdge("A", f"B{i}", ["s"])) for i in range(300)]))
    assert store.happenings.total - before == MAX_STEPS + 1
    assert texts(store)[-1] == f"… and {300 - MAX_STEPS} more in this step"


def test_a_gap_is_a_line_and_lost_profiles_are_counted() -> None:
    store = live_store()
    came(store, SETTINGS, Gap(119, 131, "too slow"))
    assert "settings events 119-131 will not come: too slow" in texts(store)
    came(store, PROFILING, Gap(5, 9, "newer ones took their place"))
    store.take(SamplesDropped(1.0, 0.0, 3))
    assert store.profiles.lost_total == 8


def test_a_settings_event_is_a_line_with_fields_author_and_revision() -> None:
    store = live_store()
    value = SettingsSnapshotValue(None, {"x": 2}, {"x": 2}, revision=7, actor="tui@lab")
    old = SettingsSnapshotValue(None, {"x": 1}, {"x": 1}, revision=6)
    event = SettingsChangedEvent(5, SettingsEventType.SETTINGS_UPDATED, "SYS/BAND", 1001.0, None, P1, value, old, ["x"])
    came(store, SETTINGS, SettingsEvent(event))
    line = store.happenings.lines[-1]
    assert (line.text, line.actor, line.seq, line.address) == ("SYS/BAND x 1 → 2, revision 7", "tui@lab", 5, "SYS/BAND")
    assert list(store.settings.history["SYS/BAND"]) == [event]


def test_an_accepted_and_a_refused_patch_are_lines() -> None:
    store = live_store()
    value = SettingsSnapshotValue(None, {"x": 1}, {"x": 1}, revision=1)
    came(store, SETTINGS, SettingsListed(SettingsState(3, {"A": value})))
    for verdict, text, expected in (
        (Verdict.ACCEPTED, "", "A x accepted  revision 2"),
        (Verdict.REFUSED, "above 250", "A x refused: above 250"),
    ):
        store.changes.edit("A", "x", Edit("2", 2), value, 1.0)
        submission = store.changes.submit("A", value, 1.0)
        assert submission is not None
        store.take(PatchEnded(1.0, 0.0, submission.patch_id, verdict, text, 2 if not text else None))
        assert texts(store)[-1] == expected
        store.changes.live.clear()


def test_what_a_frozen_copy_shows_stays_while_the_store_goes_on() -> None:
    store = live_store()
    frozen = store.copy()
    came(store, TOPOLOGY, step(1, EdgeChanged(OwnedEdge("A", "B", ["s"]))))
    came(store, PROFILING, ProfileSampled(1, profile(1, 100)))
    store.take(FeedClosed(9.0, 0.0))
    assert frozen.topology.fold.edges == {}
    assert frozen.profiles.publishers == {}
    assert frozen.connection.standing is Standing.ATTACHED
    assert store.connection.standing is Standing.CLOSED
    assert frozen.happenings.total < store.happenings.total


def test_the_event_list_keeps_its_newest_lines_and_counts_the_rest() -> None:
    store = live_store()
    limit = store.happenings.lines.maxlen
    assert limit is not None
    for number in range(limit + 10):
        came(store, TOPOLOGY, step(number + 1, EdgeChanged(OwnedEdge("A", f"B{number}", ["s"]))))
    assert len(store.happenings.lines) == limit
    assert store.happenings.dropped_total == store.happenings.total - limit > 0
    numbers = [line.number for line in store.happenings.lines]
    assert numbers == list(range(numbers[0], numbers[0] + limit))


def test_settings_lines_are_short_whatever_changed() -> None:
    old = SettingsSnapshotValue(None, {}, {f"f{i}": i for i in range(9)}, revision=1)
    new = SettingsSnapshotValue(None, {}, {f"f{i}": "x" * 5000 for i in range(8)}, revision=2)
    paths = [f"f{i}" for i in range(9)]
    event = SettingsChangedEvent(1, SettingsEventType.SETTINGS_UPDATED, "A", 0.0, None, P1, new, old, paths)
    text = settings_text(event)
    assert text.startswith("A f0 0 → 'xxx") and text.endswith("and 5 more, revision 2")
    assert len(text) < 300
    for kind, words in (
        (SettingsEventType.INITIAL_SETTINGS, "initial"),
        (SettingsEventType.SETTINGS_REMOVED, "left the graph"),
    ):
        assert words in settings_text(SettingsChangedEvent(1, kind, "A", 0.0, None, P1, new))
    same = SettingsChangedEvent(1, SettingsEventType.SETTINGS_UPDATED, "A", 0.0, None, P1, new, new, [])
    assert "the same values" in settings_text(same)
