"""The graph arranged for looking things up: who owns a topic, what reaches what, which endpoints a process has."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from uuid import UUID

from ezmsg_core.model.components import CollectionMetadata, ComponentMetadata, UnitMetadata
from ezmsg_core.model.topology import ChannelRecord, Edge, Phase, PublisherRecord, SubscriberRecord
from ezmsg_tui.store.topology import TopologySlice


@dataclass(frozen=True, slots=True)
class ProcessNode:
    """A process as it is shown: registered for calls, or only known by its endpoints."""

    process_id: UUID
    label: str
    pid: int
    host: str
    units: tuple[str, ...]  # sorted
    phase: Phase | None = None  # None: it takes no calls
    gone_wall_s: float | None = None  # when it left


class GraphIndex:
    """Look-ups over one state of the graph; made anew when the graph changes."""

    def __init__(self, topology: TopologySlice) -> None:
        fold = topology.fold
        self.components: dict[str, ComponentMetadata] = {a: c.metadata for a, c in topology.components.items()}
        self.sessions: dict[str, str] = {a: c.session_id for a, c in topology.components.items()}
        self.edges = fold.edges
        self.publishers = fold.publishers
        self.subscribers = fold.subscribers
        self.publishers_of: defaultdict[str, list[PublisherRecord]] = defaultdict(list)
        self.subscribers_of: defaultdict[str, list[SubscriberRecord]] = defaultdict(list)
        self.targets_of: defaultdict[str, list[str]] = defaultdict(list)
        self.sources_of: defaultdict[str, list[str]] = defaultdict(list)
        self.channels_of: defaultdict[str, list[ChannelRecord]] = defaultdict(list)
        self.channel: dict[tuple[str, str], ChannelRecord] = fold.channels
        self._streams: dict[str, list[str]] = {}
        self._upstream: dict[str, tuple[str, ...]] = {}
        self._downstream: dict[str, tuple[str, ...]] = {}
        for publisher in fold.publishers.values():
            self.publishers_of[publisher.topic].append(publisher)
        for subscriber in fold.subscribers.values():
            self.subscribers_of[subscriber.topic].append(subscriber)
        for edge in fold.edges:
            self.targets_of[edge.from_topic].append(edge.to_topic)
            self.sources_of[edge.to_topic].append(edge.from_topic)
        for channel in fold.channels.values():
            self.channels_of[channel.publisher_id].append(channel)
            self.channels_of[channel.subscriber_id].append(channel)
        self.processes = self._find_processes(topology)
        self.unit_process: dict[str, ProcessNode] = {u: p for p in self.processes.values() for u in p.units}
        self.topics = sorted({*self.publishers_of, *self.subscribers_of})
        self._topics_of_component: defaultdict[str, list[str]] = defaultdict(list)
        for topic in self.topics:
            self._topics_of_component[self.component_of(topic)].append(topic)
        self._endpoints_of_process: defaultdict[UUID, list[PublisherRecord | SubscriberRecord]] = defaultdict(list)
        for endpoint in (*fold.publishers.values(), *fold.subscribers.values()):
            self._endpoints_of_process[endpoint.process_id].append(endpoint)

    @property
    def unit_count(self) -> int:
        """How many units there are, declared or owned by a process."""
        declared = {a for a, c in self.components.items() if not isinstance(c, CollectionMetadata)}
        return len(declared | self.unit_process.keys())

    def component_of(self, topic: str) -> str:
        """The address of the component that a topic belongs to; empty if there is none."""
        address = topic
        while "/" in address:
            address = address.rpartition("/")[0]
            if address in self.components or address in self.unit_process:
                return address
        return ""

    def streams_of(self, address: str) -> list[str]:
        """Topics of a unit: what it declares, and what else its endpoints use; sorted."""
        known = self._streams.get(address)
        if known is None:
            metadata = self.components.get(address)
            streams = metadata.streams.values() if isinstance(metadata, UnitMetadata) else ()
            topics = {*(stream.address for stream in streams), *self._topics_of_component.get(address, ())}
            known = self._streams[address] = sorted(topics)
        return known

    def strays_of(self, process_id: UUID) -> list[str]:
        """Topics of a process's endpoints that belong to none of its units; sorted."""
        node = self.processes.get(process_id)
        units = set(node.units) if node is not None else set[str]()
        topics = {endpoint.topic for endpoint in self._endpoints_of_process[process_id]}
        return sorted(topic for topic in topics if self.component_of(topic) not in units)

    def downstream(self, topic: str) -> tuple[str, ...]:
        """The topic and all that its messages reach."""
        return _closure(topic, self.targets_of, self._downstream)

    def upstream(self, topic: str) -> tuple[str, ...]:
        """The topic and all whose messages reach it."""
        return _closure(topic, self.sources_of, self._upstream)

    def publishes(self, process_id: UUID, topic: str) -> bool:
        """Whether a process publishes to a topic."""
        return any(publisher.process_id == process_id for publisher in self.publishers_of.get(topic, ()))

    def reached_subscribers(self, topic: str) -> list[SubscriberRecord]:
        """Subscribers that messages published to the topic reach."""
        return [s for reached in self.downstream(topic) for s in self.subscribers_of.get(reached, [])]

    def reaching_publishers(self, topic: str) -> list[PublisherRecord]:
        """Publishers whose messages reach the topic."""
        return [p for reaching in self.upstream(topic) for p in self.publishers_of.get(reaching, [])]

    def edges_touching(self, addresses: list[str]) -> list[Edge]:
        """Edges with an end at one of the addresses or below; sorted."""
        return sorted(e for e in self.edges if any(_is_within(t, a) for t in e for a in addresses))

    def _find_processes(self, topology: TopologySlice) -> dict[UUID, ProcessNode]:
        fold = topology.fold
        nodes = {
            p.process_id: ProcessNode(p.process_id, p.label, p.pid, p.host, tuple(p.units), p.phase)
            for p in fold.processes.values()
        }
        for endpoint in (*fold.publishers.values(), *fold.subscribers.values()):
            if endpoint.process_id not in nodes:
                nodes[endpoint.process_id] = ProcessNode(
                    endpoint.process_id, self._label_of(topology, endpoint.pid), endpoint.pid, endpoint.host, ()
                )
        owned = {unit for node in nodes.values() for unit in node.units}
        for gone in reversed(topology.departed.values()):  # the latest first: a unit is shown once
            r = gone.record
            if r.process_id not in nodes:
                units = tuple(unit for unit in r.units if unit not in owned)
                owned.update(units)
                nodes[r.process_id] = ProcessNode(r.process_id, r.label, r.pid, r.host, units, r.phase, gone.wall_s)
        return dict(sorted(nodes.items(), key=lambda item: (item[1].host, item[1].pid, str(item[0]))))

    @staticmethod
    def _label_of(topology: TopologySlice, pid: int) -> str:
        labels = [s.label for s in topology.fold.sessions.values() if s.pid == pid]
        return min(labels, default="")


def _is_within(topic: str, address: str) -> bool:
    return topic == address or topic.startswith(f"{address}/")


def _closure(topic: str, steps: dict[str, list[str]], known: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    if topic not in known:
        found = {topic: None}
        waiting = [topic]
        while waiting:
            for step in steps.get(waiting.pop(), []):
                if step not in found:
                    found[step] = None
                    waiting.append(step)
        known[topic] = tuple(found)
    return known[topic]
