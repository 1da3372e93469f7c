"""The graph as the server tells it, what left it a short while ago, and what each step did in words."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from ezmsg_core.model.components import ComponentMetadataType
from ezmsg_core.model.fold import TopologyFold
from ezmsg_core.model.topology import ProcessRecord, SessionRecord, TopologyChangedEvent, TopologyState

RETAIN_S = 30.0  # long enough to see which process went and read its name
MAX_DEPARTED = 64  # a graph that loses more at once is shown as what is left of it


@dataclass(frozen=True, slots=True)
class DepartedProcess:
    """A process that left."""

    record: ProcessRecord
    at_s: float
    wall_s: float


@dataclass(frozen=True, slots=True)
class DeclaredComponent:
    """A component and the session that declares it."""

    metadata: ComponentMetadataType
    session_id: str


class TopologySlice:
    """The graph by key. Not thread-safe."""

    def __init__(self) -> None:
        self.fold = TopologyFold()
        self.revision = 0  # changes with whatever can be shown
        self.departed: dict[UUID, DepartedProcess] = {}
        self._components: dict[str, DeclaredComponent] | None = None
        self._owners: dict[str, ProcessRecord] | None = None

    @property
    def seq(self) -> int:
        """Number of the last event that is included."""
        return self.fold.revision

    def list(self, state: TopologyState, at_s: float, wall_s: float) -> None:
        """Replace everything."""
        before = self.fold.processes
        self.fold = TopologyFold(state)
        self._note_processes(before, at_s, wall_s)
        self._components = self._owners = None
        self.revision += 1

    def take(self, event: TopologyChangedEvent, at_s: float, wall_s: float) -> bool:
        """Reduce one event; False if it was included already."""
        if event.seq <= self.fold.revision:
            return False
        before = dict(self.fold.processes)
        self.fold.apply(event)
        self._note_processes(before, at_s, wall_s)
        self._components = self._owners = None
        self.revision += 1
        return True

    def expire(self, now_s: float) -> None:
        """Forget what left longer than `RETAIN_S` ago."""
        old = [key for key, gone in self.departed.items() if now_s - gone.at_s >= RETAIN_S]
        for key in old:
            del self.departed[key]
        if old:
            self.revision += 1

    @property
    def components(self) -> dict[str, DeclaredComponent]:
        """Every declared component by address, sorted."""
        if self._components is None:
            found: dict[str, DeclaredComponent] = {}
            for session in self.fold.sessions.values():
                found.update(_declared(session))
            self._components = {address: found[address] for address in sorted(found)}
        return self._components

    @property
    def owners(self) -> dict[str, ProcessRecord]:
        """The live process that owns each unit, by the unit's address."""
        if self._owners is None:
            self._owners = {unit: process for process in self.fold.processes.values() for unit in process.units}
        return self._owners

    def copy(self) -> TopologySlice:
        """The same graph, apart from this."""
        twin = TopologySlice()
        twin.fold = TopologyFold(self.fold.state())
        twin.revision = self.revision
        twin.departed = dict(self.departed)
        return twin

    def _note_processes(self, before: dict[UUID, ProcessRecord], at_s: float, wall_s: float) -> None:
        for process_id, record in before.items():
            if process_id not in self.fold.processes:
                self.departed[process_id] = DepartedProcess(record, at_s, wall_s)
        for process_id in self.fold.processes:
            self.departed.pop(process_id, None)
        while len(self.departed) > MAX_DEPARTED:
            self.departed.pop(next(iter(self.departed)))


def _declared(session: SessionRecord) -> dict[str, DeclaredComponent]:
    if session.metadata is None:
        return {}
    return {
        address: DeclaredComponent(metadata, session.session_id)
        for address, metadata in session.metadata.components.items()
    }
