"""One component's settings together with the edits to them: what each field shows, and whether it may change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ezmsg_core.model.components import ComponentMetadata
from ezmsg_core.model.settings import SettingsFieldMetadata, SettingsSnapshotValue
from ezmsg_tui.present.desk import LinkPhase
from ezmsg_tui.present.fields import PlacedField, editor_of, placed_fields, schemaless_fields
from ezmsg_tui.present.form import EditorKind, FieldState, FormField, SettingsForm
from ezmsg_tui.present.naming import class_name, clock_text
from ezmsg_tui.present.parsing import loose_value, parse_value
from ezmsg_tui.present.text import counted, duration_text, safe_text
from ezmsg_tui.present.value_text import choice_text, editor_text, range_label, value_label
from ezmsg_tui.store.change_book import Change, ChangeBook, Edit
from ezmsg_tui.store.changes import IN_FLIGHT, ChangeState
from ezmsg_tui.store.plain_paths import MISSING, is_same, value_at

Complaint = Callable[[SettingsFieldMetadata, Any], str]
"""What is wrong with a plain value of a field; empty if nothing."""

_SHOWN_AS_TYPED = frozenset(ChangeState) - {ChangeState.IN_SYNC, ChangeState.APPLIED}


@dataclass(frozen=True, slots=True)
class ComponentSettings:
    """What is known of a component's settings."""

    address: str
    value: SettingsSnapshotValue | None  # in force
    metadata: ComponentMetadata | None
    has_process: bool

    @property
    def has_content(self) -> bool:
        """Whether there is anything to show."""
        if self.value is None:
            return False
        schema = self.value.settings_schema
        return bool(schema.fields if schema is not None else self.value.structured_value or self.value.repr_value)

    def fields(self) -> list[PlacedField]:
        """Its fields, groups before what is in them."""
        if self.value is None:
            return []
        schema = self.value.settings_schema or (self.metadata.settings_schema if self.metadata is not None else None)
        return placed_fields(schema) if schema is not None else schemaless_fields(self.value)

    def field_at(self, path: str) -> SettingsFieldMetadata | None:
        """The field at a dotted path."""
        return next((placed.field for placed in self.fields() if placed.path == path), None)

    def running(self, path: str) -> Any:
        """The value in force at a dotted path."""
        if self.value is None:
            return MISSING
        tree = self.value.structured_value if self.value.structured_value is not None else self.value.repr_value
        return value_at(tree, path)

    def obstacle(self) -> str:
        """Why nobody can change its settings now; empty if one can."""
        if self.value is None:
            return "its settings are not known"
        if self.metadata is not None and not self.metadata.dynamic_settings.enabled:
            return "its settings are fixed while it runs: it has no INPUT_SETTINGS stream"
        if not self.has_process:
            return "no process runs it now"
        return ""


def typed_edit(field: SettingsFieldMetadata, running: Any, text: str, complaint: Complaint) -> Edit:
    """What a typed text asks the field to be, and what is wrong with that."""
    if running is not MISSING and text == editor_text(field, running):
        return Edit(text, running)
    if running is not MISSING and complaint(field, running):
        return Edit(text, loose_value(text))  # the annotation is wrong, and the owner will not check by it either
    try:
        value = parse_value(field, text)
    except ValueError as error:
        return Edit(text, None, safe_text(str(error)))
    return Edit(text, value, complaint(field, value))


def form_of(settings: ComponentSettings, book: ChangeBook, read_only_reason: str) -> SettingsForm:
    """A component's form.

    Args:
        settings: of the component.
        book: with the edits.
        read_only_reason: why nothing can be changed from here at all; empty if it can.
    """
    address = safe_text(settings.address)
    value = settings.value
    if value is None:
        text = "nothing selected" if not settings.address else "no settings are known of it"
        return SettingsForm(settings.address, address or "Settings", empty_text=text)
    schema = value.settings_schema
    kind = schema.settings_type if schema is not None else ""
    if not kind and settings.metadata is not None:
        kind = settings.metadata.settings_type
    title = f"{address}  {class_name(kind)}".rstrip()
    fields = [_form_field(placed, settings, book.of(settings.address, placed.path)) for placed in settings.fields()]
    reason = read_only_reason or settings.obstacle()
    if not fields:
        empty = value_label(value.repr_value, 400) if isinstance(value.repr_value, str) else "it has no settings"
        return SettingsForm(settings.address, title, empty_text=empty, revision=value.revision)
    footer = [f"revision {value.revision}", clock_text(value.timestamp), safe_text(value.actor, 40)]
    if value.is_uncertain:
        footer.append("maybe half applied")
    return SettingsForm(
        settings.address,
        title,
        tuple(fields),
        " · ".join(part for part in footer if part),
        revision=value.revision,
        is_read_only=bool(reason),
        read_only_reason=reason,
    )


def read_only_because(phase: LinkPhase, role: str, *, is_asked: bool, is_frozen: bool) -> str:
    """Why nothing can be changed from here; empty if it can. Edits made while the link is lost stay staged."""
    if is_asked:
        return "read-only: started with --read-only"
    if role == "observe":
        return "read-only: the server lets this link look only"
    if is_frozen:
        return "frozen: space lets it run again"
    if phase in (LinkPhase.CLOSED, LinkPhase.ERROR):
        return "not connected"
    return ""


def note_of(change: Change, running: Any) -> str:
    """One line on where a change has got to."""
    match change.state:
        case ChangeState.STAGED:
            return safe_text(change.reason) or "valid, not sent"
        case ChangeState.INVALID:
            return change.edit.fault
        case ChangeState.SENDING:
            return "on its way to the server"
        case ChangeState.APPLYING if change.is_acknowledged:
            return "accepted, waiting for its event"
        case ChangeState.APPLYING:
            return "waiting for the owner"
        case ChangeState.APPLIED:
            return applied_note(change.revision, change.took_s)
        case ChangeState.CONFLICT:
            return f"it is {value_label(running, 30)} now, and was {value_label(change.base, 30)}"
        case _:
            return safe_text(change.reason)


def nothing_to_send(book: ChangeBook, address: str) -> str:
    """Why there is nothing to send of a component, or of all."""
    states = [change.state for change in book.of_component(address)]
    invalid = states.count(ChangeState.INVALID)
    if invalid:
        return f"nothing was sent: {counted(invalid, 'edit')} to correct first"
    if any(state in IN_FLIGHT for state in states):
        return "nothing was sent: the owner has not answered yet"
    if ChangeState.CONFLICT in states:
        return "nothing was sent: a conflict is to be settled first"
    return "nothing to send: no field is edited"


def applied_note(revision: int | None, took_s: float | None) -> str:
    """What there is to say of a change that is in force."""
    parts = [] if revision is None else [f"revision {revision}"]
    if took_s is not None:
        parts.append(duration_text(took_s * 1e9))
    return ", ".join(parts)


def _form_field(placed: PlacedField, settings: ComponentSettings, change: Change | None) -> FormField:
    field = placed.field
    running = settings.running(placed.path)
    editor = editor_of(field, running)
    if editor is EditorKind.GROUP:
        count = len(field.fields)
        return FormField(
            placed.path,
            safe_text(field.name, 60),
            editor,
            f"{count} field{'' if count == 1 else 's'}",
            depth=placed.depth,
            type_label=class_name(field.field_type),
            description=safe_text(field.description or ""),
        )
    text, is_none = _shown(field, running, change)
    if editor is EditorKind.READ_ONLY:
        text = value_label(running)
    state = FieldState(change.state.value) if change is not None else FieldState.IN_SYNC
    shown_value = change.edit.value if change is not None and not change.edit.fault else running
    has_default = not field.required
    choices = field.choices or ()
    return FormField(
        placed.path,
        safe_text(field.name, 60),
        editor,
        text,
        depth=placed.depth,
        choices=tuple(choice_text(choice) for choice in choices),
        type_label="choice" if field.choices else safe_text(field.field_type or field.kind.value, 40),
        unit=safe_text(field.unit or "", 12),
        range_label=range_label(field),
        default_label=value_label(field.default, 24) if has_default else "",
        running_label=value_label(running),
        description=safe_text(field.description or ""),
        state=FieldState.READ_ONLY if editor is EditorKind.READ_ONLY else state,
        note=note_of(change, running) if change is not None else "",
        is_changed=has_default and editor is not EditorKind.READ_ONLY and not is_same(shown_value, field.default),
        is_optional=field.is_optional,
        is_none=is_none,
        has_steps=editor in (EditorKind.NUMBER, EditorKind.CHOICE) and not is_none,
    )


def _shown(field: SettingsFieldMetadata, running: Any, change: Change | None) -> tuple[str, bool]:
    """The text of the editor, and whether it stands for None."""
    edit = None
    if change is not None:
        edit = change.draft or (change.edit if change.state in _SHOWN_AS_TYPED else None)
    if edit is None:
        return ("", True) if running is None else (editor_text(field, running), False)
    if edit.value is None and not edit.fault:
        return "", True
    return safe_text(edit.text, 4096), False
