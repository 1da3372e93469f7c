"""The one connection of a process to its graph server, shared by everything in the process."""

import asyncio
import multiprocessing
import platform
import sys
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from ezmsg_core.client.endpoint_desk import EndpointDesk
from ezmsg_core.client.entering import enter
from ezmsg_core.client.profile_reporter import ProfileReporter
from ezmsg_core.client.watch import Watch
from ezmsg_core.client.wire_connection import WireConnection
from ezmsg_core.config import LinkLimits
from ezmsg_core.errors import (
    EzmsgError,
    LinkLostError,
    RequestTimeoutError,
    error_from_fault,
)
from ezmsg_core.model.control import ProcessControlErrorCode, ProcessControlResponse
from ezmsg_core.model.roles import Role
from ezmsg_core.model.watching import StreamName
from ezmsg_core.transport.connection_file import ServerEntry
from ezmsg_core.wire import frames
from ezmsg_core.wire.answers import Answer, WatchOpened
from ezmsg_core.wire.commands import CloseWatch, Command, GetTicket, OpenWatch
from ezmsg_core.wire.pending import PendingAsks

R = TypeVar("R")
OnInvoked = Callable[[frames.Invoked], Awaitable[ProcessControlResponse]]


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
        self._turns = asyncio.Semaphore(self._limits.asks_in_flight - self._limits.ticket_asks)
        self._ticket_turns = asyncio.Semaphore(self._limits.ticket_asks)
        self._opening: dict[int, Watch] = {}  # by the command that opens them
        self._watches: dict[int, Watch] = {}
        self._on_invoked: dict[UUID, OnInvoked] = {}
        self._calls_in_flight = 0
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
            LinkLostError: the server ended the connection before we were in, as one that stops does.
        """
        entered = await enter(server, role, label or default_label(), LinkLimits())
        return cls(entered.connection, entered.welcome, role, entered.address)

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

        Cancellation: abandons the wait, not the command. The server is told that nobody waits, as after a timeout.
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

        Cancellation: no watch stays open.
        """
        watch = Watch(stream, self._limits.watch_items, lambda items: self._grant(watch, items))
        try:
            await self._here(lambda: self._open_watch(watch, OpenWatch(stream, after_seq, epoch, interval_s)))
        except BaseException:  # it may be open all the same, or open later
            await watch.aclose()
            raise
        return watch

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

    async def _ask(self, command: Command, timeout_s: float | None, watch: Watch | None = None) -> Answer:
        turns = self._ticket_turns if isinstance(command, GetTicket) else self._turns
        future: asyncio.Future[Answer] | None = None
        ask_id = 0
        try:
            async with asyncio.timeout(timeout_s), turns:
                if self._lost.done():
                    raise self._loss(was_sent=False)
                future = self._loop.create_future()
                ask_id = self._pending.add(future)
                if watch is not None:
                    self._opening[ask_id] = watch
                self._connection.send(frames.Ask(ask_id, command))
                return await future
        except TimeoutError:
            if future is not None and future.done() and not future.cancelled():
                raise  # the refusal itself is a timeout
            raise self._timed_out(command, timeout_s, was_sent=future is not None) from None
        finally:
            if self._pending.end(ask_id) is not None:
                self._connection.send(frames.Forget(ask_id))  # or it would count as in flight on the server
            self._opening.pop(ask_id, None)

    def _timed_out(self, command: Command, timeout_s: float | None, *, was_sent: bool) -> RequestTimeoutError:
        name = type(command).__name__
        text = (
            f"The graph server at {self.address} did not answer {name} within {timeout_s:g} s. Whether it was done is "
            "unknown; ask again for what is the case."
            if was_sent
            else f"{name} was not sent within {timeout_s:g} s: as many commands as the link to the graph server at "
            f"{self.address} takes are waiting for their answers. Nothing was done; ask less at once."
        )
        return RequestTimeoutError(text, address=self.address, timeout_s=timeout_s)

    async def _open_watch(self, watch: Watch, command: OpenWatch) -> None:
        await self._ask(command, self._limits.ask_timeout_s, watch)
        if self._lost.done():
            watch.lose(self._lost.result())

    def _grant(self, watch: Watch, items: int) -> None:
        self.send(frames.CreditGranted(watch.watch_id, items))

    def _close_watch(self, watch: Watch) -> None:
        self._watches.pop(watch.watch_id, None)
        if not self._lost.done():
            self._spawn(self._forget_watch(watch.watch_id))

    async def _forget_watch(self, watch_id: int) -> None:
        try:
            await self._ask(CloseWatch(watch_id), self._limits.ask_timeout_s)
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
                if watch is not None:  # else it was closed while this was under way
                    watch.put(item)
            case frames.Routed():
                self.endpoints.routed(frame)
            case frames.Admitted():
                self.endpoints.admitted(frame)
            case frames.Steered():
                self.endpoints.steered(frame)
            case frames.Invoked():
                self._take_call(frame)
            case frames.Sampling(interval_s):
                self.profiles.sample_every(interval_s)
            case frames.ServerAlive() | frames.Welcome() | frames.Farewell():
                pass

    def _ended(self, ask_id: int, end: Answer | EzmsgError) -> None:
        if isinstance(end, WatchOpened):  # its items may follow in the same bytes
            self._watch_opened(end.watch_id, self._opening.pop(ask_id, None))
        future = self._pending.end(ask_id)
        if future is None or future.done():
            return
        if isinstance(end, EzmsgError):
            future.set_exception(end)
        else:
            future.set_result(end)

    def _watch_opened(self, watch_id: int, watch: Watch | None) -> None:
        if watch is None:  # nobody waited long enough
            self._spawn(self._forget_watch(watch_id))
            return
        self._watches[watch_id] = watch
        watch.opened(watch_id, lambda: self._run_here(lambda: self._close_watch(watch)))

    def _take_call(self, call: frames.Invoked) -> None:
        answer = self._on_invoked.get(call.process_id)
        if answer is None:
            self._refuse_call(call, ProcessControlErrorCode.HANDLER_NOT_CONFIGURED, "The process does not take calls.")
        elif self._calls_in_flight >= self._limits.calls_in_flight:
            text = f"The process is busy with {self._calls_in_flight} calls, as many as it takes; call again later."
            self._refuse_call(call, ProcessControlErrorCode.HANDLER_ERROR, text)
        else:
            self._calls_in_flight += 1
            self._spawn(self._answer_call(call, answer))

    def _refuse_call(self, call: frames.Invoked, code: ProcessControlErrorCode, text: str) -> None:
        response = ProcessControlResponse(str(call.call_id), ok=False, error=text, error_code=code)
        self.send(frames.CallReply(call.call_id, response))

    async def _answer_call(self, call: frames.Invoked, answer: OnInvoked) -> None:
        try:
            self.send(frames.CallReply(call.call_id, await answer(call)))
        finally:
            self._calls_in_flight -= 1

    def _beat(self) -> None:
        connection, now_s = self._connection, self._loop.time()
        connection.send(frames.Alive(self.loop_lag_ns()))
        late_s = now_s - self._heartbeat.when()  # as long as this, nobody here listened
        is_tcp = not self.address.startswith("unix:")  # a Unix socket tells by itself when its other end is gone
        if is_tcp and now_s - connection.heard_s - late_s > self._limits.silence_s:
            connection.cut(f"the server said nothing for {self._limits.silence_s:g} s")
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
                future.set_exception(self._loss(was_sent=True))
        for watch in self._watches.values():
            watch.lose(reason)
        self._watches.clear()
        for task in self._tasks:
            task.cancel()

    def _loss(self, *, was_sent: bool) -> LinkLostError:
        outcome = "Whether the command was carried out is unknown" if was_sent else "The command was not sent"
        return LinkLostError(
            f"The link to the graph server at {self.address} is gone: {self._lost.result().rstrip('.')}. {outcome}; "
            "open a new link and look.",
            address=self.address,
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
            raise LinkLostError(
                f"The link to the graph server at {self.address} is gone, and so is the event loop that it lived on; "
                "open a new link.",
                address=self.address,
            )
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
