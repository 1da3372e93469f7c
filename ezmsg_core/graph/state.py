"""The machine's books side by side, and what every command needs of them."""

from uuid import UUID, uuid5

import msgspec

from ezmsg_core.errors import EzmsgError, LimitExceededError
from ezmsg_core.graph.calls import OpenCalls
from ezmsg_core.graph.journal import Journal
from ezmsg_core.graph.limits import GraphLimits
from ezmsg_core.graph.roster import Peer, Roster
from ezmsg_core.graph.settings_book import SettingsBook
from ezmsg_core.graph.step import Step
from ezmsg_core.graph.topology_book import TopologyBook
from ezmsg_core.graph.waits import Waits
from ezmsg_core.graph.watches import Stream, Watches, encoded
from ezmsg_core.model.fold import TopologyFold
from ezmsg_core.model.profiles import ProcessProfile
from ezmsg_core.model.settings import SettingsChangedEvent
from ezmsg_core.model.topology import TopologyChangedEvent
from ezmsg_core.model.watching import (
    ProfileSampled,
    ProfilesListed,
    SettingsEvent,
    SettingsListed,
    StreamName,
    TopologyEvent,
    TopologyListed,
)
from ezmsg_core.wire.answers import Answer
from ezmsg_core.wire.frames import Answered, Faulted


class Later(msgspec.Struct, frozen=True):
    """A command whose answer comes with a later stimulus, or from the shell."""


class OnceAttached(msgspec.Struct, frozen=True):
    """An answer that waits until the subscribers whose routes the step changed are attached."""

    answer: Answer


Outcome = Answer | Later | OnceAttached


class GraphState:
    """Everything that the server knows."""

    def __init__(self, *, epoch: str, graph_id: str, pid: int, host: str, limits: GraphLimits) -> None:
        self.epoch = epoch
        self.graph_id = graph_id
        self.pid = pid
        self.host = host
        self.limits = limits
        self.fold = TopologyFold()
        self.topology = TopologyBook(self.fold)
        self.settings = SettingsBook()
        self.profiles: dict[UUID, ProcessProfile] = {}  # the newest of each process
        self.roster = Roster()
        self.calls = OpenCalls()
        self.waits = Waits()
        self.routed: dict[str, list[str]] = {}  # publishers that each subscriber was told
        size = limits.journal_bytes
        self.topology_journal: Journal[TopologyChangedEvent] = Journal(max_events=limits.journal_events, max_bytes=size)
        self.settings_journal: Journal[SettingsChangedEvent] = Journal(max_events=limits.journal_events, max_bytes=size)
        self.profile_journal: Journal[ProcessProfile] = Journal(max_events=limits.profile_events, max_bytes=size)
        self.watches = Watches(
            {
                StreamName.TOPOLOGY: Stream(self.topology_journal, self.topology_item),
                StreamName.SETTINGS: Stream(self.settings_journal, self.settings_item),
                StreamName.PROFILING: Stream(self.profile_journal, self._profiles_item, has_lossy_items=True),
            },
            epoch=epoch,
            credit_items=limits.credit_items,
        )
        self._ids_made = 0
        self._topology_item: tuple[int, msgspec.Raw] | None = None
        self._settings_item: tuple[int, msgspec.Raw] | None = None

    def fresh_id(self) -> UUID:
        """An id that this server never gave before; the same inputs give the same ids."""
        self._ids_made += 1
        return uuid5(UUID(self.epoch), str(self._ids_made))

    def check_name(self, what: str, text: str) -> str:
        """A name that may enter the graph.

        Raises:
            LimitExceededError: it is empty or too long.
        """
        size = len(text.encode("utf-8", "surrogatepass"))
        limit = self.limits.name_bytes
        if not 0 < size <= limit:
            raise LimitExceededError(
                f"The {what} {text[:40]!r}… has {size} bytes; 1 to {limit} are allowed."
                if size
                else f"A {what} may not be empty.",
                what=what,
                limit=limit,
                size=size,
            )
        return text

    def answer(self, step: Step, peer: Peer, ask_id: int, answer: Answer) -> None:
        """End a command well."""
        peer.open_asks.discard(ask_id)
        step.send(peer.link, Answered(ask_id, answer))

    def refuse(self, step: Step, peer: Peer, ask_id: int, error: EzmsgError) -> None:
        """End a command with a fault."""
        peer.open_asks.discard(ask_id)
        step.send(peer.link, Faulted(ask_id, error.code, error.text, error.parts))

    def topology_item(self) -> msgspec.Raw:
        """The whole graph as a watch item, encoded once a revision."""
        if self._topology_item is None or self._topology_item[0] != self.fold.revision:
            self._topology_item = (self.fold.revision, encoded(TopologyListed(self.fold.state())))
        return self._topology_item[1]

    def settings_item(self) -> msgspec.Raw:
        """All settings as a watch item, encoded once a revision."""
        if self._settings_item is None or self._settings_item[0] != self.settings.last_seq:
            self._settings_item = (self.settings.last_seq, encoded(SettingsListed(self.settings.state())))
        return self._settings_item[1]

    def write_settings(self, events: list[SettingsChangedEvent]) -> None:
        """Keep settings events in their journal."""
        for event in events:
            self.settings_journal.append(event, encoded(SettingsEvent(event)))

    def write_topology(self, step: Step) -> None:
        """Turn the changes of a step into events, and keep them in their journal."""
        for event in step.topology_events(self.fold.revision):
            self.fold.revision = event.seq
            self.topology_journal.append(event, encoded(TopologyEvent(event)))

    def write_profile(self, profile: ProcessProfile) -> None:
        """Keep a profile as the newest of its process."""
        self.profiles[profile.process_id] = profile
        item = ProfileSampled(self.profile_journal.last_seq + 1, profile)
        self.profile_journal.append(profile, encoded(item))

    def _profiles_item(self) -> msgspec.Raw:
        newest = [self.profiles[key] for key in sorted(self.profiles)]
        return encoded(ProfilesListed(self.profile_journal.last_seq, newest))
