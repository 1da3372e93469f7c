"""Events in words: what came, changed or went."""

from __future__ import annotations

from dataclasses import dataclass

from ezmsg_core.model.fold import TopologyFold
from ezmsg_core.model.settings import SettingsChangedEvent, SettingsEventType
from ezmsg_core.model.topology import (
    ChannelChanged,
    ChannelGone,
    Edge,
    EdgeChanged,
    Phase,
    ProcessChanged,
    ProcessGone,
    ProcessRecord,
    PublisherChanged,
    PublisherGone,
    SessionChanged,
    SessionGone,
    SubscriberChanged,
    SubscriberGone,
    TopologyChange,
    TopologyChangedEvent,
)
from ezmsg_tui.store.happenings import LineKind
from ezmsg_tui.store.plain_paths import value_at

MAX_FIELDS = 4  # of one settings event that are told; the form has them all
MAX_VALUE = 24  # characters of one value


@dataclass(frozen=True, slots=True)
class Step:
    """One line about one change."""

    kind: LineKind
    text: str
    address: str = ""
    actor: str = ""
    is_trouble: bool = False


def steps_of(event: TopologyChangedEvent, before: TopologyFold) -> list[Step]:
    """The event's lines.

    Args:
        event: one step of the graph.
        before: the graph without the event, which tells what came from what changed, and names what went.
    """
    actor = ""
    if event.source_session_id is not None:
        session = before.sessions.get(event.source_session_id)
        actor = session.label if session is not None else event.source_session_id[:8]
    return [_step(change, before, actor) for change in event.changes]


def settings_text(event: SettingsChangedEvent) -> str:
    """A settings event in one line: which fields went from what to what."""
    address, revision = event.component_address, event.value.revision
    match event.event_type:
        case SettingsEventType.INITIAL_SETTINGS:
            return f"{address} initial settings, revision {revision}"
        case SettingsEventType.SETTINGS_REMOVED:
            return f"{address} left the graph, and its settings with it"
        case SettingsEventType.SETTINGS_UPDATED if not event.changed_fields:
            return f"{address} set to the same values, revision {revision}"
        case SettingsEventType.SETTINGS_UPDATED:
            old = None if event.old_value is None else event.old_value.structured_value
            new = event.value.structured_value
            shown = [
                f"{path} {_short(value_at(old, path))} → {_short(value_at(new, path))}"
                for path in event.changed_fields[:MAX_FIELDS]
            ]
            more = len(event.changed_fields) - len(shown)
            rest = f" and {more} more" if more else ""
            return f"{address} {', '.join(shown)}{rest}, revision {revision}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= MAX_VALUE else f"{text[: MAX_VALUE - 1]}…"


def _step(change: TopologyChange, before: TopologyFold, actor: str) -> Step:
    match change:
        case EdgeChanged(edge):
            known = before.edges.get(Edge(edge.source, edge.target))
            sign = "-" if not edge.owners else "±" if known is not None else "+"
            return Step(LineKind.GRAPH, f"{sign} {edge.source} → {edge.target}", edge.source, actor)
        case SessionChanged(session):
            sign = "±" if session.session_id in before.sessions else "+"
            count = len(session.metadata.components) if session.metadata is not None else 0
            declares = f", declares {count} components" if count else ""
            text = f"{sign} session {session.session_id[:8]} of pid {session.pid}{declares}"
            return Step(LineKind.SESSION, text, "", session.label)
        case SessionGone(session_id):
            known_session = before.sessions.get(session_id)
            label = known_session.label if known_session is not None else ""
            return Step(LineKind.SESSION, f"- session {session_id[:8]}", "", label)
        case ProcessChanged(process):
            return _process_step(process, before.processes.get(process.process_id))
        case ProcessGone(process_id):
            gone = before.processes.get(process_id)
            name = _process_name(gone) if gone is not None else str(process_id)[:8]
            return Step(LineKind.PROCESS, f"- {name}", is_trouble=True)
        case _:
            return _endpoint_step(change, before)


def _process_step(process: ProcessRecord, known: ProcessRecord | None) -> Step:
    name = _process_name(process)
    if known is None:
        text = f"+ {name} on {process.host}, {len(process.units)} units"
    elif known.phase is not process.phase:
        text = f"± {name} {known.phase} → {process.phase}"
    else:
        came, went = sorted({*process.units} - {*known.units}), sorted({*known.units} - {*process.units})
        text = " ".join([f"± {name}", *(f"+{unit}" for unit in came[:4]), *(f"-{unit}" for unit in went[:4])])
    return Step(LineKind.PROCESS, text, is_trouble=process.phase in (Phase.BUSY, Phase.UNRESPONSIVE))


def _process_name(process: ProcessRecord) -> str:
    return f"{process.label or 'process'} pid {process.pid}"


def _endpoint_step(change: TopologyChange, before: TopologyFold) -> Step:
    match change:
        case PublisherChanged(publisher):
            return Step(LineKind.ENDPOINT, f"+ publisher {publisher.topic} pid {publisher.pid}", publisher.topic)
        case PublisherGone(endpoint_id):
            topic = before.publishers[endpoint_id].topic if endpoint_id in before.publishers else endpoint_id
            return Step(LineKind.ENDPOINT, f"- publisher {topic}", topic)
        case SubscriberChanged(subscriber):
            return Step(LineKind.ENDPOINT, f"+ subscriber {subscriber.topic} pid {subscriber.pid}", subscriber.topic)
        case SubscriberGone(endpoint_id):
            topic = before.subscribers[endpoint_id].topic if endpoint_id in before.subscribers else endpoint_id
            return Step(LineKind.ENDPOINT, f"- subscriber {topic}", topic)
        case ChannelChanged(channel):
            route = _route(channel.publisher_id, channel.subscriber_id)
            reason = f" ({channel.reason})" if channel.reason else ""
            return Step(LineKind.CHANNEL, f"+ {route} by {channel.path.value}{reason}")
        case ChannelGone(publisher_id, subscriber_id):
            return Step(LineKind.CHANNEL, f"- {_route(publisher_id, subscriber_id)}")
        case _:
            raise AssertionError(f"{type(change).__name__} is not about endpoints")


def _route(publisher_id: str, subscriber_id: str) -> str:
    return f"{publisher_id.rpartition(':')[0]} → {subscriber_id.rpartition(':')[0]}"
