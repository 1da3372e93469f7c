"""What the views have in common: a filter, a selection, titles, and being told when to ask the desk again."""

from __future__ import annotations

from textual.containers import Container
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from ezmsg_tui.present.desk import InspectorDesk, LinkPhase, Status
from ezmsg_tui.present.table import Query, Table
from ezmsg_tui.present.text import ago_text, elided_addresses, safe_text
from ezmsg_tui.widgets.live_table import LiveTable
from ezmsg_tui.widgets.paint import paint_of
from ezmsg_tui.widgets.sheet_view import SheetView

_FRAME = 6
"""Cells of a frame's edge that no title takes: corners, and a line and a space on each side."""

_UNKNOWN_WIDTH = 1000
"""Cells of a frame that has not been laid out yet: nothing is cut until it is."""

_AGE_STEP_S = 5
"""Ages in titles change this seldom, because a title is drawn with its whole pane."""


class AddressPicked(Message):
    """The user came to something with an address; other views will start there."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address


class ViewAsked(Message):
    """Something is to be followed into another view."""

    def __init__(self, view: str, address: str) -> None:
        super().__init__()
        self.view = view
        self.address = address


class Said(Message):
    """Something to be told for a moment: a key that did nothing, and why."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class Pane(Container):
    """One view. It asks the desk only while it is shown."""

    DEFAULT_CSS = """
    Pane { height: 1fr; }
    Pane .frame { border: round ansi_bright_black; border-title-align: left; border-subtitle-align: right;
                  border-title-color: ansi_default; border-subtitle-color: ansi_bright_black; }
    Pane .frame:focus, Pane .frame:focus-within { border: heavy ansi_bright_cyan; border-title-style: reverse; }
    """

    def __init__(self, desk: InspectorDesk, *, id: str) -> None:
        super().__init__(id=id)
        self.desk = desk
        self.filter_text = ""
        self.wanted_address = ""  # to be selected when it comes
        self._status = Status(LinkPhase.CONNECTING)
        self._toggled: dict[str, frozenset[str]] = {}
        self._sorting: dict[str, tuple[str, bool]] = {}
        self._titles: dict[str, tuple[str, str]] = {}

    # Each view has its own of these

    def advance(self) -> None:
        """Ask the desk for everything that is in sight, and show it."""
        raise NotImplementedError

    def go_to(self, address: str) -> None:
        """Put the cursor on what stands for an address, if it is here."""

    @property
    def copy_text(self) -> str:
        """What the copy key copies."""
        focused = self.screen.focused
        if isinstance(focused, LiveTable) and focused.cursor_row is not None:
            return focused.cursor_row.address or focused.cursor_row.key
        return focused.sheet.address if isinstance(focused, SheetView) else ""

    # What they share

    def take_status(self, status: Status) -> None:
        """Mark everything as old while the connection is lost or slow."""
        self._status = status
        is_stale = status.phase in (LinkPhase.LOST, LinkPhase.SLOW)
        for table in self.query(LiveTable):
            table.is_stale = is_stale
        for sheet in self.query(SheetView):
            sheet.is_stale = is_stale

    def query_for(self, table: LiveTable, *, arrangement: str = "") -> Query:
        """What one of this view's tables asks for."""
        name = table.id or ""
        sorted_by, is_descending = self._sorting.get(name, ("", False))
        return Query(self.filter_text, arrangement, self._toggled.get(name, frozenset()), sorted_by, is_descending)

    def show_table(self, widget: LiveTable, table: Table, *, is_filtered: bool = True) -> None:
        """Show a table in its widget, with its title and how much of it the filter lets through."""
        widget.show(table)
        self.show_title(widget, table.title, self.footer_of(table), table if is_filtered else None)

    def footer_of(self, table: Table) -> str:
        """What stands at the lower right of a table."""
        return table.footer

    def show_title(self, widget: Widget, title: str, footer: str = "", table: Table | None = None) -> None:
        """Set the titles of a frame; foreign text in them stays text."""
        parts: list[str] = []
        if table is not None and self.filter_text:
            matched = table.matched if table.matched >= 0 else len(table.rows)
            parts.append(f"/{safe_text(self.filter_text, 30)}  {matched} of {table.total}")
        age = self._status.age_s
        if self._status.phase in (LinkPhase.LOST, LinkPhase.SLOW) and age is not None:
            age = age if age < _AGE_STEP_S else age // _AGE_STEP_S * _AGE_STEP_S
            parts.append(f"{ago_text(age)} old")
        if self._status.frozen_s is not None:
            parts.append("frozen")
        spell = paint_of(self).spell
        room = (widget.outer_size.width or _UNKNOWN_WIDTH) - _FRAME
        named = elided_addresses(safe_text(title, 160), room - len("".join(f" · {part}" for part in parts)))
        for part in parts:
            if len(named) + len(part) + 3 <= room:  # a part that does not fit stands in the titles beside it
                named += f" · {part}" if named else part
        texts = (spell(named), spell(elided_addresses(safe_text(footer, 120), room)))
        name = widget.id or ""
        if self._titles.get(name) != texts:
            self._titles[name] = texts
            widget.border_title = Content(texts[0]) if texts[0] else None  # pyright: ignore[reportAttributeAccessIssue] # the descriptor takes content
            widget.border_subtitle = Content(texts[1]) if texts[1] else None  # pyright: ignore[reportAttributeAccessIssue] # as above

    def on_live_table_toggled(self, message: LiveTable.Toggled) -> None:
        message.stop()
        name = message.table.id or ""
        self._toggled[name] = self._toggled.get(name, frozenset()) ^ {message.row.key}
        self.advance()

    def on_live_table_sort_picked(self, message: LiveTable.SortPicked) -> None:
        message.stop()
        self._sorting[message.table.id or ""] = (message.column_key, message.is_descending)
        self.advance()
