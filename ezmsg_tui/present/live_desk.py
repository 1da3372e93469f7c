"""The desk over a live graph: takes in what a source hands over, answers view models, and carries commands to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

from ezmsg_tui.feed.clocks import Clocks
from ezmsg_tui.present.checking import schema_complaint
from ezmsg_tui.present.desk import LinkPhase, Status
from ezmsg_tui.present.edges import edges_of
from ezmsg_tui.present.editing import (
    Complaint,
    ComponentSettings,
    form_of,
    nothing_to_send,
    read_only_because,
    typed_edit,
)
from ezmsg_tui.present.endpoint_tables import EndpointTables, holders_of
from ezmsg_tui.present.events_list import EventList
from ezmsg_tui.present.fields import stepped
from ezmsg_tui.present.figures import FigureBook
from ezmsg_tui.present.form import SettingsForm
from ezmsg_tui.present.graph_index import GraphIndex
from ezmsg_tui.present.settings_lists import changes_list, components_table
from ezmsg_tui.present.sheet import Sheet
from ezmsg_tui.present.sheets import SheetMaker
from ezmsg_tui.present.standing import empty_text, phase_of, status_of
from ezmsg_tui.present.table import Query, Table
from ezmsg_tui.present.tree import TopologyTree
from ezmsg_tui.present.value_text import choice_text, editor_text
from ezmsg_tui.store.change_book import Edit, Submission
from ezmsg_tui.store.changes import ChangeState
from ezmsg_tui.store.connection import Standing
from ezmsg_tui.store.facts import Fact
from ezmsg_tui.store.happenings import LineKind
from ezmsg_tui.store.plain_paths import MISSING
from ezmsg_tui.store.reducer import InspectorStore


class FactSource(Protocol):
    """Where facts come from, and commands go to."""

    def take(self) -> list[Fact]:
        """What has come since the last time, oldest first."""
        ...

    def patch(self, submission: Submission) -> None:
        """Send a patch; how it ends comes as a fact."""
        ...

    def reconnect_now(self) -> None:
        """Try at once, or ask for whole states again."""
        ...


class LiveDesk:
    """Answers the screens' questions from the store. Not thread-safe: belongs to whoever shows it.

    Args:
        source: of facts.
        clocks: the ones that the facts' times come from.
        complaint: what is wrong with a plain value of a field; empty if nothing.
        is_read_only: refuse every edit.
    """

    def __init__(
        self, source: FactSource, clocks: Clocks, complaint: Complaint = schema_complaint, *, is_read_only: bool = False
    ) -> None:
        self.store = InspectorStore()
        self._source = source
        self._clocks = clocks
        self._complaint = complaint
        self._is_read_only = is_read_only
        self._shown = self.store
        self._frozen_at_s: float | None = None
        self._figures = FigureBook()
        self._index: tuple[InspectorStore, int, GraphIndex] | None = None
        self._tree = TopologyTree()
        self._endpoints = EndpointTables()
        self._events = EventList()

    def poll(self) -> int:
        """Take in what has arrived; answers another number whenever a view may have changed."""
        for fact in self._source.take():
            self.store.take(fact)
        now_s = self._clocks.monotonic_s()
        self.store.advance(now_s)
        self._figures.bring_up_to(self._shown.profiles)
        ages = int(now_s) if self.store.changes.live or self.store.changes.finished else 0
        own = self.store.changes.revision if self._frozen_at_s is not None else 0
        return self._shown.revision + own + ages

    def status(self) -> Status:
        """How the inspector stands; always of this moment, also while the views are frozen."""
        now_s, wall_s = self._clocks.monotonic_s(), self._clocks.wall_s()
        status = status_of(
            self.store, self.index, self._figures, now_s=now_s, wall_s=wall_s, is_read_only=self._is_read_only
        )
        if self._frozen_at_s is None:
            return status
        behind = self.store.happenings.total - self._shown.happenings.total
        return replace(status, frozen_s=now_s - self._frozen_at_s, frozen_behind=behind)

    @property
    def index(self) -> GraphIndex:
        """Look-ups over the graph that is shown."""
        shown = self._shown
        if self._index is None or self._index[0] is not shown or self._index[1] != shown.topology.revision:
            self._index = (shown, shown.topology.revision, GraphIndex(shown.topology))
        return self._index[2]

    # Views

    def topology_table(self, query: Query) -> Table:
        """The tree, by process or by component."""
        return self._tree.table(self.index, self._figures, query, empty_text(self._shown.connection.address))

    def topology_sheet(self, key: str) -> Sheet:
        """What is known of a row of the tree."""
        return SheetMaker(self._shown, self.index, self._figures).node(key)

    def edges_table(self, key: str, query: Query) -> Table:
        """The edges that touch what a row of the tree stands for."""
        return edges_of(self.index, self._figures, key, query)

    def publishers_table(self, query: Query) -> Table:
        """All publishers."""
        return self._endpoints.publishers(self.index, self._figures, query)

    def subscribers_table(self, query: Query) -> Table:
        """All subscribers."""
        return self._endpoints.subscribers(self.index, self._figures, query)

    def endpoint_sheet(self, key: str) -> Sheet:
        """Figures of one publisher or subscriber."""
        return SheetMaker(self._shown, self.index, self._figures).endpoint(key)

    def holders_table(self, key: str) -> Table:
        """Who holds a publisher up, or whom a subscriber holds up."""
        return holders_of(self.index, self._figures, key)

    def events_table(self, query: Query) -> Table:
        """What has happened."""
        return self._events.table(self._shown.happenings, query)

    def settings_components(self, query: Query) -> Table:
        """The components that have settings."""
        return components_table(
            [component for component in self._components() if component.has_content],
            self.store.changes,
            query,
        )

    def settings_form(self, address: str) -> SettingsForm:
        """The fields of one component."""
        return form_of(self._settings_of(address), self.store.changes, self._read_only_reason())

    def changes_table(self, query: Query) -> Table:
        """Staged, running and recent changes."""
        addresses = {change.address for change in self.store.changes.live.values()}
        components = {address: self._settings_of(address) for address in addresses}
        known = {address: settings for address, settings in components.items() if settings.value is not None}
        return changes_list(self.store.changes, known, query, self._clocks.monotonic_s())

    # Commands

    def check(self, address: str, field_path: str, text: str) -> str:
        """What is wrong with a value being typed; empty if nothing."""
        settings = self._settings_of(address)
        field = settings.field_at(field_path)
        if field is None:
            return "there is no such field"
        return typed_edit(field, settings.running(field_path), text, self._complaint).fault

    def stage(self, address: str, field_path: str, text: str) -> None:
        """Keep an edit, valid or not."""
        settings = self._settings_of(address)
        field = settings.field_at(field_path)
        if field is not None:
            self._edit(settings, field_path, typed_edit(field, settings.running(field_path), text, self._complaint))

    def stage_none(self, address: str, field_path: str) -> None:
        """Keep an edit to None."""
        settings = self._settings_of(address)
        field = settings.field_at(field_path)
        if field is not None:
            self._edit(settings, field_path, Edit("None", None, self._complaint(field, None)))

    def step(self, address: str, field_path: str, steps: int) -> None:
        """Stage the shown value moved by so many steps."""
        settings = self._settings_of(address)
        field = settings.field_at(field_path)
        if field is None:
            return
        change = self.store.changes.of(address, field_path)
        shown: Any = settings.running(field_path)
        if change is not None and change.state is not ChangeState.APPLIED:
            edit = change.draft or change.edit
            shown = shown if edit.fault else edit.value
        if shown is MISSING or shown is None:
            shown = field.default
        value = stepped(field, shown, steps)
        text = choice_text(value) if field.choices else editor_text(field, value)
        self._edit(settings, field_path, Edit(text, value, self._complaint(field, value)))

    def revert(self, address: str = "", field_path: str = "") -> None:
        """Drop the edits of one field, of one component or of all."""
        self.store.changes.revert(address, field_path, self._clocks.monotonic_s())

    def apply(self, address: str = "") -> str:
        """Send the valid edits of one component, or of all; answers why nothing was sent, if so."""
        obstacle = self._read_only_reason()
        if not obstacle and self.store.connection.standing is not Standing.ATTACHED:
            obstacle = "there is no connection; the edits stay staged"
        if obstacle:
            self._note(f"nothing was sent: {obstacle}")
            return f"nothing was sent: {obstacle}"
        changes = self.store.changes
        are_sent = False
        addresses = {address} if address else {change.address for change in changes.live.values()}
        for target in sorted(addresses):
            if not address and not any(c.state is ChangeState.STAGED for c in changes.of_component(target)):
                continue  # what failed is sent again only where it is asked for
            submission = changes.submit(target, self.store.settings.values.get(target), self._clocks.monotonic_s())
            if submission is not None:
                self._source.patch(submission)
                are_sent = True
        return "" if are_sent else nothing_to_send(changes, address)

    def keep_mine(self, address: str, field_path: str) -> None:
        """Settle a conflict: the edit stands."""
        running = self.store.settings.values.get(address)
        self.store.changes.keep_mine(address, field_path, running, self._clocks.monotonic_s())

    def take_theirs(self, address: str, field_path: str) -> None:
        """Settle a conflict: the edit is dropped."""
        self.store.changes.take_theirs(address, field_path, self._clocks.monotonic_s())

    def freeze(self, *, is_frozen: bool) -> None:
        """Hold what the views show, or let it run again."""
        if is_frozen and self._frozen_at_s is None:
            self._frozen_at_s, self._shown = self._clocks.monotonic_s(), self.store.copy()
        elif not is_frozen:
            self._frozen_at_s, self._shown = None, self.store
        self._figures.bring_up_to(self._shown.profiles)

    def reconnect_now(self) -> None:
        """While lost: try at once. While connected: ask for fresh snapshots."""
        self._source.reconnect_now()

    # What they share

    def _components(self) -> list[ComponentSettings]:
        addresses = sorted({*self._shown.settings.values, *self.index.components})
        return [self._settings_of(address) for address in addresses]

    def _settings_of(self, address: str) -> ComponentSettings:
        process = self.index.unit_process.get(address)
        return ComponentSettings(
            address,
            self._shown.settings.values.get(address),
            self.index.components.get(address),
            process is not None and process.gone_wall_s is None,
        )

    def _edit(self, settings: ComponentSettings, field_path: str, edit: Edit) -> None:
        reason = self._read_only_reason() or settings.obstacle()
        field = settings.field_at(field_path)
        if field is not None and field.is_read_only:
            reason = reason or "it is reported by its owner"
        if reason:
            self._note(f"{settings.address}.{field_path} stays as it is: {reason}")
            return
        now_s = self._clocks.monotonic_s()
        self.store.changes.edit(settings.address, field_path, edit, settings.value, now_s)

    def _read_only_reason(self) -> str:
        server = self.store.connection.server
        return read_only_because(
            self._phase(),
            server.role if server is not None else "",
            is_asked=self._is_read_only,
            is_frozen=self._frozen_at_s is not None,
        )

    def _phase(self) -> LinkPhase:
        return phase_of(self.store.connection, self._clocks.monotonic_s())

    def _note(self, text: str) -> None:
        self.store.happenings.add(self._clocks.wall_s(), LineKind.COMMAND, text, is_trouble=True)
