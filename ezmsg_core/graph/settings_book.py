"""The server's truth about settings: each component's value in force, where it came from, and its revisions."""

from typing import Any
from uuid import UUID

import msgspec

from ezmsg_core.model.components import ComponentMetadata, GraphMetadata
from ezmsg_core.model.differing import differing_paths
from ezmsg_core.model.settings import (
    SettingsChangedEvent,
    SettingsEventType,
    SettingsSnapshotValue,
    SettingsState,
)


class _Entry:
    """One component's settings."""

    def __init__(self, value: SettingsSnapshotValue) -> None:
        self.value = value
        self.initial: SettingsSnapshotValue | None = None
        self.session_id: str | None = None  # that declares the component
        self.process_id: UUID | None = None  # that applied the value; None: it is the initial one


class SettingsBook:
    """Settings by component address. Methods return the events that they cause, in order."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._seq = 0

    @property
    def last_seq(self) -> int:
        """Number of the last event."""
        return self._seq

    def state(self) -> SettingsState:
        """All values in force, sorted by address."""
        return SettingsState(self._seq, {key: self._entries[key].value for key in sorted(self._entries)})

    def declare(self, session_id: str, label: str, metadata: GraphMetadata, now_s: float) -> list[SettingsChangedEvent]:
        """A session declares components; values that a process applied stay in force."""
        events = [
            event
            for address in [a for a, e in self._entries.items() if e.session_id == session_id]
            if address not in metadata.components
            for event in self._undeclare(address, now_s)
        ]
        for address, component in metadata.components.items():
            initial = _initial_value(component, label, now_s)
            entry = self._entries.get(address)
            if entry is not None and entry.process_id is not None:
                entry.session_id, entry.initial = session_id, initial
                continue
            old = entry.value if entry is not None else None
            if entry is not None and old is not None and _is_same(old, initial):
                entry.session_id, entry.initial = session_id, initial
                continue
            value = msgspec.structs.replace(initial, revision=(old.revision if old else 0) + 1)
            self._entries[address] = entry = _Entry(value)
            entry.session_id, entry.initial = session_id, initial
            events.append(self._event(SettingsEventType.INITIAL_SETTINGS, address, value, old, now_s, session_id, None))
        return events

    def apply(self, process_id: UUID, address: str, value: SettingsSnapshotValue, now_s: float) -> SettingsChangedEvent:
        """The owner reports a value in force."""
        entry = self._entries.get(address)
        old = entry.value if entry is not None else None
        schema = value.settings_schema or (old.settings_schema if old is not None else None)
        value = msgspec.structs.replace(
            value,
            serialized=None,
            revision=(old.revision if old is not None else 0) + 1,
            settings_schema=schema,
        )
        if entry is None:
            entry = self._entries[address] = _Entry(value)
        entry.value, entry.process_id = value, process_id
        return self._event(SettingsEventType.SETTINGS_UPDATED, address, value, old, now_s, None, process_id)

    def end_session(self, session_id: str, now_s: float) -> list[SettingsChangedEvent]:
        """A session no longer declares its components; values that a process applied stay."""
        mine = sorted(address for address, entry in self._entries.items() if entry.session_id == session_id)
        return [event for address in mine for event in self._undeclare(address, now_s)]

    def end_process(self, process_id: UUID, units: list[str], now_s: float) -> list[SettingsChangedEvent]:
        """A process no longer owns units; what it applied is no longer in force."""
        events: list[SettingsChangedEvent] = []
        for address in sorted(units):
            entry = self._entries.get(address)
            if entry is None or entry.process_id != process_id:
                continue
            entry.process_id = None
            old = entry.value
            if entry.session_id is None or entry.initial is None:
                del self._entries[address]
                events.append(
                    self._event(SettingsEventType.SETTINGS_REMOVED, address, old, old, now_s, None, process_id)
                )
                continue
            entry.value = msgspec.structs.replace(entry.initial, revision=old.revision + 1, timestamp=now_s)
            events.append(
                self._event(
                    SettingsEventType.SETTINGS_UPDATED, address, entry.value, old, now_s, entry.session_id, None
                )
            )
        return events

    def _undeclare(self, address: str, now_s: float) -> list[SettingsChangedEvent]:
        entry = self._entries[address]
        session_id, entry.session_id, entry.initial = entry.session_id, None, None
        if entry.process_id is not None:
            return []
        del self._entries[address]
        old = entry.value
        return [self._event(SettingsEventType.SETTINGS_REMOVED, address, old, old, now_s, session_id, None)]

    def _event(
        self,
        event_type: SettingsEventType,
        address: str,
        value: SettingsSnapshotValue,
        old: SettingsSnapshotValue | None,
        now_s: float,
        session_id: str | None,
        process_id: UUID | None,
    ) -> SettingsChangedEvent:
        self._seq += 1
        before = None if old is None else msgspec.structs.replace(old, settings_schema=None)
        changed = [] if old is None else differing_paths(_content(old), _content(value))
        return SettingsChangedEvent(
            seq=self._seq,
            event_type=event_type,
            component_address=address,
            timestamp=now_s,
            source_session_id=session_id,
            source_process_id=process_id,
            value=value,
            old_value=before,
            changed_fields=[path for path in changed if path],
        )


def _content(value: SettingsSnapshotValue) -> Any:
    return value.structured_value if value.structured_value is not None else value.repr_value


def _is_same(old: SettingsSnapshotValue, new: SettingsSnapshotValue) -> bool:
    return _content(old) == _content(new) and old.settings_schema == new.settings_schema


def _initial_value(component: ComponentMetadata, label: str, now_s: float) -> SettingsSnapshotValue:
    _, content = component.initial_settings
    return SettingsSnapshotValue(
        serialized=None,
        repr_value=content,
        structured_value=content if isinstance(content, dict) else None,
        settings_schema=component.settings_schema,
        revision=1,
        actor=label,
        timestamp=now_s,
    )
