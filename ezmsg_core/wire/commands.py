"""What a client asks of the server; each command gets exactly one answer or fault."""

from typing import Any
from uuid import UUID

import msgspec

from ezmsg_core.model.components import GraphMetadata
from ezmsg_core.model.settings import SettingsSnapshotValue
from ezmsg_core.model.watching import StreamName


class CommandBase(msgspec.Struct, frozen=True, tag_field="command", forbid_unknown_fields=True):
    """Base of all commands; the tag names the command on the wire and in the access table."""


class OpenSession(CommandBase, frozen=True, tag="open_session"):
    """Answered by `SessionOpened`."""

    label: str = ""  # empty: the link's own


class CloseSession(CommandBase, frozen=True, tag="close_session"):
    """Releases everything that the session holds, then the session."""

    session_id: str


class ClearSession(CommandBase, frozen=True, tag="clear_session"):
    """Releases everything that the session holds and keeps the session."""

    session_id: str


class ConnectEdge(CommandBase, frozen=True, tag="connect"):
    """Holds an edge; answered by `EdgeHeld` once the subscribers that it reaches are attached."""

    source: str
    target: str
    session_id: str | None = None  # None: persistent


class DisconnectEdge(CommandBase, frozen=True, tag="disconnect"):
    """Releases this owner's hold; answered by `EdgeHeld`."""

    source: str
    target: str
    session_id: str | None = None


class RegisterMetadata(CommandBase, frozen=True, tag="register_metadata"):
    """Replaces what the session declares."""

    session_id: str
    metadata: GraphMetadata


class GetTopology(CommandBase, frozen=True, tag="get_topology"):
    """Answered by `TopologyAnswer`."""


class GetSettings(CommandBase, frozen=True, tag="get_settings"):
    """Answered by `SettingsAnswer`."""


class GetSettingsEvents(CommandBase, frozen=True, tag="get_settings_events"):
    """Answered by `SettingsEvents`."""

    after_seq: int = 0


class OpenProcess(CommandBase, frozen=True, tag="open_process"):
    """Registers a process that takes calls; answered by `ProcessOpened`."""

    pid: int
    host: str
    label: str = ""


class RegisterUnits(CommandBase, frozen=True, tag="register_units"):
    """Names all units of the process; what it owned before and is not named is given up."""

    process_id: UUID
    units: list[str]
    pid: int | None = None  # None: as opened
    host: str | None = None


class UpdateOwnership(CommandBase, frozen=True, tag="update_ownership"):
    """Takes and gives up units; added first, all or nothing."""

    process_id: UUID
    added_units: list[str] = []
    removed_units: list[str] = []


class CloseProcess(CommandBase, frozen=True, tag="close_process"):
    """Ends the registration; its pending calls end with PROCESS_DISCONNECTED."""

    process_id: UUID


class ReportSettings(CommandBase, frozen=True, tag="report_settings"):
    """The owner says that a value is in force; answered by `SettingsReported`."""

    process_id: UUID
    component_address: str
    value: SettingsSnapshotValue
    timestamp: float


class CallUnit(CommandBase, frozen=True, tag="call"):
    """Routes a call to a unit's owner, or to a process; answered by `CallEnded`."""

    operation: str
    timeout_s: float
    unit: str | None = None
    process_id: UUID | None = None
    data: Any = None


class AdvertisePublisher(CommandBase, frozen=True, tag="publisher"):
    """Answered by `PublisherPlaced` once the subscribers that it reaches are attached."""

    topic: str
    num_buffers: int
    addresses: list[str]
    endpoint_id: str = ""  # empty: the server chooses


class AdvertiseSubscriber(CommandBase, frozen=True, tag="subscriber"):
    """Answered by `SubscriberPlaced`."""

    topic: str
    is_leaky: bool = False
    max_queue: int | None = None


class Withdraw(CommandBase, frozen=True, tag="withdraw"):
    """Takes a publisher or subscriber of this link away."""

    endpoint_id: str


class GetTicket(CommandBase, frozen=True, tag="get_ticket"):
    """Asks for a single-use ticket to a publisher; answered by `Ticket` after the publisher has it too."""

    publisher_id: str
    subscriber_id: str


class OpenWatch(CommandBase, frozen=True, tag="open_watch"):
    """Answered by `WatchOpened`; items follow as `Pushed` while there is credit."""

    stream: StreamName
    after_seq: int | None = None  # None: start with a state; else resume after this one
    epoch: str = ""  # of the server that the seq belongs to
    interval_s: float = 0.5  # between profiles of a profiling watch


class CloseWatch(CommandBase, frozen=True, tag="close_watch"):
    """No more items of this watch."""

    watch_id: int


class SteerPublishers(CommandBase, frozen=True, tag="steer"):
    """Pauses, resumes or syncs all publishers; answered when every one of them has obeyed."""

    action: str  # pause, resume, sync
    timeout_s: float | None = None  # None: as long as the server waits for anything


class StopServer(CommandBase, frozen=True, tag="stop_server"):
    """Ends the server after the answer has left."""


Command = (
    OpenSession
    | CloseSession
    | ClearSession
    | ConnectEdge
    | DisconnectEdge
    | RegisterMetadata
    | GetTopology
    | GetSettings
    | GetSettingsEvents
    | OpenProcess
    | RegisterUnits
    | UpdateOwnership
    | CloseProcess
    | ReportSettings
    | CallUnit
    | AdvertisePublisher
    | AdvertiseSubscriber
    | Withdraw
    | GetTicket
    | OpenWatch
    | CloseWatch
    | SteerPublishers
    | StopServer
)
