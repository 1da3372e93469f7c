"""The settings form as a view model: fields with their editors, their rules, and where each change has got to."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class EditorKind(enum.StrEnum):
    """How a field is edited."""

    TOGGLE = "toggle"  # text is "true" or "false"
    NUMBER = "number"
    TEXT = "text"
    CHOICE = "choice"  # text is one of `choices`
    GROUP = "group"  # a nested record: not edited itself, its fields follow one step deeper
    READ_ONLY = "read_only"


class FieldState(enum.StrEnum):
    """Where a field's change has got to."""

    IN_SYNC = "in_sync"  # nothing staged
    STAGED = "staged"  # edited here, not sent
    INVALID = "invalid"  # edited here, and the schema refuses it
    SENDING = "sending"  # on its way to the server
    APPLYING = "applying"  # with the owner, not acknowledged
    APPLIED = "applied"  # acknowledged a moment ago
    REJECTED = "rejected"  # refused by the server or the owner
    CONFLICT = "conflict"  # changed by someone else while edited here
    UNKNOWN = "unknown"  # the connection was lost before the answer came
    READ_ONLY = "read_only"  # cannot be set from outside


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of a settings form."""

    path: str  # dotted, within the component's settings
    label: str  # the last part of the path
    editor: EditorKind
    text: str  # what the editor shows: the staged value, or else the one in force
    depth: int = 0  # steps of indentation
    choices: tuple[str, ...] = ()  # of a CHOICE
    type_label: str = ""  # such as `float` or `int | None`
    unit: str = ""
    range_label: str = ""  # such as `0.1 … 250`
    default_label: str = ""
    running_label: str = ""  # the value in force
    description: str = ""
    state: FieldState = FieldState.IN_SYNC
    note: str = (
        ""  # one line on the state: the rule that was broken, the reason of a refusal, the revision that applied it
    )
    is_changed: bool = False  # the value in force or staged is not the default
    is_optional: bool = False  # None is a value
    is_none: bool = False  # and it is the one shown
    has_steps: bool = False  # `step` moves it


@dataclass(frozen=True, slots=True)
class SettingsForm:
    """One component's settings."""

    address: str
    title: str = ""  # address, and the settings class
    fields: tuple[FormField, ...] = ()
    footer: str = ""  # such as revision, time and author of the value in force
    empty_text: str = ""  # shown in place of fields, and why there are none
    revision: int = 0  # of the value in force
    is_read_only: bool = False
    read_only_reason: str = ""
