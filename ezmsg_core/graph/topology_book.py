"""Sessions, edges, processes, endpoints and channels, and the indexes that answer who holds what."""

from collections.abc import Iterable
from typing import TypeVar
from uuid import UUID

import msgspec

from ezmsg_core.errors import AddressCollisionError, OwnershipError
from ezmsg_core.graph.dag import OwnedDag
from ezmsg_core.graph.step import Step
from ezmsg_core.model.components import GraphMetadata
from ezmsg_core.model.fold import TopologyFold
from ezmsg_core.model.topology import (
    ChannelChanged,
    ChannelGone,
    ChannelRecord,
    Edge,
    EdgeChanged,
    Phase,
    ProcessChanged,
    ProcessGone,
    ProcessRecord,
    PublisherChanged,
    PublisherGone,
    PublisherRecord,
    SessionChanged,
    SessionGone,
    SessionRecord,
    SubscriberChanged,
    SubscriberGone,
    SubscriberRecord,
)

K = TypeVar("K")
V = TypeVar("V")


class TopologyBook:
    """The graph. Every method that changes it writes the change into the step; a refusal changes nothing."""

    def __init__(self, fold: TopologyFold) -> None:
        self.fold = fold
        self.dag = OwnedDag()
        self._holder_of_address: dict[str, str] = {}  # session id by component address
        self._owner_of_unit: dict[str, UUID] = {}
        self._publishers: dict[str, set[str]] = {}  # endpoint ids by topic
        self._subscribers: dict[str, set[str]] = {}
        self._channels: dict[str, set[tuple[str, str]]] = {}  # channel keys by endpoint id

    def open_session(self, step: Step, session: SessionRecord) -> None:
        """A new session."""
        step.session_id = session.session_id
        step.change(SessionChanged(session))

    def close_session(self, step: Step, session_id: str) -> None:
        """Release what the session holds, then forget it."""
        self._release_all(step, session_id)
        self._forget_components(session_id)
        step.session_id = session_id
        step.change(SessionGone(session_id))

    def clear_session(self, step: Step, session_id: str) -> None:
        """Release what the session holds and keep the session."""
        self._release_all(step, session_id)
        self._forget_components(session_id)
        session = self.fold.sessions[session_id]
        step.session_id = session_id
        if session.metadata is not None:
            step.change(SessionChanged(msgspec.structs.replace(session, metadata=None)))

    def register(self, step: Step, session_id: str, metadata: GraphMetadata) -> None:
        """Replace what the session declares.

        Raises:
            AddressCollisionError: another session holds some address; nothing of the registration is kept.
        """
        taken = sorted(a for a in metadata.components if self._holder_of_address.get(a, session_id) != session_id)
        if taken:
            holder = self._holder_of_address[taken[0]]
            raise AddressCollisionError(
                f"component address collision(s): {', '.join(taken)}. The session {holder} "
                f"({self.fold.sessions[holder].label}) holds {'it' if len(taken) == 1 else 'them'}; end that program, "
                "or start this graph under another root name.",
                addresses=taken,
                holder=holder,
            )
        self._forget_components(session_id)
        for address in metadata.components:
            self._holder_of_address[address] = session_id
        step.session_id = session_id
        step.change(SessionChanged(msgspec.structs.replace(self.fold.sessions[session_id], metadata=metadata)))

    def hold(self, step: Step, edge: Edge, owner: str) -> bool:
        """Let the owner hold the edge; True if the graph itself changed.

        Raises:
            CycleError: the edge would close a loop.
        """
        is_new = edge not in self.dag
        if self.dag.hold(edge, owner):
            step.change(EdgeChanged(self.dag.owned(edge)), topic=edge.to_topic)
            return is_new
        return False

    def release(self, step: Step, edge: Edge, owner: str) -> bool:
        """End the owner's hold; True if the graph itself changed."""
        if not self.dag.release(edge, owner):
            return False
        step.change(EdgeChanged(self.dag.owned(edge)), topic=edge.to_topic)
        return edge not in self.dag

    def open_process(self, step: Step, process: ProcessRecord) -> None:
        """A new process."""
        step.process_id = process.process_id
        step.change(ProcessChanged(process))

    def own_units(self, step: Step, process_id: UUID, units: Iterable[str], **parts: object) -> list[str]:
        """Let a process own exactly these units; return those that it gave up. ``parts``: a new pid or host.

        Raises:
            OwnershipError: another process owns some unit; nothing has changed.
        """
        wanted = set(units)
        taken = sorted(unit for unit in wanted if self._owner_of_unit.get(unit, process_id) != process_id)
        if taken:
            holder = self._owner_of_unit[taken[0]]
            raise OwnershipError(
                f"The process {holder} (pid {self.fold.processes[holder].pid}) owns {', '.join(taken)} already; "
                "a unit runs in one process. End that program, or start this graph under another root name.",
                units=taken,
                holder=str(holder),
            )
        process = self.fold.processes[process_id]
        given_up = sorted(set(process.units) - wanted)
        for unit in given_up:
            del self._owner_of_unit[unit]
        for unit in wanted:
            self._owner_of_unit[unit] = process_id
        changed = msgspec.structs.replace(process, units=sorted(wanted), **parts)
        step.process_id = process_id
        if changed != process:
            step.change(ProcessChanged(changed))
        return given_up

    def close_process(self, step: Step, process_id: UUID) -> list[str]:
        """Forget a process; return the units that nobody owns any longer."""
        units = self.fold.processes[process_id].units
        for unit in units:
            del self._owner_of_unit[unit]
        step.process_id = process_id
        step.change(ProcessGone(process_id))
        return units

    def set_phase(self, step: Step, process_id: UUID, phase: Phase) -> None:
        """Note how alive a process is."""
        process = self.fold.processes.get(process_id)
        if process is not None and process.phase is not phase:
            step.process_id = process_id
            step.change(ProcessChanged(msgspec.structs.replace(process, phase=phase)))

    def owner_of(self, unit: str) -> UUID | None:
        """The process that owns a unit."""
        return self._owner_of_unit.get(unit)

    def add_publisher(self, step: Step, publisher: PublisherRecord) -> None:
        """A new publisher."""
        self._publishers.setdefault(publisher.topic, set()).add(publisher.endpoint_id)
        step.change(PublisherChanged(publisher))

    def add_subscriber(self, step: Step, subscriber: SubscriberRecord) -> None:
        """A new subscriber."""
        self._subscribers.setdefault(subscriber.topic, set()).add(subscriber.endpoint_id)
        step.change(SubscriberChanged(subscriber))

    def remove_endpoint(self, step: Step, endpoint_id: str) -> None:
        """Forget an endpoint with its channels."""
        for publisher_id, subscriber_id in sorted(self._channels.pop(endpoint_id, ())):
            other = subscriber_id if publisher_id == endpoint_id else publisher_id
            _discard(self._channels, other, (publisher_id, subscriber_id))
            step.change(ChannelGone(publisher_id, subscriber_id))
        publisher = self.fold.publishers.get(endpoint_id)
        if publisher is not None:
            _discard(self._publishers, publisher.topic, endpoint_id)
            step.change(PublisherGone(endpoint_id))
            return
        _discard(self._subscribers, self.fold.subscribers[endpoint_id].topic, endpoint_id)
        step.change(SubscriberGone(endpoint_id))

    def set_channel(self, step: Step, channel: ChannelRecord) -> None:
        """A channel was opened or took another path."""
        key = (channel.publisher_id, channel.subscriber_id)
        if self.fold.channels.get(key) != channel:
            self._channels.setdefault(channel.publisher_id, set()).add(key)
            self._channels.setdefault(channel.subscriber_id, set()).add(key)
            step.change(ChannelChanged(channel))

    def remove_channel(self, step: Step, publisher_id: str, subscriber_id: str) -> None:
        """A channel was closed."""
        key = (publisher_id, subscriber_id)
        if key in self.fold.channels:
            _discard(self._channels, publisher_id, key)
            _discard(self._channels, subscriber_id, key)
            step.change(ChannelGone(publisher_id, subscriber_id))

    def publishers_reaching(self, topic: str) -> list[str]:
        """Ids of the publishers whose messages reach a topic, sorted."""
        return sorted(p for source in self.dag.upstream(topic) for p in self._publishers.get(source, ()))

    def subscribers_reached_from(self, topic: str) -> list[str]:
        """Ids of the subscribers that messages of a topic reach, sorted."""
        return sorted(s for target in self.dag.downstream(topic) for s in self._subscribers.get(target, ()))

    def _release_all(self, step: Step, session_id: str) -> None:
        step.session_id = session_id
        for edge in self.dag.held_by(session_id):
            self.release(step, edge, session_id)

    def _forget_components(self, session_id: str) -> None:
        metadata = self.fold.sessions[session_id].metadata
        for address in metadata.components if metadata is not None else ():
            del self._holder_of_address[address]


def _discard(index: dict[K, set[V]], key: K, value: V) -> None:
    values = index.get(key, set())
    values.discard(value)
    if not values:
        index.pop(key, None)
