"""What one stimulus brings about, collected until it is complete."""

from uuid import UUID

from ezmsg_core.graph.effects import CloseLink, Effect, Note, Send
from ezmsg_core.graph.stimuli import LinkKey, Now
from ezmsg_core.model.fold import TopologyFold
from ezmsg_core.model.topology import (
    ChannelChanged,
    ChannelGone,
    EdgeChanged,
    ProcessChanged,
    ProcessGone,
    PublisherChanged,
    PublisherGone,
    SessionChanged,
    SessionGone,
    SubscriberChanged,
    SubscriberGone,
    TopologyChange,
    TopologyChangedEvent,
    TopologyEventType,
)
from ezmsg_core.wire.frames import PushedRaw, ServerFrame

_EVENT_TYPES: dict[type[TopologyChange], TopologyEventType] = {
    EdgeChanged: TopologyEventType.GRAPH_CHANGED,
    ProcessChanged: TopologyEventType.PROCESS_CHANGED,
    ProcessGone: TopologyEventType.PROCESS_CHANGED,
    SessionChanged: TopologyEventType.SESSION_CHANGED,
    SessionGone: TopologyEventType.SESSION_CHANGED,
    PublisherChanged: TopologyEventType.ENDPOINT_CHANGED,
    PublisherGone: TopologyEventType.ENDPOINT_CHANGED,
    SubscriberChanged: TopologyEventType.ENDPOINT_CHANGED,
    SubscriberGone: TopologyEventType.ENDPOINT_CHANGED,
    ChannelChanged: TopologyEventType.ENDPOINT_CHANGED,
    ChannelGone: TopologyEventType.ENDPOINT_CHANGED,
}
_EVENT_ORDER = [
    TopologyEventType.PROCESS_CHANGED,
    TopologyEventType.SESSION_CHANGED,
    TopologyEventType.ENDPOINT_CHANGED,
    TopologyEventType.GRAPH_CHANGED,
]


class Step:
    """Effects and topology changes of one stimulus.

    Changes go into the fold at once, so that the rest of the step sees them; they become events at its end.
    """

    def __init__(self, now: Now, fold: TopologyFold) -> None:
        self.now = now
        self.effects: list[Effect] = []
        self.session_id: str | None = None  # on whose behalf the graph changes
        self.process_id: UUID | None = None
        self._fold = fold
        self._changes: dict[TopologyEventType, list[TopologyChange]] = {}
        self._topics: set[str] = set()
        self.touched: set[str] = set()  # topics below which subscribers may be reached by others than before
        self.at_end: list[Effect] = []  # carried out after everything else

    def touch(self, topic: str) -> None:
        """Note that publishers which reach a topic came or went."""
        self.touched.add(topic)

    def send(self, link: LinkKey, frame: ServerFrame | PushedRaw) -> None:
        """Queue a frame for a link."""
        self.effects.append(Send(link, frame))

    def close(self, link: LinkKey, code: str, text: str) -> None:
        """End a link with the reason."""
        self.effects.append(CloseLink(link, code, text))

    def note(self, text: str) -> None:
        """Leave a line in the log."""
        self.effects.append(Note(text))

    def change(self, change: TopologyChange, *, topic: str | None = None) -> None:
        """Let the graph change; ``topic`` is the target of an edge that came or went."""
        self._fold.apply_change(change)
        self._changes.setdefault(_EVENT_TYPES[type(change)], []).append(change)
        if topic is not None:
            self._topics.add(topic)
            self.touched.add(topic)

    def topology_events(self, last_seq: int) -> list[TopologyChangedEvent]:
        """One event for each kind of thing that changed, numbered from the one after the last."""
        kinds = [kind for kind in _EVENT_ORDER if kind in self._changes]
        return [
            TopologyChangedEvent(
                seq=last_seq + 1 + place,
                event_type=kind,
                timestamp=self.now.wall_s,
                changed_topics=sorted(self._topics) if kind is TopologyEventType.GRAPH_CHANGED else [],
                source_session_id=self.session_id,
                source_process_id=self.process_id,
                changes=self._changes[kind],
            )
            for place, kind in enumerate(kinds)
        ]
