"""Counters of endpoints and processes: cumulative, never reset by being read."""

import enum
from uuid import UUID

from ezmsg_core.model.record import Record


class ProfileChannelType(enum.Enum):
    """The path by which a message came."""

    LOCAL = "LOCAL"  # the object itself, within a process
    SHM = "SHM"
    UNIX = "UNIX"  # a Unix socket, within a host
    TCP = "TCP"
    UNKNOWN = "UNKNOWN"  # none came yet


class PublisherCounters(Record, frozen=True):
    """A publisher since it was made."""

    endpoint_id: str
    topic: str
    published_total: int = 0  # messages
    published_bytes: int = 0  # as encoded; 0 for messages that never left the process
    in_flight: int = 0  # messages that some lossless subscriber has not released; 0 … num_buffers
    num_buffers: int = 0
    wait_ns: int = 0  # time spent in backpressure, including a wait that goes on
    wait_count: int = 0  # how often it had to wait
    wait_ns_by_subscriber: dict[str, int] = {}  # the same, by the endpoint that held it up
    is_waiting: bool = False  # in backpressure at this moment
    is_paused: bool = False
    lost_total: int = 0  # messages that lossless subscribers had not released when their process or channel was lost


class SubscriberCounters(Record, frozen=True):
    """A subscriber since it was made."""

    endpoint_id: str
    topic: str
    received_total: int = 0  # messages handed to its reader
    received_bytes: int = 0  # as encoded
    dropped_total: int = 0  # messages that a leaky subscriber let go
    queue_depth: int = 0  # messages that wait for its reader
    max_queue: int | None = None  # of a leaky subscriber
    is_leaky: bool = False
    path: ProfileChannelType = ProfileChannelType.UNKNOWN  # of the last message
    busy_ns: int = 0  # time its reader held messages
    error_total: int = 0  # messages that could not be decoded here


class ProcessProfile(Record, frozen=True):
    """All counters of one process at one moment; one item of a profiling watch."""

    process_id: UUID
    pid: int
    host: str
    timestamp: float  # seconds since the epoch
    sampled_ns: int  # monotonic clock of that process; rates are differences of this
    publishers: list[PublisherCounters]
    subscribers: list[SubscriberCounters]
    cpu_percent: float = 0.0  # of one core, since the previous profile
    rss_bytes: int = 0
    loop_lag_ns: int = 0  # worst since the previous profile


class PublisherProfileSnapshot(Record, frozen=True):
    """A publisher's counters with a window of this caller's own."""

    endpoint_id: str
    topic: str
    messages_published_total: int
    messages_published_window: int
    publish_rate_hz_window: float
    inflight_messages_current: int
    num_buffers: int
    timestamp: float


class SubscriberProfileSnapshot(Record, frozen=True):
    """A subscriber's counters with a window of this caller's own."""

    endpoint_id: str
    topic: str
    messages_received_total: int
    messages_received_window: int
    channel_kind_last: ProfileChannelType
    timestamp: float


class ProcessProfilingSnapshot(Record, frozen=True):
    """A process's counters with a window of this caller's own."""

    process_id: UUID
    pid: int
    host: str
    window_seconds: float  # since this caller's previous snapshot; 0.0 at the first
    timestamp: float
    publishers: dict[str, PublisherProfileSnapshot]  # by endpoint id
    subscribers: dict[str, SubscriberProfileSnapshot]


class ProfilingTraceControl(Record, frozen=True):
    """What to trace in a process."""

    enabled: bool
    sample_mod: int = 1  # keep every n-th message
    publisher_topics: list[str] | None = None
    subscriber_topics: list[str] | None = None
    publisher_endpoint_ids: list[str] | None = None
    subscriber_endpoint_ids: list[str] | None = None
    metrics: list[str] | None = None
    ttl_seconds: float | None = None


class ProfilingTraceSample(Record, frozen=True):
    """One traced figure."""

    timestamp: float
    endpoint_id: str
    topic: str
    metric: str
    value: float
    channel_kind: ProfileChannelType | None = None
    sample_seq: int | None = None


class ProcessProfilingTraceBatch(Record, frozen=True):
    """Traced figures of one process."""

    process_id: UUID
    pid: int
    host: str
    timestamp: float
    samples: list[ProfilingTraceSample]


class ProfilingTraceStreamBatch(Record, frozen=True):
    """Traced figures of several processes."""

    timestamp: float
    batches: dict[UUID, ProcessProfilingTraceBatch]


class ProfilingStreamControl(Record, frozen=True):
    """How a watcher wants its traced figures."""

    interval: float = 0.05  # seconds between batches
    max_samples: int = 1000  # a process and batch
    process_ids: list[UUID] | None = None
    include_empty_batches: bool = False
