"""Folding topology events into a state: the one way that everybody who follows the graph keeps up with it."""

from uuid import UUID

from ezmsg_core.model.topology import (
    PERSISTENT,
    ChannelChanged,
    ChannelGone,
    ChannelRecord,
    Edge,
    EdgeChanged,
    GraphSnapshot,
    OwnedEdge,
    ProcessChanged,
    ProcessGone,
    ProcessRecord,
    PublisherChanged,
    PublisherGone,
    PublisherRecord,
    SessionChanged,
    SessionGone,
    SessionRecord,
    SnapshotProcess,
    SnapshotSession,
    SubscriberChanged,
    SubscriberGone,
    SubscriberRecord,
    TopologyChange,
    TopologyChangedEvent,
    TopologyState,
)


class TopologyFold:
    """The graph by key, kept up to date by events. Not thread-safe."""

    def __init__(self, state: TopologyState | None = None) -> None:
        self.revision = 0
        self.edges: dict[Edge, OwnedEdge] = {}
        self.sessions: dict[str, SessionRecord] = {}
        self.processes: dict[UUID, ProcessRecord] = {}
        self.publishers: dict[str, PublisherRecord] = {}
        self.subscribers: dict[str, SubscriberRecord] = {}
        self.channels: dict[tuple[str, str], ChannelRecord] = {}
        if state is not None:
            self.revision = state.revision
            self.edges = {Edge(edge.source, edge.target): edge for edge in state.edges}
            self.sessions = {session.session_id: session for session in state.sessions}
            self.processes = {process.process_id: process for process in state.processes}
            self.publishers = {publisher.endpoint_id: publisher for publisher in state.publishers}
            self.subscribers = {subscriber.endpoint_id: subscriber for subscriber in state.subscribers}
            self.channels = {(c.publisher_id, c.subscriber_id): c for c in state.channels}

    def apply(self, event: TopologyChangedEvent) -> None:
        """Take in one event; events at or before the revision change nothing."""
        if event.seq <= self.revision:
            return
        for change in event.changes:
            self.apply_change(change)
        self.revision = event.seq

    def apply_change(self, change: TopologyChange) -> None:
        """Take in one change; what is gone already stays gone."""
        match change:
            case EdgeChanged(edge):
                key = Edge(edge.source, edge.target)
                if edge.owners:
                    self.edges[key] = edge
                else:
                    self.edges.pop(key, None)
            case SessionChanged(session):
                self.sessions[session.session_id] = session
            case SessionGone(session_id):
                self.sessions.pop(session_id, None)
            case ProcessChanged(process):
                self.processes[process.process_id] = process
            case ProcessGone(process_id):
                self.processes.pop(process_id, None)
            case PublisherChanged() | PublisherGone() | SubscriberChanged() | SubscriberGone():
                self._apply_endpoint(change)
            case ChannelChanged(channel):
                self.channels[channel.publisher_id, channel.subscriber_id] = channel
            case ChannelGone(publisher_id, subscriber_id):
                self.channels.pop((publisher_id, subscriber_id), None)

    def state(self) -> TopologyState:
        """The graph as one value, every list sorted by its key."""
        return TopologyState(
            revision=self.revision,
            edges=[self.edges[key] for key in sorted(self.edges)],
            sessions=[self.sessions[key] for key in sorted(self.sessions)],
            processes=[self.processes[key] for key in sorted(self.processes)],
            publishers=[self.publishers[key] for key in sorted(self.publishers)],
            subscribers=[self.subscribers[key] for key in sorted(self.subscribers)],
            channels=[self.channels[key] for key in sorted(self.channels)],
        )

    def _apply_endpoint(self, change: PublisherChanged | PublisherGone | SubscriberChanged | SubscriberGone) -> None:
        match change:
            case PublisherChanged(publisher):
                self.publishers[publisher.endpoint_id] = publisher
            case PublisherGone(endpoint_id):
                self.publishers.pop(endpoint_id, None)
            case SubscriberChanged(subscriber):
                self.subscribers[subscriber.endpoint_id] = subscriber
            case SubscriberGone(endpoint_id):
                self.subscribers.pop(endpoint_id, None)


def snapshot_of(state: TopologyState) -> GraphSnapshot:
    """The state in the form that programs of ezmsg know."""
    graph: dict[str, list[str]] = {}
    by_session: dict[str, list[Edge]] = {session.session_id: [] for session in state.sessions}
    owners: dict[Edge, list[str]] = {}
    for edge in state.edges:
        key = Edge(edge.source, edge.target)
        graph.setdefault(edge.source, []).append(edge.target)
        graph.setdefault(edge.target, [])
        owners[key] = list(edge.owners)
        for owner in edge.owners:
            if owner != PERSISTENT and owner in by_session:
                by_session[owner].append(key)
    return GraphSnapshot(
        graph=graph,
        edge_owners=owners,
        sessions={s.session_id: SnapshotSession(by_session[s.session_id], s.metadata) for s in state.sessions},
        processes={p.process_id: SnapshotProcess(p.process_id, p.pid, p.host, list(p.units)) for p in state.processes},
        publishers={p.endpoint_id: p for p in state.publishers},
        subscribers={s.endpoint_id: s for s in state.subscribers},
        channels=list(state.channels),
        revision=state.revision,
    )
