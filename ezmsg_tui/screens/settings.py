"""The settings view: components, the form of one of them, and the changes that are staged, running or settled."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal

from ezmsg_tui.present.desk import InspectorDesk
from ezmsg_tui.screens.pane import AddressPicked, Pane, Said
from ezmsg_tui.widgets.bindings import bindings_of
from ezmsg_tui.widgets.form_view import FieldEdited, FieldStepped, FieldTable, FieldTyped, FormView
from ezmsg_tui.widgets.live_table import LiveTable


class SettingsPane(Pane):
    """Components on the left, the form on the right, changes below."""

    DEFAULT_CSS = """
    SettingsPane { layout: vertical; }
    SettingsPane #upper { height: 3fr; }
    SettingsPane #components { width: 26; height: 1fr; }
    SettingsPane #form { width: 1fr; height: 1fr; }
    SettingsPane #changes { height: 1fr; min-height: 5; max-height: 10; }
    SettingsPane.-wide #components { width: 39; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("settings")]

    def __init__(self, desk: InspectorDesk) -> None:
        super().__init__(desk, id="settings")
        self._address = ""
        self._wanted_field = ""

    def compose(self) -> ComposeResult:
        with Horizontal(id="upper"):
            yield LiveTable(id="components", classes="frame")
            yield FormView(id="form", classes="frame")
        yield LiveTable(id="changes", classes="frame")

    @property
    def components(self) -> LiveTable:
        return self.query_one("#components", LiveTable)

    @property
    def form(self) -> FormView:
        return self.query_one(FormView)

    def advance(self) -> None:
        components = self.components
        self.show_table(components, self.desk.settings_components(self.query_for(components)))
        if self.wanted_address and components.select_address(self.wanted_address):
            self.wanted_address = ""
        changes = self.query_one("#changes", LiveTable)
        self.show_table(changes, self.desk.changes_table(self.query_for(changes)), is_filtered=False)
        self._show_form()

    def _show_form(self) -> None:
        row = self.components.cursor_row
        self._address = (row.address or row.key) if row is not None else ""
        form = self.desk.settings_form(self._address)
        self.form.show(form)
        self.show_title(self.form, form.title, form.footer)
        if self._wanted_field and self.form.fields.select(self._wanted_field):
            self._wanted_field = ""

    def go_to(self, address: str) -> None:
        if not self.components.select_address(address):
            self.wanted_address = address

    @property
    def copy_text(self) -> str:
        field = self.form.field
        if self.form.fields.has_focus and field is not None:
            return f"{self._address}.{field.path}"
        return super().copy_text

    @on(LiveTable.Highlighted, "#components")
    def _follow(self, message: LiveTable.Highlighted) -> None:
        self._show_form()
        if message.row.address:
            self.post_message(AddressPicked(message.row.address))

    @on(LiveTable.Chosen, "#components")
    def _enter_form(self, message: LiveTable.Chosen) -> None:
        if message.row.is_open is not None:
            self.post_message(LiveTable.Toggled(message.table, message.row))
        else:
            self.form.fields.focus()

    @on(LiveTable.Chosen, "#changes")
    def _enter_change(self, message: LiveTable.Chosen) -> None:
        address, _, path = message.row.key.partition(" ")
        self._wanted_field = path
        if self.components.select(address) or self.components.select_address(address):
            self.form.fields.focus()
            self._show_form()

    # Edits

    @on(FieldEdited)
    def _stage(self, message: FieldEdited) -> None:
        self.desk.stage(self._address, message.path, message.text)
        self.advance()

    @on(FieldStepped)
    def _step(self, message: FieldStepped) -> None:
        self.desk.step(self._address, message.path, message.steps)
        self.advance()

    @on(FieldTyped)
    def _check(self, message: FieldTyped) -> None:
        self.form.complain(self.desk.check(self._address, message.path, message.text))

    def _selected_field(self) -> tuple[str, str]:
        """Component and field that a key is about: the change under the cursor, or else the field of the form."""
        changes = self.query_one("#changes", LiveTable)
        if changes.has_focus and changes.cursor_row is not None:
            address, _, path = changes.cursor_row.key.partition(" ")
            return address, path
        field = self.form.field
        return self._address, field.path if field is not None else ""

    def action_none(self) -> None:
        field = self.form.field
        if (
            isinstance(self.screen.focused, FieldTable)
            and field is not None
            and field.is_optional
            and not self.form.form.is_read_only
        ):
            self.desk.stage_none(self._address, field.path)
            self.advance()

    def _apply(self, address: str) -> None:
        obstacle = self.desk.apply(address)
        if obstacle:
            self.post_message(Said(obstacle))
        self.advance()

    def action_apply(self) -> None:
        self._apply(self._selected_field()[0])

    def action_apply_all(self) -> None:
        self._apply("")

    def action_revert(self) -> None:
        address, path = self._selected_field()
        if path:
            self.desk.revert(address, path)
            self.advance()

    def action_revert_all(self) -> None:
        self.desk.revert(self._selected_field()[0])
        self.advance()

    def action_keep_mine(self) -> None:
        address, path = self._selected_field()
        if path:
            self.desk.keep_mine(address, path)
            self.advance()

    def action_take_theirs(self) -> None:
        address, path = self._selected_field()
        if path:
            self.desk.take_theirs(address, path)
            self.advance()
