"""How the inspector stands with its server, as the status bar says it."""

from __future__ import annotations

from ezmsg_core.model.watching import StreamName
from ezmsg_tui.present.desk import LinkPhase, Status
from ezmsg_tui.present.figures import FigureBook, wait_meaning
from ezmsg_tui.present.graph_index import GraphIndex
from ezmsg_tui.present.table import Cell
from ezmsg_tui.present.text import rate_text, safe_text, share_text
from ezmsg_tui.store.changes import ChangeState
from ezmsg_tui.store.connection import ConnectionSlice, Standing
from ezmsg_tui.store.happenings import LineKind
from ezmsg_tui.store.reducer import InspectorStore

SLOW_S = 3.5  # the server gives a sign of life every 2 s; one that is missing and half a second of network
NOTICE_S = 5.0  # how long something that has passed is mentioned


def phase_of(connection: ConnectionSlice, now_s: float) -> LinkPhase:
    """The standing as it is shown."""
    match connection.standing:
        case Standing.CONNECTING:
            return LinkPhase.CONNECTING
        case Standing.LOST:
            return LinkPhase.LOST
        case Standing.REFUSED:
            return LinkPhase.ERROR
        case Standing.CLOSED:
            return LinkPhase.CLOSED
        case Standing.ATTACHED:
            if not connection.is_synced:
                return LinkPhase.SYNCING
            heard_s = connection.heard_s
            return LinkPhase.SLOW if heard_s is not None and now_s - heard_s > SLOW_S else LinkPhase.LIVE


def status_of(
    store: InspectorStore, index: GraphIndex, figures: FigureBook, *, now_s: float, wall_s: float, is_read_only: bool
) -> Status:
    """Everything that the status bar and the bad states say, but for what is frozen."""
    connection, changes = store.connection, store.changes
    phase = phase_of(connection, now_s)
    server = connection.server
    is_empty = phase in (LinkPhase.LIVE, LinkPhase.SLOW) and _is_empty(index)
    worst = figures.worst_wait()
    wait = worst.wait_share if worst is not None else None
    mark = {"error": "✖ ", "warning": "▲ "}.get(wait_meaning(wait), "")
    return Status(
        phase,
        address=safe_text(connection.address, 80),
        server=safe_text(server.host, 40) if server is not None else "",
        elapsed_s=now_s - connection.since_s if connection.since_s is not None else 0.0,
        attempt=connection.attempt + (phase is LinkPhase.LOST and connection.retry_at_s is not None),
        retry_in_s=max(0.0, connection.retry_at_s - now_s) if connection.retry_at_s is not None else None,
        reason=safe_text(connection.reason, 300),
        remedy=safe_text(connection.remedy, 300),
        age_s=max(0.0, now_s - connection.heard_s) if connection.heard_s is not None else None,
        parts=tuple((str(stream), stream in connection.listed) for stream in StreamName),
        counts=counts_of(index),
        rate=Cell(f"{rate_text(figures.total_rate_hz())} msg/s", "rate") if figures.publishers else Cell(""),
        wait=Cell(f"{mark}waits {share_text(wait)}", wait_meaning(wait)) if wait else Cell(""),
        notices=_notices(store, now_s, wall_s),
        is_empty=is_empty,
        empty_text=empty_text(connection.address) if is_empty else "",
        is_read_only=is_read_only,
        staged=changes.count(ChangeState.STAGED, ChangeState.INVALID),
        invalid=changes.count(ChangeState.INVALID),
        applying=changes.count(ChangeState.SENDING, ChangeState.APPLYING),
        failed=changes.count(ChangeState.REJECTED, ChangeState.CONFLICT, ChangeState.UNKNOWN),
    )


def counts_of(index: GraphIndex) -> tuple[tuple[str, int], ...]:
    """How many processes, units, topics and edges there are."""
    live = sum(process.gone_wall_s is None for process in index.processes.values())
    return ("process", live), ("unit", index.unit_count), ("topic", len(index.topics)), ("edge", len(index.edges))


def empty_text(address: str) -> str:
    """What to do while there is nothing to show."""
    return (
        "no sessions, no processes\n\n"
        f'run a pipeline with graph_address="{safe_text(address, 60)}"\n'
        "or see one now: ezmsg-tui --demo"
    )


def _is_empty(index: GraphIndex) -> bool:
    is_anybody_there = any(process.gone_wall_s is None for process in index.processes.values())
    return not (is_anybody_there or index.components or index.edges)


def _notices(store: InspectorStore, now_s: float, wall_s: float) -> tuple[Cell, ...]:
    connection = store.connection
    found: list[Cell] = []
    is_recent = connection.since_s is not None and now_s - connection.since_s < NOTICE_S
    if connection.standing is Standing.ATTACHED and connection.attached_total > 1 and is_recent:
        found.append(Cell("new server" if connection.is_new_server else "resynced", "ok"))
    found.extend(Cell(f"✖ {stream}", "error") for stream in connection.failed)
    for line in reversed(store.happenings.lines):
        if wall_s - line.wall_s > NOTICE_S:
            break
        if line.kind is LineKind.LOSS:
            found.append(Cell("▲ missed events", "warning"))
            break
    return tuple(found)
