"""A server, links as of several processes, and publishers and subscribers joined by a path of choice."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

from ezmsg_core.channel import Publisher, Subscriber
from ezmsg_core.client.link import Link
from ezmsg_core.model.roles import Role
from ezmsg_core.model.topology import TopologyState
from ezmsg_core.server import GraphServer
from ezmsg_core.wire.answers import TopologyAnswer
from ezmsg_core.wire.commands import Command, ConnectEdge, DisconnectEdge, GetTopology

R = TypeVar("R")
PATHS = ("local", "unix", "tcp")
SOON_S = 5.0


async def soon(work: Awaitable[R], seconds: float = SOON_S) -> R:
    """What the work gives, which has to come soon."""
    async with asyncio.timeout(seconds):
        return await work


async def until(is_true: Callable[[], object], seconds: float = SOON_S) -> None:
    """Let the loop run until something is true, which has to be soon."""
    async with asyncio.timeout(seconds):
        while not is_true():  # noqa: ASYNC110 - counters ring no bell
            await asyncio.sleep(0.001)


async def never_soon(task: "asyncio.Future[Any]", turns: int = 50) -> bool:
    """Whether a task still waits although everything had its turn."""
    for _ in range(turns):
        await asyncio.sleep(0)
    await asyncio.sleep(0.05)
    return not task.done()


class LoopThread:
    """An event loop on a thread of its own."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._carry, name=name, daemon=True)
        self._thread.start()

    def _carry(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
        self.loop.close()

    async def run(self, work: Awaitable[R]) -> R:
        """Run something there."""

        async def wrapped() -> R:
            return await work

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(wrapped(), self.loop))

    def stop(self) -> None:
        """End the loop and its thread."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(SOON_S)


class Stage:
    """Everything that a test of channels needs."""

    def __init__(self, path: str, server: GraphServer, near: Link, far: Link) -> None:
        self.path = path
        self.server = server
        self.near = near  # the publishers' process
        self.far = far  # the subscribers' process, as far as the path can tell
        self._opened: list[Publisher | Subscriber] = []

    async def publisher(self, topic: str = "t", **options: Any) -> Publisher:
        """A publisher of the near process."""
        publisher = await Publisher.create(topic, link=self.near, force_tcp=self.path == "tcp", **options)
        self._opened.append(publisher)
        return publisher

    async def subscriber(self, topic: str = "t", **options: Any) -> Subscriber:
        """A subscriber that the path leads to."""
        link = self.near if self.path == "local" else self.far
        return await self.subscriber_on(link, topic, **options)

    async def subscriber_on(self, link: Link, topic: str = "t", **options: Any) -> Subscriber:
        """A subscriber of a certain process."""
        subscriber = await Subscriber.create(topic, link=link, **options)
        self._opened.append(subscriber)
        return subscriber

    async def connect(self, source: str, target: str) -> None:
        await self.near.ask(ConnectEdge(source, target))

    async def disconnect(self, source: str, target: str) -> None:
        await self.near.ask(DisconnectEdge(source, target))

    async def topology(self) -> TopologyState:
        """The graph as the server knows it."""
        answer = await self.near.ask(GetTopology())
        assert isinstance(answer, TopologyAnswer)
        return answer.state

    async def topology_once(self, is_right: Callable[[TopologyState], object]) -> TopologyState:
        """The graph as soon as something is true of it."""
        async with asyncio.timeout(SOON_S):
            while not is_right(state := await self.topology()):  # noqa: ASYNC110 - the graph is looked at, not listened to
                await asyncio.sleep(0.005)
        return state

    async def ask(self, command: Command, **options: Any) -> Any:
        return await self.near.ask(command, **options)

    def forget(self, *endpoints: Publisher | Subscriber) -> None:
        """Endpoints that the test has closed itself."""
        self._opened = [other for other in self._opened if other not in endpoints]

    async def close(self) -> None:
        for endpoint in self._opened:
            endpoint.close()
        for endpoint in self._opened:
            await soon(endpoint.wait_closed(), 15.0)


@contextlib.asynccontextmanager
async def open_stage(path: str) -> AsyncIterator[Stage]:
    """A stage, cleared away afterwards. Links live on a thread of their own, as in programs."""
    server = GraphServer()
    server.start()
    control = LoopThread("links")
    near = await control.run(Link.open(server.entry, Role.PARTICIPATE, label="near"))
    far = await control.run(Link.open(server.entry, Role.PARTICIPATE, label="far"))
    stage = Stage(path, server, near, far)
    try:
        yield stage
    finally:
        await stage.close()
        for link in (near, far):
            await link.aclose()
        control.stop()
        server.stop()


async def take(subscriber: Subscriber, count: int) -> list[Any]:
    """The next messages, as copies."""
    return [await soon(subscriber.recv()) for _ in range(count)]


async def drain(subscriber: Subscriber) -> list[Any]:
    """Everything that is there, and that comes within a moment."""
    found: list[Any] = []
    with contextlib.suppress(TimeoutError):
        while True:
            found.append(await soon(subscriber.recv(), 0.2))
    return found
