"""What has happened, as a table, oldest first."""

from __future__ import annotations

from ezmsg_tui.present.filtering import SortableRow, filled
from ezmsg_tui.present.naming import clock_text
from ezmsg_tui.present.table import Cell, Column, Query, Row, Table
from ezmsg_tui.present.text import safe_text
from ezmsg_tui.store.happenings import Happening, HappeningLog, LineKind

COLUMNS = (
    Column("time", "TIME", 12, priority=9),
    Column("seq", "SEQ", 5, "right", priority=3),
    Column("kind", "KIND", 8, priority=8),
    Column("what", "WHAT", 38, is_flexible=True, priority=10),
    Column("who", "BY", 12, priority=4),
)
KIND_INDEX = 2  # of the column that says what a line is about
_MEANINGS = {
    LineKind.SETTINGS: "changed",
    LineKind.COMMAND: "accent",
    LineKind.CONNECTION: "ok",
    LineKind.CHANNEL: "dim",
}


class EventList:
    """Builds the rows of the event list; a line is made into a row once, and again when reports are folded into it."""

    def __init__(self) -> None:
        self._rows: dict[int, tuple[Happening, SortableRow]] = {}

    def table(self, log: HappeningLog, query: Query) -> Table:
        """The lines that are kept."""
        kept = self._rows
        self._rows = {
            line.number: same
            if (same := kept.get(line.number)) is not None and same[0] is line
            else (line, SortableRow(_row(line)))
            for line in log.lines
        }
        dropped = f", {log.dropped_total:,} older ones dropped" if log.dropped_total else ""
        frame = Table(COLUMNS, (), "Events", f"{len(self._rows):,} kept{dropped}", "nothing has happened yet")
        return filled(frame, (row for _, row in self._rows.values()), Query(filter_text=query.filter_text))


def _row(line: Happening) -> Row:
    is_own = bool(line.actor) and line.actor == line.address
    times = f"{line.count}× " if line.count > 1 else ""
    meaning = "warning" if line.is_trouble else _MEANINGS.get(line.kind, "")
    cells = (
        Cell(clock_text(line.wall_s, has_millis=True), "dim"),
        Cell(str(line.seq) if line.seq is not None else "-", "dim"),
        Cell(line.kind.value, meaning),
        Cell(safe_text(f"{times}{line.text}", 300), "warning" if line.is_trouble else "", has_address=True),
        Cell(safe_text("itself" if is_own else line.actor, 60), "dim", has_address=True),
    )
    return Row(f"e{line.number}", cells, address=line.address)
