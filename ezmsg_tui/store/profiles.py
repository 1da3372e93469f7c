"""Profiling: the newest counters of each process and endpoint, with what follows from their recent past."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from ezmsg_core.model.profiles import ProcessProfile, PublisherCounters, SubscriberCounters
from ezmsg_tui.store.meters import EndpointMeter, published, received
from ezmsg_tui.store.revisions import Revisions

PublisherMeter = EndpointMeter[PublisherCounters]
SubscriberMeter = EndpointMeter[SubscriberCounters]


@dataclass(frozen=True, slots=True)
class ProcessMeter:
    """One process's newest profile."""

    profile: ProcessProfile
    at_s: float  # when it arrived here
    publisher_ids: tuple[str, ...]
    subscriber_ids: tuple[str, ...]


class ProfileSlice:
    """Counters by process and endpoint. Not thread-safe."""

    def __init__(self) -> None:
        self.revisions: Revisions[str] = Revisions()  # by endpoint id, and by the process id as text
        self.processes: dict[UUID, ProcessMeter] = {}
        self.publishers: dict[str, PublisherMeter] = {}
        self.subscribers: dict[str, SubscriberMeter] = {}
        self.owners: dict[str, UUID] = {}  # process by endpoint id
        self.lost_total = 0  # profiles that never came

    def take(self, profile: ProcessProfile, at_s: float) -> None:
        """Reduce one process's profile; one that is older than the last changes nothing."""
        before = self.processes.get(profile.process_id)
        if before is not None and profile.sampled_ns <= before.profile.sampled_ns:
            return
        for counters in profile.publishers:
            publisher = self.publishers.get(counters.endpoint_id)
            if publisher is None:
                publisher = self.publishers[counters.endpoint_id] = EndpointMeter(published)
            publisher.add(profile.sampled_ns, counters)
            self._own(counters.endpoint_id, profile.process_id)
        for counters in profile.subscribers:
            subscriber = self.subscribers.get(counters.endpoint_id)
            if subscriber is None:
                subscriber = self.subscribers[counters.endpoint_id] = EndpointMeter(received)
            subscriber.add(profile.sampled_ns, counters)
            self._own(counters.endpoint_id, profile.process_id)
        meter = ProcessMeter(
            profile,
            at_s,
            tuple(counters.endpoint_id for counters in profile.publishers),
            tuple(counters.endpoint_id for counters in profile.subscribers),
        )
        self.processes[profile.process_id] = meter
        if before is not None:
            kept = {*meter.publisher_ids, *meter.subscriber_ids}
            for endpoint_id in (*before.publisher_ids, *before.subscriber_ids):
                if endpoint_id not in kept:
                    self._drop_endpoint(endpoint_id)
        self.revisions.touch(str(profile.process_id))

    def list(self, profiles: list[ProcessProfile], at_s: float) -> None:
        """Reduce the newest profile of each process; what is not among them is gone."""
        present = {profile.process_id for profile in profiles}
        for process_id in [key for key in self.processes if key not in present]:
            self.drop_process(process_id)
        for profile in profiles:
            self.take(profile, at_s)

    def drop_process(self, process_id: UUID) -> None:
        """A process is gone, with its endpoints."""
        meter = self.processes.pop(process_id, None)
        if meter is None:
            return
        for endpoint_id in (*meter.publisher_ids, *meter.subscriber_ids):
            self._drop_endpoint(endpoint_id)
        self.revisions.forget(str(process_id))

    def clear(self) -> None:
        """Another server: nothing that was counted belongs to it."""
        for process_id in list(self.processes):
            self.drop_process(process_id)

    def note_lost(self, count: int) -> None:
        """Profiles were lost on the way."""
        self.lost_total += count
        self.revisions.touch_all()

    def copy(self) -> ProfileSlice:
        """The same counters, apart from this."""
        twin = ProfileSlice()
        twin.revisions = self.revisions.copy()
        twin.processes = dict(self.processes)
        twin.publishers = {key: meter.copy() for key, meter in self.publishers.items()}
        twin.subscribers = {key: meter.copy() for key, meter in self.subscribers.items()}
        twin.owners = dict(self.owners)
        twin.lost_total = self.lost_total
        return twin

    def _own(self, endpoint_id: str, process_id: UUID) -> None:
        self.owners[endpoint_id] = process_id
        self.revisions.touch(endpoint_id)

    def _drop_endpoint(self, endpoint_id: str) -> None:
        self.publishers.pop(endpoint_id, None)
        self.subscribers.pop(endpoint_id, None)
        self.owners.pop(endpoint_id, None)
        self.revisions.forget(endpoint_id)
