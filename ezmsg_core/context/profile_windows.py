"""Profiles with windows: what happened since this caller's previous look."""

from uuid import UUID

from ezmsg_core.model.profiles import (
    ProcessProfile,
    ProcessProfilingSnapshot,
    PublisherProfileSnapshot,
    SubscriberProfileSnapshot,
)


class ProfileWindows:
    """The previous profile of each process that one caller looked at; other callers have their own."""

    def __init__(self) -> None:
        self._previous: dict[UUID, ProcessProfile] = {}

    def snapshot(self, profile: ProcessProfile) -> ProcessProfilingSnapshot:
        """The profile with the window since the previous one; the first window is empty."""
        previous = self._previous.get(profile.process_id)
        self._previous[profile.process_id] = profile
        window_s = 0.0 if previous is None else max(0.0, (profile.sampled_ns - previous.sampled_ns) / 1e9)
        published = {p.endpoint_id: p.published_total for p in previous.publishers} if previous else {}
        received = {s.endpoint_id: s.received_total for s in previous.subscribers} if previous else {}
        publishers: dict[str, PublisherProfileSnapshot] = {}
        for publisher in profile.publishers:
            in_window = _since(published.get(publisher.endpoint_id, 0), publisher.published_total, previous)
            publishers[publisher.endpoint_id] = PublisherProfileSnapshot(
                endpoint_id=publisher.endpoint_id,
                topic=publisher.topic,
                messages_published_total=publisher.published_total,
                messages_published_window=in_window,
                publish_rate_hz_window=in_window / window_s if window_s > 0 else 0.0,
                inflight_messages_current=publisher.in_flight,
                num_buffers=publisher.num_buffers,
                timestamp=profile.timestamp,
            )
        subscribers = {
            s.endpoint_id: SubscriberProfileSnapshot(
                endpoint_id=s.endpoint_id,
                topic=s.topic,
                messages_received_total=s.received_total,
                messages_received_window=_since(received.get(s.endpoint_id, 0), s.received_total, previous),
                channel_kind_last=s.path,
                timestamp=profile.timestamp,
            )
            for s in profile.subscribers
        }
        return ProcessProfilingSnapshot(
            process_id=profile.process_id,
            pid=profile.pid,
            host=profile.host,
            window_seconds=window_s,
            timestamp=profile.timestamp,
            publishers=publishers,
            subscribers=subscribers,
        )


def _since(before: int, now: int, previous: ProcessProfile | None) -> int:
    return 0 if previous is None else max(0, now - before)
