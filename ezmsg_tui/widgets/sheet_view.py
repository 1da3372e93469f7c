"""Shows a sheet: labelled lines about one thing."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ezmsg_tui.present.sheet import Sheet, SheetLine
from ezmsg_tui.present.table import Cell
from ezmsg_tui.widgets.paint import Paint, fit_text, paint_of
from ezmsg_tui.widgets.row_art import draw_centered

_MOST_LABEL = 14
_LEAST_ADDRESS = 8  # cells; an address gives way to what follows it, but not all of it


class SheetView(ScrollView, can_focus=True):
    """Draws again only the lines that differ."""

    DEFAULT_CSS = "SheetView { overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._sheet = Sheet()
        self._label_width = 0
        self._is_stale = False

    @property
    def sheet(self) -> Sheet:
        """What was shown last."""
        return self._sheet

    @property
    def is_stale(self) -> bool:
        """Whether everything is drawn as old."""
        return self._is_stale

    @is_stale.setter
    def is_stale(self, is_stale: bool) -> None:
        if is_stale != self._is_stale:
            self._is_stale = is_stale
            self.refresh()

    def show(self, sheet: Sheet) -> None:
        old, self._sheet = self._sheet, sheet
        if sheet == old:
            return
        self._label_width = min(_MOST_LABEL, max((len(line.label) for line in sheet.lines), default=0))
        if len(sheet.lines) != len(old.lines) or not sheet.lines:
            self.virtual_size = Size(1, len(sheet.lines))
            self.refresh()
            return
        for index, (new_line, old_line) in enumerate(zip(sheet.lines, old.lines, strict=True)):
            if new_line != old_line:
                self.refresh(Region(0, index - round(self.scroll_y), self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        width, paint = self.scrollable_content_region.width, paint_of(self)
        if not self._sheet.lines:
            return draw_centered(self._sheet.empty_text, y, width, self.size.height, paint)
        index = y + round(self.scroll_y)
        if index >= len(self._sheet.lines):
            return Strip.blank(width)
        return draw_sheet_line(self._sheet.lines[index], self._label_width, width, paint, is_stale=self._is_stale)


def _cut(cell: Cell, width: int, paint: Paint) -> str:
    if cell.meaning == "spark":
        return paint.spell(cell.text)[-width:]  # the newest is at the right
    return paint.spell(fit_text(cell.text, width, has_address=cell.has_address).rstrip())


def draw_sheet_line(line: SheetLine, label_width: int, width: int, paint: Paint, *, is_stale: bool) -> Strip:
    """A label and its cells in exactly `width` cells."""
    label = fit_text(line.label, label_width) + "  " if label_width else ""
    segments = [Segment(" "), Segment(label, paint.style("stale" if is_stale else "label"))]
    room = width - 2 - cell_len(label)
    cells = [cell for cell in line.cells if cell.text]
    excess = sum(cell_len(cell.text) + 1 for cell in cells) - 1 - room
    for position, cell in enumerate(cells):
        if position:
            segments.append(Segment(" "))
            room -= 1
        text = paint.spell(cell.text)
        length = cell_len(text)
        if room <= 0:
            break
        most = max(_LEAST_ADDRESS, length - excess) if cell.has_address and excess > 0 else length
        if length > min(room, most):
            length = min(room, most)
            text = _cut(cell, length, paint)
            excess -= cell_len(cell.text) - cell_len(text)
            length = cell_len(text)
        segments.append(Segment(text, paint.style("stale" if is_stale else cell.meaning)))
        room -= length
    return Strip(segments).adjust_cell_length(width)
