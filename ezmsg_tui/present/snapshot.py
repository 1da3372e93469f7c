"""Filling the snapshot document from the store."""

from __future__ import annotations

import base64
import math
from typing import Any, cast
from uuid import UUID

import msgspec

from ezmsg_core.model.components import (
    CollectionMetadata,
    ComponentMetadata,
    InputStreamMetadata,
    OutputStreamMetadata,
    UnitMetadata,
)
from ezmsg_core.model.plain import TAG
from ezmsg_core.model.profiles import ProcessProfile, PublisherCounters, SubscriberCounters
from ezmsg_core.model.settings import SettingsSnapshotValue
from ezmsg_tui.present import document as doc
from ezmsg_tui.present.naming import endpoint_topic
from ezmsg_tui.store.facts import ServerFacts
from ezmsg_tui.store.reducer import InspectorStore

SECOND_NS = 1e9


class ProfileWindow:
    """The first and the newest profile of each process since the window began."""

    def __init__(self) -> None:
        self.first: dict[UUID, ProcessProfile] = {}
        self.newest: dict[UUID, ProcessProfile] = {}

    def look(self, store: InspectorStore) -> None:
        """Take in the store's profiles of this moment."""
        self.newest = {process_id: meter.profile for process_id, meter in store.profiles.processes.items()}
        for process_id, profile in self.newest.items():
            self.first.setdefault(process_id, profile)


def snapshot_of(
    store: InspectorStore,
    window: ProfileWindow,
    *,
    program: str,
    taken_at: float,
    window_s: float,
    only: frozenset[str] = frozenset({"topology", "settings", "profiles"}),
) -> doc.SnapshotDocument:
    """The document.

    Args:
        store: attached and synced.
        window: looked at since the rates' time began.
        program: name and version of the writer.
        taken_at: seconds since the epoch.
        window_s: length of the window.
        only: parts to include.
    """
    server = store.connection.server or ServerFacts("", "", 0, "", "")
    return doc.SnapshotDocument(
        doc.SCHEMA_VERSION,
        program,
        taken_at,
        window_s,
        doc.ServerPart(store.connection.address, server.graph_id, server.epoch, server.pid, server.host, server.role),
        _topology(store) if "topology" in only else None,
        _settings(store) if "settings" in only else None,
        _profiles(store, window) if "profiles" in only else None,
    )


def json_ready(value: Any) -> Any:
    """Plain data without what JSON lacks: bytes, infinities, not-a-numbers."""
    if isinstance(value, dict):
        return {str(key): json_ready(item) for key, item in cast("dict[Any, Any]", value).items()}
    if isinstance(value, (list, tuple)):
        return [json_ready(item) for item in cast("list[Any]", value)]
    if isinstance(value, bytes):
        return {TAG: "bytes", "v": base64.b64encode(value).decode()}
    if isinstance(value, float) and not math.isfinite(value):
        return {TAG: "float", "v": str(value)}
    return value


def _topology(store: InspectorStore) -> doc.TopologyPart:
    state = store.topology.fold.state()
    owners = store.topology.owners
    return doc.TopologyPart(
        revision=state.revision,
        edges=[doc.EdgePart(edge.source, edge.target, edge.owners) for edge in state.edges],
        sessions=[
            doc.SessionPart(s.session_id, s.label, s.pid, s.host, s.metadata.root_name if s.metadata else None)
            for s in state.sessions
        ],
        components=[
            _component(declared.metadata, declared.session_id, str(owner.process_id) if owner is not None else None)
            for address, declared in store.topology.components.items()
            for owner in (owners.get(address),)
        ],
        processes=[
            doc.ProcessPart(str(p.process_id), p.pid, p.host, p.label, str(p.phase), p.units) for p in state.processes
        ],
        publishers=[
            doc.PublisherPart(p.endpoint_id, p.topic, str(p.process_id), p.pid, p.host, p.num_buffers)
            for p in state.publishers
        ],
        subscribers=[
            doc.SubscriberPart(s.endpoint_id, s.topic, str(s.process_id), s.pid, s.host, s.is_leaky, s.max_queue)
            for s in state.subscribers
        ],
        channels=[doc.ChannelPart(c.publisher_id, c.subscriber_id, c.path.value, c.reason) for c in state.channels],
    )


def _component(metadata: ComponentMetadata, session_id: str, process_id: str | None) -> doc.ComponentPart:
    streams: list[doc.StreamPart] = []
    children: list[str] = []
    kind = "component"
    if isinstance(metadata, UnitMetadata):
        kind = "unit"
        for stream in metadata.streams.values():
            direction = "stream"
            if isinstance(stream, InputStreamMetadata):
                direction = "input"
            elif isinstance(stream, OutputStreamMetadata):
                direction = "output"
            streams.append(doc.StreamPart(stream.name, stream.address, direction, stream.msg_type))
    elif isinstance(metadata, CollectionMetadata):
        kind, children = "collection", metadata.children
    return doc.ComponentPart(
        metadata.address,
        kind,
        metadata.component_type,
        metadata.settings_type,
        metadata.dynamic_settings.enabled,
        session_id,
        process_id,
        streams,
        children,
    )


def _settings(store: InspectorStore) -> doc.SettingsPart:
    values = store.settings.values
    return doc.SettingsPart(store.settings.seq, {address: _value(values[address]) for address in sorted(values)})


def _value(value: SettingsSnapshotValue) -> doc.ComponentSettingsPart:
    is_text = isinstance(value.repr_value, str)
    schema = None if value.settings_schema is None else msgspec.to_builtins(value.settings_schema)
    tree: Any = value.structured_value
    if tree is None and not is_text:
        tree = value.repr_value
    return doc.ComponentSettingsPart(
        value.revision,
        value.actor,
        value.timestamp,
        value.is_uncertain,
        json_ready(tree),
        str(value.repr_value) if is_text else None,
        json_ready(schema),
    )


def _profiles(store: InspectorStore, window: ProfileWindow) -> doc.ProfilesPart:
    parts = [_process_profile(window.first[key], profile) for key, profile in window.newest.items()]
    return doc.ProfilesPart(store.profiles.lost_total, sorted(parts, key=lambda part: (part.host, part.pid)))


def _process_profile(first: ProcessProfile, newest: ProcessProfile) -> doc.ProcessProfilePart:
    span_ns = newest.sampled_ns - first.sampled_ns
    publishers = {counters.endpoint_id: counters for counters in first.publishers}
    subscribers = {counters.endpoint_id: counters for counters in first.subscribers}
    return doc.ProcessProfilePart(
        process_id=str(newest.process_id),
        pid=newest.pid,
        host=newest.host,
        timestamp=newest.timestamp,
        window_s=span_ns / SECOND_NS if span_ns > 0 else None,
        cpu_percent=newest.cpu_percent,
        rss_bytes=newest.rss_bytes,
        loop_lag_ns=newest.loop_lag_ns,
        publishers=[_publisher(publishers.get(c.endpoint_id), c, span_ns) for c in newest.publishers],
        subscribers=[_subscriber(subscribers.get(c.endpoint_id), c, span_ns) for c in newest.subscribers],
    )


def _publisher(before: PublisherCounters | None, now: PublisherCounters, span_ns: int) -> doc.PublisherProfilePart:
    base = before if before is not None and before.published_total <= now.published_total else None
    holds = [
        doc.HoldPart(
            subscriber_id,
            endpoint_topic(subscriber_id),
            wait_ns,
            _rate(base and base.wait_ns_by_subscriber.get(subscriber_id, 0), wait_ns, span_ns),
        )
        for subscriber_id, wait_ns in sorted(now.wait_ns_by_subscriber.items(), key=lambda hold: -hold[1])
    ]
    return doc.PublisherProfilePart(
        endpoint_id=now.endpoint_id,
        topic=now.topic,
        published_total=now.published_total,
        published_bytes=now.published_bytes,
        rate_hz=_per_second(base and base.published_total, now.published_total, span_ns),
        bytes_per_s=_per_second(base and base.published_bytes, now.published_bytes, span_ns),
        in_flight=now.in_flight,
        num_buffers=now.num_buffers,
        wait_ns=now.wait_ns,
        wait_count=now.wait_count,
        wait_share=_rate(base and base.wait_ns, now.wait_ns, span_ns),
        is_waiting=now.is_waiting,
        is_paused=now.is_paused,
        held_by=holds,
    )


def _subscriber(before: SubscriberCounters | None, now: SubscriberCounters, span_ns: int) -> doc.SubscriberProfilePart:
    base = before if before is not None and before.received_total <= now.received_total else None
    return doc.SubscriberProfilePart(
        endpoint_id=now.endpoint_id,
        topic=now.topic,
        received_total=now.received_total,
        received_bytes=now.received_bytes,
        rate_hz=_per_second(base and base.received_total, now.received_total, span_ns),
        bytes_per_s=_per_second(base and base.received_bytes, now.received_bytes, span_ns),
        dropped_total=now.dropped_total,
        drop_rate_hz=_per_second(base and base.dropped_total, now.dropped_total, span_ns),
        queue_depth=now.queue_depth,
        max_queue=now.max_queue,
        is_leaky=now.is_leaky,
        path=now.path.value,
        busy_ns=now.busy_ns,
        busy_share=_rate(base and base.busy_ns, now.busy_ns, span_ns),
        error_total=now.error_total,
    )


def _rate(before: int | None, now: int, span_ns: int) -> float | None:
    """Counts a nanosecond; None where the window has no beginning or no length."""
    return None if before is None or span_ns <= 0 else max(0, now - before) / span_ns


def _per_second(before: int | None, now: int, span_ns: int) -> float | None:
    rate = _rate(before, now, span_ns)
    return None if rate is None else rate * SECOND_NS
