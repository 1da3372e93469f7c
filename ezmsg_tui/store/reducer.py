"""The one place where facts become state."""

from __future__ import annotations

from ezmsg_core.model.settings import SettingsChangedEvent, SettingsState
from ezmsg_core.model.topology import TopologyChangedEvent, TopologyState
from ezmsg_core.model.watching import (
    Bookmark,
    Gap,
    ProfileSampled,
    ProfilesListed,
    Resync,
    SettingsEvent,
    SettingsListed,
    StreamName,
    TopologyEvent,
    TopologyListed,
)
from ezmsg_tui.store.change_book import ChangeBook
from ezmsg_tui.store.connection import ConnectionSlice, LinkFact
from ezmsg_tui.store.facts import (
    Attached,
    Fact,
    ItemCame,
    LinkWent,
    PatchEnded,
    PatchSent,
    SamplesDropped,
    StreamFailed,
    Verdict,
)
from ezmsg_tui.store.happenings import HappeningLog, LineKind
from ezmsg_tui.store.profiles import ProfileSlice
from ezmsg_tui.store.settings import SettingsSlice
from ezmsg_tui.store.steps import Step, settings_text, steps_of
from ezmsg_tui.store.topology import TopologySlice

MAX_STEPS = 12  # lines that one event may add; a session that leaves can release hundreds of edges
STRANGER_S = 5.0  # how long a profile may be shown whose process the topology does not know


class InspectorStore:
    """All that the inspector knows. `take` and `advance` are its only mutators besides the book of changes.

    Not thread-safe: facts are handed over in batches, and reduced by the one who reads.
    """

    def __init__(self) -> None:
        self.connection = ConnectionSlice()
        self.topology = TopologySlice()
        self.settings = SettingsSlice()
        self.profiles = ProfileSlice()
        self.happenings = HappeningLog()
        self.changes = ChangeBook()

    @property
    def revision(self) -> int:
        """Another number whenever anything that can be shown has changed."""
        return (
            self.connection.revision
            + self.topology.revision
            + self.settings.revisions.current
            + self.profiles.revisions.current
            + self.happenings.revision
            + self.changes.revision
        )

    def take(self, fact: Fact) -> None:
        """Reduce one fact."""
        match fact:
            case ItemCame():
                self.connection.hear(fact.at_s)
                self._take_item(fact)
            case StreamFailed():
                self.connection.mark_failed(fact.stream, fact.reason)
                self._note_trouble(fact.wall_s, LineKind.CONNECTION, f"{fact.stream} watch ended: {fact.reason}")
            case SamplesDropped():
                self.profiles.note_lost(fact.count)
            case PatchSent():
                self.changes.take_sent(fact)
            case PatchEnded():
                self._take_patch_end(fact)
            case _:
                self._take_link_fact(fact)

    def advance(self, now_s: float) -> None:
        """Time passed on the feed's monotonic clock."""
        self.topology.expire(now_s)
        self.changes.advance(now_s)
        if StreamName.TOPOLOGY in self.connection.listed:
            self._drop_strangers(now_s)

    def copy(self) -> InspectorStore:
        """What is known now, apart from what comes; the book of changes is shared."""
        twin = InspectorStore()
        twin.connection = self.connection.copy()
        twin.topology = self.topology.copy()
        twin.settings = self.settings.copy()
        twin.profiles = self.profiles.copy()
        twin.happenings = self.happenings.copy()
        twin.changes = self.changes
        return twin

    def _take_item(self, fact: ItemCame) -> None:
        match fact.item:
            case TopologyListed(state):
                self._list_topology(state, fact)
            case TopologyEvent(event):
                self._take_topology_event(event, fact)
            case SettingsListed(state):
                self._list_settings(state, fact)
            case SettingsEvent(event):
                self._take_settings_event(event, fact)
            case ProfilesListed() | ProfileSampled() as item:
                self._take_profiles(item, fact.at_s)
            case Gap(from_seq, to_seq, reason):
                self._take_gap(fact, from_seq, to_seq, reason)
            case Resync(_, reason):
                if not self._is_first_of_new_server(fact.stream):
                    self._note_trouble(fact.wall_s, LineKind.CONNECTION, f"{fact.stream} starts anew: {reason}")
                if fact.stream is StreamName.PROFILING:
                    self.profiles.clear()
            case Bookmark():
                self.connection.mark_listed(fact.stream)

    def _list_topology(self, state: TopologyState, fact: ItemCame) -> None:
        before = self.topology.seq
        is_first = self.connection.attached_total <= 1 and StreamName.TOPOLOGY not in self.connection.listed
        is_new = self._is_first_of_new_server(StreamName.TOPOLOGY)
        self.topology.list(state, fact.at_s, fact.wall_s)
        if self.connection.is_new_server:
            self.topology.departed.clear()  # they were never on this server
        self.connection.mark_listed(StreamName.TOPOLOGY)
        if not is_first and not is_new:
            self.happenings.add(
                fact.wall_s, LineKind.CONNECTION, f"topology listed anew, seq {before} → {state.revision}"
            )

    def _is_first_of_new_server(self, stream: StreamName) -> bool:
        """Whether a stream begins on another server: of that, the line of the reconnection speaks."""
        return self.connection.is_new_server and stream not in self.connection.listed

    def _take_topology_event(self, event: TopologyChangedEvent, fact: ItemCame) -> None:
        self.connection.mark_listed(StreamName.TOPOLOGY)
        steps = steps_of(event, self.topology.fold)
        if not self.topology.take(event, fact.at_s, fact.wall_s):
            return
        for step in steps[:MAX_STEPS]:
            self._add_step(step, event)
        if len(steps) > MAX_STEPS:
            rest = len(steps) - MAX_STEPS
            self.happenings.add(event.timestamp, LineKind.GRAPH, f"… and {rest} more in this step", seq=event.seq)

    def _add_step(self, step: Step, event: TopologyChangedEvent) -> None:
        self.happenings.add(
            event.timestamp,
            step.kind,
            step.text,
            seq=event.seq,
            actor=step.actor,
            address=step.address,
            is_trouble=step.is_trouble,
        )

    def _list_settings(self, state: SettingsState, fact: ItemCame) -> None:
        before = self.settings.seq
        is_first = self.connection.attached_total <= 1 and StreamName.SETTINGS not in self.connection.listed
        is_new = self._is_first_of_new_server(StreamName.SETTINGS)
        self.settings.list(state)
        self.connection.mark_listed(StreamName.SETTINGS)
        for address in {change.address for change in self.changes.of_component("")}:
            self.changes.take_running(address, self.settings.values.get(address), fact.at_s)
        if not is_first and not is_new:
            self.happenings.add(
                fact.wall_s, LineKind.CONNECTION, f"settings listed anew, seq {before} → {state.revision}"
            )

    def _take_settings_event(self, event: SettingsChangedEvent, fact: ItemCame) -> None:
        self.connection.mark_listed(StreamName.SETTINGS)
        if not self.settings.take(event):
            return
        address = event.component_address
        self.changes.take_running(address, self.settings.values.get(address), fact.at_s)
        self.happenings.add(
            event.timestamp,
            LineKind.SETTINGS,
            settings_text(event),
            seq=event.seq,
            actor=event.value.actor,
            address=address,
            is_trouble=event.value.is_uncertain,
        )

    def _take_profiles(self, item: ProfilesListed | ProfileSampled, at_s: float) -> None:
        self.connection.mark_listed(StreamName.PROFILING)
        if isinstance(item, ProfilesListed):
            self.profiles.list(item.profiles, at_s)
        else:
            self.profiles.take(item.profile, at_s)

    def _take_gap(self, fact: ItemCame, from_seq: int, to_seq: int, reason: str) -> None:
        text = f"{fact.stream} events {from_seq}-{to_seq} will not come: {reason}"
        if fact.stream is StreamName.PROFILING:
            self.profiles.note_lost(to_seq - from_seq + 1)
        self._note_trouble(fact.wall_s, LineKind.LOSS, text)

    def _take_patch_end(self, fact: PatchEnded) -> None:
        changes = [change for change in self.changes.live.values() if change.patch_id == fact.patch_id]
        address = changes[0].address if changes else ""
        names = ", ".join(change.path for change in changes)
        self.changes.take_ended(fact, self.settings.values.get(address))
        if fact.verdict is Verdict.ACCEPTED:
            revision = "" if fact.revision is None else f"  revision {fact.revision}"
            self.happenings.add(fact.wall_s, LineKind.COMMAND, f"{address} {names} accepted{revision}", address=address)
        else:
            self._note_trouble(fact.wall_s, LineKind.COMMAND, f"{address} {names} {fact.verdict}: {fact.text}", address)

    def _take_link_fact(self, fact: LinkFact) -> None:
        before = self.connection
        lost_s = before.since_s if before.attached_total and isinstance(fact, Attached) else None
        attempts = before.attempt
        self.connection.take(fact)
        match fact:
            case LinkWent():
                self.changes.lose_link(fact.at_s)
                self._note_trouble(fact.wall_s, LineKind.CONNECTION, f"lost: {fact.reason}")
            case Attached() if lost_s is not None:
                tries = f"{attempts} {'try' if attempts == 1 else 'tries'}"
                text = f"reconnected after {fact.at_s - lost_s:.1f} s ({tries})"
                if self.connection.is_new_server:
                    text += ", to a new server"
                    self.profiles.clear()
                self.happenings.add(fact.wall_s, LineKind.CONNECTION, text)
            case Attached():
                self.happenings.add(fact.wall_s, LineKind.CONNECTION, f"connected to {fact.address}")
            case _:
                pass

    def _drop_strangers(self, now_s: float) -> None:
        """Forget counters of processes that the graph no longer has."""
        fold = self.topology.fold
        known = {
            *fold.processes,
            *(publisher.process_id for publisher in fold.publishers.values()),
            *(subscriber.process_id for subscriber in fold.subscribers.values()),
        }
        for process_id, meter in list(self.profiles.processes.items()):
            if process_id not in known and now_s - meter.at_s >= STRANGER_S:
                self.profiles.drop_process(process_id)

    def _note_trouble(self, wall_s: float, kind: LineKind, text: str, address: str = "") -> None:
        self.happenings.add(wall_s, kind, text, address=address, is_trouble=True)
