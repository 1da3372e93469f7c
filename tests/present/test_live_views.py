"""The views of a live graph: what they show, and that they show it harmlessly."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ezmsg_core.model.profiles import PublisherCounters
from ezmsg_core.model.settings import SettingsState
from ezmsg_core.model.topology import (
    ChannelGone,
    ProcessChanged,
    ProcessGone,
    ProcessRecord,
    PublisherChanged,
    PublisherRecord,
    SubscriberChanged,
    SubscriberGone,
    SubscriberRecord,
    TopologyChange,
    TopologyChangedEvent,
    TopologyEventType,
    TopologyState,
)
from ezmsg_core.model.watching import (
    Gap,
    ProfileSampled,
    ProfilesListed,
    SettingsListed,
    StreamName,
    TopologyEvent,
    TopologyListed,
)
from ezmsg_tui.present.desk import LinkPhase
from ezmsg_tui.present.sheet import Sheet
from ezmsg_tui.present.table import Cell, Query, Row, Table
from ezmsg_tui.store.facts import AttemptFailed, AttemptStarted, FeedClosed, LinkWent
from tests.present.stage import P1, P2, SECOND, START_S, Stage, profile

BY_PROCESS, BY_COMPONENT = Query(arrangement="process"), Query(arrangement="component")


def texts(row: Row) -> list[str]:
    return [cell.text for cell in row.cells]


def row_of(table: Table, key: str) -> Row:
    return next(row for row in table.rows if row.key == key)


def cells_of(table: Table, key: str) -> dict[str, Cell]:
    return {column.key: cell for column, cell in zip(table.columns, row_of(table, key).cells, strict=True)}


def all_open(stage: Stage, query: Query) -> Query:
    table = stage.desk.topology_table(query)
    return Query(arrangement=query.arrangement, toggled=frozenset(r.key for r in table.rows if r.is_open is False))


def test_the_tree_by_process_has_processes_their_units_and_their_streams() -> None:
    stage = Stage().go_live()
    table = stage.desk.topology_table(all_open(stage, BY_PROCESS))
    names = [(row.depth, row.cells[0].text) for row in table.rows]
    assert names == [
        (0, "worker-1"),
        (1, "SYS/BAND"),
        (2, "IN"),
        (2, "OUT"),
        (1, "SYS/SRC"),
        (2, "OUT"),
        (0, "worker-2"),
        (1, "SYS/SINK"),
        (2, "IN"),
        (0, "pid 8103"),
        (1, "LOG"),
    ]
    assert table.footer == "3 units"
    assert cells_of(table, "SYS/BAND/OUT")["kind"].text == "▶ 2"
    assert cells_of(table, "SYS/BAND/OUT")["rate"].text == "50.0"
    assert cells_of(table, "SYS/BAND/IN")["state"] == Cell("LOCAL", "local")


def test_the_tree_by_component_nests_units_in_collections_under_their_own_names() -> None:
    stage = Stage().go_live()
    table = stage.desk.topology_table(all_open(stage, BY_COMPONENT))
    assert [(row.depth, row.cells[0].text) for row in table.rows] == [
        (0, "SYS"),
        (1, "BAND"),
        (2, "IN"),
        (2, "OUT"),
        (1, "SINK"),
        (2, "IN"),
        (1, "SRC"),
        (2, "OUT"),
        (0, "pid 8103"),
        (1, "LOG"),
    ]
    assert row_of(table, "SYS/BAND").address == "SYS/BAND"


def test_two_processes_may_have_endpoints_on_the_same_topic_outside_their_units() -> None:
    stage = Stage().go_live(seconds=2)
    intruders = [
        SubscriberChanged(SubscriberRecord(f"{topic}:x", topic, P2, 8102, "rig")) for topic in ("LOG", "SYS/BAND/OUT")
    ]
    event = TopologyChangedEvent(11, TopologyEventType.ENDPOINT_CHANGED, 0.0, [], None, None, list(intruders))
    stage.tell(stage.item(StreamName.TOPOLOGY, TopologyEvent(event)))
    for arrangement in ("process", "component"):
        table = stage.desk.topology_table(all_open(stage, Query(arrangement=arrangement)))
        assert len({row.key for row in table.rows}) == len(table.rows)
        logs = [row for row in table.rows if row.address == "LOG"]
        assert len(logs) == 2
        assert {row.cells[2].text for row in logs} == {"10.0", "-"}, "each with its own figures"
        for row in logs:
            assert stage.desk.topology_sheet(row.key).title == "LOG"
            assert len(stage.desk.edges_table(row.key, Query()).rows) == 1


def test_a_unit_that_moved_to_another_process_is_shown_once() -> None:
    stage = Stage().go_live(seconds=1)
    moved = ProcessRecord(UUID(int=7), 8200, "rig", ["SYS/SINK"], "worker-2")
    changes = [SubscriberGone("SYS/SINK/IN:s"), ProcessGone(P2), ProcessChanged(moved)]
    event = TopologyChangedEvent(11, TopologyEventType.PROCESS_CHANGED, 0.0, [], None, None, changes)
    stage.tell(stage.item(StreamName.TOPOLOGY, TopologyEvent(event)))
    table = stage.desk.topology_table(BY_PROCESS)
    assert [row.key for row in table.rows].count("SYS/SINK") == 1
    assert not cells_of(table, "SYS/SINK")["state"].text.startswith("✝")
    assert cells_of(table, f"process:{P2}")["state"].text.startswith("✝")


def test_units_are_closed_until_they_are_toggled_and_processes_open() -> None:
    stage = Stage().go_live()
    table = stage.desk.topology_table(BY_PROCESS)
    assert [row.is_open for row in table.rows] == [True, False, False, True, False, True, None]
    closed = stage.desk.topology_table(Query(arrangement="process", toggled=frozenset({f"process:{P1}"})))
    assert not any(row.key == "SYS/BAND" for row in closed.rows)


def test_who_holds_up_and_who_waits_is_seen_in_the_tree() -> None:
    stage = Stage().go_live()
    table = stage.desk.topology_table(BY_PROCESS)
    assert cells_of(table, "SYS/SINK")["state"] == Cell("✖ holds 31%", "error")
    assert cells_of(table, "SYS/BAND")["state"] == Cell("✖ waits 31%", "error")
    assert cells_of(table, "SYS/SRC")["state"] == Cell("●", "ok")
    assert cells_of(table, f"process:{P2}")["state"].meaning == "error"


def test_a_filter_shows_what_matches_with_what_is_above_it() -> None:
    stage = Stage().go_live()
    table = stage.desk.topology_table(Query("sink", "process"))
    assert [row.key for row in table.rows] == [f"process:{P2}", "SYS/SINK"]
    assert (table.matched, table.total) == (1, 11)
    assert stage.desk.topology_table(Query("nothing like it", "process")).empty_text == "nothing matches the filter"


def test_a_row_that_did_not_change_is_the_same_object() -> None:
    stage = Stage().go_live()
    for ask in (
        lambda: stage.desk.topology_table(BY_PROCESS),
        lambda: stage.desk.publishers_table(Query()),
        lambda: stage.desk.subscribers_table(Query()),
        lambda: stage.desk.events_table(Query()),
    ):
        before, after = ask(), ask()
        assert before.rows and all(one is two for one, two in zip(before.rows, after.rows, strict=True))


def test_the_edges_of_a_unit_have_path_rate_and_wait() -> None:
    stage = Stage().go_live()
    table = stage.desk.edges_table("SYS/BAND", Query())
    assert [texts(row) for row in table.rows] == [
        ["OUT", "LOG", "TCP", "50.0", "0%"],
        ["OUT", "SYS/SINK/IN", "SHM", "50.0", "31%"],
        ["SYS/SRC/OUT", "IN", "LOCAL", "50.0", "0%"],
    ]
    assert [row.address for row in table.rows] == ["LOG", "SYS/SINK/IN", "SYS/SRC/OUT"], "the other end"
    assert table.title == "Edges of SYS/BAND"
    ordered = stage.desk.edges_table("", Query(sorted_by="wait", is_descending=True))
    assert ordered.rows[0].address == "SYS/BAND/OUT"
    assert ordered.sorted_by == "wait"


def test_the_edges_of_a_process_are_those_of_all_its_units() -> None:
    stage = Stage().go_live()
    assert len(stage.desk.edges_table(f"process:{P1}", Query()).rows) == 3
    assert len(stage.desk.edges_table(f"process:{P2}", Query()).rows) == 1
    assert stage.desk.edges_table("process:what", Query()).rows == ()
    assert stage.desk.edges_table("GONE", Query()).empty_text == "no edges touch it"


def test_publishers_come_with_rate_flight_wait_and_holder_the_worst_first() -> None:
    stage = Stage().go_live()
    table = stage.desk.publishers_table(Query())
    assert [row.address for row in table.rows] == ["SYS/BAND/OUT", "SYS/SRC/OUT"]
    cells = cells_of(table, "SYS/BAND/OUT:p")
    assert {key: cells[key].text for key in ("process", "rate", "flight", "wait", "holder")} == {
        "process": "8101",
        "rate": "50.0",
        "flight": "31/32",
        "wait": "31%",
        "holder": "SYS/SINK/IN",
    }
    assert cells["wait"].meaning == "error"
    assert set(cells["history"].text) <= set(" ▁▂▃▄▅▆▇█") and "▇" in cells["history"].text


def test_subscribers_come_with_path_queue_drops_and_whom_they_block() -> None:
    stage = Stage().go_live()
    table = stage.desk.subscribers_table(Query())
    assert [row.address for row in table.rows] == ["SYS/SINK/IN", "SYS/BAND/IN", "LOG"]
    sink, log = cells_of(table, "SYS/SINK/IN:s"), cells_of(table, "LOG:s")
    assert (sink["path"].text, sink["busy"].text, sink["blocks"].text) == ("SHM", "90%", "31%")
    assert (log["topic"].text, log["queue"].text, log["blocks"].text) == ("LOG leaky", "8/8", "never")
    assert log["rate"].text == "10.0"
    assert log["dropped"].meaning == "warning"


def test_endpoints_without_traffic_come_after_those_with_some_whatever_their_names() -> None:
    stage = Stage().go_live()
    idle = [PublisherRecord(f"AAA/{n}:p", f"AAA/{n}", P1, 8101, "rig", 32, []) for n in range(2)]
    changes: list[TopologyChange] = [PublisherChanged(record) for record in idle]
    event = TopologyChangedEvent(11, TopologyEventType.ENDPOINT_CHANGED, 0.0, [], None, None, changes)
    stage.tell(stage.item(StreamName.TOPOLOGY, TopologyEvent(event)))
    for second in (14, 15):
        sampled = profile(P1, 8101, second)
        counters = [PublisherCounters(record.endpoint_id, record.topic, 0, num_buffers=32) for record in idle]
        more = msgspec.structs.replace(sampled, publishers=[*counters, *sampled.publishers])
        stage.tell(stage.item(StreamName.PROFILING, ProfileSampled(second, more)))
    table = stage.desk.publishers_table(Query())
    assert [row.address for row in table.rows] == ["SYS/BAND/OUT", "SYS/SRC/OUT", "AAA/0", "AAA/1"]
    by_name = stage.desk.publishers_table(Query(sorted_by="topic"))
    assert [row.address for row in by_name.rows][:2] == ["AAA/0", "AAA/1"], "unless they are asked for by name"
    cells = cells_of(table, "AAA/0:p")
    assert (cells["topic"].meaning, cells["rate"].text, cells["history"].text) == ("dim", "0.0", "")


def test_figures_that_are_not_known_are_a_dash_and_never_zero() -> None:
    stage = Stage().go_live(seconds=0)
    table = stage.desk.publishers_table(Query())
    cells = cells_of(table, "SYS/SRC/OUT:p")
    assert [cells[key].text for key in ("rate", "total", "flight", "wait")] == ["-"] * 4
    assert cells_of(stage.desk.subscribers_table(Query()), "LOG:s")["rate"].text == "-"
    edges = stage.desk.edges_table("", Query())
    assert [texts(row)[3:] for row in edges.rows] == [["-", "-"]] * 3
    assert stage.desk.status().rate == Cell("")


def test_holders_are_told_from_both_sides() -> None:
    stage = Stage().go_live()
    up = stage.desk.holders_table("SYS/BAND/OUT:p")
    assert up.title == "Who holds SYS/BAND/OUT"
    assert [(row.key, row.cells[1].text) for row in up.rows] == [("SYS/SINK/IN:s", "31%")]
    down = stage.desk.holders_table("SYS/SINK/IN:s")
    assert [(row.key, row.address) for row in down.rows] == [("SYS/BAND/OUT:p", "SYS/BAND/OUT")]
    assert stage.desk.holders_table("SYS/SRC/OUT:p").empty_text == "nobody: it never had to wait"
    assert stage.desk.holders_table("").empty_text == "nothing selected"
    assert stage.desk.holders_table("GONE:p").empty_text == "it has left the graph"


def test_a_holder_that_has_left_is_said_to_have_and_one_that_never_held_is_none() -> None:
    stage = Stage().go_live()
    sampled = profile(P1, 8101, 14)
    band = msgspec.structs.replace(
        sampled.publishers[1], wait_ns_by_subscriber={"SYS/GONE/IN:s": 9 * SECOND, "": SECOND, "LOG:s": 0}
    )
    changed = msgspec.structs.replace(sampled, publishers=[sampled.publishers[0], band])
    stage.tell(stage.item(StreamName.PROFILING, ProfileSampled(14, changed)))
    rows = stage.desk.holders_table("SYS/BAND/OUT:p").rows
    assert [row.cells[0].text for row in rows] == ["SYS/GONE/IN (left)", "somebody (left)"]


def said(sheet: Sheet) -> str:
    return "\n".join(f"{line.label} {' '.join(cell.text for cell in line.cells)}" for line in sheet.lines)


def test_sheets_say_what_is_known_of_each_kind_of_row() -> None:
    stage = Stage().go_live()
    band = said(stage.desk.topology_sheet("SYS/BAND"))
    for words in (
        "class Band lab.units",
        "worker-1 pid 8101",
        "SYS/SRC/OUT LOCAL",
        "SYS/SINK/IN SHM",
        "can be changed",
        "work IN → OUT",
    ):
        assert words in band
    assert "cpu 41% of a core" in said(stage.desk.topology_sheet(f"process:{P1}"))
    assert "has SYS/SRC" in said(stage.desk.topology_sheet("SYS"))
    stream = said(stage.desk.topology_sheet("SYS/BAND/OUT"))
    assert "31/32" in stream and "edges by lab@rig" in stream
    assert "waited 31%" in said(stage.desk.endpoint_sheet("SYS/BAND/OUT:p"))
    log = said(stage.desk.endpoint_sheet("LOG:s"))
    assert "drops 40.0/s" in log and "from SYS/BAND/OUT TCP no shared memory" in log
    for key in ("GONE", "process:gone", "GONE/OUT:p"):
        assert stage.desk.topology_sheet(key).empty_text == "it has left the graph"
    assert stage.desk.endpoint_sheet("GONE/OUT:p").title == "GONE/OUT"
    assert stage.desk.endpoint_sheet("").empty_text == stage.desk.topology_sheet("").empty_text == "nothing selected"


def test_the_status_counts_and_names_the_worst_wait() -> None:
    stage = Stage().go_live()
    status = stage.desk.status()
    assert status.phase is LinkPhase.LIVE
    assert status.counts == (("process", 3), ("unit", 3), ("topic", 5), ("edge", 3))
    assert status.rate.text == "100.0 msg/s"
    assert status.wait == Cell("✖ waits 31%", "error")
    assert not status.is_empty


def test_the_phases_of_a_connection() -> None:
    stage = Stage()
    assert stage.desk.status().phase is LinkPhase.CONNECTING
    stage.tell(AttemptStarted(START_S, 0.0, "h:1", 1))
    stage.now_s += 0.8
    assert stage.desk.status().elapsed_s == pytest.approx(0.8)
    stage.tell(AttemptFailed(stage.now_s, 0.0, "Nobody listens there.", "Start one.", stage.now_s + 0.5))
    status = stage.desk.status()
    assert (status.reason, status.remedy, status.retry_in_s) == (
        "Nobody listens there.",
        "Start one.",
        pytest.approx(0.5),
    )
    stage.attach()
    status = stage.desk.status()
    assert status.phase is LinkPhase.SYNCING
    assert status.parts == (("topology", False), ("settings", False), ("profiling", False))
    stage.go_live(seconds=1)
    assert stage.desk.status().phase is LinkPhase.LIVE
    stage.now_s += 10.0
    status = stage.desk.status()
    assert (status.phase, status.age_s) == (LinkPhase.SLOW, pytest.approx(10.0))
    stage.tell(LinkWent(stage.now_s, 0.0, "connection reset", stage.now_s + 2.4))
    status = stage.desk.status()
    assert (status.phase, status.retry_in_s, status.attempt) == (LinkPhase.LOST, pytest.approx(2.4), 1)
    assert len(stage.desk.publishers_table(Query()).rows) == 2, "what was known stays"
    stage.tell(AttemptFailed(stage.now_s, 0.0, "It speaks protocol 4.", "Update.", None))
    assert stage.desk.status().phase is LinkPhase.ERROR
    stage.tell(FeedClosed(stage.now_s, 0.0))
    assert stage.desk.status().phase is LinkPhase.CLOSED


def test_after_a_reconnection_the_status_says_so_for_a_while() -> None:
    for epoch, words in (("e1", "resynced"), ("e2", "new server")):
        stage = Stage().go_live(seconds=1)
        stage.tell(LinkWent(stage.now_s, 0.0, "reset", None))
        stage.attach(epoch)
        assert [cell.text for cell in stage.desk.status().notices] == [words]
        stage.now_s += 6.0
        assert stage.desk.status().notices == ()


def test_missed_events_are_mentioned_for_a_while_and_stay_in_the_list() -> None:
    stage = Stage().go_live(seconds=1)
    stage.tell(stage.item(StreamName.SETTINGS, Gap(119, 131, "too slow")))
    assert [cell.text for cell in stage.desk.status().notices] == ["▲ missed events"]
    stage.now_s += 6.0
    assert stage.desk.status().notices == ()
    assert "119-131" in stage.desk.events_table(Query()).rows[-1].cells[3].text


def test_an_empty_graph_says_what_to_run() -> None:
    stage = Stage()
    stage.attach()
    stage.tell(
        stage.item(StreamName.TOPOLOGY, TopologyListed(TopologyState(0, [], [], [], [], [], []))),
        stage.item(StreamName.SETTINGS, SettingsListed(SettingsState(0, {}))),
        stage.item(StreamName.PROFILING, ProfilesListed(0, [])),
    )
    status = stage.desk.status()
    assert status.is_empty
    assert "ezmsg-tui --demo" in status.empty_text and "127.0.0.1:25978" in status.empty_text
    assert stage.desk.topology_table(BY_PROCESS).empty_text == status.empty_text


def test_a_process_that_left_is_shown_as_gone_until_it_is_forgotten() -> None:
    stage = Stage().go_live(seconds=1)
    changes = [ChannelGone("SYS/BAND/OUT:p", "SYS/SINK/IN:s"), SubscriberGone("SYS/SINK/IN:s"), ProcessGone(P2)]
    event = TopologyChangedEvent(11, TopologyEventType.PROCESS_CHANGED, 0.0, [], None, None, changes)
    stage.tell(stage.item(StreamName.TOPOLOGY, TopologyEvent(event)))
    table = stage.desk.topology_table(BY_PROCESS)
    for key in (f"process:{P2}", "SYS/SINK"):
        assert cells_of(table, key)["state"].text.startswith("✝ ")
    assert stage.desk.status().counts[0] == ("process", 2)
    assert "✝" in said(stage.desk.topology_sheet(f"process:{P2}"))
    stage.now_s += 31.0
    stage.desk.poll()
    table = stage.desk.topology_table(BY_PROCESS)
    assert not any(row.key == f"process:{P2}" for row in table.rows)
    assert cells_of(table, "SYS/SINK")["state"].text == "no process"


def test_a_frozen_desk_shows_what_was_and_says_how_far_it_is_behind() -> None:
    stage = Stage().go_live(seconds=2)
    revision = stage.desk.poll()
    stage.desk.freeze(is_frozen=True)
    before = stage.desk.publishers_table(Query()).rows, stage.desk.events_table(Query()).rows
    frozen_revision = stage.desk.poll()
    stage.hear_settings(low=5.0)
    stage.now_s += 3.0
    assert (stage.desk.publishers_table(Query()).rows, stage.desk.events_table(Query()).rows) == before
    assert stage.desk.poll() == frozen_revision
    status = stage.desk.status()
    assert (status.frozen_s, status.frozen_behind) == (pytest.approx(3.0), 1)
    stage.desk.freeze(is_frozen=False)
    assert stage.desk.status().frozen_s is None
    assert stage.desk.poll() > revision
    assert len(stage.desk.events_table(Query()).rows) == len(before[1]) + 1


def test_polling_without_news_answers_the_same_number() -> None:
    stage = Stage().go_live(seconds=2)
    assert stage.desk.poll() == stage.desk.poll()
    number = stage.desk.poll()
    stage.hear_settings(low=5.0)
    assert stage.desk.poll() != number


def test_reconnecting_is_passed_on() -> None:
    stage = Stage().go_live(seconds=1)
    stage.desk.reconnect_now()
    assert stage.source.reconnects == 1


# Whatever a pipeline is called, no view passes it on to the terminal.

_hostile = st.text(
    alphabet=st.one_of(
        st.sampled_from("\x1b\x9b\x07\n\r\t\x00[@]()m;:/'\"\u202e\u2066\u200b\ud800"),
        st.characters(),
    ),
    min_size=1,
    max_size=30,
)
_ALLOWED = frozenset({"Zs"})


def table_texts(table: Table) -> Iterator[str]:
    for row in table.rows:
        assert len(row.cells) == len(table.columns)
        yield from (cell.text for cell in row.cells)
    assert len({row.key for row in table.rows}) == len(table.rows)
    yield table.title
    yield table.footer
    yield from table.empty_text.split("\n")


def sheet_texts(sheet: Sheet) -> Iterator[str]:
    yield sheet.title
    yield sheet.footer
    for line in sheet.lines:
        yield line.label
        yield from (cell.text for cell in line.cells)


def everything(stage: Stage) -> Iterator[str]:
    desk = stage.desk
    for arrangement in ("process", "component"):
        table = desk.topology_table(all_open(stage, Query(arrangement=arrangement)))
        yield from table_texts(table)
        for row in table.rows:
            yield from sheet_texts(desk.topology_sheet(row.key))
            yield from table_texts(desk.edges_table(row.key, Query()))
    for table in (desk.publishers_table(Query()), desk.subscribers_table(Query())):
        yield from table_texts(table)
        for row in table.rows:
            yield from sheet_texts(desk.endpoint_sheet(row.key))
            yield from table_texts(desk.holders_table(row.key))
    yield from table_texts(desk.events_table(Query()))
    yield from table_texts(desk.settings_components(Query()))
    yield from table_texts(desk.changes_table(Query()))
    form = desk.settings_form(stage.band)
    yield from (form.title, form.footer)
    for field in form.fields:
        yield from (field.text, field.label, field.note, field.running_label, field.default_label, field.description)
        yield from (field.type_label, field.unit, field.range_label, *field.choices)
    status = desk.status()
    yield from (status.address, status.server, status.reason, status.remedy)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(_hostile)
def test_no_text_of_a_graph_can_steer_the_terminal(text: str) -> None:
    stage = Stage(rename=lambda name: f"{name}{text}").go_live(seconds=1)
    stage.hear_settings(actor=text, kind=text, meta={"name": text}, low=text)
    stage.desk.stage(stage.band, "low", text)
    stage.tell(LinkWent(stage.now_s, 0.0, text, None))
    for shown in everything(stage):
        for character in shown:
            category = unicodedata.category(character)
            assert not category.startswith("C") and category not in ("Zl", "Zp"), repr(shown)
