"""The subscriber that programs hold."""

import asyncio
import concurrent.futures
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import UUID

from ezmsg_core.channel.crossing import outlast, settled, submit
from ezmsg_core.channel.exchange import Exchange, enter_exchange, leave_exchange
from ezmsg_core.channel.inbox import Inbox, LeakyInbox, LosslessInbox
from ezmsg_core.channel.linking import lease_link
from ezmsg_core.channel.options import check_topic, subscriber_options
from ezmsg_core.channel.ports import LinkPort
from ezmsg_core.channel.reading import Reader
from ezmsg_core.channel.routes import Routes
from ezmsg_core.errors import ChannelError, GraphError, LinkError
from ezmsg_core.model.address import AddressType
from ezmsg_core.model.profiles import ProfileChannelType, SubscriberCounters
from ezmsg_core.telemetry.meters import SubscriberMeter
from ezmsg_core.wire.answers import SubscriberPlaced
from ezmsg_core.wire.commands import AdvertiseSubscriber, Withdraw


class Subscriber:
    """Receives the messages of all publishers that its topic is reached by.

    Buffered: lossless, up to `num_buffers` messages of each publisher, which waits then; leaky, the `max_queue`
    newest of all, older ones are dropped and counted, and nobody waits. Order is kept for each publisher. Read by
    tasks of the event loop that made it. When a publisher goes, what it sent stays readable. Made by `create`.
    """

    def __init__(self) -> None:
        raise TypeError("A subscriber is made by `await Subscriber.create(topic, graph_address)`.")

    topic: str
    endpoint_id: str
    id: UUID
    pid: int
    loop: asyncio.AbstractEventLoop
    inbox: Inbox
    meter: SubscriberMeter
    _link: LinkPort
    _release_link: Callable[[], Awaitable[None]]
    _exchange: Exchange
    _routes: Routes | None
    _reader: Reader
    _is_closed: bool
    _advertising: concurrent.futures.Future[None]
    _end: concurrent.futures.Future[None] | None

    @classmethod
    async def create(
        cls,
        topic: str,
        graph_address: AddressType | str | None = None,
        leaky: bool = False,  # noqa: FBT001
        max_queue: int | None = None,
        *,
        link: LinkPort | None = None,
        **other: Any,
    ) -> "Subscriber":
        """Make a subscriber. When it returns, what is published from then on arrives.

        Args:
            topic: what to subscribe to.
            graph_address: of the graph server; None: the one that the environment names, or the default.
            leaky: keep the newest messages only, and hold nobody up.
            max_queue: how many messages a leaky subscriber keeps; None: 1.
            link: the link to use in place of one to `graph_address`.
            other: host, port and buf_size are accepted and mean nothing here; anything else is refused by name.

        Raises:
            ConfigError: an option cannot be used.
            LinkError: the graph server cannot be reached.
            GraphError: it refuses.
        """
        options = subscriber_options(leaky=leaky, max_queue=max_queue, other=other)
        check_topic(topic)
        lease = await lease_link(graph_address, link)
        subscriber = cls.__new__(cls)
        advertising = cls._begin(subscriber, topic, options.max_queue, lease.link, lease.release)
        try:
            await outlast(advertising)
        except BaseException:
            subscriber.close()
            raise
        return subscriber

    def _begin(
        self, topic: str, max_queue: int | None, link: LinkPort, release_link: Callable[[], Awaitable[None]]
    ) -> concurrent.futures.Future[None]:
        self.topic = topic
        self.endpoint_id = ""
        self.id = UUID(int=0)
        self.pid = os.getpid()
        self.loop = asyncio.get_running_loop()
        self.inbox = LosslessInbox() if max_queue is None else LeakyInbox(max_queue)
        self.meter = SubscriberMeter()
        self._reader = Reader(topic, self.inbox, self.meter)
        self._link = link
        self._release_link = release_link
        self._exchange = enter_exchange(link)
        self._routes = None
        self._is_closed = False
        self._end = None
        self._advertising = submit(link.loop, self._advertise())
        return self._advertising

    async def _advertise(self) -> None:
        command = AdvertiseSubscriber(self.topic, self.leaky, self.inbox.max_queue)
        placed = await self._link.ask(command)
        if not isinstance(placed, SubscriberPlaced):
            raise ChannelError(f"The server answered {type(placed).__name__} to a new subscriber.", topic=self.topic)
        self.endpoint_id = placed.endpoint_id
        self.id = UUID(placed.endpoint_id.rpartition(":")[2])
        self._exchange.open_subscriber(self)
        routes = self._routes = Routes(self._link, self._exchange, self)
        self._link.endpoints.add_subscriber(self.endpoint_id, routes.routed)
        await routes.follow(placed.publishers)

    @property
    def leaky(self) -> bool:
        """Whether only the newest messages are kept."""
        return self.inbox.max_queue is not None

    @property
    def log_name(self) -> str:
        """How to call it in a log line."""
        return f"sub {self.topic} ({str(self.id)[:8]})"

    async def recv(self) -> Any:
        """The next message, the caller's to keep and to change.

        Raises:
            UndecodableError: it cannot be rebuilt or copied here; the next call gives the next message.
            EndpointClosedError: the subscriber is closed, or was closed while this waited.

        Cancellation: no message is lost.
        """
        return await self._reader.recv()

    def recv_zero_copy(self) -> AbstractAsyncContextManager[Any]:
        """The next message on loan, released when the block is left; not to be changed.

        From this process it is the publisher's own object, else one with read-only arrays that all subscribers here
        share. What is kept beyond the block stays as it is.

        Raises:
            UndecodableError: on entry; it cannot be rebuilt here, and the next block gets the next message.
            EndpointClosedError: on entry; the subscriber is closed, or was closed while this waited.

        Cancellation: no message is lost.
        """
        return self._reader.lend()

    def begin_profile(self) -> int:
        """Begin a span of user code on the current message; 0 while no trace asks for spans."""
        return 0

    def end_profile(self, start_ns: int, label: str | None = None) -> None:
        """End a span; nothing happens for a start of 0."""

    def close(self) -> None:
        """Receive no more; what is queued is given up, and waiting readers raise. Any thread."""
        if self._is_closed:
            return
        self._is_closed = True
        self._reader.close()
        try:
            self._end = submit(self._link.loop, self._finish())
        except RuntimeError:  # the link's loop is closed, and its channels with it
            self._exchange.close_subscriber(self)
            leave_exchange(self._link)

    async def wait_closed(self) -> None:
        """Wait until the subscriber has left the graph."""
        if self._end is not None:
            await outlast(self._end)

    def counters(self, now_ns: int | None = None) -> SubscriberCounters:
        """The subscriber's record of this moment. Any thread."""
        inbox, latest = self.inbox, self._reader.latest
        return self.meter.counters(
            time.monotonic_ns() if now_ns is None else now_ns,
            endpoint_id=self.endpoint_id,
            topic=self.topic,
            queue_depth=len(inbox),
            dropped_total=inbox.dropped_total,
            max_queue=inbox.max_queue,
            path=ProfileChannelType.UNKNOWN if latest is None else latest.path,
        )

    async def _finish(self) -> None:
        try:
            await settled(self._advertising)
        finally:  # also for a link whose loop ends before
            await self._leave()

    async def _leave(self) -> None:
        try:
            if self._routes is not None:
                self._link.endpoints.remove(self.endpoint_id)
                try:
                    await self._routes.close()
                finally:
                    await self._link.ask(Withdraw(self.endpoint_id))
        except (LinkError, GraphError):
            pass  # the server is gone, or never knew of it: there is nobody to tell
        finally:
            self._exchange.close_subscriber(self)
            leave_exchange(self._link)
            await self._release_link()
