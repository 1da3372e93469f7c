"""The one connection of a process to its graph server, shared by everything in the process."""

import asyncio
import functools
import multiprocessing
import os
import platform
import sys
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from ezmsg_core.client.endpoint_desk import EndpointDesk
from ezmsg_core.client.profile_reporter import ProfileReporter
from ezmsg_core.client.servers import unreachable
from ezmsg_core.client.watch import Watch
from ezmsg_core.client.wire_connection import WireConnection, new_handshake
from ezmsg_core.config import LinkLimits
from ezmsg_core.errors import (
    EzmsgError,
    ForeignServerError,
    LinkLostError,
    RequestTimeoutError,
    error_from_fault,
)
from ezmsg_core.model.address import is_loopback
from ezmsg_core.model.control import ProcessControlErrorCode, ProcessControlResponse
from ezmsg_core.model.roles import Role
from ezmsg_core.model.watching import StreamName
from ezmsg_core.transport.connection_file import ServerEntry
from ezmsg_core.wire import frames
from ezmsg_core.wire.answers import Answer, WatchOpened
from ezmsg_core.wire.commands import CloseWatch, Command, OpenWatch
from ezmsg_core.wire.pending import PendingAsks

R = TypeVar("R")
OnInvoked = Callable[[frames.Invoked], Awaitable[ProcessControlResponse]]
SILENCE_S = 8.0  # of a server on TCP: four of its heartbeats


class Link:
    """A connection to a graph server. Made by `Link.open`; lives on the event loop that opened it.

    Thread: every public method may be used from any thread and any event loop, unless it says otherwise.
    If the link goes: commands in flight end with `LinkLostError`, and so does every watch.
    """

    def __init__(self, connection: WireConnection, welcome: frames.Welcome, role: Role, address: str) -> None:
        self.welcome = welcome
        self.role = role
        self.address = address  # how the server was reached, for people
        self.loop_lag_ns: Callable[[], int] = lambda: 0
        self._limits = LinkLimits()
        self._loop = asyncio.get_running_loop()
        self._connection = connection
        self._pending: PendingAsks[asyncio.Future[Answer]] = PendingAsks(self._limits.asks_in_flight)
        self._turns = asyncio.Semaphore(self._limits.asks_in_flight)
        self._opening: list[frames.Pushed] = []  # items of watches whose id is not known yet
        self._watches: dict[int, Watch] = {}
        self._on_invoked: dict[UUID, OnInvoked] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._lost: asyncio.Future[str] = self._loop.create_future()
        self.endpoints = EndpointDesk(self.send, self._limits.kept_frames)
        self.profiles = ProfileReporter(self)
        self._heartbeat = self._loop.call_later(welcome.heartbeat_s, self._beat)
        connection.attach(self._received, self._end)

    @classmethod
    async def open(cls, server: ServerEntry, role: Role, *, label: str = "") -> "Link":
        """Connect and enter with a role, by Unix socket where there is one, else by TCP.

        Raises:
            ServerUnreachableError: nobody answers.
            HandshakeError: somebody does, but does not let us in, or is something else.
        """
        limits = LinkLimits()
        hello = frames.Hello(label or default_label(), os.getpid(), platform.node())
        loop = asyncio.get_running_loop()
        failure: EzmsgError | None = None
        for address, connect in _ways(server):
            handshake = new_handshake(server, role, address)
            make = functools.partial(WireConnection, handshake, hello, limits, address)
            try:
                async with asyncio.timeout(limits.connect_timeout_s):
                    _, connection = await connect(loop, make)
            except (OSError, TimeoutError) as error:
                failure = unreachable(address, error if isinstance(error, OSError) else OSError("timed out"))
                continue
            try:
                async with asyncio.timeout(limits.handshake_s):
                    welcome = await connection.welcomed
            except TimeoutError:
                connection.cut("no handshake in time")
                raise ForeignServerError(
                    f"The listener at {address} did not shake hands within {limits.handshake_s:g} s. It is no graph "
                    "server of this kind, or it is stopped.",
                    address=address,
                    speaks="a listener that says nothing",
                ) from None
            except asyncio.CancelledError:
                connection.cut("cancelled")
                raise
            return cls(connection, welcome, role, address)
        raise failure or unreachable(server.label, OSError("its connection file names no address"))

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop that the link lives on."""
        return self._loop

    @property
    def is_lost(self) -> bool:
        """Whether the link is gone."""
        return self._lost.done()

    async def wait_lost(self) -> str:
        """Wait until the link is gone; the reason."""
        return await self._here(lambda: _shielded(self._lost))

    async def ask(self, command: Command, *, timeout_s: float | None = 10.0) -> Answer:
        """Have a command carried out. More than the limit in flight wait their turn.

        Raises:
            EzmsgError: the error behind the server's refusal; nothing has changed.
            RequestTimeoutError: no answer in time; whether it was done is unknown.
            LinkLostError: the link went; whether it was done is unknown.

        Cancellation: abandons the wait, not the command.
        """
        return await self._here(lambda: self._ask(command, timeout_s))

    def send(self, frame: frames.ClientFrame) -> None:
        """Send a frame that is not answered; dropped when the link is gone."""
        if _running_loop() is self._loop:
            self._connection.send(frame)
            return
        try:
            self._loop.call_soon_threadsafe(self._connection.send, frame)
        except RuntimeError:
            pass  # the link's loop is closed, so the link is gone

    async def watch(
        self, stream: StreamName, *, after_seq: int | None = None, epoch: str = "", interval_s: float = 0.5
    ) -> Watch:
        """Follow a stream: a state and what changes it, or everything after a seq.

        Args:
            stream: what to follow.
            after_seq: seq of the last event that is known; None: begin with a state.
            epoch: of the server that the seq belongs to.
            interval_s: how often processes are to report profiles, where those are watched.
        """
        return await self._here(lambda: self._open_watch(OpenWatch(stream, after_seq, epoch, interval_s)))

    def on_invoked(self, process_id: UUID, answer: OnInvoked | None) -> None:
        """Say who answers calls for a process; calls are answered concurrently, on the link's loop."""
        if answer is None:
            self._on_invoked.pop(process_id, None)
        else:
            self._on_invoked[process_id] = answer

    async def aclose(self) -> None:
        """End the link; everything that it owned on the server goes."""
        if self._loop.is_closed():
            return
        await self._here(self._aclose)

    async def _ask(self, command: Command, timeout_s: float | None) -> Answer:
        async with self._turns:
            if self._lost.done():
                raise self._loss()
            future: asyncio.Future[Answer] = self._loop.create_future()
            ask_id = self._pending.add(future)
            try:
                self._connection.send(frames.Ask(ask_id, command))
                async with asyncio.timeout(timeout_s):
                    return await future
            except TimeoutError:
                if future.done() and not future.cancelled():
                    raise  # the refusal itself is a timeout
                raise RequestTimeoutError(
                    f"The graph server at {self.address} did not answer {type(command).__name__} within {timeout_s:g} "
                    "s. Whether it was done is unknown.",
                    address=self.address,
                    timeout_s=timeout_s,
                ) from None
            finally:
                self._pending.end(ask_id)

    async def _open_watch(self, command: OpenWatch) -> Watch:
        watch = Watch(command.stream, self._limits.watch_items, lambda items: self._grant(watch, items))
        answer = await self._ask(command, 10.0)
        assert isinstance(answer, WatchOpened)
        watch.opened(answer.watch_id, lambda: self._run_here(lambda: self._close_watch(watch)))
        self._watches[answer.watch_id] = watch
        early = [pushed for pushed in self._opening if pushed.watch_id == answer.watch_id]
        self._opening = [pushed for pushed in self._opening if pushed.watch_id != answer.watch_id]
        for pushed in early:
            watch.put(pushed.item)
        if self._lost.done():
            watch.lose(self._lost.result())
        return watch

    def _grant(self, watch: Watch, items: int) -> None:
        self.send(frames.CreditGranted(watch.watch_id, items))

    def _close_watch(self, watch: Watch) -> None:
        self._watches.pop(watch.watch_id, None)
        if not self._lost.done():
            self._spawn(self._forget_watch(watch.watch_id))

    async def _forget_watch(self, watch_id: int) -> None:
        try:
            await self._ask(CloseWatch(watch_id), 10.0)
        except EzmsgError:
            pass  # it is gone with its link

    def _received(self, frame: frames.ServerFrame) -> None:
        match frame:
            case frames.Answered(ask_id, answer):
                self._ended(ask_id, answer)
            case frames.Faulted(ask_id, code, text, parts):
                self._ended(ask_id, error_from_fault(code, text, parts))
            case frames.Pushed(watch_id, item):
                watch = self._watches.get(watch_id)
                if watch is not None:
                    watch.put(item)
                elif len(self._opening) < self._limits.kept_frames:
                    self._opening.append(frame)
            case frames.Routed():
                self.endpoints.routed(frame)
            case frames.Admitted():
                self.endpoints.admitted(frame)
            case frames.Steered():
                self.endpoints.steered(frame)
            case frames.Invoked():
                self._spawn(self._answer_call(frame))
            case frames.Sampling(interval_s):
                self.profiles.sample_every(interval_s)
            case frames.ServerAlive() | frames.Welcome() | frames.Farewell():
                pass

    def _ended(self, ask_id: int, end: Answer | EzmsgError) -> None:
        future = self._pending.end(ask_id)
        if future is None or future.done():
            return
        if isinstance(end, EzmsgError):
            future.set_exception(end)
        else:
            future.set_result(end)

    async def _answer_call(self, call: frames.Invoked) -> None:
        answer = self._on_invoked.get(call.process_id)
        request_id = str(call.call_id)
        if answer is None:
            response = ProcessControlResponse(
                request_id,
                ok=False,
                error="The process does not take calls.",
                error_code=ProcessControlErrorCode.HANDLER_NOT_CONFIGURED,
            )
        else:
            response = await answer(call)
        self.send(frames.CallReply(call.call_id, response))

    def _beat(self) -> None:
        connection = self._connection
        connection.send(frames.Alive(self.loop_lag_ns()))
        is_tcp = not self.address.startswith("unix:")
        if is_tcp and self._loop.time() - connection.heard_s > SILENCE_S:
            connection.cut(f"the server said nothing for {SILENCE_S:g} s")
            return
        self._heartbeat = self._loop.call_later(self.welcome.heartbeat_s, self._beat)

    def _end(self, reason: str) -> None:
        if self._lost.done():
            return
        self._heartbeat.cancel()
        self.profiles.stop()
        self._lost.set_result(reason)
        for future in self._pending.end_all():
            if not future.done():
                future.set_exception(self._loss())
        for watch in self._watches.values():
            watch.lose(reason)
        self._watches.clear()
        for task in self._tasks:
            task.cancel()

    def _loss(self) -> LinkLostError:
        return LinkLostError(
            f"The link to the graph server at {self.address} is gone: {self._lost.result()}.", address=self.address
        )

    async def _aclose(self) -> None:
        self._connection.close()
        try:
            async with asyncio.timeout(1.0):
                await _shielded(self._lost)
        except TimeoutError:
            self._connection.cut("closed by this program")
            await _shielded(self._lost)
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _run_here(self, act: Callable[[], None]) -> None:
        if _running_loop() is self._loop:
            act()
            return
        try:
            self._loop.call_soon_threadsafe(act)
        except RuntimeError:
            pass  # the link's loop is closed, so the link is gone

    async def _here(self, work: Callable[[], Coroutine[Any, Any, R]]) -> R:
        if asyncio.get_running_loop() is self._loop:
            return await work()
        if self._loop.is_closed():
            raise LinkLostError(f"The link to the graph server at {self.address} is closed.", address=self.address)
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work(), self._loop))


async def _shielded(future: "asyncio.Future[R]") -> R:
    return await asyncio.shield(future)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def default_label() -> str:
    """How this process calls itself: program@host, or name@host for one that another process started."""
    if multiprocessing.parent_process() is not None:
        return f"{multiprocessing.current_process().name}@{platform.node()}"
    program = Path(sys.argv[0]).name if sys.argv and sys.argv[0] else "python"
    return f"{program or 'python'}@{platform.node()}"


Make = Callable[[], WireConnection]
Connect = Callable[[asyncio.AbstractEventLoop, Make], Awaitable[tuple[asyncio.BaseTransport, WireConnection]]]


def _ways(server: ServerEntry) -> list[tuple[str, Connect]]:
    ways: list[tuple[str, Connect]] = []
    path, tcp = server.unix, server.tcp
    if path is not None and Path(path).exists():
        ways.append((f"unix:{path}", lambda loop, make: loop.create_unix_connection(make, path)))
    if tcp is not None:
        host = tcp.host if is_loopback(tcp.host) or tcp.host not in ("0.0.0.0", "::") else "127.0.0.1"  # noqa: S104
        ways.append((str(tcp), lambda loop, make: loop.create_connection(make, host, tcp.port)))
    return ways
