"""One subscriber's channels: they follow the publishers that reach it."""

import asyncio
import logging
import platform
import socket
from collections.abc import Callable
from typing import Protocol

from ezmsg_core.channel.dispatch import LocalSource
from ezmsg_core.channel.exchange import Exchange, OpenSubscriber
from ezmsg_core.channel.inlet import InletSource
from ezmsg_core.channel.ports import LinkPort
from ezmsg_core.errors import EzmsgError
from ezmsg_core.flow.path import Surroundings, Way, ways_to
from ezmsg_core.model.profiles import ProfileChannelType
from ezmsg_core.model.topology import PublisherRecord
from ezmsg_core.wire.frames import ChannelReport, Routed, RouteTaken

HOST = platform.node()  # as links name it to the server
HAS_UNIX_SOCKETS = hasattr(socket, "AF_UNIX")
RETRY_S = (0.1, 2.0)  # first and longest pause before another try to reach a publisher that is still routed

_log = logging.getLogger("ezmsg")


class RoutedSubscriber(OpenSubscriber, Protocol):
    """A subscriber as its routes see it."""

    @property
    def topic(self) -> str:
        """What it subscribes to."""
        ...


class _Route:
    """One publisher that reaches the subscriber."""

    def __init__(self, record: PublisherRecord) -> None:
        self.record = record
        self.is_tried = asyncio.Event()  # attached, or a first try failed
        self.is_unwanted = asyncio.Event()  # the publisher or an edge is gone
        self.is_attached = False
        self.task: asyncio.Task[None] | None = None
        self.source: LocalSource | InletSource | None = None


class Routes:
    """Keeps a subscriber attached to the publishers that the server names.

    Used on the link's event loop, which answers even while the subscriber's own is busy. A channel that breaks while
    the publisher is still routed is opened again, and what was missed is counted.

    Args:
        link: to the server that names publishers.
        exchange: has the channels.
        subscriber: gets the messages.
    """

    def __init__(self, link: LinkPort, exchange: Exchange, subscriber: RoutedSubscriber) -> None:
        self._link = link
        self._exchange = exchange
        self._subscriber = subscriber
        self._routes: dict[str, _Route] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._answering: set[asyncio.Task[None]] = set()
        self._is_closed = False

    async def follow(self, publishers: list[PublisherRecord]) -> None:
        """These publishers reach the subscriber from now on; return once it is attached to them, or has tried."""
        if self._is_closed:
            return
        wanted = {record.endpoint_id: record for record in publishers}
        for publisher_id in [key for key in self._routes if key not in wanted]:
            route = self._routes.pop(publisher_id)
            route.is_unwanted.set()
            if route.task is not None:
                self._leaving.add(route.task)
                route.task.add_done_callback(self._leaving.discard)
                if not route.is_attached:
                    route.task.cancel()
        for publisher_id, record in wanted.items():
            if publisher_id not in self._routes:
                route = self._routes[publisher_id] = _Route(record)
                name = f"route {record.topic} to {self._subscriber.topic}"
                route.task = asyncio.get_running_loop().create_task(self._keep(route), name=name)
        for task in list(self._leaving):
            await asyncio.wait([task])
        for route in list(self._routes.values()):
            await route.is_tried.wait()

    def routed(self, frame: Routed) -> None:
        """The server named other publishers. Any thread."""
        self._link.loop.call_soon_threadsafe(self._take, frame)

    async def close(self) -> None:
        """Detach from everything; what is queued is given up."""
        self._is_closed = True
        tasks = [route.task for route in self._routes.values() if route.task is not None]
        for route in self._routes.values():
            route.is_unwanted.set()
        tasks += [*self._leaving, *self._answering]
        self._routes.clear()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _take(self, frame: Routed) -> None:
        task = self._link.loop.create_task(self._answer(frame), name="route order")
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, frame: Routed) -> None:
        try:
            await self.follow(frame.publishers)
        finally:
            if frame.route_id:
                self._link.send(RouteTaken(frame.route_id))

    async def _keep(self, route: _Route) -> None:
        """Stay attached to one publisher for as long as it is routed."""
        try:
            pause_s = RETRY_S[0]
            while not route.is_unwanted.is_set():
                ended = asyncio.Event()
                reasons: list[str] = []
                route.is_attached = await self._attach(route, self._teller(ended, reasons))
                if route.is_attached:
                    pause_s = RETRY_S[0]
                    route.is_tried.set()
                    await _first(route.is_unwanted, ended)
                    if not ended.is_set():
                        break
                    route.is_attached = False
                    self._ended(route, reasons[0])
                route.is_tried.set()
                await _first(route.is_unwanted, timeout_s=pause_s)
                pause_s = min(2 * pause_s, RETRY_S[1])
            await self._leave(route)
        finally:
            self._drop(route)
            route.is_tried.set()

    def _teller(self, ended: asyncio.Event, reasons: list[str]) -> Callable[[str], None]:
        def tell(reason: str) -> None:
            reasons.append(reason)
            try:
                self._link.loop.call_soon_threadsafe(ended.set)
            except RuntimeError:
                pass  # the link's loop is closed, and everything on it is over

        return tell

    async def _attach(self, route: _Route, on_ended: Callable[[str], None]) -> bool:
        record = route.record
        reasons: list[str] = []
        for way in self._ways(record):
            try:
                missed = await self._take_way(route, way, on_ended)
            except (EzmsgError, OSError) as error:
                reasons.append(f"{way.address or 'local'}: {error or type(error).__name__}")
                continue
            if missed:
                _log.warning("%s missed %d messages of %s.", self._subscriber.topic, missed, record.endpoint_id)
            source = route.source
            # The process may have had a channel already, which was opened by another way.
            taken = source.inlet.way if isinstance(source, InletSource) else way
            self._report(record, taken.path, taken.reason)
            return True
        self._report(record, ProfileChannelType.UNKNOWN, "; ".join(reasons) or "it offers no address to come to")
        return False

    async def _take_way(self, route: _Route, way: Way, on_ended: Callable[[str], None]) -> int:
        """Attach by one way; return how many messages were missed since the route's previous channel."""
        subscriber = self._subscriber
        before = route.source
        if way.path is ProfileChannelType.LOCAL:
            publisher = self._exchange.publisher(route.record.endpoint_id)
            source = (
                publisher.dispatch.join_local(subscriber.endpoint_id, subscriber.inbox)
                if publisher is not None
                else None
            )
            if source is None:
                raise ConnectionResetError("the publisher has just closed")
            route.source = source
            return 0
        source = route.source = await self._exchange.attach(subscriber, route.record, way, on_ended)
        missed = max(0, source.first_seq - before.inlet.next_seq) if isinstance(before, InletSource) else 0
        subscriber.meter.missed_total += missed
        return missed

    def _ways(self, record: PublisherRecord) -> list[Way]:
        publisher = self._exchange.publisher(record.endpoint_id)
        around = Surroundings(
            is_same_process=publisher is not None,
            is_same_host=record.host == HOST,
            is_local_allowed=publisher is not None and publisher.options.is_local_allowed,
            has_unix_sockets=HAS_UNIX_SOCKETS,
        )
        return ways_to(record.addresses, around)

    def _ended(self, route: _Route, reason: str) -> None:
        record = route.record
        if reason:
            _log.warning("%s lost its channel to %s: %s.", self._subscriber.topic, record.endpoint_id, reason)
        self._link.send(ChannelReport(record.endpoint_id, self._subscriber.endpoint_id, None))

    async def _leave(self, route: _Route) -> None:
        """The server no longer names the publisher: it has left, and its queued messages stay; or an edge has."""
        source = route.source
        if isinstance(source, LocalSource):
            publisher_is_there = source.leave()
        elif source is not None:
            publisher_is_there = await self._exchange.detach(source)
        else:
            return
        source.is_void = publisher_is_there
        route.source = None

    def _drop(self, route: _Route) -> None:
        source = route.source
        if isinstance(source, LocalSource):
            source.leave()
        elif source is not None:
            self._exchange.drop(source)
        route.source = None

    def _report(self, record: PublisherRecord, path: ProfileChannelType, reason: str) -> None:
        self._link.send(ChannelReport(record.endpoint_id, self._subscriber.endpoint_id, path, reason))


async def _first(*events: asyncio.Event, timeout_s: float | None = None) -> None:
    """Wait for one of the events, or for the time to pass."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
