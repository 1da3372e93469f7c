"""What anybody with a link can ask of a graph."""

import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from typing import Any, TypeVar
from uuid import UUID

from ezmsg_core.client.link import Link
from ezmsg_core.client.settings_calls import patch_settings
from ezmsg_core.client.watch import Watch
from ezmsg_core.context.calls import call, result_of
from ezmsg_core.context.profile_windows import ProfileWindows
from ezmsg_core.errors import ConfigError, EventGapError, EzmsgError, UnknownRecordError
from ezmsg_core.model.control import ProcessControlOperation, ProcessControlResponse, ProcessPing, ProcessStats
from ezmsg_core.model.fold import snapshot_of
from ezmsg_core.model.profiles import ProcessProfile, ProcessProfilingSnapshot
from ezmsg_core.model.settings import SettingsChangedEvent, SettingsSnapshotValue, SettingsState
from ezmsg_core.model.topology import GraphSnapshot, TopologyChangedEvent, TopologyState
from ezmsg_core.model.watching import Gap, Resync, SettingsEvent, StreamName, TopologyEvent
from ezmsg_core.wire.answers import Answer, SettingsAnswer, SettingsEvents, TopologyAnswer
from ezmsg_core.wire.commands import Command, GetSettings, GetSettingsEvents, GetTopology, SteerPublishers

R = TypeVar("R")
logger = logging.getLogger("ezmsg")


class GraphQueries(ABC):
    """Snapshots, watches, calls to processes, changes of settings. Thread: any event loop."""

    def __init__(self) -> None:
        self._windows = ProfileWindows()

    @property
    @abstractmethod
    def link(self) -> Link:
        """The link that everything goes over."""

    async def sync(self, timeout: float | None = None) -> None:
        """Pause all publishers of the graph, and wait until everything published was received."""
        await self._ask(SteerPublishers("sync", timeout), timeout)

    async def pause(self) -> None:
        """Pause all publishers of the graph."""
        await self._ask(SteerPublishers("pause"))

    async def resume(self) -> None:
        """Let all publishers of the graph go on."""
        await self._ask(SteerPublishers("resume"))

    async def snapshot(self) -> GraphSnapshot:
        """The whole graph."""
        return snapshot_of(await self.topology())

    async def topology(self) -> TopologyState:
        """The whole graph with its revision, as watches begin with it."""
        answer = await self._ask(GetTopology())
        assert isinstance(answer, TopologyAnswer)
        return answer.state

    async def settings(self) -> SettingsState:
        """All settings with their revision."""
        answer = await self._ask(GetSettings())
        assert isinstance(answer, SettingsAnswer)
        return answer.state

    async def settings_snapshot(self) -> dict[str, SettingsSnapshotValue]:
        """The values in force by component address, sorted."""
        return (await self.settings()).values

    async def settings_events(self, after_seq: int = 0) -> list[SettingsChangedEvent]:
        """Retained settings events after a seq.

        Raises:
            EventGapError: the server no longer has all of them.
        """
        answer = await self._ask(GetSettingsEvents(after_seq))
        assert isinstance(answer, SettingsEvents)
        if 0 < after_seq < answer.first_retained - 1:
            raise _gap(after_seq + 1, answer.first_retained - 1)
        return answer.events

    async def settings_input_topic(self, component_address: str) -> str:
        """The topic that takes whole settings objects for a component.

        Raises:
            UnknownRecordError: no session declares one.
        """
        for session in (await self.topology()).sessions:
            declared = session.metadata.components.get(component_address) if session.metadata is not None else None
            if declared is not None and declared.dynamic_settings.input_topic is not None:
                return declared.dynamic_settings.input_topic
        raise UnknownRecordError(
            f"No session declares a settings input for {component_address!r}: it has no INPUT_SETTINGS stream, or does "
            "not run.",
            kind="component",
            key=component_address,
        )

    async def update_setting(
        self, component_address: str, field_path: str, value: Any, *, timeout: float = 2.0
    ) -> SettingsSnapshotValue:
        """Change one field of a component's settings; the value that its owner has applied.

        Raises:
            SettingsError, CallError: refused, with the owner's reason.
        """
        return await self.update_setting_fields(component_address, {field_path: value}, timeout=timeout)

    async def update_setting_fields(
        self,
        component_address: str,
        fields: Mapping[str, Any],
        *,
        expected_revision: int | None = None,
        timeout: float = 2.0,
    ) -> SettingsSnapshotValue:
        """Change fields of a component's settings, together or not at all.

        Raises:
            SettingsError, CallError: refused, with the owner's reason.
        """
        return await patch_settings(
            self.link, component_address, fields, expected_revision=expected_revision, timeout_s=timeout
        )

    async def watch_topology(self, *, after_seq: int | None = None, epoch: str = "") -> Watch:
        """Follow the graph: its state, then every change, with gaps named."""
        return await self._watch(StreamName.TOPOLOGY, after_seq=after_seq, epoch=epoch)

    async def watch_settings(self, *, after_seq: int | None = None, epoch: str = "") -> Watch:
        """Follow the settings: their state, then every change, with gaps named."""
        return await self._watch(StreamName.SETTINGS, after_seq=after_seq, epoch=epoch)

    async def watch_profiling(self, *, interval_s: float = 0.5) -> Watch:
        """Follow the counters of all processes."""
        return await self._watch(StreamName.PROFILING, interval_s=interval_s)

    async def subscribe_topology_events(self, *, after_seq: int = 0) -> AsyncIterator[TopologyChangedEvent]:
        """Topology events after a seq, then live ones.

        Raises:
            EventGapError: some are gone.
        """
        async for item in self._events(StreamName.TOPOLOGY, after_seq):
            if isinstance(item, TopologyEvent):
                yield item.event

    async def subscribe_settings_events(self, *, after_seq: int = 0) -> AsyncIterator[SettingsChangedEvent]:
        """Settings events after a seq, then live ones.

        Raises:
            EventGapError: some are gone.
        """
        async for item in self._events(StreamName.SETTINGS, after_seq):
            if isinstance(item, SettingsEvent):
                yield item.event

    async def process_request(
        self,
        unit_address: str,
        operation: ProcessControlOperation | str,
        *,
        payload: bytes | None = None,
        payload_obj: Any = None,
        timeout: float = 2.0,
    ) -> ProcessControlResponse:
        """Call the owner of a unit; how it ended, well or not.

        Args:
            unit_address: whose owner is called.
            operation: a built-in one, or one of the process's handler.
            payload: goes along as it is.
            payload_obj: goes along as plain data; one of the two at most.
            timeout: seconds.

        Raises:
            ValueError: both are given, or the object has no plain form.
        """
        if payload is not None and payload_obj is not None:
            raise ConfigError("A call takes payload or payload_obj, not both.", name="payload", value=None)
        data = payload if payload is not None else payload_obj
        return await call(self.link, operation, unit=unit_address, data=data, timeout_s=timeout)

    async def process_ping(self, unit_address: str, *, timeout: float = 2.0) -> ProcessPing:
        """A sign of life of the process that owns a unit.

        Raises:
            CallError: there was none.
        """
        return await self._typed(unit_address, ProcessControlOperation.PING, ProcessPing, timeout)

    async def process_stats(self, unit_address: str, *, timeout: float = 2.0) -> ProcessStats:
        """What the process that owns a unit says of itself.

        Raises:
            CallError: it said nothing.
        """
        return await self._typed(unit_address, ProcessControlOperation.GET_PROCESS_STATS, ProcessStats, timeout)

    async def process_profiling_snapshot(self, unit_address: str, *, timeout: float = 2.0) -> ProcessProfilingSnapshot:
        """Counters of the process that owns a unit; windows since this context's previous look.

        Raises:
            CallError: it said nothing.
        """
        operation = ProcessControlOperation.GET_PROFILING_SNAPSHOT
        return self._windows.snapshot(await self._typed(unit_address, operation, ProcessProfile, timeout))

    async def profiling_snapshot_all(self, *, timeout_per_process: float = 0.5) -> dict[UUID, ProcessProfilingSnapshot]:
        """Counters of every process that owns units; those that do not answer in time are left out."""
        snapshots: dict[UUID, ProcessProfilingSnapshot] = {}
        for process in (await self.topology()).processes:
            if not process.units:
                continue
            try:
                snapshot = await self.process_profiling_snapshot(process.units[0], timeout=timeout_per_process)
            except EzmsgError as error:
                logger.warning("No counters of process %s: %s", process.pid, error)
                continue
            snapshots[process.process_id] = snapshot
        return snapshots

    async def _ask(self, command: Command, timeout_s: float | None = 10.0) -> Answer:
        return await self.link.ask(command, timeout_s=timeout_s)

    async def _typed(self, unit_address: str, operation: ProcessControlOperation, kind: type[R], timeout_s: float) -> R:
        response = await call(self.link, operation, unit=unit_address, timeout_s=timeout_s)
        return result_of(response, kind, unit_address, operation.value)

    async def _watch(self, stream: StreamName, **options: Any) -> Watch:
        return await self.link.watch(stream, **options)

    async def _events(self, stream: StreamName, after_seq: int) -> AsyncIterator[Any]:
        watch = await self._watch(stream, after_seq=after_seq)
        try:
            async for item in watch:
                if isinstance(item, Gap):
                    raise _gap(item.from_seq, item.to_seq)
                if isinstance(item, Resync):
                    raise _gap(after_seq + 1, after_seq + 1)
                yield item
        finally:
            await watch.aclose()


def _gap(from_seq: int, to_seq: int) -> EventGapError:
    return EventGapError(
        f"Events {from_seq} to {to_seq} are gone: the server keeps a limited number. Take a snapshot, and follow from "
        "its revision.",
        from_seq=from_seq,
        to_seq=to_seq,
    )
