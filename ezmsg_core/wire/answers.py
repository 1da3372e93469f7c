"""What the server answers to commands that succeed."""

from uuid import UUID

import msgspec

from ezmsg_core.model.control import ProcessControlResponse
from ezmsg_core.model.settings import SettingsChangedEvent, SettingsState
from ezmsg_core.model.topology import PublisherRecord, TopologyState


class AnswerBase(msgspec.Struct, frozen=True, tag_field="answer"):
    """Base of all answers."""


class Done(AnswerBase, frozen=True, tag="done"):
    """It is done; there is nothing more to say."""


class SessionOpened(AnswerBase, frozen=True, tag="session_opened"):
    """A new session on this link."""

    session_id: str


class EdgeHeld(AnswerBase, frozen=True, tag="edge"):
    """Whether the graph changed; False when the hold was there, or was not there, before."""

    is_changed: bool


class TopologyAnswer(AnswerBase, frozen=True, tag="topology"):
    """The whole graph."""

    state: TopologyState


class SettingsAnswer(AnswerBase, frozen=True, tag="settings"):
    """All settings."""

    state: SettingsState


class SettingsEvents(AnswerBase, frozen=True, tag="settings_events"):
    """Events after the one asked for."""

    events: list[SettingsChangedEvent]
    first_retained: int  # seq of the oldest event that the journal still has


class ProcessOpened(AnswerBase, frozen=True, tag="process_opened"):
    """A registration for calls."""

    process_id: UUID


class SettingsReported(AnswerBase, frozen=True, tag="settings_reported"):
    """The report is in the journal."""

    revision: int
    seq: int


class CallEnded(AnswerBase, frozen=True, tag="call_ended"):
    """How a routed call ended, well or not."""

    response: ProcessControlResponse


class PublisherPlaced(AnswerBase, frozen=True, tag="publisher_placed"):
    """A publisher is in the graph."""

    endpoint_id: str


class SubscriberPlaced(AnswerBase, frozen=True, tag="subscriber_placed"):
    """A subscriber is in the graph; these publishers reach it."""

    endpoint_id: str
    publishers: list[PublisherRecord]


class Ticket(AnswerBase, frozen=True, tag="ticket"):
    """Proof for one connection to a publisher's process."""

    publisher: PublisherRecord
    ticket_id: bytes  # 16 bytes, sent openly
    secret: bytes  # 32 bytes, never sent to the publisher by the subscriber


class WatchOpened(AnswerBase, frozen=True, tag="watch_opened"):
    """A watch on this link."""

    watch_id: int


Answer = (
    Done
    | SessionOpened
    | EdgeHeld
    | TopologyAnswer
    | SettingsAnswer
    | SettingsEvents
    | ProcessOpened
    | SettingsReported
    | CallEnded
    | PublisherPlaced
    | SubscriberPlaced
    | Ticket
    | WatchOpened
)
