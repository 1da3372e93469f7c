"""The first line of the screen: how the inspector stands with its server, and what the graph does."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events

from ezmsg_tui.present.desk import LinkPhase, Status
from ezmsg_tui.present.table import Cell
from ezmsg_tui.present.text import ago_text, counted
from ezmsg_tui.widgets.line_block import Line, LineBlock

_BAR = Cell("│", "dim")
_FRESH_S = 1.0  # data younger than this needs no mention


@dataclass(frozen=True, slots=True)
class TerminalPace:
    """How fast the terminal takes frames."""

    rate_hz: float  # frames a second that are allowed now
    full_rate_hz: float  # and when nothing is in the way
    round_trip_s: float | None = None  # from a frame to the terminal's answer; None while it is not known
    sent_bytes_per_s: float | None = None  # to the terminal

    @property
    def is_slowed(self) -> bool:
        return self.rate_hz < self.full_rate_hz


_PHASES = {
    LinkPhase.CONNECTING: ("◌ CONNECTING", "warning"),
    LinkPhase.SYNCING: ("◐ SYNC", "warning"),
    LinkPhase.LIVE: ("● LIVE", "live"),
    LinkPhase.SLOW: ("▲ SLOW", "warning"),
    LinkPhase.LOST: ("○ LOST", "error"),
    LinkPhase.ERROR: ("✖ ERROR", "error"),
    LinkPhase.CLOSED: ("○ CLOSED", "dim"),
}


def phase_cells(status: Status) -> tuple[Cell, ...]:
    """The state of the connection in one or two words, and what is to be known about it."""
    if status.frozen_s is not None:
        behind = f"+{status.frozen_behind} events" if status.frozen_behind else ""
        return (Cell(f"❚❚ FROZEN {ago_text(status.frozen_s)}", "warning"), Cell(behind, "dim"))
    word, meaning = _PHASES[status.phase]
    more: tuple[Cell, ...] = ()
    if status.phase is LinkPhase.SYNCING:
        more = tuple(Cell(f"{name} ✓") if has_come else Cell(f"{name} …", "dim") for name, has_come in status.parts)
    elif status.phase is LinkPhase.LOST:
        is_waiting = status.retry_in_s is not None
        retry = f"retry {status.attempt} in {status.retry_in_s:.1f} s" if is_waiting else f"try {status.attempt}"
        more = (Cell(retry, "warning"),)
    if status.phase in (LinkPhase.CONNECTING, LinkPhase.LOST):
        word = f"{word} {ago_text(status.elapsed_s)}"
    elif status.phase is LinkPhase.SLOW:
        word = f"{word} {ago_text(status.age_s)}"
    return (Cell(word, meaning), *more)


def edit_cells(status: Status) -> tuple[Cell, ...]:
    """How many edits wait, run and failed."""
    return (
        Cell(f"{status.staged} staged" if status.staged else "", "changed"),
        Cell(f"{status.invalid} invalid" if status.invalid else "", "error"),
        Cell(f"{status.applying} applying" if status.applying else "", "pending"),
        Cell(f"{status.failed} failed" if status.failed else "", "error"),
    )


def pace_cells(pace: TerminalPace | None) -> tuple[Cell, ...]:
    """How fast the terminal takes frames, where that is known."""
    if pace is None:
        return ()
    meaning = "warning" if pace.is_slowed else "dim"
    trip = ""
    if pace.round_trip_s is not None:
        step_ms = 5 if pace.round_trip_s < 0.1 else 50  # coarse, or the figure itself would be sent in every frame
        trip = f"rtt {max(1, round(pace.round_trip_s * 1000 / step_ms)) * step_ms}ms"
    sent = "" if pace.sent_bytes_per_s is None else f"{pace.sent_bytes_per_s / 1024:.0f} KiB/s"
    return (Cell(trip, meaning), Cell(f"{pace.rate_hz:.0f} fps", meaning), Cell(sent, meaning))


def _age_cell(status: Status) -> Cell:
    is_old = status.age_s is not None and status.age_s >= _FRESH_S
    return Cell(f"data {ago_text(status.age_s)} old", "dim") if is_old else Cell("")


def _count_cells(status: Status, *, is_wordy: bool) -> tuple[Cell, ...]:
    if is_wordy:
        return tuple(Cell(counted(count, noun)) for noun, count in status.counts)
    return tuple(Cell(f"{noun[:1].upper()}{count}") for noun, count in status.counts)


def status_line(status: Status, pace: TerminalPace | None, width: int) -> Line:
    """As many groups as fit, the most telling first; whole words only where nothing has to give way to them."""
    right = pace_cells(pace)
    right_width = sum(len(cell.text) + 1 for cell in right if cell.text)
    shown = _groups(status, is_wordy=True)
    if _width(shown) + right_width > width:
        shown = _groups(status, is_wordy=False)
    while len(shown) > 1 and _width(shown) > width:
        shown.remove(min(shown, key=lambda group: group[0]))
    left: list[Cell] = []
    for index, (_, group) in enumerate(shown):
        left.extend(group if index == 0 else (_BAR, *group))
    return Line(tuple(left), right if _width(shown) + right_width <= width else ())


def _groups(status: Status, *, is_wordy: bool) -> list[tuple[int, tuple[Cell, ...]]]:
    """What there is to say, in the order of the line; the lowest number gives way first."""
    is_up = status.phase in (LinkPhase.LIVE, LinkPhase.SLOW, LinkPhase.LOST)
    address = Cell(status.address, "" if is_up else "dim")
    groups: list[tuple[int, tuple[Cell, ...]]] = [
        (100, (Cell("ezmsg", "title"), address, *phase_cells(status))),
        (80, status.notices),
        (90, edit_cells(status)),
        (85, (Cell("RO" if status.is_read_only else "", "warning"),)),
        (70, _count_cells(status, is_wordy=is_wordy) if is_up else ()),
        (60, (status.rate,) if is_up else ()),
        (75, (status.wait,) if is_up else ()),
        (40, (_age_cell(status),) if is_up else ()),
        (20, (Cell(f"on {status.server}" if status.server else "", "dim"),)),
    ]
    return [(priority, cells) for priority, group in groups if (cells := tuple(cell for cell in group if cell.text))]


def _width(groups: list[tuple[int, tuple[Cell, ...]]]) -> int:
    return 1 + sum(sum(len(cell.text) + 1 for cell in cells) for _, cells in groups) + 2 * (len(groups) - 1)


class StatusBar(LineBlock):
    """Draws the status line."""

    DEFAULT_CSS = "StatusBar { height: 1; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, pad=1)

        self._shown: tuple[Status, TerminalPace | None] | None = None

    def on_resize(self, _event: events.Resize) -> None:
        if self._shown is not None:
            self.show(*self._shown)

    def show(self, status: Status, pace: TerminalPace | None) -> None:
        self._shown = (status, pace)
        self.show_lines((status_line(status, pace, self.size.width - 2),))
