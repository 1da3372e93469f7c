"""The events view: what has happened, the newest at the end."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from ezmsg_tui.present.desk import InspectorDesk
from ezmsg_tui.present.events_list import KIND_INDEX
from ezmsg_tui.present.table import Table
from ezmsg_tui.screens.pane import Pane, ViewAsked
from ezmsg_tui.store.happenings import LineKind
from ezmsg_tui.widgets.bindings import bindings_of
from ezmsg_tui.widgets.live_table import LiveTable

_KINDS_OF_SETTINGS = (LineKind.SETTINGS.value, LineKind.COMMAND.value)
"""What leads to the settings view; everything else leads to the topology."""


class EventsPane(Pane):
    """One table that stays at its end while it is followed."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("events")]
    DEFAULT_CSS = "EventsPane #events-list { height: 1fr; }"

    def __init__(self, desk: InspectorDesk) -> None:
        super().__init__(desk, id="events")
        self._is_following = True

    def compose(self) -> ComposeResult:
        yield LiveTable(id="events-list", classes="frame")

    @property
    def table(self) -> LiveTable:
        return self.query_one(LiveTable)

    def footer_of(self, table: Table) -> str:
        return " · ".join(
            part for part in (table.footer, "▼ following" if self._is_following else "stopped, f follows") if part
        )

    def advance(self) -> None:
        table = self.table
        last = table.table.rows[-1].key if table.table.rows else ""
        self.show_table(table, self.desk.events_table(self.query_for(table)))
        rows = table.table.rows
        if self._is_following and rows and rows[-1].key != last:
            table.select(rows[-1].key)

    @on(LiveTable.Highlighted)
    def _watch_the_end(self, message: LiveTable.Highlighted) -> None:
        rows = self.table.table.rows
        is_at_end = bool(rows) and message.row.key == rows[-1].key
        if is_at_end != self._is_following and message.row.key == getattr(self.table.cursor_row, "key", ""):
            self._is_following = is_at_end
            self.advance()

    @on(LiveTable.Chosen)
    def _evidence(self, message: LiveTable.Chosen) -> None:
        if message.row.address:
            is_of_settings = message.row.cells[KIND_INDEX].text in _KINDS_OF_SETTINGS
            self.post_message(ViewAsked("settings" if is_of_settings else "topology", message.row.address))

    def action_follow(self) -> None:
        self._is_following = not self._is_following
        rows = self.table.table.rows
        if self._is_following and rows:
            self.table.select(rows[-1].key)
        self.advance()
