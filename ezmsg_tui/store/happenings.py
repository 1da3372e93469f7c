"""The event list: what happened, one line each, newest kept."""

from __future__ import annotations

import enum
from collections import deque
from dataclasses import dataclass

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


class HappeningLog:
    """Lines in order of arrival. Buffered: `MAX_LINES`; beyond that the oldest go, and are counted."""

    def __init__(self, limit: int = MAX_LINES) -> None:
        self.lines: deque[Happening] = deque(maxlen=limit)
        self.total = 0

    @property
    def revision(self) -> int:
        """Changes with every line."""
        return self.total

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
        """Append a line."""
        self.total += 1
        self.lines.append(Happening(self.total, wall_s, kind, text, seq, actor, address, is_trouble))

    def copy(self) -> HappeningLog:
        """The same lines, apart from this."""
        twin = HappeningLog(self.lines.maxlen or MAX_LINES)
        twin.lines.extend(self.lines)
        twin.total = self.total
        return twin
