"""The one object that screens talk to: it answers view models and takes the user's commands."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Protocol

from ezmsg_tui.present.form import SettingsForm
from ezmsg_tui.present.sheet import Sheet
from ezmsg_tui.present.table import Cell, Query, Table


class LinkPhase(enum.StrEnum):
    """How the inspector stands with its server."""

    CONNECTING = "connecting"  # the first time: nothing to show
    SYNCING = "syncing"  # connected; snapshots are still to come
    LIVE = "live"
    SLOW = "slow"  # connected, but what is shown is old
    LOST = "lost"  # trying again; the last data is kept
    ERROR = "error"  # refused for good: no retry helps without the user
    CLOSED = "closed"  # ended by the user


def _no_cell() -> Cell:
    return Cell("")


@dataclass(frozen=True, slots=True)
class Status:
    """What the status bar and the bad states say."""

    phase: LinkPhase
    address: str = ""  # of the server, as the user would type it
    server: str = ""  # host or label of the server; may be empty
    elapsed_s: float = 0.0  # in this phase
    attempt: int = 0  # which try to connect this is, from 1
    retry_in_s: float | None = None  # until the next try; None while a try is running or none will come
    reason: str = ""  # one line: why the last try failed, or the link was lost
    remedy: str = ""  # one line: what to do about it
    age_s: float | None = None  # of the newest data
    parts: tuple[tuple[str, bool], ...] = ()  # while syncing: topology, settings, profiling, and whether each has come
    counts: tuple[
        tuple[str, int], ...
    ] = ()  # what there is in the graph, such as unit and 14; singular, most telling first
    rate: Cell = field(default_factory=_no_cell)  # messages a second over the whole graph
    wait: Cell = field(default_factory=_no_cell)  # worst share of time that a publisher waits
    notices: tuple[Cell, ...] = ()  # such as resynced, new server, missed events
    is_empty: bool = False  # connected, and the graph has no process, component or edge
    empty_text: str = ""  # what to run, when it is empty
    is_read_only: bool = False
    staged: int = 0  # fields edited and not sent, valid or not
    invalid: int = 0  # those of them that cannot be sent
    applying: int = 0  # sent, not acknowledged
    failed: int = 0  # rejected, in conflict or unknown
    frozen_s: float | None = None  # since the display was frozen; None while it runs
    frozen_behind: int = 0  # events that came since


class InspectorDesk(Protocol):
    """What screens need. All of it answers at once, on the screen's own loop; nothing raises for what a user can do.

    Texts in what it answers are harmless to a terminal. Commands take effect at the next `poll` or earlier, and
    show in the view models: a refused command is a note on its field or an event, never an exception.
    """

    def poll(self) -> int:
        """Take in what has arrived.

        Returns:
            A number that is another one whenever a view other than `status` may have changed.
        """
        ...

    def status(self) -> Status:
        """Cheap: asked for in every frame."""
        ...

    def topology_table(self, query: Query) -> Table:
        """The tree, by `query.arrangement`: "process" (host, process, component, stream) or "component"."""
        ...

    def topology_sheet(self, key: str) -> Sheet:
        """What is known of a row of the tree; `key` is the row's, and may be gone."""
        ...

    def edges_table(self, key: str, query: Query) -> Table:
        """The edges that touch what a row of the tree stands for; all edges for an empty key."""
        ...

    def settings_components(self, query: Query) -> Table:
        """The components, with the state of their settings; the key of a row is the component's address."""
        ...

    def settings_form(self, address: str) -> SettingsForm:
        """The fields of one component, with what is edited; without fields, and saying so, for an unknown address."""
        ...

    def changes_table(self, query: Query) -> Table:
        """Staged, running and recent changes; the key of a row is `address field_path`."""
        ...

    def publishers_table(self, query: Query) -> Table:
        """All publishers, with rates, what is in flight, and who holds them up."""
        ...

    def subscribers_table(self, query: Query) -> Table:
        """All subscribers, with rates, queues, and how much they hold up others."""
        ...

    def endpoint_sheet(self, key: str) -> Sheet:
        """Figures of one publisher or subscriber; `key` is that of its row."""
        ...

    def holders_table(self, key: str) -> Table:
        """Of a publisher, the subscribers that hold it up; of a subscriber, the publishers that it holds up."""
        ...

    def events_table(self, query: Query) -> Table:
        """Oldest first."""
        ...

    def check(self, address: str, field_path: str, text: str) -> str:
        """What is wrong with a value being typed; empty if nothing. Changes nothing."""
        ...

    def stage(self, address: str, field_path: str, text: str) -> None:
        """Keep an edit, valid or not. Staging the value in force drops the edit."""
        ...

    def stage_none(self, address: str, field_path: str) -> None:
        """Keep an edit to None, where None is a value."""
        ...

    def step(self, address: str, field_path: str, steps: int) -> None:
        """Stage the shown value moved by so many steps, up to its bounds; of a choice, the next one."""
        ...

    def revert(self, address: str = "", field_path: str = "") -> None:
        """Drop the edits, failures included, of one field, of one component or (both empty) of all."""
        ...

    def apply(self, address: str = "") -> str:
        """Send the valid edits of one component, or of all.

        Returns:
            Why nothing was sent; empty if something was.
        """
        ...

    def keep_mine(self, address: str, field_path: str) -> None:
        """Settle a conflict: the edit stands, on top of the value now in force."""
        ...

    def take_theirs(self, address: str, field_path: str) -> None:
        """Settle a conflict: the edit is dropped."""
        ...

    def freeze(self, *, is_frozen: bool) -> None:
        """Hold what the views show, or let it run again; the store goes on meanwhile."""
        ...

    def reconnect_now(self) -> None:
        """While lost: try at once. While connected: ask for fresh snapshots."""
        ...
