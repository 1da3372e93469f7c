"""The endpoints of one link in this process, and the channels that they share."""

import asyncio
import threading
from collections.abc import Callable
from typing import Protocol
from weakref import WeakValueDictionary

from ezmsg_core.channel.admission import Visitor, visit
from ezmsg_core.channel.crossing import call_on
from ezmsg_core.channel.dispatch import Dispatch
from ezmsg_core.channel.inbox import Inbox
from ezmsg_core.channel.inlet import Inlet, InletSource
from ezmsg_core.channel.listener import DataListener
from ezmsg_core.channel.options import ATTACH_S, PublisherOptions
from ezmsg_core.channel.outlet import Outlet, Receiver
from ezmsg_core.channel.ports import LinkPort
from ezmsg_core.channel.revoking import StoppedProcesses
from ezmsg_core.channel.socket_end import SocketEnd
from ezmsg_core.errors import EzmsgError, PublisherGoneError
from ezmsg_core.flow import frames
from ezmsg_core.flow.path import TCP_PREFIX, Way
from ezmsg_core.model.profiles import PublisherCounters, SubscriberCounters
from ezmsg_core.model.topology import PublisherRecord
from ezmsg_core.telemetry.meters import SubscriberMeter
from ezmsg_core.wire.answers import Ticket
from ezmsg_core.wire.commands import GetTicket
from ezmsg_core.wire.frames import Admitted


class OpenPublisher(Protocol):
    """A publisher of this process, as the exchange sees it."""

    @property
    def endpoint_id(self) -> str:
        """Its id."""
        ...

    @property
    def dispatch(self) -> Dispatch:
        """What hands its messages out."""
        ...

    @property
    def options(self) -> PublisherOptions:
        """As it was made."""
        ...

    def counters(self, now_ns: int) -> PublisherCounters:
        """Its record of this moment; from any thread."""
        ...


class OpenSubscriber(Protocol):
    """A subscriber of this process, as the exchange sees it."""

    @property
    def endpoint_id(self) -> str:
        """Its id."""
        ...

    @property
    def inbox(self) -> Inbox:
        """Where its messages go."""
        ...

    @property
    def meter(self) -> SubscriberMeter:
        """Where it is counted."""
        ...

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """Where it reads."""
        ...

    def counters(self, now_ns: int) -> SubscriberCounters:
        """Its record of this moment; from any thread."""
        ...


class Exchange:
    """What the endpoints of one process and link have in common: the listener, and one channel to each publisher.

    Used on the link's event loop, but for `admit` and `profile_endpoints`, which any thread may call.
    """

    def __init__(self, link: LinkPort) -> None:
        self._link = link
        self._publishers: dict[str, OpenPublisher] = {}
        self._subscribers: dict[str, OpenSubscriber] = {}
        self._inlets: dict[str, Inlet] = {}  # by publisher; open ones
        self._opening: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # by publisher
        self._listener: DataListener | None = None
        self._stopped: StoppedProcesses | None = None  # looked for while there is a publisher
        self._own_addresses: dict[str, str] = {}  # by publisher, where it listens by itself
        self._lock = threading.Lock()  # of the two tables of endpoints

    async def open_publisher(self, publisher: OpenPublisher) -> list[str]:
        """Let others come to a publisher; return where, best first.

        Raises:
            ConfigError: it is to listen where it cannot.
        """
        options = publisher.options
        if self._listener is None:
            listener = DataListener(self._received)
            listener.open()
            self._listener = listener
            self._stopped = StoppedProcesses(self._dispatches)
        with self._lock:
            self._publishers[publisher.endpoint_id] = publisher
        addresses = list(self._listener.addresses)
        if options.is_tcp_forced:
            addresses = [address for address in addresses if address.startswith(TCP_PREFIX)]
        if options.tcp is not None:
            try:
                own = self._listener.open_tcp(*options.tcp)
            except EzmsgError:
                self.close_publisher(publisher)
                raise
            self._own_addresses[publisher.endpoint_id] = own
            addresses = [address for address in addresses if not address.startswith(TCP_PREFIX)] + [own]
        return addresses

    def close_publisher(self, publisher: OpenPublisher) -> None:
        """Forget a publisher; the last one closes the listener."""
        with self._lock:
            self._publishers.pop(publisher.endpoint_id, None)
        own = self._own_addresses.pop(publisher.endpoint_id, None)
        if self._listener is None:
            return
        if own is not None:
            self._listener.close_address(own)
        if not self._publishers:
            self._listener.close()
            self._listener = None
            if self._stopped is not None:
                self._stopped.close()
                self._stopped = None

    def open_subscriber(self, subscriber: OpenSubscriber) -> None:
        """Remember a subscriber."""
        with self._lock:
            self._subscribers[subscriber.endpoint_id] = subscriber

    def close_subscriber(self, subscriber: OpenSubscriber) -> None:
        """Forget a subscriber."""
        with self._lock:
            self._subscribers.pop(subscriber.endpoint_id, None)

    def publisher(self, endpoint_id: str) -> OpenPublisher | None:
        """A publisher of this process."""
        return self._publishers.get(endpoint_id)

    def admit(self, ticket: Admitted) -> None:
        """A subscriber is about to come. Any thread."""
        call_on(self._link.loop, self._admit, ticket)

    def profile_endpoints(self, now_ns: int) -> tuple[list[PublisherCounters], list[SubscriberCounters]]:
        """The counters of all endpoints, by id. Any thread."""
        with self._lock:
            publishers = sorted(self._publishers.items())
            subscribers = sorted(self._subscribers.items())
        return [p.counters(now_ns) for _, p in publishers], [s.counters(now_ns) for _, s in subscribers]

    async def attach(
        self, subscriber: OpenSubscriber, record: PublisherRecord, way: Way, on_ended: Callable[[str], None]
    ) -> InletSource:
        """Attach a subscriber to a publisher's channel, which is opened for the first one that needs it.

        Args:
            subscriber: of this process.
            record: the publisher.
            way: how to open the channel where there is none.
            on_ended: called once, on any thread, when the channel ends, with the reason.

        Returns:
            The subscriber's source.

        Raises:
            EzmsgError: there is no ticket, or the other side does not hold it.
            OSError: the connection could not be made, or broke.
        """
        publisher_id = record.endpoint_id
        lock = self._opening.setdefault(publisher_id, asyncio.Lock())
        async with lock:
            inlet = self._inlets.get(publisher_id)
            if inlet is None:
                return await self._open(subscriber, record, way, on_ended)
        source = inlet.new_source(
            subscriber_id=subscriber.endpoint_id,
            inbox=subscriber.inbox,
            meter=subscriber.meter,
            loop=subscriber.loop,
            on_ended=on_ended,
        )
        try:
            await self._until(lambda done: inlet.attach(source, done))
        except BaseException:
            inlet.detach(source, _nothing)
            raise
        if source not in inlet.sources:
            raise PublisherGoneError(f"The channel to {publisher_id} ended.", topic=record.topic)
        return source

    async def detach(self, source: InletSource) -> bool:
        """Detach a subscriber because an edge or the publisher is gone; whether the publisher is still there."""
        inlet = source.inlet
        # Without a deadline: where the reading loop is kept busy, what the publisher has said last is not read yet.
        await self._until(lambda done: inlet.detach(source, done), timeout_s=None)
        is_there = not inlet.is_ended
        self.drop(source)
        return is_there

    def drop(self, source: InletSource) -> None:
        """Give a subscriber nothing more, without asking; the last one closes the channel."""
        inlet = source.inlet
        inlet.discard(source)
        loops = [other.loop for other in inlet.sources]
        is_last = inlet.is_unused
        inlet.detach(source, _nothing)  # first of all, so that the publisher knows it for no loss
        if is_last:
            inlet.close()
            return
        if loops and inlet.end.loop not in loops:
            inlet.end.move(loops[0])

    async def _open(
        self, subscriber: OpenSubscriber, record: PublisherRecord, way: Way, on_ended: Callable[[str], None]
    ) -> InletSource:
        publisher_id = record.endpoint_id
        answer = await self._link.ask(GetTicket(publisher_id, subscriber.endpoint_id))
        if not isinstance(answer, Ticket):
            raise PublisherGoneError(f"The server gave no ticket to {publisher_id}.", topic=record.topic)
        inbox = subscriber.inbox
        first_number = 1
        hello = frames.attach(first_number, subscriber.endpoint_id, max_queue=inbox.max_queue)
        async with asyncio.timeout(ATTACH_S):
            sock, first_seq = await visit(way.address, answer, hello)
        inlet = Inlet(publisher_id, way, record.num_buffers, SocketEnd(sock, subscriber.loop), self._inlet_ended)
        source = inlet.new_source(
            subscriber_id=subscriber.endpoint_id,
            inbox=inbox,
            meter=subscriber.meter,
            loop=subscriber.loop,
            on_ended=on_ended,
        )
        assert source.number == first_number
        self._inlets[publisher_id] = inlet
        inlet.begin(source, first_seq)
        inlet.start()
        return source

    async def _until(self, step: Callable[[Callable[[], None]], None], *, timeout_s: float | None = ATTACH_S) -> None:
        """Take a step whose end is told on any thread; wait for it."""
        loop = self._link.loop
        done = asyncio.Event()
        step(lambda: call_on(loop, done.set))
        async with asyncio.timeout(timeout_s):
            await done.wait()

    def _inlet_ended(self, inlet: Inlet) -> None:
        call_on(self._link.loop, self._forget_inlet, inlet)

    def _forget_inlet(self, inlet: Inlet) -> None:
        if self._inlets.get(inlet.publisher_id) is inlet:
            del self._inlets[inlet.publisher_id]

    def _dispatches(self) -> list[Dispatch]:
        return [publisher.dispatch for publisher in self._publishers.values()]

    def _admit(self, ticket: Admitted) -> None:
        if self._listener is not None:
            self._listener.tickets.add(ticket)

    def _received(self, visitor: Visitor) -> None:
        publisher = self._publishers.get(visitor.publisher_id)
        if publisher is None:
            visitor.sock.close()
            return
        dispatch = publisher.dispatch
        outlet = Outlet(SocketEnd(visitor.sock, dispatch.loop), dispatch)
        attach = visitor.attach
        receiver = Receiver(attach.name, max(1, attach.value) if attach.is_leaky else None)
        if dispatch.join_outlet(outlet, attach.number, receiver):
            outlet.start()
        else:
            outlet.close()


_exchanges: dict[LinkPort, tuple[Exchange, int]] = {}  # with the number of endpoints that use it
_exchanges_lock = threading.Lock()


def enter_exchange(link: LinkPort) -> Exchange:
    """The exchange of a link, for one more endpoint. Any thread."""
    with _exchanges_lock:
        exchange, count = _exchanges.get(link) or (Exchange(link), 0)
        _exchanges[link] = (exchange, count + 1)
        return exchange


def leave_exchange(link: LinkPort) -> None:
    """An endpoint that entered is over; the last one takes the exchange with it. Any thread."""
    with _exchanges_lock:
        exchange, count = _exchanges.pop(link)
        if count > 1:
            _exchanges[link] = (exchange, count - 1)


def profile_endpoints(link: LinkPort, now_ns: int) -> tuple[list[PublisherCounters], list[SubscriberCounters]]:
    """The counters of all publishers and subscribers of a link in this process, by id. Any thread.

    Args:
        link: whose endpoints.
        now_ns: monotonic; waits and holds that go on are counted up to here.
    """
    with _exchanges_lock:
        exchange, _ = _exchanges.get(link, (None, 0))
    return exchange.profile_endpoints(now_ns) if exchange is not None else ([], [])


def _nothing() -> None:
    pass
