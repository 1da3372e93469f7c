"""What an observer makes of two profiles of one process: rates, shares, windows.

Counters are cumulative, so every observer has its own window and none disturbs another.
"""

from typing import NamedTuple

from ezmsg_core.model.profiles import (
    ProcessProfile,
    ProcessProfilingSnapshot,
    PublisherCounters,
    PublisherProfileSnapshot,
    SubscriberCounters,
    SubscriberProfileSnapshot,
)


class PublisherRates(NamedTuple):
    """A publisher over a window of time."""

    rate_hz: float  # messages a second
    bytes_per_s: float
    wait_share: float  # of the time, in backpressure: 0 … 1
    wait_share_by_subscriber: dict[str, float]


class SubscriberRates(NamedTuple):
    """A subscriber over a window of time."""

    rate_hz: float  # messages a second
    bytes_per_s: float
    dropped_hz: float
    busy_share: float  # of the time, with a message in hand: 0 … 1
    error_hz: float


def is_continuation(before: ProcessProfile, after: ProcessProfile) -> bool:
    """Whether both profiles are of one run of one process, in this order."""
    return before.process_id == after.process_id and before.pid == after.pid and before.sampled_ns < after.sampled_ns


def publisher_rates(before: PublisherCounters | None, after: PublisherCounters, elapsed_ns: int) -> PublisherRates:
    """Rates between two records of one publisher; without the first, since the publisher was made.

    Args:
        before: the earlier record, or None for a publisher that was not there.
        after: the later record.
        elapsed_ns: time between them; 0 gives zeros.
    """
    if elapsed_ns <= 0:
        return PublisherRates(0.0, 0.0, 0.0, {})
    if before is None:
        before = PublisherCounters(after.endpoint_id, after.topic)
    earlier = before.wait_ns_by_subscriber
    shares = {
        name: share
        for name, wait_ns in after.wait_ns_by_subscriber.items()
        if (share := _share(wait_ns - earlier.get(name, 0), elapsed_ns)) > 0.0
    }
    return PublisherRates(
        _rate(after.published_total - before.published_total, elapsed_ns),
        _rate(after.published_bytes - before.published_bytes, elapsed_ns),
        _share(after.wait_ns - before.wait_ns, elapsed_ns),
        shares,
    )


def subscriber_rates(before: SubscriberCounters | None, after: SubscriberCounters, elapsed_ns: int) -> SubscriberRates:
    """Rates between two records of one subscriber; without the first, since the subscriber was made.

    Args:
        before: the earlier record, or None for a subscriber that was not there.
        after: the later record.
        elapsed_ns: time between them; 0 gives zeros.
    """
    if elapsed_ns <= 0:
        return SubscriberRates(0.0, 0.0, 0.0, 0.0, 0.0)
    if before is None:
        before = SubscriberCounters(after.endpoint_id, after.topic)
    return SubscriberRates(
        _rate(after.received_total - before.received_total, elapsed_ns),
        _rate(after.received_bytes - before.received_bytes, elapsed_ns),
        _rate(after.dropped_total - before.dropped_total, elapsed_ns),
        _share(after.busy_ns - before.busy_ns, elapsed_ns),
        _rate(after.error_total - before.error_total, elapsed_ns),
    )


def windowed(before: ProcessProfile | None, after: ProcessProfile) -> ProcessProfilingSnapshot:
    """The later profile with the window since the earlier one; without it, or after a restart, an empty window."""
    base = before if before is not None and is_continuation(before, after) else None
    elapsed_ns = after.sampled_ns - base.sampled_ns if base is not None else 0
    publishers = {record.endpoint_id: record for record in (base or after).publishers}
    subscribers = {record.endpoint_id: record for record in (base or after).subscribers}
    return ProcessProfilingSnapshot(
        process_id=after.process_id,
        pid=after.pid,
        host=after.host,
        window_seconds=elapsed_ns / 1e9,
        timestamp=after.timestamp,
        publishers={
            record.endpoint_id: _publisher_window(
                publishers.get(record.endpoint_id), record, elapsed_ns, after.timestamp
            )
            for record in after.publishers
        },
        subscribers={
            record.endpoint_id: _subscriber_window(subscribers.get(record.endpoint_id), record, after.timestamp)
            for record in after.subscribers
        },
    )


def _publisher_window(
    before: PublisherCounters | None, after: PublisherCounters, elapsed_ns: int, timestamp: float
) -> PublisherProfileSnapshot:
    published = after.published_total - (before.published_total if before is not None else 0)
    return PublisherProfileSnapshot(
        endpoint_id=after.endpoint_id,
        topic=after.topic,
        messages_published_total=after.published_total,
        messages_published_window=published,
        publish_rate_hz_window=_rate(published, elapsed_ns),
        inflight_messages_current=after.in_flight,
        num_buffers=after.num_buffers,
        timestamp=timestamp,
    )


def _subscriber_window(
    before: SubscriberCounters | None, after: SubscriberCounters, timestamp: float
) -> SubscriberProfileSnapshot:
    return SubscriberProfileSnapshot(
        endpoint_id=after.endpoint_id,
        topic=after.topic,
        messages_received_total=after.received_total,
        messages_received_window=after.received_total - (before.received_total if before is not None else 0),
        channel_kind_last=after.path,
        timestamp=timestamp,
    )


def _rate(amount: int, elapsed_ns: int) -> float:
    return max(0, amount) * 1e9 / elapsed_ns if elapsed_ns > 0 else 0.0


def _share(part_ns: int, elapsed_ns: int) -> float:
    return min(1.0, max(0.0, part_ns / elapsed_ns))
