"""The publisher that programs hold."""

import asyncio
import concurrent.futures
import logging
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

from ezmsg_core.channel.crossing import call_on, outlast, settled, submit
from ezmsg_core.channel.dispatch import Dispatch
from ezmsg_core.channel.exchange import Exchange, enter_exchange, leave_exchange
from ezmsg_core.channel.linking import lease_link
from ezmsg_core.channel.options import (
    LINGER_S,
    VIEWER_LINGER_S,
    PublisherOptions,
    check_topic,
    publisher_options,
    refuse_unknown,
)
from ezmsg_core.channel.ports import LinkPort
from ezmsg_core.errors import EndpointClosedError, GraphError, LinkError
from ezmsg_core.flow.marshal import Envelope, pack_message
from ezmsg_core.model.address import AddressType
from ezmsg_core.model.profiles import PublisherCounters
from ezmsg_core.wire.commands import AdvertisePublisher, Withdraw
from ezmsg_core.wire.frames import Admitted, Steered

_STREAK = 64  # messages without a pause after which the other tasks of the loop get a turn

_log = logging.getLogger("ezmsg")


class Publisher:
    """Sends messages to all subscribers that its topic reaches.

    Buffered: `num_buffers` messages that some lossless subscriber has not released; then `broadcast` waits for the
    slowest of these. Leaky subscribers are never waited for. Order is kept for each subscriber. Any number of tasks,
    threads and event loops may use one publisher. Made by `create`.
    """

    def __init__(self) -> None:
        raise TypeError("A publisher is made by `await Publisher.create(topic, graph_address)`.")

    topic: str
    endpoint_id: str
    id: UUID
    pid: int
    _dispatch: Dispatch
    _options: PublisherOptions
    _exchange: Exchange
    _link: LinkPort
    _release_link: Callable[[], Awaitable[None]]
    _streak: int
    _advertising: concurrent.futures.Future[None]
    _end: concurrent.futures.Future[None] | None
    _steering: set[asyncio.Task[None]]

    @classmethod
    async def create(  # noqa: PLR0913, PLR0917 - as programs call it
        cls,
        topic: str,
        graph_address: AddressType | str | None = None,
        host: str | None = None,
        port: int | None = None,
        buf_size: int = 65536,
        num_buffers: int = 32,
        start_paused: bool = False,  # noqa: FBT001
        force_tcp: bool | None = None,  # noqa: FBT001
        allow_local: bool | None = None,  # noqa: FBT001
        *,
        link: LinkPort | None = None,
        **unknown: Any,
    ) -> "Publisher":
        """Make a publisher. When it returns, the subscribers that the topic reaches get the first message.

        Args:
            topic: what to publish to.
            graph_address: of the graph server; None: the one that the environment names, or the default.
            host: a loopback address for a TCP port of its own; None: the process's port.
            port: the TCP port of its own; None: the process's port, or any free one of `host`.
            buf_size: has no effect; buffers are as large as messages need.
            num_buffers: most messages in flight.
            start_paused: publish nothing before `resume`.
            force_tcp: offer TCP only, and no local delivery; None: as EZMSG_FORCE_TCP says.
            allow_local: hand the object itself to subscribers of this process; None: as EZMSG_ALLOW_LOCAL says.
            link: the link to use in place of one to `graph_address`.
            unknown: refused by name.

        Raises:
            ConfigError: an option cannot be used.
            LinkError: the graph server cannot be reached.
            GraphError: it refuses.
        """
        del buf_size
        refuse_unknown("publisher", unknown)
        options = publisher_options(
            host=host,
            port=port,
            num_buffers=num_buffers,
            start_paused=start_paused,
            force_tcp=force_tcp,
            allow_local=allow_local,
        )
        check_topic(topic)
        lease = await lease_link(graph_address, link)
        publisher = cls.__new__(cls)
        advertising = cls._begin(publisher, topic, options, lease.link, lease.release)
        try:
            await outlast(advertising)
        except BaseException:
            publisher.close()
            raise
        return publisher

    def _begin(
        self, topic: str, options: PublisherOptions, link: LinkPort, release_link: Callable[[], Awaitable[None]]
    ) -> concurrent.futures.Future[None]:
        self.topic = topic
        self.id = uuid4()
        self.endpoint_id = f"{topic}:{self.id}"
        self.pid = os.getpid()
        self._options = options
        self._link = link
        self._release_link = release_link
        self._exchange = enter_exchange(link)
        self._dispatch = Dispatch(
            self.endpoint_id,
            topic,
            options.num_buffers,
            is_paused=options.is_paused,
            loop=asyncio.get_running_loop(),
        )
        self._streak = 0
        self._end = None
        self._steering = set()
        self._advertising = submit(link.loop, self._advertise())
        return self._advertising

    async def _advertise(self) -> None:
        addresses = await self._exchange.open_publisher(self)
        self._link.endpoints.add_publisher(self.endpoint_id, self._admitted, self._steered)
        command = AdvertisePublisher(self.topic, self._options.num_buffers, addresses, self.endpoint_id)
        await self._link.ask(command)

    @property
    def running(self) -> bool:
        """Whether messages go through: neither paused nor closed."""
        return not self._dispatch.is_paused and not self._dispatch.is_closed

    @property
    def log_name(self) -> str:
        """How to call it in a log line."""
        return f"pub {self.topic} ({str(self.id)[:8]})"

    @property
    def dispatch(self) -> Dispatch:
        """Its channels, for subscribers of this process."""
        return self._dispatch

    @property
    def options(self) -> PublisherOptions:
        """As it was made."""
        return self._options

    async def broadcast(self, obj: Any) -> None:
        """Publish a message; wait while the publisher is paused or its window is full.

        Args:
            obj: subscribers of this process may get this very object; other processes get a copy, made before this
                returns.

        Raises:
            UnpicklableError: a subscriber elsewhere would get it, and it cannot be sent; nobody got it.
            EndpointClosedError: the publisher is closed, or was closed while this waited; nobody got it.

        Cancellation: nobody got it.
        """
        dispatch = self._dispatch
        envelope = pack_message(obj, topic=self.topic) if dispatch.outlets else None
        if not dispatch.offer(obj, envelope):
            await self._broadcast_later(obj, envelope)
            return
        self._streak += 1
        if self._streak >= _STREAK:
            self._streak = 0
            await asyncio.sleep(0)

    async def _broadcast_later(self, obj: object, envelope: Envelope | None) -> None:
        dispatch = self._dispatch
        self._streak = 0
        has_yielded = has_parked = False
        try:
            while not dispatch.offer(obj, envelope):
                if dispatch.is_closed:
                    raise EndpointClosedError(
                        f"The publisher of {self.topic!r} is closed; nothing was published.", topic=self.topic
                    )
                if dispatch.outlets and envelope is None:
                    envelope = pack_message(obj, topic=self.topic)
                    continue
                blocker_id = None if has_yielded else dispatch.blocker_id()
                if blocker_id is None:
                    has_parked = True
                    await dispatch.wait_for_room()
                    continue
                # One turn of the loop is often all that the subscribers need, and costs less than a place in a queue.
                has_yielded = True
                since_ns = time.monotonic_ns()
                await asyncio.sleep(0)
                dispatch.waited(blocker_id, time.monotonic_ns() - since_ns)
        finally:
            if has_parked:
                dispatch.after_wait()

    async def sync(self) -> None:
        """Pause, then wait until every lossless subscriber has released what was published; stays paused.

        Cancellation: stays paused.
        """
        self.pause()
        await self._dispatch.wait_until_quiet()

    def pause(self) -> None:
        """Let `broadcast` wait until `resume`."""
        self._dispatch.pause()

    def resume(self) -> None:
        """Let messages through again."""
        self._dispatch.resume()

    def close(self) -> None:
        """Publish no more. What was published is delivered in the background; see `wait_closed`. Any thread."""
        dispatch = self._dispatch
        loop = self._link.loop
        with dispatch.lock:
            if self._end is not None:
                return
            gone = asyncio.Event()
            dispatch.close(loop, lambda: call_on(loop, gone.set))
            try:
                self._end = submit(loop, self._finish(gone))
            except RuntimeError:  # the link's loop is closed: nobody can wait for anything there
                dispatch.cut(is_sparing_lossless=False)
                self._end = concurrent.futures.Future()
                self._end.set_result(None)
                leave_exchange(self._link)

    async def wait_closed(self) -> None:
        """Wait until everything published has arrived in the processes that get it, or the linger is over."""
        if self._end is not None:
            await outlast(self._end)

    def counters(self, now_ns: int | None = None) -> PublisherCounters:
        """The publisher's record of this moment. Any thread."""
        return self._dispatch.counters(time.monotonic_ns() if now_ns is None else now_ns)

    async def _finish(self, gone: asyncio.Event) -> None:
        try:
            await settled(self._advertising)
            await self._linger(gone)
        finally:  # also for a link whose loop ends before
            self._dispatch.cut(is_sparing_lossless=False)
            for task in list(self._steering):
                task.cancel()
            await self._leave()

    async def _linger(self, gone: asyncio.Event) -> None:
        for is_sparing_lossless, linger_s in ((True, VIEWER_LINGER_S), (False, LINGER_S)):
            try:
                async with asyncio.timeout(linger_s):
                    await gone.wait()
                    break
            except TimeoutError:
                late = self._dispatch.cut(is_sparing_lossless=is_sparing_lossless)
                if late and not is_sparing_lossless:
                    _log.warning("%s: closed before %s had received everything", self.log_name, ", ".join(late))

    async def _leave(self) -> None:
        self._link.endpoints.remove(self.endpoint_id)
        try:
            await self._link.ask(Withdraw(self.endpoint_id))
        except (LinkError, GraphError):
            pass  # the server is gone, or never knew of it: there is nobody to tell
        finally:
            self._exchange.close_publisher(self)
            leave_exchange(self._link)
            await self._release_link()

    def _admitted(self, frame: Admitted) -> None:
        self._exchange.admit(frame)

    def _steered(self, frame: Steered, done: Callable[[], None]) -> None:
        if frame.action == "sync":
            self._link.loop.call_soon_threadsafe(self._steer_to_sync, done)
            return
        if frame.action == "pause":
            self.pause()
        else:
            self.resume()
        done()

    def _steer_to_sync(self, done: Callable[[], None]) -> None:
        task = self._link.loop.create_task(self._sync_then(done))
        self._steering.add(task)
        task.add_done_callback(self._steering.discard)

    async def _sync_then(self, done: Callable[[], None]) -> None:
        try:
            await self.sync()
        finally:
            done()
