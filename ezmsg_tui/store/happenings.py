"""The event list: what happened, one line each, newest kept."""

from __future__ import annotations

import enum
from collections import deque
from dataclasses import dataclass, replace

MAX_LINES = 2000  # an hour of a busy graph's topology; a line is about 300 bytes


class LineKind(enum.StrEnum):
    """What a line is about."""

    CONNECTION = "CONN"
    GRAPH = "GRAPH"
    SESSION = "SESSION"
    PROCESS = "PROCESS"
    ENDPOINT = "ENDPOINT"
    CHANNEL = "CHANNEL"
    SETTINGS = "SETTINGS"
    LOSS = "LOSS"  # events or samples that will not come
    COMMAND = "COMMAND"  # what was asked for here


@dataclass(frozen=True, slots=True)
class Happening:
    """One line. Texts are as they came: whoever shows them makes them harmless."""

    number: int  # of this list, from 1
    wall_s: float  # seconds since the epoch
    kind: LineKind
    text: str
    seq: int | None = None  # of the server's event
    actor: str = ""  # who did it
    address: str = ""  # what it is about, if that has an address
    is_trouble: bool = False  # worth a look
    count: int = 1  # of reports in a row that it stands for; it tells the latest


class HappeningLog:
    """Lines in order of arrival. Buffered: `MAX_LINES`; beyond that the oldest go, and are counted.

    Args:
        limit: of lines.
        folds_reports: what a unit reports of itself again and again takes one line until something else happens, so
            that readings do not drive out what is worth knowing.
    """

    def __init__(self, limit: int = MAX_LINES, *, folds_reports: bool = True) -> None:
        self.lines: deque[Happening] = deque(maxlen=limit)
        self.total = 0
        self.revision = 0  # changes with whatever is added
        self.folds_reports = folds_reports
        self._reports: dict[str, int] = {}  # since the last line that is no report: number by address

    @property
    def dropped_total(self) -> int:
        """Lines that are no longer kept."""
        return self.total - len(self.lines)

    def add(
        self,
        wall_s: float,
        kind: LineKind,
        text: str,
        *,
        seq: int | None = None,
        actor: str = "",
        address: str = "",
        is_trouble: bool = False,
    ) -> None:
        """Append a line, or fold it into the one that it repeats."""
        self.revision += 1
        is_own = bool(address) and actor == address
        is_report = self.folds_reports and kind is LineKind.SETTINGS and is_own and not is_trouble
        if is_report and self._fold(wall_s, text, seq, address):
            return
        self.total += 1
        self.lines.append(Happening(self.total, wall_s, kind, text, seq, actor, address, is_trouble))
        if is_report:
            self._reports[address] = self.total
        else:
            self._reports.clear()

    def _fold(self, wall_s: float, text: str, seq: int | None, address: str) -> bool:
        number = self._reports.get(address)
        if number is None or number < self.lines[0].number:
            return False
        index = number - self.lines[0].number
        line = self.lines[index]
        self.lines[index] = replace(line, wall_s=wall_s, text=text, seq=seq, count=line.count + 1)
        return True

    def copy(self) -> HappeningLog:
        """The same lines, apart from this."""
        twin = HappeningLog(self.lines.maxlen or MAX_LINES)
        twin.lines.extend(self.lines)
        twin.total, twin.revision = self.total, self.revision
        twin.folds_reports, twin._reports = self.folds_reports, dict(self._reports)
        return twin
