"""A table or tree of live rows: draws what changed, and nothing else.

Every row is drawn once and kept until it changes, and of a changed row only the cells that differ are sent to the
terminal. The cursor is a key, and the order stands still while it is being moved.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ezmsg_tui.present.table import Row, Table
from ezmsg_tui.widgets.bindings import bindings_of
from ezmsg_tui.widgets.columns import Place, fit_columns, grow_columns
from ezmsg_tui.widgets.keyed_rows import KeyedRows
from ezmsg_tui.widgets.paint import paint_of
from ezmsg_tui.widgets.row_art import GUTTER, INDENT, Look, draw_centered, draw_header, draw_row

_MOST_MEASURED = 200
"""Characters of a text that are counted to see how wide its column should be."""

_EMPTY_TABLE = Table(columns=(), rows=())


class LiveTable(ScrollView, can_focus=True):
    """Shows a `Table`; answers with messages that carry the row."""

    DEFAULT_CSS = """
    LiveTable { overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("table")]

    class RowMessage(Message):
        """Something about one row."""

        def __init__(self, table: LiveTable, row: Row) -> None:
            super().__init__()
            self.table = table
            self.row = row

        @property
        def control(self) -> LiveTable:
            return self.table

    class Highlighted(RowMessage):
        """The cursor came to a row."""

    class Chosen(RowMessage):
        """A row was opened with the enter key or a double click."""

    class Toggled(RowMessage):
        """The expander of a row was used; the table that comes next shows the rest."""

    class SortPicked(Message):
        """Another column is to decide the order."""

        def __init__(self, table: LiveTable, column_key: str, *, is_descending: bool) -> None:
            super().__init__()
            self.table = table
            self.column_key = column_key
            self.is_descending = is_descending

        @property
        def control(self) -> LiveTable:
            return self.table

    def __init__(
        self,
        *,
        id: str | None = None,
        classes: str | None = None,
        has_header: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._head = 1 if has_header else 0
        self._clock = clock
        self._table = _EMPTY_TABLE
        self._held = KeyedRows()
        self._is_tree = False
        self._places: tuple[Place, ...] = ()
        self._fitted_width = 0
        self._grown: dict[str, int] = {}
        self._strips: dict[str, tuple[Row, Strip]] = {}
        self._is_stale = False

    # What is shown

    @property
    def table(self) -> Table:
        """What was shown last."""
        return self._table

    @property
    def cursor_row(self) -> Row | None:
        return self._held.cursor_row

    @property
    def row_keys(self) -> list[str]:
        """Keys from top to bottom, as they are drawn."""
        return list(self._held.order)

    @property
    def places(self) -> tuple[Place, ...]:
        """The visible columns."""
        return self._places

    @property
    def is_stale(self) -> bool:
        """Whether everything is drawn as old."""
        return self._is_stale

    @is_stale.setter
    def is_stale(self, is_stale: bool) -> None:
        if is_stale != self._is_stale:
            self._is_stale = is_stale
            self._redraw()

    def show(self, table: Table) -> None:
        """Show this in place of what was shown before."""
        before = self._table
        if table is before:
            return
        cursor_line = self.line_of(self._held.cursor_key)
        self._table = table
        old_rows, old_order = self._held.rows, self._held.order
        is_tree = any(row.depth or row.is_open is not None for row in table.rows)
        has_new_frame = table.columns != before.columns or is_tree != self._is_tree
        has_new_sort = (table.sorted_by, table.is_descending) != (before.sorted_by, before.is_descending)
        self._is_tree = is_tree
        if table.subject != before.subject:
            self._held.is_placed = False
        has_new_cursor = self._held.replace(table.rows, self._clock(), may_hold=not is_tree and not has_new_sort)
        if has_new_frame:
            self._grown.clear()
            self._fit()
        self._measure()
        if len(self._held) != len(old_order):
            self.virtual_size = Size(1, len(self._held) + self._head)
        was_empty, is_empty = not old_order, not self._held.order
        if has_new_frame or was_empty is not is_empty or (is_empty and table.empty_text != before.empty_text):
            self._redraw()
        else:
            if has_new_sort:
                self.refresh(Region(0, 0, self.size.width, self._head))
            self._refresh_changes(old_rows, old_order)
        if len(self._strips) > 2 * len(self._held) + 100:
            self._strips = {key: kept for key, kept in self._strips.items() if key in self._held.rows}
        self._keep_in_place(cursor_line)
        if has_new_cursor:
            self._scroll_to_cursor()
            self._announce()

    def _keep_in_place(self, line: int | None) -> None:
        """Scroll so that the row under the cursor stays on its line, though rows came or went above it."""
        index = self._held.cursor_index
        if line is None or index is None:
            return
        top = min(max(0, index + self._head - line), max(0, self.max_scroll_y))
        if top != round(self.scroll_y):
            self.scroll_to(y=top, animate=False, force=True, immediate=True)

    def _refresh_changes(self, old_rows: dict[str, Row], old_order: list[str]) -> None:
        top = round(self.scroll_y)
        for line in range(max(0, self.size.height - self._head)):
            index = top + line
            new = self._held.at(index)
            old = old_rows[old_order[index]] if index < len(old_order) else None
            if new is old:
                continue
            if new is None or old is None or new.key != old.key:
                self._refresh_line(line + self._head)
            elif new != old:
                self._refresh_cells(new, old, line + self._head)

    def _refresh_cells(self, new: Row, old: Row, y: int) -> None:
        if (new.depth, new.is_open, len(new.cells)) != (old.depth, old.is_open, len(old.cells)):
            self._refresh_line(y)
            return
        for place in self._places:
            if place.index < len(new.cells) and new.cells[place.index] != old.cells[place.index]:
                self.refresh(Region(place.x, y, place.width, 1))

    def _refresh_line(self, y: int) -> None:
        self.refresh(Region(0, y, self.size.width, 1))

    # Layout

    @property
    def _room(self) -> Size:
        """Where rows are drawn: what the scroll bar leaves."""
        return self.scrollable_content_region.size

    def _fit(self) -> None:
        self._fitted_width = self._room.width
        self._places = fit_columns(self._table.columns, self._fitted_width, self._grown, left=GUTTER)
        self._strips.clear()

    def _measure(self) -> None:
        top = round(self.scroll_y)
        lengths: dict[str, int] = {}
        for key in self._held.order[top : top + max(1, self.size.height)]:
            for column, cell in zip(self._table.columns, self._held.rows[key].cells, strict=False):
                if len(cell.text) > max(column.width, lengths.get(column.key, 0)):
                    lengths[column.key] = max(lengths.get(column.key, 0), cell_len(cell.text[:_MOST_MEASURED]))
        if lengths and grow_columns(self._table.columns, lengths, self._grown):
            self._fit()
            self._redraw()

    def on_resize(self, _event: events.Resize) -> None:
        self._grown.clear()
        self._fit()
        self._measure()
        self._redraw()
        self._scroll_to_cursor()

    def _redraw(self) -> None:
        self._strips.clear()
        self.refresh()

    # Drawing

    def render_line(self, y: int) -> Strip:
        width, paint = self._room.width, paint_of(self)
        if width != self._fitted_width:
            self._fit()  # a scroll bar came or went
        if not self._held.order:
            return draw_centered(self._table.empty_text, y, width, self.size.height, paint)
        if y < self._head:
            return draw_header(self._table, self._places, width, paint, is_tree=self._is_tree)
        row = self._held.at(round(self.scroll_y) + y - self._head)
        if row is None:
            return Strip.blank(width)
        if row.key == self._held.cursor_key:
            look = Look(has_cursor=True, has_focus=self.has_focus, is_stale=self._is_stale)
            return draw_row(row, self._places, width, paint, look, is_tree=self._is_tree)
        cached = self._strips.get(row.key)
        if cached is not None and (cached[0] is row or cached[0] == row):
            return cached[1]
        strip = draw_row(row, self._places, width, paint, Look(is_stale=self._is_stale), is_tree=self._is_tree)
        self._strips[row.key] = (row, strip)
        return strip

    # The cursor

    def select(self, key: str) -> bool:
        """Put the cursor on a row, if it is there."""
        if key not in self._held.rows:
            return False
        before = self._held.cursor_key
        self._held.place(key)
        if key != before:
            self._refresh_row(before)
            self._refresh_row(key)
            self._scroll_to_cursor()
            self._announce()
        return True

    def select_address(self, address: str) -> bool:
        """Put the cursor on the row that stands for an address, or else for the closest one above it."""
        return self.select(self._held.nearest(address))

    def _announce(self) -> None:
        row = self.cursor_row
        if row is not None:
            self.post_message(self.Highlighted(self, row))

    def line_of(self, key: str) -> int | None:
        """The line of the widget on which a row is drawn, if it is in sight."""
        index = self._held.index_of(key)
        if index is None:
            return None
        y = index - round(self.scroll_y) + self._head
        return y if self._head <= y < self.size.height else None

    def _refresh_row(self, key: str) -> None:
        y = self.line_of(key)
        if y is not None:
            self._refresh_line(y)

    def _scroll_to_cursor(self) -> None:
        index, room = self._held.cursor_index, self.size.height - self._head
        if index is None or room <= 0:
            return
        top = round(self.scroll_y)
        if not top <= index < top + room:
            self.scroll_to(y=index if index < top else index - room + 1, animate=False, force=True, immediate=True)

    def on_focus(self, _event: events.Focus) -> None:
        self._refresh_row(self._held.cursor_key)

    def on_blur(self, _event: events.Blur) -> None:
        self._refresh_row(self._held.cursor_key)

    def _move_to(self, index: int) -> None:
        row = self._held.at(min(max(index, 0), len(self._held) - 1))
        if row is not None:
            self._held.hold(self._clock())
            self.select(row.key)

    def action_row(self, by: int) -> None:
        self._move_to((self._held.cursor_index or 0) + by)

    def action_page(self, by: int) -> None:
        self._move_to((self._held.cursor_index or 0) + by * max(1, self.size.height - self._head - 1))

    def action_end(self, direction: int) -> None:
        self._move_to(0 if direction < 0 else len(self._held) - 1)

    def action_fold(self, is_open: bool) -> None:
        row = self.cursor_row
        if row is None:
            return
        if row.is_open is not None and row.is_open != is_open:
            self.post_message(self.Toggled(self, row))
        elif is_open and row.is_open:
            self.action_row(1)
        elif not is_open:
            self.select(self._held.parent_of(row.key))

    def action_choose(self) -> None:
        row = self.cursor_row
        if row is not None:
            self.post_message(self.Chosen(self, row))

    def action_sort(self, by: int) -> None:
        keys = [column.key for column in self._table.columns if column.is_sortable]
        if not keys:
            return
        current = keys.index(self._table.sorted_by) if self._table.sorted_by in keys else -1
        if by == 0 and current >= 0:
            self._pick_sort(keys[current])
        else:
            self._pick_sort(keys[(current + (by or 1)) % len(keys)])

    def _pick_sort(self, column_key: str) -> None:
        is_same = column_key == self._table.sorted_by
        aligned = {column.key: column.align for column in self._table.columns}
        is_descending = not self._table.is_descending if is_same else aligned[column_key] == "right"
        self.post_message(self.SortPicked(self, column_key, is_descending=is_descending))

    # The mouse

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y < self._head:
            for place in self._places:
                if place.x <= offset.x < place.x + place.width and place.column.is_sortable:
                    self._pick_sort(place.column.key)
            return
        index = round(self.scroll_y) + offset.y - self._head
        row = self._held.at(index)
        if row is None:
            return
        self._move_to(index)
        expander_x = GUTTER + INDENT * row.depth
        if row.is_open is not None and expander_x <= offset.x < expander_x + INDENT:
            self.post_message(self.Toggled(self, row))
        elif event.chain == 2:
            self.post_message(self.Chosen(self, row))
