"""Settings as data: the schema of a settings class, the value in force, its changes, and patches."""

import enum
from typing import Any
from uuid import UUID

from ezmsg_core.model.record import Record


class FieldKind(enum.StrEnum):
    """What a field's value is made of; decides its editor and its check."""

    BOOL = "bool"
    INT = "int"
    FLOAT = "float"
    STR = "str"
    BYTES = "bytes"
    ENUM = "enum"  # one of `choices`, sent as the member's value
    LITERAL = "literal"  # one of `choices`
    LIST = "list"  # any length, items as `items[0]`
    TUPLE = "tuple"  # items as `items`; a single one with `is_variadic`
    DICT = "dict"  # string keys, values as `items[0]`
    NESTED = "nested"  # a record with `fields` of its own
    ARRAY = "array"  # numeric array; read-only in editors
    ANY = "any"  # plain data of any shape
    OPAQUE = "opaque"  # cannot be expressed as data; shown as text, read-only


class SettingsFieldMetadata(Record, frozen=True):
    """One field of a settings class."""

    name: str
    field_type: str  # the annotation as a person would write it
    required: bool  # no default
    default: Any  # plain data; None where there is none
    description: str | None
    bounds: tuple[float | None, float | None] | None  # lowest and highest value
    choices: list[Any] | None  # plain data
    widget_hint: str | None  # select, checkbox, slider, int_input, float_input, text_input
    kind: FieldKind = FieldKind.ANY
    is_optional: bool = False  # None is a value
    is_read_only: bool = False  # reported by its owner, not to be set from outside
    is_lower_exclusive: bool = False  # the value must be above bounds[0]
    is_upper_exclusive: bool = False  # the value must be below bounds[1]
    step: float | None = None  # granularity that an editor should offer
    unit: str | None = None  # of measurement, such as Hz
    length: tuple[int | None, int | None] | None = None  # least and most items or characters
    pattern: str | None = None  # regular expression that a text must match whole
    fields: list["SettingsFieldMetadata"] = []  # of a NESTED value
    items: list["SettingsFieldMetadata"] = []  # of LIST, TUPLE and DICT
    is_variadic: bool = False  # a TUPLE of any length


class SettingsSchemaMetadata(Record, frozen=True):
    """The fields of a settings class."""

    provider: str  # dataclass, pydantic or param
    settings_type: str  # module.qualname
    fields: list[SettingsFieldMetadata]


class SettingsSnapshotValue(Record, frozen=True):
    """A component's settings value as the server knows it."""

    serialized: bytes | None  # always None: values travel as data
    repr_value: dict[str, Any] | str  # plain data, or text where the value cannot be expressed as data
    structured_value: dict[str, Any] | None = None  # plain data
    settings_schema: SettingsSchemaMetadata | None = None
    revision: int = 0  # counts this component's values; the initial one is 1
    actor: str = ""  # who asked for it: a label such as tui@host, or the owner
    timestamp: float = 0.0  # when the owner applied it, seconds since the epoch
    is_uncertain: bool = False  # the unit's own handler failed on it: maybe half applied


class SettingsEventType(enum.Enum):
    """Why a settings event was written."""

    INITIAL_SETTINGS = "INITIAL_SETTINGS"
    SETTINGS_UPDATED = "SETTINGS_UPDATED"
    SETTINGS_REMOVED = "SETTINGS_REMOVED"  # the component left the graph; `value` is its last


class SettingsChangedEvent(Record, frozen=True):
    """One change of one component's settings."""

    seq: int  # server-wide, from 1, without holes
    event_type: SettingsEventType
    component_address: str
    timestamp: float  # seconds since the epoch
    source_session_id: str | None
    source_process_id: UUID | None
    value: SettingsSnapshotValue  # with its revision and actor
    old_value: SettingsSnapshotValue | None = None
    changed_fields: list[str] = []  # dotted paths, sorted


class SettingsState(Record, frozen=True):
    """Every component's settings at one moment; the snapshot of a settings watch."""

    revision: int  # seq of the last event that is included
    values: dict[str, SettingsSnapshotValue]  # by component address


class SettingsFieldUpdateRequest(Record, frozen=True):
    """A patch of one field, as a call payload."""

    field_path: str  # dotted
    value: Any  # plain data


class SettingsPatch(Record, frozen=True):
    """A patch of one or more fields, applied together or not at all."""

    fields: dict[str, Any]  # plain data by dotted path
    expected_revision: int | None = None  # refuse if the value in force has another one
    actor: str = ""  # who asks; filled in by the server from the link


class ProcessSettingsUpdate(Record, frozen=True):
    """An owner's report that a value is in force."""

    component_address: str
    value: SettingsSnapshotValue
    timestamp: float  # seconds since the epoch
