"""The user's settings changes: what is staged, sent, refused or in conflict, against the values in force."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ezmsg_core.model.settings import SettingsSnapshotValue
from ezmsg_tui.store.changes import IN_FLIGHT, ChangeInput, ChangeState, next_state
from ezmsg_tui.store.facts import PatchEnded, PatchSent, Verdict
from ezmsg_tui.store.plain_paths import MISSING, is_same, value_at

ECHO_S = 3.0  # an owner's event takes milliseconds; three seconds without it is a stream that lags or failed
SEEN_S = 5.0  # long enough to read `applied`
MAX_FINISHED = 100  # applied changes that stay in the list of changes

Key = tuple[str, str]
"""Component address and dotted field path."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What the user asks a field to be."""

    text: str  # as typed
    value: Any = None  # as plain data; without meaning where there is a fault
    fault: str = ""  # why the schema refuses it


@dataclass(slots=True)
class Change:
    """One field's change."""

    address: str
    path: str
    edit: Edit
    base: Any  # in force when the edit began
    base_revision: int
    since_s: float  # when it came into its state
    state: ChangeState = ChangeState.IN_SYNC
    reason: str = ""  # of a refusal or a loss
    patch_id: int | None = None
    sent_s: float | None = None
    took_s: float | None = None  # from sending to the answer
    is_acknowledged: bool = False  # the owner accepted it
    revision: int | None = None  # that the owner gave the value, if it said so
    draft: Edit | None = None  # typed while the change was in flight


@dataclass(frozen=True, slots=True)
class FinishedChange:
    """A change that was applied."""

    address: str
    path: str
    before: Any
    after: Any
    at_s: float
    revision: int | None
    took_s: float | None


@dataclass(frozen=True, slots=True)
class Submission:
    """One component's changes, to be sent together."""

    patch_id: int
    address: str
    fields: dict[str, Any]  # plain data by dotted path
    expected_revision: int


_FAILED = frozenset({ChangeState.REJECTED, ChangeState.UNKNOWN})


class ChangeBook:
    """Changes by component and field. Not thread-safe."""

    def __init__(self) -> None:
        self.revision = 0  # changes with whatever can be shown
        self.live: dict[Key, Change] = {}
        self.finished: deque[FinishedChange] = deque(maxlen=MAX_FINISHED)  # oldest first
        self._patches = 0

    def of(self, address: str, path: str) -> Change | None:
        """The change of a field, if it is not in sync."""
        return self.live.get((address, path))

    def of_component(self, address: str) -> list[Change]:
        """The changes of one component; of all for an empty address."""
        return [change for change in self.live.values() if not address or change.address == address]

    def count(self, *states: ChangeState) -> int:
        """How many changes are in one of the states."""
        return sum(change.state in states for change in self.live.values())

    def edit(self, address: str, path: str, edit: Edit, running: SettingsSnapshotValue | None, now_s: float) -> None:
        """Stage an edit; one of a field in flight waits until the answer."""
        key = address, path
        change = self.live.get(key)
        in_force = _at(running, path)
        if change is not None and change.state in IN_FLIGHT:
            change.draft = edit
            self.revision += 1
            return
        if change is None:
            change = self.live[key] = Change(address, path, edit, in_force, _revision(running), now_s)
        elif change.state is not ChangeState.STAGED:
            change.base, change.base_revision = in_force, _revision(running)
        change.edit = edit
        change.reason, change.patch_id = "", None
        if edit.fault:
            self._move(change, ChangeInput.MISTYPED, now_s)
        elif is_same(edit.value, in_force):
            self._move(change, ChangeInput.EDITED_BACK, now_s)
            self._drop_if_in_sync(change)
        else:
            self._move(change, ChangeInput.EDITED, now_s)

    def revert(self, address: str, path: str, now_s: float) -> None:
        """Drop edits of one field, of a component (no path) or of all (neither); what is in flight stays."""
        for change in self.of_component(address):
            if not path or change.path == path:
                change.draft = None
                self._move(change, ChangeInput.REVERTED, now_s)
                self._drop_if_in_sync(change)

    def submit(self, address: str, running: SettingsSnapshotValue | None, now_s: float) -> Submission | None:
        """Take a component's staged edits for sending; without any, those that failed, once more.

        Returns:
            None if there are neither, or the component is gone.
        """
        mine = [change for change in self.live.values() if change.address == address]
        staged = [change for change in mine if change.state is ChangeState.STAGED]
        staged = staged or [change for change in mine if change.state in _FAILED]
        if not staged or running is None:
            return None
        self._patches += 1
        for change in staged:
            change.patch_id, change.reason = self._patches, ""
            change.sent_s, change.took_s, change.revision, change.is_acknowledged = now_s, None, None, False
            self._move(change, ChangeInput.SUBMITTED, now_s)
        fields = {change.path: change.edit.value for change in staged}
        return Submission(self._patches, address, fields, running.revision)

    def keep_mine(self, address: str, path: str, running: SettingsSnapshotValue | None, now_s: float) -> None:
        """Settle a conflict: the edit stands on top of the value in force."""
        change = self.of(address, path)
        if change is not None and change.state is ChangeState.CONFLICT:
            change.base, change.base_revision = _at(running, path), _revision(running)
            change.reason = ""
            self._move(change, ChangeInput.KEPT, now_s)

    def take_theirs(self, address: str, path: str, now_s: float) -> None:
        """Settle a conflict: the edit is dropped."""
        change = self.of(address, path)
        if change is not None:
            self._move(change, ChangeInput.YIELDED, now_s)
            self._drop_if_in_sync(change)

    def take_sent(self, fact: PatchSent) -> None:
        """A patch left."""
        for change in self._of_patch(fact.patch_id):
            self._move(change, ChangeInput.SENT, fact.at_s)

    def take_ended(self, fact: PatchEnded, running: SettingsSnapshotValue | None) -> None:
        """A patch was answered, or will not be."""
        culprit = fact.parts.get("field_path")
        changes = list(self._of_patch(fact.patch_id))
        has_culprit = any(change.path == culprit for change in changes)
        for change in changes:
            change.took_s = None if change.sent_s is None else fact.at_s - change.sent_s
            change.reason = fact.text
            match fact.verdict:
                case Verdict.ACCEPTED:
                    change.revision, change.is_acknowledged = fact.revision, True
                    is_seen = _is_seen(change, running)
                    self._move(change, ChangeInput.CONFIRMED if is_seen else ChangeInput.ACKNOWLEDGED, fact.at_s)
                case Verdict.REFUSED if has_culprit and change.path != culprit:
                    self._move(change, ChangeInput.RETURNED, fact.at_s)
                case Verdict.REFUSED:
                    self._move(change, ChangeInput.REFUSED, fact.at_s)
                case Verdict.UNSENT:
                    self._move(change, ChangeInput.RETURNED, fact.at_s)
                case Verdict.OUTDATED:
                    self._move(change, ChangeInput.OUTDATED, fact.at_s)
                case Verdict.UNKNOWN:
                    self._move(change, ChangeInput.UNANSWERED, fact.at_s)
            if fact.verdict in (Verdict.REFUSED, Verdict.OUTDATED) or _holds(change, running):
                self._compare(change, running, fact.at_s)
            self._after_flight(change, running, fact.at_s)

    def take_running(self, address: str, running: SettingsSnapshotValue | None, now_s: float) -> None:
        """A component's value in force came or changed."""
        for change in [c for c in self.live.values() if c.address == address]:
            self._compare(change, running, now_s)
            self._after_flight(change, running, now_s)

    def lose_link(self, now_s: float) -> None:
        """The link went: nothing in flight will be answered."""
        for change in list(self.live.values()):
            if change.state in IN_FLIGHT:
                change.reason = "The connection was lost before the answer came."
                self._move(change, ChangeInput.UNANSWERED, now_s)

    def advance(self, now_s: float) -> None:
        """Time passed."""
        for change in list(self.live.values()):
            age_s = now_s - change.since_s
            if change.state is ChangeState.APPLIED and age_s >= SEEN_S:
                self._move(change, ChangeInput.SEEN, now_s)
                self._drop_if_in_sync(change)
            elif change.state is ChangeState.APPLYING and change.is_acknowledged and age_s >= ECHO_S:
                change.reason = "The owner accepted it, but no event followed."
                self._move(change, ChangeInput.OVERDUE, now_s)

    def _of_patch(self, patch_id: int) -> Iterator[Change]:
        return (change for change in list(self.live.values()) if change.patch_id == patch_id)

    def _compare(self, change: Change, running: SettingsSnapshotValue | None, now_s: float) -> None:
        """Hold a change against the value in force."""
        if running is None:
            return
        in_force = _at(running, change.path)
        if change.is_acknowledged and _is_seen(change, running):
            self._move(change, ChangeInput.CONFIRMED, now_s)
        if change.state in IN_FLIGHT:
            return
        if change.state is not ChangeState.INVALID and is_same(in_force, change.edit.value):
            self._move(change, ChangeInput.ECHOED, now_s)
            self._drop_if_in_sync(change)
        elif is_same(in_force, change.base):
            self._move(change, ChangeInput.RESTORED, now_s)
        else:
            self._move(change, ChangeInput.MOVED, now_s)
            if change.state in (ChangeState.INVALID, ChangeState.REJECTED):
                change.base, change.base_revision = in_force, running.revision

    def _after_flight(self, change: Change, running: SettingsSnapshotValue | None, now_s: float) -> None:
        """A change that came back gives way to what was typed meanwhile."""
        if change.draft is not None and change.state not in IN_FLIGHT:
            draft, change.draft = change.draft, None
            self.edit(change.address, change.path, draft, running, now_s)

    def _move(self, change: Change, event: ChangeInput, now_s: float) -> None:
        state = next_state(change.state, event)
        self.revision += 1
        if state is change.state:
            return
        change.state, change.since_s = state, now_s
        if state is ChangeState.APPLIED:
            change.reason = ""
            self.finished.append(
                FinishedChange(
                    change.address, change.path, change.base, change.edit.value, now_s, change.revision, change.took_s
                )
            )

    def _drop_if_in_sync(self, change: Change) -> None:
        if change.state is ChangeState.IN_SYNC:
            self.live.pop((change.address, change.path), None)


def _at(running: SettingsSnapshotValue | None, path: str) -> Any:
    return MISSING if running is None else value_at(running.structured_value, path)


def _revision(running: SettingsSnapshotValue | None) -> int:
    return 0 if running is None else running.revision


def _is_seen(change: Change, running: SettingsSnapshotValue | None) -> bool:
    """Whether the value in force is the acknowledged one or a later one."""
    if running is None:
        return False
    if change.revision is None:  # an owner that names no revision: the value itself must do
        return _holds(change, running)
    return running.revision >= change.revision


def _holds(change: Change, running: SettingsSnapshotValue | None) -> bool:
    """Whether the value in force is the one asked for."""
    return is_same(_at(running, change.path), change.edit.value)
