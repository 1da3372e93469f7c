"""The snapshot document: figures over a window, values that JSON can carry, and tables as plain text."""

from __future__ import annotations

import json
import math
from typing import Any
from uuid import UUID

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ezmsg_core.model.profiles import ProcessProfile, PublisherCounters, SubscriberCounters
from ezmsg_core.model.watching import ProfileSampled, StreamName
from ezmsg_tui.present.document import SnapshotDocument, snapshot_schema
from ezmsg_tui.present.plain_tables import table_lines
from ezmsg_tui.present.snapshot import ProfileWindow, json_ready, snapshot_of
from ezmsg_tui.present.table import Cell, Column, Query, Row, Table
from tests.present.stage import P1, P2, P3, SECOND, Stage, profile

SCHEMA = snapshot_schema()


def document_of(stage: Stage, window: ProfileWindow) -> dict[str, Any]:
    document = snapshot_of(stage.desk.store, window, program="test", taken_at=1.0, window_s=2.0)
    plain = json.loads(msgspec.json.encode(document))
    jsonschema.validate(plain, SCHEMA)
    assert msgspec.convert(plain, SnapshotDocument) == document
    return plain


def two_looks(stage: Stage, first_s: float, last_s: float) -> ProfileWindow:
    window = ProfileWindow()
    for second in (first_s, last_s):
        for process, pid in ((P1, 8101), (P2, 8102), (P3, 8103)):
            stage.tell(stage.item(StreamName.PROFILING, ProfileSampled(1, profile(process, pid, second))))
        window.look(stage.desk.store)
    return window


def endpoints(document: dict[str, Any], side: str) -> dict[str, dict[str, Any]]:
    return {e["topic"]: e for process in document["profiles"]["processes"] for e in process[side]}


def test_rates_and_shares_are_over_the_window_of_each_process() -> None:
    stage = Stage().go_live(seconds=0)
    document = document_of(stage, two_looks(stage, 100, 102))
    band = endpoints(document, "publishers")["SYS/BAND/OUT"]
    assert (band["rate_hz"], band["bytes_per_s"]) == (pytest.approx(50.0), pytest.approx(5000.0))
    assert band["wait_share"] == pytest.approx(0.31)
    assert [(h["topic"], h["wait_share"]) for h in band["held_by"]] == [("SYS/SINK/IN", pytest.approx(0.31))]
    log = endpoints(document, "subscribers")["LOG"]
    assert (log["rate_hz"], log["drop_rate_hz"]) == (pytest.approx(10.0), pytest.approx(40.0))
    assert document["profiles"]["processes"][0]["window_s"] == pytest.approx(2.0)


def test_what_was_seen_once_or_was_restarted_has_no_rate() -> None:
    stage = Stage().go_live(seconds=0)
    document = document_of(stage, two_looks(stage, 100, 100))
    assert document["profiles"]["processes"][0]["window_s"] is None
    assert endpoints(document, "publishers")["SYS/SRC/OUT"]["rate_hz"] is None
    window = ProfileWindow()
    process = UUID(int=9)
    for second, total in ((1, 100), (3, 7)):
        sample = ProcessProfile(
            process,
            1,
            "h",
            0.0,
            second * SECOND,
            [PublisherCounters("T:p", "T", total)],
            [SubscriberCounters("T:s", "T", total)],
        )
        stage.tell(stage.item(StreamName.PROFILING, ProfileSampled(1, sample)))
        window.look(stage.desk.store)
    document = document_of(stage, window)
    assert endpoints(document, "publishers")["T"]["rate_hz"] is None
    assert endpoints(document, "subscribers")["T"]["rate_hz"] is None


def test_the_topology_part_says_what_belongs_to_whom() -> None:
    stage = Stage().go_live(seconds=1)
    topology = document_of(stage, ProfileWindow())["topology"]
    assert {c["address"]: c["kind"] for c in topology["components"]} == {
        "SYS": "collection",
        "SYS/BAND": "unit",
        "SYS/SINK": "unit",
        "SYS/SRC": "unit",
    }
    band = next(c for c in topology["components"] if c["address"] == "SYS/BAND")
    assert (band["process_id"], band["has_dynamic_settings"]) == (str(P1), True)
    assert {c["path"] for c in topology["channels"]} == {"LOCAL", "SHM", "TCP"}


_plain = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
    max_leaves=10,
)


@given(_plain)
def test_any_plain_value_becomes_strict_json(value: Any) -> None:
    json.loads(json.dumps(json_ready(value), allow_nan=False))


def test_what_json_lacks_is_tagged() -> None:
    assert json_ready(b"\x00\xff") == {"$": "bytes", "v": "AP8="}
    assert json_ready([math.inf, -math.inf]) == [{"$": "float", "v": "inf"}, {"$": "float", "v": "-inf"}]
    assert json_ready({"a": math.nan}) == {"a": {"$": "float", "v": "nan"}}


def test_tables_as_text_are_aligned_and_indented() -> None:
    stage = Stage().go_live()
    lines = table_lines(stage.desk.publishers_table(Query()))
    assert lines[0] == "Publishers  (2)"
    assert lines[1].split() == ["PUBLISHER", "PID", "MSG/s", "60", "s", "TOTAL", "IN", "FLIGHT", "WAIT", "HELD", "BY"]
    assert [line.split()[0] for line in lines[2:]] == ["SYS/BAND/OUT", "SYS/SRC/OUT"]
    assert lines[2].index("50.0") == lines[3].index("50.0")
    tree = table_lines(stage.desk.topology_table(Query(arrangement="process")))
    assert tree[2].split()[:3] == ["worker-1", "pid", "8101"] and tree[3].startswith("    SYS/BAND")


def test_a_table_without_rows_says_why() -> None:
    assert table_lines(Table((Column("a", "A", 3),), (), "Nothing", "", "none yet\n\ntry it")) == [
        "Nothing",
        "  none yet",
        "  try it",
    ]


@given(st.lists(st.text("abcé 字", max_size=40), min_size=1, max_size=5))
def test_no_line_is_wider_than_asked_for_when_columns_can_give_way(texts: list[str]) -> None:
    columns = (Column("a", "A", 3, is_flexible=True), Column("b", "B", 2, "right"))
    rows = tuple(Row(str(n), (Cell(text), Cell("12"))) for n, text in enumerate(texts))
    for line in table_lines(Table(columns, rows, "T"), 20)[1:]:
        assert len(line) + line.count("字") <= 20
