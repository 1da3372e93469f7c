"""The snapshot document: everything about a live graph as one value, in a form that does not change without a number.

Times are seconds since the epoch, durations in nanoseconds or seconds as their names say, rates a second over
`window_s`, shares parts of that time from 0 to 1. A figure that is not known is null. Values of settings are plain
data; what JSON lacks is an object with the key `$`: `{"$": "bytes", "v": base64}`, `{"$": "float", "v": "nan"}`.
"""

from typing import Any

import msgspec

SCHEMA_VERSION = 1  # raised with every change that a reader could trip over; new fields are not one


class ServerPart(msgspec.Struct, frozen=True):
    """The graph server."""

    address: str
    graph_id: str
    epoch: str  # another one after a restart
    pid: int
    host: str
    role: str  # that this program was let in as


class EdgePart(msgspec.Struct, frozen=True):
    """Messages published to `source` also reach subscribers of `target`."""

    source: str
    target: str
    owners: list[str]  # session ids, or `persistent`


class SessionPart(msgspec.Struct, frozen=True):
    """A client's lease on what it declared."""

    session_id: str
    label: str
    pid: int
    host: str
    root_name: str | None


class StreamPart(msgspec.Struct, frozen=True):
    """A unit's declared input or output."""

    name: str
    address: str  # its topic
    direction: str  # input, output or stream
    msg_type: str


class ComponentPart(msgspec.Struct, frozen=True):
    """A unit or a collection."""

    address: str
    kind: str  # unit, collection or component
    component_type: str
    settings_type: str
    has_dynamic_settings: bool
    session_id: str  # that declares it
    process_id: str | None  # that owns it
    streams: list[StreamPart]
    children: list[str]


class ProcessPart(msgspec.Struct, frozen=True):
    """A process that takes calls for units."""

    process_id: str
    pid: int
    host: str
    label: str
    phase: str
    units: list[str]


class PublisherPart(msgspec.Struct, frozen=True):
    """A publisher's place in the graph."""

    endpoint_id: str
    topic: str
    process_id: str
    pid: int
    host: str
    num_buffers: int


class SubscriberPart(msgspec.Struct, frozen=True):
    """A subscriber's place in the graph."""

    endpoint_id: str
    topic: str
    process_id: str
    pid: int
    host: str
    is_leaky: bool
    max_queue: int | None


class ChannelPart(msgspec.Struct, frozen=True):
    """One publisher's messages on their way to one subscriber."""

    publisher_id: str
    subscriber_id: str
    path: str  # LOCAL, SHM, UNIX, TCP or UNKNOWN
    reason: str


class TopologyPart(msgspec.Struct, frozen=True):
    """The graph."""

    revision: int
    edges: list[EdgePart]
    sessions: list[SessionPart]
    components: list[ComponentPart]
    processes: list[ProcessPart]
    publishers: list[PublisherPart]
    subscribers: list[SubscriberPart]
    channels: list[ChannelPart]


class ComponentSettingsPart(msgspec.Struct, frozen=True):
    """A component's settings in force."""

    revision: int
    actor: str  # who asked for them
    timestamp: float
    is_uncertain: bool  # the unit failed on them: maybe half applied
    value: Any  # by field name; null where the value has no form as data
    text: str | None  # in its place
    schema: Any  # provider, settings_type and fields; null where there is none


class SettingsPart(msgspec.Struct, frozen=True):
    """All settings."""

    revision: int
    components: dict[str, ComponentSettingsPart]  # by address


class HoldPart(msgspec.Struct, frozen=True):
    """A subscriber that holds the publisher up."""

    subscriber_id: str
    topic: str
    wait_ns: int  # since the publisher was made
    wait_share: float | None


class PublisherProfilePart(msgspec.Struct, frozen=True):
    """What a publisher did."""

    endpoint_id: str
    topic: str
    published_total: int
    published_bytes: int
    rate_hz: float | None
    bytes_per_s: float | None
    in_flight: int
    num_buffers: int
    wait_ns: int
    wait_count: int
    wait_share: float | None
    is_waiting: bool
    is_paused: bool
    held_by: list[HoldPart]


class SubscriberProfilePart(msgspec.Struct, frozen=True):
    """What a subscriber did."""

    endpoint_id: str
    topic: str
    received_total: int
    received_bytes: int
    rate_hz: float | None
    bytes_per_s: float | None
    dropped_total: int
    drop_rate_hz: float | None
    queue_depth: int
    max_queue: int | None
    is_leaky: bool
    path: str
    busy_ns: int
    busy_share: float | None
    error_total: int


class ProcessProfilePart(msgspec.Struct, frozen=True):
    """What a process did."""

    process_id: str
    pid: int
    host: str
    timestamp: float
    window_s: float | None  # of this process's own clock
    cpu_percent: float  # of one core
    rss_bytes: int
    loop_lag_ns: int
    publishers: list[PublisherProfilePart]
    subscribers: list[SubscriberProfilePart]


class ProfilesPart(msgspec.Struct, frozen=True):
    """All counters."""

    lost_total: int  # profiles that never came
    processes: list[ProcessProfilePart]


class SnapshotDocument(msgspec.Struct, frozen=True):
    """A live graph, seen from an inspector."""

    schema_version: int  # 1
    program: str  # that wrote this, with its version
    taken_at: float
    window_s: float  # over which rates and shares were measured
    server: ServerPart
    topology: TopologyPart | None  # null: not asked for
    settings: SettingsPart | None
    profiles: ProfilesPart | None


def snapshot_schema() -> dict[str, Any]:
    """The document as a JSON Schema."""
    schema = msgspec.json.schema(SnapshotDocument)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Snapshot of an ezmsg graph",
        "description": f"What `ezmsg-tui snapshot --json` prints; schema version {SCHEMA_VERSION}.",
        **schema,
    }
