"""The topology view: the tree, the edges of what is selected, and what is known of it."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container

from ezmsg_tui.present.desk import InspectorDesk
from ezmsg_tui.screens.pane import AddressPicked, Pane, ViewAsked
from ezmsg_tui.widgets.bindings import bindings_of
from ezmsg_tui.widgets.live_table import LiveTable
from ezmsg_tui.widgets.sheet_view import SheetView

ARRANGEMENTS = ("process", "component")


class TopologyPane(Pane):
    """Tree; below it, or on a wide screen beside it, edges and detail of the row under the cursor."""

    DEFAULT_CSS = """
    TopologyPane { layout: vertical; }
    TopologyPane #tree { height: 2fr; }
    TopologyPane #about { height: 1fr; min-height: 7; layout: vertical; }
    TopologyPane #edges { height: 1fr; }
    TopologyPane #detail { height: 1fr; display: none; }
    TopologyPane.-detail #detail { display: block; }
    TopologyPane.-detail #edges { display: none; }
    TopologyPane.-wide { layout: horizontal; }
    TopologyPane.-wide #tree { width: 3fr; height: 1fr; }
    TopologyPane.-wide #about { width: 2fr; max-width: 80; height: 1fr; }
    TopologyPane.-wide #edges { display: block; }
    TopologyPane.-wide #detail { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("topology")]

    def __init__(self, desk: InspectorDesk) -> None:
        super().__init__(desk, id="topology")
        self._arrangement = ARRANGEMENTS[0]

    def compose(self) -> ComposeResult:
        yield LiveTable(id="tree", classes="frame")
        with Container(id="about"):
            yield SheetView(id="detail", classes="frame")
            yield LiveTable(id="edges", classes="frame")

    @property
    def units(self) -> LiveTable:
        return self.query_one("#tree", LiveTable)

    def advance(self) -> None:
        tree = self.units
        self.show_table(tree, self.desk.topology_table(self.query_for(tree, arrangement=self._arrangement)))
        if self.wanted_address and tree.select_address(self.wanted_address):
            self.wanted_address = ""
        self._show_selection()

    def _show_selection(self) -> None:
        row = self.units.cursor_row
        key = row.key if row is not None else ""
        edges = self.query_one("#edges", LiveTable)
        if edges.display and edges.parent is not None:
            self.show_table(edges, self.desk.edges_table(key, self.query_for(edges)), is_filtered=False)
        detail = self.query_one(SheetView)
        if detail.display:
            sheet = self.desk.topology_sheet(key)
            detail.show(sheet)
            self.show_title(detail, sheet.title, sheet.footer)

    def go_to(self, address: str) -> None:
        if not self.units.select_address(address):
            self.wanted_address = address

    @on(LiveTable.Highlighted, "#tree")
    def _follow(self, message: LiveTable.Highlighted) -> None:
        self._show_selection()
        if message.row.address:
            self.post_message(AddressPicked(message.row.address))

    @on(LiveTable.Chosen, "#tree")
    def _open(self, message: LiveTable.Chosen) -> None:
        if message.row.is_open is not None:
            self.post_message(LiveTable.Toggled(message.table, message.row))
        elif message.row.address:
            self.post_message(ViewAsked("profile", message.row.address))

    @on(LiveTable.Chosen, "#edges")
    def _cross(self, message: LiveTable.Chosen) -> None:
        if message.row.address:
            self.units.select_address(message.row.address)

    def action_arrange(self) -> None:
        self._arrangement = ARRANGEMENTS[(ARRANGEMENTS.index(self._arrangement) + 1) % len(ARRANGEMENTS)]
        row = self.units.cursor_row
        address = row.address if row is not None else ""
        self.advance()
        if address:
            self.go_to(address)

    def action_strip(self) -> None:
        self.toggle_class("-detail")
        self.call_after_refresh(self._show_selection)
