"""Publishers and subscribers as tables: rates, what is in flight, what waits, and for whom."""

from __future__ import annotations

from ezmsg_core.model.topology import PublisherRecord, SubscriberRecord
from ezmsg_tui.present.figures import FigureBook, Hold, PublisherFigures, SubscriberFigures, wait_meaning
from ezmsg_tui.present.filtering import SortableRow, SortValue, filled, rounded
from ezmsg_tui.present.graph_index import GraphIndex
from ezmsg_tui.present.naming import address_cell, endpoint_topic, path_cell, process_tag
from ezmsg_tui.present.table import Cell, Column, Query, Row, Table
from ezmsg_tui.present.text import bar, count_text, duration_text, rate_text, safe_text, share_text, sparkline
from ezmsg_tui.present.traffic import SHARE_SHOWN

SPARKS = 12  # steps of the last minute

PUBLISHER_COLUMNS = (
    Column("topic", "PUBLISHER", 24, is_flexible=True, priority=10, is_sortable=True),
    Column("process", "PID", 5, priority=3),
    Column("rate", "MSG/s", 7, "right", priority=9, is_sortable=True),
    Column("history", "60 s", SPARKS, priority=5),
    Column("total", "TOTAL", 9, "right", priority=4, is_sortable=True),
    Column("flight", "IN FLIGHT", 9, "right", priority=7, is_sortable=True),
    Column("level", "", 12, priority=2),
    Column("wait", "WAIT", 5, "right", priority=8, is_sortable=True),
    Column("holder", "HELD BY", 18, is_flexible=True, priority=6),
)
SUBSCRIBER_COLUMNS = (
    Column("topic", "SUBSCRIBER", 24, is_flexible=True, most=56, priority=10, is_sortable=True),
    Column("process", "PID", 5, priority=3),
    Column("path", "PATH", 5, priority=4),
    Column("rate", "MSG/s", 7, "right", priority=9, is_sortable=True),
    Column("history", "60 s", SPARKS, priority=5),
    Column("queue", "QUEUE", 6, "right", priority=6, is_sortable=True),
    Column("busy", "BUSY", 5, "right", priority=7, is_sortable=True),
    Column("dropped", "DROPPED", 8, "right", priority=2, is_sortable=True),
    Column("blocks", "BLOCKS", 6, "right", priority=8, is_sortable=True),
)
HOLDER_COLUMNS = (
    Column("topic", "ENDPOINT", 16, is_flexible=True, priority=10),
    Column("wait", "WAIT", 5, "right", priority=9),
    Column("level", "", 12, priority=8),
    Column("waited", "TOTAL", 7, "right", priority=5),
)
FULL = 0.9  # of the buffers: the next message may have to wait


class EndpointTables:
    """Builds the rows of endpoints; those that did not change are the same objects as before."""

    def __init__(self) -> None:
        self._publishers: dict[str, tuple[PublisherFigures | None, SortableRow]] = {}
        self._subscribers: dict[str, tuple[SubscriberFigures | None, tuple[Hold, ...], SortableRow]] = {}
        self._index: GraphIndex | None = None

    def publishers(self, index: GraphIndex, book: FigureBook, query: Query) -> Table:
        """All publishers."""
        self._begin(index)
        rows: dict[str, tuple[PublisherFigures | None, SortableRow]] = {}
        for endpoint_id, record in index.publishers.items():
            figures = book.publishers.get(endpoint_id)
            kept = self._publishers.get(endpoint_id)
            is_same = kept is not None and kept[0] is figures
            rows[endpoint_id] = (
                kept if kept is not None and is_same else (figures, _publisher_row(index, record, figures))
            )
        self._publishers = rows
        frame = Table(
            PUBLISHER_COLUMNS, (), "Publishers", str(len(rows)), "no publisher yet: nothing has begun to send"
        )
        ordered = _idle_last([(figures, row) for figures, row in rows.values()])
        return filled(frame, ordered, query, default_sort="wait", is_default_descending=True)

    def subscribers(self, index: GraphIndex, book: FigureBook, query: Query) -> Table:
        """All subscribers."""
        self._begin(index)
        rows: dict[str, tuple[SubscriberFigures | None, tuple[Hold, ...], SortableRow]] = {}
        for endpoint_id, record in index.subscribers.items():
            figures, holds = book.subscribers.get(endpoint_id), book.holds_by.get(endpoint_id, ())
            kept = self._subscribers.get(endpoint_id)
            if kept is not None and kept[0] is figures and kept[1] == holds:
                rows[endpoint_id] = kept
            else:
                share = book.holding_share(endpoint_id)
                rows[endpoint_id] = (figures, holds, _subscriber_row(index, record, figures, share))
        self._subscribers = rows
        frame = Table(
            SUBSCRIBER_COLUMNS, (), "Subscribers", str(len(rows)), "no subscriber yet: nobody listens to anything"
        )
        ordered = _idle_last([(figures, row) for figures, _, row in rows.values()])
        return filled(frame, ordered, query, default_sort="blocks", is_default_descending=True)

    def _begin(self, index: GraphIndex) -> None:
        if index is not self._index:
            self._index = index
            self._publishers.clear()
            self._subscribers.clear()


def _idle_last(rows: list[tuple[PublisherFigures | SubscriberFigures | None, SortableRow]]) -> list[SortableRow]:
    """By name, with those last that have not moved a message for a minute: rates wobble, and would move rows about."""

    def place(item: tuple[PublisherFigures | SubscriberFigures | None, SortableRow]) -> tuple[bool, str]:
        figures, sortable = item
        return figures is None or figures.history.is_idle, sortable.row.cells[0].text

    return [sortable for _, sortable in sorted(rows, key=place)]


def holders_of(index: GraphIndex, book: FigureBook, key: str) -> Table:
    """Of a publisher, who holds it up; of a subscriber, whom it holds up."""
    is_publisher = key in index.publishers
    if not key or (not is_publisher and key not in index.subscribers):
        text = "nothing selected" if not key else "it has left the graph"
        return Table(HOLDER_COLUMNS, (), "Who holds whom", empty_text=text)
    name = safe_text(endpoint_topic(key), 100)
    if is_publisher:
        figures = book.publishers.get(key)
        holds = figures.holds if figures is not None else ()
        rows = tuple(_hold_row(index, hold, hold.subscriber_id) for hold in holds)
        return Table(
            HOLDER_COLUMNS, rows, f"Who holds {name}", empty_text="nobody: it never had to wait", total=len(rows)
        )
    rows = tuple(_hold_row(index, hold, hold.publisher_id) for hold in book.holds_by.get(key, ()))
    return Table(HOLDER_COLUMNS, rows, f"Whom {name} holds", empty_text="nobody waits for it", total=len(rows))


def _hold_row(index: GraphIndex, hold: Hold, other_id: str) -> Row:
    topic = endpoint_topic(other_id)
    meaning = wait_meaning(hold.share)
    if other_id in index.subscribers or other_id in index.publishers:
        name = address_cell(topic, "link")
    else:
        name = address_cell(topic or "somebody", "dim", more=" (left)")
    cells = (
        name,
        Cell(share_text(hold.share), meaning),
        Cell(bar(hold.share, 10), meaning or "spark"),
        Cell(duration_text(hold.wait_ns), "dim"),
    )
    return Row(other_id, cells, address=topic)


def _publisher_row(index: GraphIndex, record: PublisherRecord, figures: PublisherFigures | None) -> SortableRow:
    is_idle = figures is not None and figures.history.is_idle
    topic, tag = (
        address_cell(record.topic, "dim" if is_idle else ""),
        Cell(process_tag(index, record.process_id), "dim"),
    )
    if figures is None:
        unknown = Cell("-", "dim")
        cells = (topic, tag, unknown, Cell(""), unknown, unknown, Cell(""), unknown, Cell(""))
        return SortableRow(
            Row(record.endpoint_id, cells, address=record.topic),
            {"rate": None, "total": None, "flight": None, "wait": None},
        )
    counters = figures.counters
    level = counters.in_flight / counters.num_buffers if counters.num_buffers else None
    flight = "warning" if level is not None and level >= FULL else ""
    holds = [hold for hold in figures.holds if (hold.share or 0.0) >= SHARE_SHOWN]
    holder = Cell("paused", "pending") if counters.is_paused else Cell("")
    if holds:
        more = f" +{len(holds) - 1}" if len(holds) > 1 else ""
        holder = address_cell(endpoint_topic(holds[0].subscriber_id), "link", more=more)
    cells = (
        topic,
        tag,
        Cell(rate_text(figures.rate_hz), "dim" if is_idle else "rate"),
        Cell("" if is_idle else sparkline(figures.history.steps(SPARKS)), "spark"),
        Cell(count_text(counters.published_total), "dim"),
        Cell(f"{counters.in_flight}/{counters.num_buffers}", flight),
        Cell(bar(level, 12), flight or "spark"),
        Cell(share_text(figures.wait_share), wait_meaning(figures.wait_share)),
        holder,
    )
    values: dict[str, SortValue] = {
        "rate": rounded(figures.rate_hz),
        "total": counters.published_total,
        "flight": level,
        "wait": _banded(figures.wait_share),
    }
    return SortableRow(Row(record.endpoint_id, cells, address=record.topic), values)


def _subscriber_row(
    index: GraphIndex, record: SubscriberRecord, figures: SubscriberFigures | None, share: float | None
) -> SortableRow:
    is_idle = figures is not None and figures.history.is_idle
    topic = address_cell(record.topic, "dim" if is_idle else "", more=" leaky" if record.is_leaky else "")
    tag = Cell(process_tag(index, record.process_id), "dim")
    blocks = Cell("never", "dim") if record.is_leaky else Cell(share_text(share), wait_meaning(share))
    if figures is None:
        unknown = Cell("-", "dim")
        cells = (topic, tag, unknown, unknown, Cell(""), unknown, unknown, unknown, unknown)
        return SortableRow(
            Row(record.endpoint_id, cells, address=record.topic),
            {"rate": None, "queue": None, "busy": None, "dropped": None, "blocks": None},
        )
    counters = figures.counters
    limit = f"/{counters.max_queue}" if counters.max_queue is not None else ""
    dropped = Cell(count_text(counters.dropped_total), "warning" if figures.drop_rate_hz else "dim")
    busy = "warning" if (figures.busy_share or 0.0) >= FULL else ""
    cells = (
        topic,
        tag,
        path_cell(figures.path),
        Cell(rate_text(figures.rate_hz), "dim" if is_idle else "rate"),
        Cell("" if is_idle else sparkline(figures.history.steps(SPARKS)), "spark"),
        Cell(f"{counters.queue_depth}{limit}"),
        Cell(share_text(figures.busy_share), busy),
        dropped if record.is_leaky or counters.dropped_total else Cell("-", "dim"),
        blocks,
    )
    values: dict[str, SortValue] = {
        "rate": rounded(figures.rate_hz),
        "queue": counters.queue_depth,
        "busy": rounded(figures.busy_share),
        "dropped": counters.dropped_total,
        "blocks": None if record.is_leaky else _banded(share),
    }
    return SortableRow(Row(record.endpoint_id, cells, address=record.topic), values)


def _banded(share: float | None) -> float | None:
    """A share in steps of five percent, so that what waits a little stays where it is."""
    return None if share is None else round(share * 20) / 20
