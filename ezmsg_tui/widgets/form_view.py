"""Shows a settings form, with one line of typing over the value that is being edited."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.message import Message
from textual.widgets import Input

from ezmsg_tui.present.form import EditorKind, FormField, SettingsForm
from ezmsg_tui.present.form_rows import VALUE_COLUMN, form_table, note_lines
from ezmsg_tui.widgets.bindings import bindings_of
from ezmsg_tui.widgets.line_block import Line, LineBlock
from ezmsg_tui.widgets.live_table import LiveTable

_LEAST_NOTE = 3  # lines: meaning, facts, verdict
_LONGEST_TEXT = 4096  # characters in the editor; a settings value is for people


class FieldEdited(Message):
    """The user gave a field another value."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__()
        self.path = path
        self.text = text


class FieldTyped(Message):
    """The text being typed changed; answered with `FormView.complain`."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__()
        self.path = path
        self.text = text


class FieldStepped(Message):
    """The user moved a field by steps."""

    def __init__(self, path: str, steps: int) -> None:
        super().__init__()
        self.path = path
        self.steps = steps


class KeyUnused(Message):
    """A key that edits some fields had nothing to edit; what it means everywhere else is to be done."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self.action = action


class FieldTable(LiveTable):
    """The fields as rows, with keys that edit."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("field")]

    class EditAsked(Message):
        """The enter key on a field."""

    class ToggleAsked(Message):
        """The space key on a field."""

    class StepAsked(Message):
        """An arrow key on a field."""

        def __init__(self, steps: int) -> None:
            super().__init__()
            self.steps = steps

    def action_edit(self) -> None:
        self.post_message(self.EditAsked())

    def action_turn_over(self) -> None:
        self.post_message(self.ToggleAsked())

    def action_step(self, steps: int) -> None:
        self.post_message(self.StepAsked(steps))


class FieldInput(Input):
    """One line of typing."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("editor")]

    class Left(Message):
        """Typing ended; `is_accepted` tells whether the text counts."""

        def __init__(self, *, is_accepted: bool) -> None:
            super().__init__()
            self.is_accepted = is_accepted

    def action_accept(self) -> None:
        self.post_message(self.Left(is_accepted=True))

    def action_dismiss(self) -> None:
        self.post_message(self.Left(is_accepted=False))

    def on_blur(self, _event: events.Blur) -> None:
        self.post_message(self.Left(is_accepted=True))


class FormView(Container):
    """Fields, the note on the one under the cursor, and the editor when it is open.

    What arrives while a value is being typed is shown around the editor and never changes its text.
    """

    DEFAULT_CSS = """
    FormView { layers: base above; }
    FormView #fields { layer: base; height: 1fr; }
    FormView #note { layer: base; dock: bottom; height: 3; }
    FormView FieldInput { layer: above; display: none; height: 1; border: none; padding: 0; }
    FormView FieldInput.-open { display: block; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._form = SettingsForm("")
        self._editing = ""
        self._complaint: str | None = None
        self._note_height = _LEAST_NOTE

    def compose(self) -> ComposeResult:
        yield FieldTable(id="fields")
        yield LineBlock(id="note", pad=1)
        editor = FieldInput(max_length=_LONGEST_TEXT, compact=True, select_on_focus=False)
        editor.cursor_blink = False
        yield editor

    @property
    def form(self) -> SettingsForm:
        """What was shown last."""
        return self._form

    @property
    def fields(self) -> FieldTable:
        return self.query_one(FieldTable)

    @property
    def field(self) -> FormField | None:
        """The field under the cursor."""
        row = self.fields.cursor_row
        return self._find(row.key) if row is not None else None

    @property
    def is_editing(self) -> bool:
        return bool(self._editing)

    def _find(self, path: str) -> FormField | None:
        return next((field for field in self._form.fields if field.path == path), None)

    def show(self, form: SettingsForm) -> None:
        if form == self._form:
            return
        is_other = form.address != self._form.address
        self._form = form
        if self._editing and (is_other or self._find(self._editing) is None):
            self._close_editor()
        self.fields.show(form_table(form))
        self._show_note()
        if self._editing:
            self._place_editor()

    def complain(self, complaint: str) -> None:
        """Say what is wrong with the text being typed; empty if nothing."""
        if self._editing:
            self._complaint = complaint
            self._show_note()

    def _show_note(self) -> None:
        note = self.query_one("#note", LineBlock)
        lines = note_lines(self._form, self.field, self._complaint, self.size.width - 2)
        height = max(_LEAST_NOTE, len(lines))
        if height != self._note_height:
            self._note_height = height
            note.styles.height = height
            if self._editing:
                self.call_after_refresh(self._place_editor)
        note.show_lines(tuple(Line(tuple(cell for cell in cells if cell.text)) for cells in lines))

    @on(LiveTable.Highlighted, "#fields")
    def _move_note(self, message: LiveTable.Highlighted) -> None:
        message.stop()
        self._show_note()

    @on(LiveTable.Chosen, "#fields")
    @on(FieldTable.EditAsked)
    def _edit(self, message: Message) -> None:
        message.stop()
        field = self.field
        if field is None or self._refuses(field):
            return
        if field.editor is EditorKind.TOGGLE:
            self._turn_over(field)
        elif field.editor is EditorKind.CHOICE:
            self.post_message(FieldStepped(field.path, 1))
        else:
            self._open_editor(field)

    @on(FieldTable.ToggleAsked)
    def _toggle(self) -> None:
        field = self.field
        if field is not None and field.editor is EditorKind.TOGGLE and not self._refuses(field):
            self._turn_over(field)
        else:
            self.post_message(KeyUnused("freeze"))

    @on(FieldTable.StepAsked)
    def _step(self, message: FieldTable.StepAsked) -> None:
        field = self.field
        if field is None or self._refuses(field):
            return
        if field.editor is EditorKind.TOGGLE:
            self._turn_over(field)
        elif field.editor is EditorKind.CHOICE or field.has_steps:
            self.post_message(FieldStepped(field.path, message.steps))

    def _refuses(self, field: FormField) -> bool:
        return self._form.is_read_only or field.editor in (EditorKind.GROUP, EditorKind.READ_ONLY)

    def _turn_over(self, field: FormField) -> None:
        self.post_message(FieldEdited(field.path, "false" if field.text == "true" else "true"))

    # The editor

    def _open_editor(self, field: FormField) -> None:
        self._editing = field.path
        editor = self.query_one(FieldInput)
        with editor.prevent(Input.Changed):
            editor.value = "" if field.is_none else field.text
        editor.cursor_position = len(editor.value)
        editor.add_class("-open")
        self._place_editor()
        editor.focus()
        self.post_message(FieldTyped(field.path, editor.value))

    def _place_editor(self) -> None:
        table, editor = self.fields, self.query_one(FieldInput)
        y = table.line_of(self._editing)
        place = next((place for place in table.places if place.column.key == VALUE_COLUMN), None)
        if y is None or place is None:
            self._close_editor()
            return
        editor.styles.offset = (place.x, y)
        editor.styles.width = max(6, min(place.width, max(place.width, cell_len(editor.value) + 2)))

    def _close_editor(self) -> None:
        self._editing, self._complaint = "", None
        editor = self.query_one(FieldInput)
        had_focus = editor.has_focus
        editor.remove_class("-open")
        if had_focus:
            self.fields.focus()
        self._show_note()

    @on(Input.Changed)
    def _typed(self, message: Input.Changed) -> None:
        message.stop()
        if self._editing:
            self.post_message(FieldTyped(self._editing, message.value))

    @on(FieldInput.Left)
    def _left(self, message: FieldInput.Left) -> None:
        message.stop()
        if not self._editing:
            return
        path, text = self._editing, self.query_one(FieldInput).value
        self._close_editor()
        field = self._find(path)
        if message.is_accepted and field is not None and (text != field.text or field.is_none):
            self.post_message(FieldEdited(path, text))

    def on_resize(self, _event: events.Resize) -> None:
        self._show_note()
        if self._editing:
            self.call_after_refresh(self._place_editor)
