"""The profile view: publishers, subscribers, and who holds up whom."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container

from ezmsg_tui.present.desk import InspectorDesk
from ezmsg_tui.screens.pane import AddressPicked, Pane, ViewAsked
from ezmsg_tui.widgets.bindings import bindings_of
from ezmsg_tui.widgets.live_table import LiveTable
from ezmsg_tui.widgets.sheet_view import SheetView


class ProfilePane(Pane):
    """Publishers and subscribers one above the other, or one at a time where there is little room."""

    DEFAULT_CSS = """
    ProfilePane { layout: vertical; }
    ProfilePane #publishers { height: 2fr; }
    ProfilePane #subscribers { height: 2fr; display: none; }
    ProfilePane.-subscribers #publishers { display: none; }
    ProfilePane.-subscribers #subscribers { display: block; }
    ProfilePane #why { height: 1fr; min-height: 6; max-height: 11; layout: horizontal; }
    ProfilePane #holders { width: 1fr; height: 1fr; }
    ProfilePane #figures { width: 1fr; height: 1fr; display: none; }
    ProfilePane.-tall #publishers, ProfilePane.-tall #subscribers { display: block; height: 3fr; }
    ProfilePane.-tall #why { min-height: 9; }
    ProfilePane.-wide #figures { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("profile")]

    def __init__(self, desk: InspectorDesk) -> None:
        super().__init__(desk, id="profile")
        self._active = "publishers"

    def compose(self) -> ComposeResult:
        yield LiveTable(id="publishers", classes="frame")
        yield LiveTable(id="subscribers", classes="frame")
        with Container(id="why"):
            yield LiveTable(id="holders", classes="frame")
            yield SheetView(id="figures", classes="frame")

    def table(self, name: str) -> LiveTable:
        return self.query_one(f"#{name}", LiveTable)

    def advance(self) -> None:
        publishers, subscribers = self.table("publishers"), self.table("subscribers")
        if publishers.display:
            self.show_table(publishers, self.desk.publishers_table(self.query_for(publishers)))
        if subscribers.display:
            self.show_table(subscribers, self.desk.subscribers_table(self.query_for(subscribers)))
        if self.wanted_address:
            self.go_to(self.wanted_address)
        self._show_selection()

    def _show_selection(self) -> None:
        row = self.table(self._active).cursor_row
        key = row.key if row is not None else ""
        self.show_table(self.table("holders"), self.desk.holders_table(key), is_filtered=False)
        figures = self.query_one(SheetView)
        if figures.display:
            sheet = self.desk.endpoint_sheet(key)
            figures.show(sheet)
            self.show_title(figures, sheet.title, sheet.footer)

    def go_to(self, address: str) -> None:
        self.wanted_address = ""
        for name in ("publishers", "subscribers"):
            table = self.table(name)
            if any(
                table_row.address == address or table_row.address.startswith(address + "/")
                for table_row in table.table.rows
            ):
                first = next(r for r in table.table.rows if r.address == address or r.address.startswith(address + "/"))
                table.select(first.key)
                self._activate(name)
                return
        self.wanted_address = address

    def _activate(self, name: str) -> None:
        if name != self._active:
            self._active = name
            self.set_class(name == "subscribers", "-subscribers")
            self.call_after_refresh(self.advance)

    @on(LiveTable.Highlighted, "#publishers")
    @on(LiveTable.Highlighted, "#subscribers")
    def _follow(self, message: LiveTable.Highlighted) -> None:
        if message.table.id == self._active:
            self._show_selection()
            if message.row.address and message.table.has_focus:
                self.post_message(AddressPicked(message.row.address))

    @on(LiveTable.Chosen, "#publishers")
    @on(LiveTable.Chosen, "#subscribers")
    def _leave(self, message: LiveTable.Chosen) -> None:
        if message.row.address:
            self.post_message(ViewAsked("topology", message.row.address))

    @on(LiveTable.Chosen, "#holders")
    def _cross(self, message: LiveTable.Chosen) -> None:
        other = "subscribers" if self._active == "publishers" else "publishers"
        table = self.table(other)
        if not table.table.rows:
            query = self.query_for(table)
            table.show(
                self.desk.subscribers_table(query) if other == "subscribers" else self.desk.publishers_table(query)
            )
        if table.select(message.row.key) or (message.row.address and table.select_address(message.row.address)):
            self.action_show(other)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        if event.widget.id in ("publishers", "subscribers"):
            self._activate(event.widget.id)

    def action_show(self, name: str) -> None:
        self._activate(name)
        self.call_after_refresh(self.table(name).focus)
