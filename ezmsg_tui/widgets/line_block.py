"""A few lines of cells that are sent again only when they change: bars, notes, messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from ezmsg_tui.present.table import Cell
from ezmsg_tui.widgets.paint import Paint, paint_of

_LEAST_RIGHT = 12  # cells; a right part cut to less says nothing


@dataclass(frozen=True, slots=True)
class Line:
    """Cells from the left edge, and cells up to the right edge where there is room for them."""

    left: tuple[Cell, ...] = ()
    right: tuple[Cell, ...] = ()
    gap: str = " "  # between cells


def draw_line(line: Line, width: int, paint: Paint) -> Strip:
    """A line in exactly `width` cells; what does not fit is cut, the right part first."""
    left = Strip(paint.segments(line.left, gap=line.gap))
    right = Strip(paint.segments(line.right, gap=line.gap))
    if left.cell_length > width:
        return Strip([*left.crop(0, max(0, width - 1)), Segment(paint.spell("…"))]) if width else Strip([])
    room = width - left.cell_length - 2
    if right.cell_length > room >= _LEAST_RIGHT:
        right = Strip([*right.crop(0, room - 1), Segment(paint.spell("…"))])
    if not right.cell_length or right.cell_length > room:
        return left.adjust_cell_length(width)
    space = Segment(" " * (width - left.cell_length - right.cell_length))
    return Strip([*left, space, *right], width)


class LineBlock(Widget):
    """Shows lines; of a changed set only the lines that differ are drawn again."""

    def __init__(
        self,
        *,
        id: str | None = None,
        classes: str | None = None,
        align: Literal["top", "middle", "bottom"] = "top",
        pad: int = 0,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: tuple[Line, ...] = ()
        self._align = align
        self._pad = pad

    @property
    def lines(self) -> tuple[Line, ...]:
        return self._lines

    def show_lines(self, lines: tuple[Line, ...]) -> None:
        old, self._lines = self._lines, lines
        if lines == old:
            return
        if len(lines) != len(old) or self._align == "middle":
            self.refresh()
            return
        first = self._first_line()
        for index, (new_line, old_line) in enumerate(zip(lines, old, strict=True)):
            if new_line != old_line:
                self.refresh(Region(0, first + index, self.size.width, 1))

    def _first_line(self) -> int:
        spare = max(0, self.size.height - len(self._lines))
        return {"top": 0, "middle": spare // 2, "bottom": spare}[self._align]

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        index = y - self._first_line()
        if not 0 <= index < len(self._lines):
            return Strip.blank(width)
        paint = paint_of(self)
        inner = max(0, width - 2 * self._pad)
        if self._align == "middle":
            longest = max(Strip(paint.segments(line.left, gap=line.gap)).cell_length for line in self._lines)
            inner = min(inner, longest)
        margin = (width - inner) // 2
        strip = draw_line(self._lines[index], inner, paint)
        return Strip([Segment(" " * margin), *strip]).adjust_cell_length(width)
