"""One line of a table as a strip: a row, the header, a line of the empty text."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ezmsg_tui.present.table import Cell, Row, Table
from ezmsg_tui.widgets.columns import Place
from ezmsg_tui.widgets.paint import Paint, fit_text

GUTTER = 1
"""Cells at the left edge for the mark of the cursor."""

INDENT = 2
"""Cells for each step of depth, and for the expander."""

_EXPANDERS = {None: "  ", True: "▾ ", False: "▸ "}
_NO_CELL = Cell("")


@dataclass(frozen=True, slots=True)
class Look:
    """How a row is to stand out."""

    has_cursor: bool = False
    has_focus: bool = False
    is_stale: bool = False


def draw_row(row: Row, places: tuple[Place, ...], width: int, paint: Paint, look: Look, *, is_tree: bool) -> Strip:
    """A row in exactly `width` cells, one segment for each cell so that a changed one can be sent alone."""
    is_bar = look.has_cursor and look.has_focus
    base = paint.cursor if is_bar else paint.style("stale" if look.is_stale else "")
    keeps_meaning = not is_bar and not look.is_stale
    mark_style = paint.style("accent") if look.has_cursor and keeps_meaning else base
    segments = [Segment(paint.spell("▌") if look.has_cursor else " ", mark_style)]
    x = GUTTER
    for place in places:
        cell = row.cells[place.index] if place.index < len(row.cells) else _NO_CELL
        lead = " " * (INDENT * row.depth) + _EXPANDERS[row.is_open] if is_tree and place.index == 0 else ""
        room = place.width - len(lead)
        text = lead[: place.width] + fit_text(cell.text, room, align=place.column.align, has_address=cell.has_address)
        if place.x > x:
            segments.append(Segment(" " * (place.x - x), base))
        style = base + paint.style(cell.meaning) if keeps_meaning else base
        segments += _inked(paint.spell(text), style, base)
        x = place.x + place.width
    if x < width:
        segments.append(Segment(" " * (width - x), base))
    return Strip(segments, max(x, width)).crop(0, width)


def _inked(text: str, style: Style, base: Style) -> list[Segment]:
    """A cell with its style, which underlines the words and not the room around them."""
    if not style.underline:
        return [Segment(text, style)]
    words = text.strip(" ")
    left = len(text) - len(text.lstrip(" "))
    parts = ((" " * left, base), (words, style), (" " * (len(text) - left - len(words)), base))
    return [Segment(part, ink) for part, ink in parts if part]


def draw_header(table: Table, places: tuple[Place, ...], width: int, paint: Paint, *, is_tree: bool) -> Strip:
    """The titles of the visible columns, with an arrow at the one that decides the order."""
    plain, chosen = paint.style("dim"), paint.style("accent")
    segments = [Segment(" " * GUTTER, plain)]
    x = GUTTER
    for place in places:
        column = place.column
        is_chosen = bool(column.key) and column.key == table.sorted_by
        title = column.title + (("▼" if table.is_descending else "▲") if is_chosen else "")
        if is_tree and place.index == 0:
            title = " " * INDENT + title
        if place.x > x:
            segments.append(Segment(" " * (place.x - x), plain))
        segments.append(
            Segment(paint.spell(fit_text(title, place.width, align=column.align)), chosen if is_chosen else plain)
        )
        x = place.x + place.width
    return Strip(segments, x).adjust_cell_length(width)


def draw_centered(text: str, y: int, width: int, height: int, paint: Paint, meaning: str = "dim") -> Strip:
    """Line `y` of a text in the middle of an empty area."""
    lines = text.splitlines()
    index = y - max(0, (height - len(lines)) // 2)
    if not 0 <= index < len(lines):
        return Strip.blank(width)
    text = paint.spell(lines[index])
    line = fit_text(text, min(width, cell_len(text)))
    left = max(0, (width - cell_len(line)) // 2)
    return Strip([Segment(" " * left), Segment(line, paint.style(meaning))]).adjust_cell_length(width)
