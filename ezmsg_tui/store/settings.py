"""Every component's settings in force, with the recent changes of each."""

from __future__ import annotations

from collections import deque

from ezmsg_core.model.settings import (
    SettingsChangedEvent,
    SettingsEventType,
    SettingsSnapshotValue,
    SettingsState,
)
from ezmsg_tui.store.revisions import Revisions

MAX_HISTORY = 50  # changes of one component that a person would scroll through


class SettingsSlice:
    """Settings by component address. Not thread-safe."""

    def __init__(self) -> None:
        self.seq = 0  # of the last event that is included
        self.values: dict[str, SettingsSnapshotValue] = {}
        self.history: dict[str, deque[SettingsChangedEvent]] = {}  # oldest first
        self.revisions: Revisions[str] = Revisions()

    def list(self, state: SettingsState) -> list[str]:
        """Replace everything; answers the addresses whose value came, went or changed."""
        before, self.values = self.values, dict(state.values)
        self.seq = state.revision
        changed = [a for a in sorted(before.keys() | self.values.keys()) if before.get(a) != self.values.get(a)]
        for address in changed:
            self._mark(address)
        self.revisions.touch_all()
        return changed

    def take(self, event: SettingsChangedEvent) -> bool:
        """Reduce one event; False if it was included already."""
        if event.seq <= self.seq:
            return False
        self.seq = event.seq
        address = event.component_address
        if event.event_type is SettingsEventType.SETTINGS_REMOVED:
            self.values.pop(address, None)
        else:
            self.values[address] = event.value
            self.history.setdefault(address, deque(maxlen=MAX_HISTORY)).append(event)
        self._mark(address)
        return True

    def copy(self) -> SettingsSlice:
        """The same settings, apart from this."""
        twin = SettingsSlice()
        twin.seq, twin.values = self.seq, dict(self.values)
        twin.history = {key: events.copy() for key, events in self.history.items()}
        twin.revisions = self.revisions.copy()
        return twin

    def _mark(self, address: str) -> None:
        if address in self.values:
            self.revisions.touch(address)
        else:
            self.history.pop(address, None)
            self.revisions.forget(address)
