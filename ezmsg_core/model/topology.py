"""The graph as the server knows it: edges with owners, sessions, processes, endpoints, channels; how they change."""

import enum
from typing import NamedTuple
from uuid import UUID

from ezmsg_core.model.components import GraphMetadata
from ezmsg_core.model.profiles import ProfileChannelType
from ezmsg_core.model.record import Record

PERSISTENT = "persistent"  # owner of an edge that no session holds


class Edge(NamedTuple):
    """Messages published to `from_topic` also reach subscribers of `to_topic`."""

    from_topic: str
    to_topic: str


class Phase(enum.StrEnum):
    """How alive a process is."""

    STARTING = "starting"  # registered, its units are not ready
    LIVE = "live"
    BUSY = "busy"  # its units' event loop is late, its control thread answers
    UNRESPONSIVE = "unresponsive"  # silent, but not known to be gone


class OwnedEdge(Record, frozen=True):
    """An edge with everyone who holds it."""

    source: str
    target: str
    owners: list[str]  # session ids, `PERSISTENT` first; empty in a change: the edge is gone


class SessionRecord(Record, frozen=True):
    """A client's lease on what it declared."""

    session_id: str
    label: str  # how the client calls itself, such as program@host
    pid: int
    host: str
    metadata: GraphMetadata | None


class ProcessRecord(Record, frozen=True):
    """A process that takes calls for units."""

    process_id: UUID
    pid: int
    host: str
    units: list[str]  # addresses, sorted
    label: str = ""
    phase: Phase = Phase.LIVE


class PublisherRecord(Record, frozen=True):
    """A publisher and where its messages can be fetched."""

    endpoint_id: str  # topic:uuid
    topic: str
    process_id: UUID  # of the link that it lives on; a process need not be registered
    pid: int
    host: str
    num_buffers: int
    addresses: list[str] = []  # unix:PATH and tcp:HOST:PORT, best first


class SubscriberRecord(Record, frozen=True):
    """A subscriber."""

    endpoint_id: str
    topic: str
    process_id: UUID
    pid: int
    host: str
    is_leaky: bool = False
    max_queue: int | None = None


class ChannelRecord(Record, frozen=True):
    """One publisher's messages on their way to one subscriber."""

    publisher_id: str
    subscriber_id: str
    path: ProfileChannelType
    reason: str = ""  # why this path was taken


class TopologyState(Record, frozen=True):
    """The whole graph at one moment; the snapshot of a topology watch. Lists are sorted by their keys."""

    revision: int  # seq of the last event that is included
    edges: list[OwnedEdge]
    sessions: list[SessionRecord]
    processes: list[ProcessRecord]
    publishers: list[PublisherRecord]
    subscribers: list[SubscriberRecord]
    channels: list[ChannelRecord]


class EdgeChanged(Record, frozen=True, tag_field="change", tag="edge"):
    """An edge came, went (no owners) or changed owners."""

    edge: OwnedEdge


class SessionChanged(Record, frozen=True, tag_field="change", tag="session"):
    """A session came or declared other components."""

    session: SessionRecord


class SessionGone(Record, frozen=True, tag_field="change", tag="session_gone"):
    """A session left or was lost."""

    session_id: str


class ProcessChanged(Record, frozen=True, tag_field="change", tag="process"):
    """A process came, changed its units or its phase."""

    process: ProcessRecord


class ProcessGone(Record, frozen=True, tag_field="change", tag="process_gone"):
    """A process left or was lost."""

    process_id: UUID


class PublisherChanged(Record, frozen=True, tag_field="change", tag="publisher"):
    """A publisher came."""

    publisher: PublisherRecord


class PublisherGone(Record, frozen=True, tag_field="change", tag="publisher_gone"):
    """A publisher left or was lost."""

    endpoint_id: str


class SubscriberChanged(Record, frozen=True, tag_field="change", tag="subscriber"):
    """A subscriber came."""

    subscriber: SubscriberRecord


class SubscriberGone(Record, frozen=True, tag_field="change", tag="subscriber_gone"):
    """A subscriber left or was lost."""

    endpoint_id: str


class ChannelChanged(Record, frozen=True, tag_field="change", tag="channel"):
    """A channel was opened or took another path."""

    channel: ChannelRecord


class ChannelGone(Record, frozen=True, tag_field="change", tag="channel_gone"):
    """A channel was closed."""

    publisher_id: str
    subscriber_id: str


TopologyChange = (
    EdgeChanged
    | SessionChanged
    | SessionGone
    | ProcessChanged
    | ProcessGone
    | PublisherChanged
    | PublisherGone
    | SubscriberChanged
    | SubscriberGone
    | ChannelChanged
    | ChannelGone
)


class TopologyEventType(enum.Enum):
    """What kind of thing a topology event is about."""

    GRAPH_CHANGED = "GRAPH_CHANGED"  # edges
    PROCESS_CHANGED = "PROCESS_CHANGED"  # processes and their units
    SESSION_CHANGED = "SESSION_CHANGED"  # sessions and what they declare
    ENDPOINT_CHANGED = "ENDPOINT_CHANGED"  # publishers, subscribers, channels


class TopologyChangedEvent(Record, frozen=True):
    """One step of the graph, with everything that changed in it."""

    seq: int  # from 1, without holes
    event_type: TopologyEventType
    timestamp: float  # seconds since the epoch
    changed_topics: list[str]  # targets of changed edges, sorted
    source_session_id: str | None
    source_process_id: UUID | None
    changes: list[TopologyChange] = []


class SnapshotSession(Record, frozen=True):
    """A session as `GraphSnapshot` shows it."""

    edges: list[Edge]
    metadata: GraphMetadata | None


class SnapshotProcess(Record, frozen=True):
    """A process as `GraphSnapshot` shows it."""

    process_id: UUID
    pid: int | None
    host: str | None
    units: list[str]


class GraphSnapshot(Record, frozen=True):
    """The whole graph in the form that programs of ezmsg know."""

    graph: dict[str, list[str]]  # targets by source
    edge_owners: dict[Edge, list[str]]
    sessions: dict[str, SnapshotSession]
    processes: dict[UUID, SnapshotProcess] = {}
    publishers: dict[str, PublisherRecord] = {}
    subscribers: dict[str, SubscriberRecord] = {}
    channels: list[ChannelRecord] = []
    revision: int = 0
