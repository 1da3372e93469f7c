"""The counters that an endpoint keeps while it works: plain integers, never reset by being read."""

from ezmsg_core.model.profiles import ProfileChannelType, PublisherCounters, SubscriberCounters
from ezmsg_core.telemetry.waits import WaitLedger


class PublisherMeter:
    """A publisher's own counters. Not thread-safe."""

    __slots__ = ("lost_total", "published_bytes", "waits")

    def __init__(self) -> None:
        self.published_bytes = 0  # as encoded, once a message, whatever the number of receivers
        self.lost_total = 0  # messages that were on their way to a process, or held there, when it was lost
        self.waits = WaitLedger()

    def counters(
        self,
        now_ns: int,
        *,
        endpoint_id: str,
        topic: str,
        published_total: int,
        in_flight: int,
        num_buffers: int,
        is_paused: bool,
    ) -> PublisherCounters:
        """The record of this moment."""
        wait_ns, by_subscriber = self.waits.totals(now_ns)
        return PublisherCounters(
            endpoint_id=endpoint_id,
            topic=topic,
            published_total=published_total,
            published_bytes=self.published_bytes,
            in_flight=in_flight,
            num_buffers=num_buffers,
            wait_ns=wait_ns,
            wait_count=self.waits.count,
            wait_ns_by_subscriber=by_subscriber,
            lost_total=self.lost_total,
            is_waiting=self.waits.is_waiting,
            is_paused=is_paused,
        )


class SubscriberMeter:
    """A subscriber's own counters. Not thread-safe. Where nanoseconds matter its attributes are changed directly."""

    __slots__ = ("done_ns", "error_total", "holds", "missed_total", "received_bytes", "received_total", "since_ns")

    def __init__(self) -> None:
        self.received_total = 0
        self.received_bytes = 0  # as encoded; 0 for messages that never left the process
        self.error_total = 0
        self.missed_total = 0  # messages that never reached this process
        self.holds = 0  # messages that the reader has in hand
        self.since_ns = 0  # when it took the first of them
        self.done_ns = 0  # time in which it had some in hand, up to the last time it had none

    def taken(self, now_ns: int) -> None:
        """The reader got a message."""
        self.received_total += 1
        if not self.holds:
            self.since_ns = now_ns
        self.holds += 1

    def released(self, now_ns: int) -> None:
        """The reader has done with a message."""
        self.holds -= 1
        if not self.holds:
            self.done_ns += now_ns - self.since_ns

    def busy_ns(self, now_ns: int) -> int:
        """Time in which the reader held at least one message."""
        return self.done_ns + (max(0, now_ns - self.since_ns) if self.holds else 0)

    def counters(
        self,
        now_ns: int,
        *,
        endpoint_id: str,
        topic: str,
        queue_depth: int,
        dropped_total: int,
        max_queue: int | None,
        path: ProfileChannelType,
    ) -> SubscriberCounters:
        """The record of this moment."""
        return SubscriberCounters(
            endpoint_id=endpoint_id,
            topic=topic,
            received_total=self.received_total,
            received_bytes=self.received_bytes,
            dropped_total=dropped_total + self.missed_total,
            queue_depth=queue_depth,
            max_queue=max_queue,
            is_leaky=max_queue is not None,
            path=path,
            busy_ns=self.busy_ns(now_ns),
            error_total=self.error_total,
        )
