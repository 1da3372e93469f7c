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
    Column("what", "WHAT", 30, is_flexible=True, priority=10),
    Column("who", "BY", 12, priority=4),
)
_MEANINGS = {
    LineKind.SETTINGS: "changed",
    LineKind.COMMAND: "accent",
    LineKind.CONNECTION: "ok",
    LineKind.CHANNEL: "dim",
}


class EventList:
    """Builds the rows of the event list; each line is made into a row once."""

    def __init__(self) -> None:
        self._rows: dict[int, SortableRow] = {}

    def table(self, log: HappeningLog, query: Query) -> Table:
        """The lines that are kept."""
        self._rows = {line.number: self._rows.get(line.number) or SortableRow(_row(line)) for line in log.lines}
        dropped = f", {log.dropped_total:,} older ones dropped" if log.dropped_total else ""
        frame = Table(COLUMNS, (), "Events", f"{len(self._rows):,} kept{dropped}", "nothing has happened yet")
        return filled(frame, self._rows.values(), Query(filter_text=query.filter_text))


def _row(line: Happening) -> Row:
    meaning = "warning" if line.is_trouble else _MEANINGS.get(line.kind, "")
    cells = (
        Cell(clock_text(line.wall_s, has_millis=True), "dim"),
        Cell(str(line.seq) if line.seq is not None else "-", "dim"),
        Cell(line.kind.value, meaning),
        Cell(safe_text(line.text, 300), "warning" if line.is_trouble else ""),
        Cell(safe_text(line.actor, 60), "dim"),
    )
    return Row(f"e{line.number}", cells, address=line.address)
