"""The session that programs hold: what they declare lives as long as it does."""

import logging
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import UUID

from ezmsg_core.channel.publisher import Publisher
from ezmsg_core.channel.reporting import report_counters
from ezmsg_core.channel.subscriber import Subscriber
from ezmsg_core.client.link import Link
from ezmsg_core.client.link_sharing import control_thread
from ezmsg_core.client.settings_calls import patch_settings
from ezmsg_core.client.watch import Watch
from ezmsg_core.context.calls import call, result_of
from ezmsg_core.context.profile_windows import ProfileWindows
from ezmsg_core.context.reaching import Reached, reach
from ezmsg_core.errors import EventGapError, EzmsgError, LinkLostError, UnknownRecordError
from ezmsg_core.model.address import AddressType
from ezmsg_core.model.components import GraphMetadata
from ezmsg_core.model.control import (
    ProcessControlOperation,
    ProcessControlResponse,
    ProcessPing,
    ProcessStats,
)
from ezmsg_core.model.fold import snapshot_of
from ezmsg_core.model.profiles import ProcessProfile, ProcessProfilingSnapshot
from ezmsg_core.model.settings import SettingsChangedEvent, SettingsSnapshotValue, SettingsState
from ezmsg_core.model.topology import GraphSnapshot, TopologyChangedEvent, TopologyState
from ezmsg_core.model.watching import Gap, Resync, SettingsEvent, StreamName, TopologyEvent
from ezmsg_core.server import GraphServer
from ezmsg_core.transport.connection_file import ServerEntry
from ezmsg_core.wire.answers import (
    Answer,
    SessionOpened,
    SettingsAnswer,
    SettingsEvents,
    TopologyAnswer,
)
from ezmsg_core.wire.commands import (
    ClearSession,
    CloseSession,
    Command,
    ConnectEdge,
    DisconnectEdge,
    GetSettings,
    GetSettingsEvents,
    GetTopology,
    OpenSession,
    RegisterMetadata,
    SteerPublishers,
)

R = TypeVar("R")
logger = logging.getLogger("ezmsg")


class GraphContext:
    """A session in a graph, as an asynchronous context manager.

    Args:
        graph_address: of the server; None: the one that the environment names, else the default one.
        auto_start: whether to start a server where none answers; None: only if nobody named an address.

    Publishers and subscribers are closed, and edges and metadata released, when the context is left or its process
    ends, however it ends. Thread: use it on the event loop that entered it.
    """

    def __init__(self, graph_address: AddressType | ServerEntry | None = None, auto_start: bool | None = None) -> None:
        self._address = graph_address
        self._auto_start = auto_start
        self._reached: Reached | None = None
        self._session_id: str | None = None
        self._endpoints: list[Publisher | Subscriber] = []
        self._windows = ProfileWindows()

    async def __aenter__(self) -> Self:
        self._reached = await reach(self._address, auto_start=self._auto_start)
        try:
            answer = await self._reached.link.ask(OpenSession())
            assert isinstance(answer, SessionOpened)
            self._session_id = answer.session_id
            report_counters(self._reached.link)
        except BaseException:
            await self._give_back()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self.revert()
            await self._quietly(CloseSession(self._session()))
        finally:
            self._session_id = None
            await self._give_back()

    @property
    def graph_address(self) -> AddressType | None:
        """Where the server is that this context started or reached; before entering, what was asked for."""
        if self._reached is not None:
            return self._reached.entry.tcp
        return self._address.tcp if isinstance(self._address, ServerEntry) else self._address

    @property
    def entry(self) -> ServerEntry:
        """What the server's connection file says.

        Raises:
            LinkLostError: the context is not entered.
        """
        self._link()
        assert self._reached is not None
        return self._reached.entry

    @property
    def server(self) -> GraphServer | None:
        """The server that this context started, if it did."""
        return self._reached.server if self._reached is not None else None

    @property
    def session_id(self) -> str:
        """The session's id.

        Raises:
            LinkLostError: the context is not entered.
        """
        return self._session()

    @property
    def link(self) -> Link:
        """The link to the server.

        Raises:
            LinkLostError: the context is not entered.
        """
        return self._link()

    async def publisher(self, topic: str, **kwargs: Any) -> Publisher:
        """A publisher that is closed with the context; keywords as for `Publisher.create`."""
        publisher = await Publisher.create(topic, self.graph_address, link=self._link(), **kwargs)
        self._endpoints.append(publisher)
        return publisher

    async def subscriber(self, topic: str, **kwargs: Any) -> Subscriber:
        """A subscriber that is closed with the context; keywords as for `Subscriber.create`."""
        subscriber = await Subscriber.create(topic, self.graph_address, link=self._link(), **kwargs)
        self._endpoints.append(subscriber)
        return subscriber

    async def connect(self, from_topic: str, to_topic: str) -> None:
        """Hold an edge.

        Raises:
            CycleError: it would close a loop; nothing has changed.
        """
        await self._ask(ConnectEdge(from_topic, to_topic, self._session()))

    async def disconnect(self, from_topic: str, to_topic: str) -> None:
        """Release an edge; others who hold it keep it."""
        await self._ask(DisconnectEdge(from_topic, to_topic, self._session()))

    async def sync(self, timeout: float | None = None) -> None:
        """Pause all publishers of the graph, and wait until everything published was received."""
        await self._ask(SteerPublishers("sync", timeout), timeout)

    async def pause(self) -> None:
        """Pause all publishers of the graph."""
        await self._ask(SteerPublishers("pause"))

    async def resume(self) -> None:
        """Let all publishers of the graph go on."""
        await self._ask(SteerPublishers("resume"))

    async def register_metadata(self, metadata: GraphMetadata) -> None:
        """Replace what this session declares.

        Raises:
            AddressCollisionError: another session holds some address; nothing has changed.
        """
        await self._ask(RegisterMetadata(self._session(), metadata))

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

    async def settings_input_topic(self, component: str) -> str:
        """The topic that takes whole settings objects for a component.

        Raises:
            UnknownRecordError: no session declares one.
        """
        for session in (await self.topology()).sessions:
            declared = session.metadata.components.get(component) if session.metadata is not None else None
            if declared is not None and declared.dynamic_settings.input_topic is not None:
                return declared.dynamic_settings.input_topic
        raise UnknownRecordError(
            f"No session declares a settings input for {component!r}; it has no INPUT_SETTINGS stream, or does not run.",
            kind="component",
            key=component,
        )

    async def update_settings(self, component: str, value: Any, *, input_topic: str | None = None) -> None:
        """Publish a whole settings object to a component's settings input."""
        topic = input_topic or await self.settings_input_topic(component)
        publisher = await Publisher.create(topic, self.graph_address, link=self._link())
        try:
            await publisher.broadcast(value)
        finally:
            publisher.close()
            await publisher.wait_closed()

    async def update_setting(
        self, component: str, field_path: str, value: Any, *, timeout: float = 2.0
    ) -> SettingsSnapshotValue:
        """Change one field of a component's settings; the value that its owner has applied.

        Raises:
            SettingsError, CallError: refused, with the owner's reason.
        """
        return await self.update_setting_fields(component, {field_path: value}, timeout=timeout)

    async def update_setting_fields(
        self,
        component: str,
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
            self._link(), component, fields, expected_revision=expected_revision, timeout_s=timeout
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
        unit: str,
        operation: ProcessControlOperation | str,
        *,
        payload_obj: Any = None,
        timeout: float = 2.0,
    ) -> ProcessControlResponse:
        """Call the owner of a unit; how it ended, well or not.

        Args:
            unit: address of the unit.
            operation: a built-in one, or one of the process's handler.
            payload_obj: goes along as plain data.
            timeout: seconds.
        """
        return await call(self._link(), operation, unit=unit, data=payload_obj, timeout_s=timeout)

    async def process_ping(self, unit: str, *, timeout: float = 2.0) -> ProcessPing:
        """A sign of life of the process that owns a unit.

        Raises:
            CallError: there was none.
        """
        return await self._typed(unit, ProcessControlOperation.PING, ProcessPing, timeout)

    async def process_stats(self, unit: str, *, timeout: float = 2.0) -> ProcessStats:
        """What the process that owns a unit says of itself.

        Raises:
            CallError: it said nothing.
        """
        return await self._typed(unit, ProcessControlOperation.GET_PROCESS_STATS, ProcessStats, timeout)

    async def process_profiling_snapshot(self, unit: str, *, timeout: float = 2.0) -> ProcessProfilingSnapshot:
        """Counters of the process that owns a unit; windows since this context's previous look.

        Raises:
            CallError: it said nothing.
        """
        operation = ProcessControlOperation.GET_PROFILING_SNAPSHOT
        return self._windows.snapshot(await self._typed(unit, operation, ProcessProfile, timeout))

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

    async def revert(self) -> None:
        """Close the publishers and subscribers of this context, and release what it declared."""
        endpoints, self._endpoints = self._endpoints, []
        for endpoint in endpoints:
            endpoint.close()
        for endpoint in endpoints:
            await endpoint.wait_closed()
        await self._quietly(ClearSession(self._session()))

    def _link(self) -> Link:
        if self._reached is None:
            raise LinkLostError("The context is not entered; use it as `async with GraphContext(...) as context:`.")
        return self._reached.link

    def _session(self) -> str:
        self._link()
        assert self._session_id is not None
        return self._session_id

    async def _ask(self, command: Command, timeout_s: float | None = 10.0) -> Answer:
        return await self._link().ask(command, timeout_s=timeout_s)

    async def _quietly(self, command: Command) -> None:
        try:
            await self._ask(command)
        except EzmsgError as error:
            logger.warning("The graph server could not be told: %s", error)

    async def _typed(self, unit: str, operation: ProcessControlOperation, kind: type[R], timeout_s: float) -> R:
        response = await call(self._link(), operation, unit=unit, timeout_s=timeout_s)
        return result_of(response, kind, unit, operation.value)

    async def _watch(self, stream: StreamName, **options: Any) -> Watch:
        return await self._link().watch(stream, **options)

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

    async def _give_back(self) -> None:
        reached, self._reached = self._reached, None
        if reached is None:
            return
        await control_thread().release(reached.link)
        if reached.server is not None:
            reached.server.stop()


def _gap(from_seq: int, to_seq: int) -> EventGapError:
    return EventGapError(
        f"Events {from_seq} to {to_seq} are gone: the server keeps a limited number. Take a snapshot, and follow from "
        "its revision.",
        from_seq=from_seq,
        to_seq=to_seq,
    )
