"""The edges of the graph as a table: what goes where, by which path, and who waits for it."""

from __future__ import annotations

from uuid import UUID

from ezmsg_core.model.topology import Edge
from ezmsg_tui.present.figures import FigureBook, wait_meaning
from ezmsg_tui.present.filtering import SortableRow, filled, rounded
from ezmsg_tui.present.graph_index import GraphIndex
from ezmsg_tui.present.naming import PATH_MEANINGS, address_cell, below, common_address
from ezmsg_tui.present.table import Cell, Column, Query, Row, Table
from ezmsg_tui.present.text import rate_text, safe_text, share_text
from ezmsg_tui.present.traffic import Traffic, total_rate
from ezmsg_tui.present.tree import HOST, PROCESS, STRAY, topic_of_stray

COLUMNS = (
    Column("source", "FROM", 16, is_flexible=True, priority=10, is_sortable=True),
    Column("target", "TO", 16, is_flexible=True, priority=9, is_sortable=True),
    Column("path", "PATH", 5, priority=5),
    Column("rate", "RATE", 7, "right", priority=6, is_sortable=True),
    Column("wait", "WAIT", 5, "right", priority=4, is_sortable=True),
)
MAX_ROWS = 2000  # beyond this nobody reads a list of edges; the filter finds the others


def edges_of(index: GraphIndex, figures: FigureBook, key: str, query: Query) -> Table:
    """The edges that touch what a row of the tree stands for; all of them for an empty key."""
    if key:
        addresses = addresses_of(index, key)
        edges = index.edges_touching(addresses) if addresses else []
    else:
        addresses, edges = [], sorted(index.edges)
    name = common_address(addresses)
    frame = Table(
        COLUMNS,
        (),
        title=f"Edges of {safe_text(name, 60)}" if name else "Edges",
        subject=key,
        footer=str(len(edges)),
        empty_text="no edges touch it" if key else "no edges yet",
    )
    traffic = Traffic(index, figures)
    base = common_address(addresses)
    rows = [_row(index, traffic, edge, addresses, base) for edge in edges[:MAX_ROWS]]
    return filled(frame, rows, query)


def addresses_of(index: GraphIndex, key: str) -> list[str]:
    """What a row of the tree stands for, as addresses of components and topics."""
    if key.startswith(PROCESS):
        process = index.processes.get(_uuid(key.removeprefix(PROCESS)))
        return [] if process is None else [*process.units, *index.strays_of(process.process_id)]
    if key.startswith(HOST):
        host = key.removeprefix(HOST)
        return [
            address
            for process in index.processes.values()
            if process.host == host
            for address in (*process.units, *index.strays_of(process.process_id))
        ]
    return [topic_of_stray(key) if key.startswith(STRAY) else key]


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)


def _row(index: GraphIndex, traffic: Traffic, edge: Edge, addresses: list[str], base: str) -> SortableRow:
    upstream, downstream = index.upstream(edge.from_topic), index.downstream(edge.to_topic)
    publishers = traffic.publishers(upstream)
    reached = {s.endpoint_id for topic in downstream for s in index.subscribers_of.get(topic, ())}
    shares = [
        hold.share for f in publishers for hold in f.holds if hold.subscriber_id in reached and hold.share is not None
    ]
    wait = max(shares, default=0.0) if publishers else None
    sources = {p.endpoint_id for topic in upstream for p in index.publishers_of.get(topic, ())}
    paths = sorted(
        {c.path for source in sources for c in index.channels_of.get(source, ()) if c.subscriber_id in reached},
        key=lambda path: path.value,
    )
    path = Cell("+".join(p.value for p in paths), PATH_MEANINGS[paths[0]]) if paths else Cell("-", "dim")
    rate = total_rate(publishers)
    rates = [f.rate_hz for f in publishers if f.rate_hz is not None]
    is_outgoing = any(edge.from_topic == a or edge.from_topic.startswith(f"{a}/") for a in addresses)
    cells = (
        address_cell(below(edge.from_topic, base), "link"),
        address_cell(below(edge.to_topic, base), "link"),
        path,
        Cell(rate if rates else rate_text(None), "rate"),
        Cell(share_text(wait), wait_meaning(wait)),
    )
    row = Row(f"{edge.from_topic} {edge.to_topic}", cells, address=edge.to_topic if is_outgoing else edge.from_topic)
    return SortableRow(row, {"rate": rounded(sum(rates)) if rates else None, "wait": rounded(wait)})
