"""The launcher's thread: it starts a graph, watches over its processes, and ends it in bounded time."""

import asyncio
import atexit
import contextlib
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path

from ezmsg_core import config
from ezmsg_core.channel.listener import remove_dead_sockets
from ezmsg_core.component.blueprint import Blueprint
from ezmsg_core.component.metadata import graph_metadata
from ezmsg_core.component.unit import Unit
from ezmsg_core.context.graph_context import GraphContext
from ezmsg_core.errors import EzmsgError, WorkerError
from ezmsg_core.model.address import AddressType
from ezmsg_core.runtime.group_host import GroupHost
from ezmsg_core.runtime.loop_thread import LoopThread
from ezmsg_core.runtime.orders import Begin, Ended, Failed, Finish, Go, Idle, Notice, Ready, Stop, Terminating
from ezmsg_core.runtime.worker_process import WorkerProcess
from ezmsg_core.server import GraphServer
from ezmsg_core.transport.connection_file import ServerEntry

logger = logging.getLogger("ezmsg")
STOP_S = 1.6  # for tasks to end once they are told to
FINISH_S = 2.0  # for units to shut down after that; together with the rest under five seconds
LEAVE_S = 0.8  # for the server to hear that the graph has ended
FORCED_S = 0.2  # for the same, when nobody is to be waited for
KILLED_S = 1.0  # for the kernel to end what was killed


@dataclass(frozen=True, slots=True)
class LaunchOptions:
    """Where and how a graph runs."""

    graph_address: AddressType | None = None
    starts_server: bool = False  # even where one answers already
    connection_file: Path | None = None  # of that server, besides the usual place


class _Member:
    """One process of the graph and how far it is."""

    def __init__(self, host: "WorkerProcess | GroupHost", name: str, addresses: list[str]) -> None:
        self.host = host
        self.name = name
        self.addresses = addresses
        self.is_ready = False
        self.is_idle = False
        self.has_ended = False
        self.is_told_to_stop = False


class Launch:
    """One run of a graph, on a thread of its own.

    Args:
        blueprint: what runs.
        workers: processes that were started already, waiting for orders.
        local: units of this process, if it has some.
        options: where the graph runs.
        on_main: called with the main function of this process's units, or None when the run is over.
    """

    def __init__(
        self,
        blueprint: Blueprint,
        workers: list[WorkerProcess],
        local: list[Unit],
        options: LaunchOptions,
        on_main: Callable[[Callable[[], object] | None], None],
    ) -> None:
        self._blueprint = blueprint
        self._workers = workers
        self._local = local
        self._options = options
        self._on_main = on_main
        self._members: list[_Member] = []
        self._local_notices: deque[Notice] = deque()
        self._wake_reader, self._wake_writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._waking = threading.RLock()  # a signal handler may come while its own thread wakes
        self._loop = LoopThread("ezmsg-launcher")
        self._context: GraphContext | None = None
        self._server: GraphServer | None = None
        self._stop_reason: str | None = None
        self._is_forced = False
        self._thread = threading.Thread(target=self._run, name="ezmsg-supervisor", daemon=True)
        self.entry: ServerEntry | None = None
        self.started = threading.Event()  # the graph runs, or will not
        self.ended = threading.Event()
        self.failure: BaseException | None = None
        self.is_clean = True

    def start(self) -> None:
        """Begin; returns at once. A program that ends before the graph does ends the graph."""
        self._loop.start()
        self._thread.start()
        atexit.register(self.end)

    def end(self) -> None:
        """End the graph, and wait for that."""
        self.stop("The program ends.")
        self.join()

    def stop(self, reason: str) -> None:
        """End the graph. Any thread, and signal handlers."""
        if self._stop_reason is None:
            self._stop_reason = reason
        self._wake()

    def force(self) -> None:
        """End the graph without waiting for anybody. Any thread, and signal handlers."""
        self._is_forced = True
        self._wake()

    def join(self) -> None:
        """Wait for the end.

        If the environment wants unclean ends to be errors, `failure` is one after an unclean end.
        """
        self._thread.join()
        if self.failure is None and not self.is_clean and config.strict_shutdown():
            self.failure = WorkerError(
                "The graph did not end cleanly: a function had raised, or something did not end in time. The log says "
                "what.",
                phase="shutdown",
            )

    @property
    def server_spawned(self) -> bool:
        """Whether the graph server was started along."""
        return self._server is not None

    def _run(self) -> None:
        try:
            self._begin()
            if self._is_going_on(lambda: all(member.is_ready for member in self._members), None):
                self._tell_all(Go())
                self.started.set()
                self._is_going_on(lambda: all(member.is_idle for member in self._members), None)
        except BaseException as error:  # noqa: BLE001 - whatever it is, processes are to be ended and it is to be raised
            self.failure = self.failure or error
        try:
            self._end()
        except BaseException as error:  # noqa: BLE001
            self.failure = self.failure or error
        self._members.clear()
        self._workers.clear()  # so that their descriptors are closed now
        atexit.unregister(self.end)
        self.started.set()
        self.ended.set()
        self._on_main(None)

    def _begin(self) -> None:
        for worker in self._workers:
            self._members.append(_Member(worker, worker.name, worker.addresses))
        if self._local:
            units = [unit for unit in self._blueprint.units.values() if unit in self._local]
            host = GroupHost(units, self._notified, self._on_main)
            self._members.append(_Member(host, "this process", [unit.address for unit in units]))
        entry = self.entry = self._loop.submit(self._join_graph()).result()
        atexit.unregister(self.end)
        atexit.register(self.end)  # the last to register is the first to be called: before a server of ours ends
        self._tell_all(Begin(entry))

    async def _join_graph(self) -> ServerEntry:
        options = self._options
        if options.starts_server:
            server = self._server = GraphServer()
            await asyncio.to_thread(server.start, options.graph_address, connection_file=options.connection_file)
            context = GraphContext(server.entry)
        else:
            context = GraphContext(options.graph_address)
        self._context = await context.__aenter__()
        blueprint = self._blueprint
        await context.register_metadata(
            graph_metadata(blueprint.root_name, blueprint.units, blueprint.collections, blueprint.children)
        )
        for start in range(0, len(blueprint.edges), 32):
            chunk = blueprint.edges[start : start + 32]
            await asyncio.gather(*(context.connect(source, target) for source, target in chunk))
        if context.server is not None:
            self._server = context.server
        return context.entry

    def _is_going_on(self, is_done: Callable[[], bool], deadline_s: float | None) -> bool:
        """Watch over all processes until something is done; False if the graph has to end before."""
        is_final = deadline_s is not None
        while not is_done():
            if not is_final and (self._stop_reason is not None or self.failure is not None):
                return False
            if self._is_forced:
                return False
            left_s = None if deadline_s is None else deadline_s - time.monotonic()
            if left_s is not None and left_s <= 0:
                return False
            self._watch(left_s)
        return True

    def _watch(self, timeout_s: float | None) -> None:
        workers = {m.host.pipe: m for m in self._members if isinstance(m.host, WorkerProcess) and not m.has_ended}
        sentinels = {m.host.process.sentinel: m for m in workers.values() if isinstance(m.host, WorkerProcess)}
        ready = wait([self._wake_reader, *workers, *sentinels], timeout_s)
        if self._wake_reader in ready:
            os.read(self._wake_reader, 4096)
        while self._local_notices:
            self._take(self._members[-1], self._local_notices.popleft())
        for source in ready:
            member = workers.get(source) or sentinels.get(source)  # pyright: ignore[reportArgumentType, reportCallIssue]
            if member is None or member.has_ended or not isinstance(member.host, WorkerProcess):
                continue
            if member.host.pipe.poll() or source in workers:
                notice = member.host.notice()
                if notice is not None:
                    self._take(member, notice)
                    continue
            self._died(member)

    def _take(self, member: _Member, notice: Notice) -> None:
        match notice:
            case Ready():
                member.is_ready = True
            case Idle():
                member.is_idle = True
            case Ended(is_clean):
                member.has_ended = member.is_idle = True
                self.is_clean = self.is_clean and is_clean
            case Terminating(reason):
                logger.debug("%s", reason)
                self.stop(reason)
            case Failed():
                self._failed(member, notice)

    def _failed(self, member: _Member, notice: Failed) -> None:
        if isinstance(member.host, GroupHost) and member.host.failure is not None:
            error: BaseException = member.host.failure
        else:
            error = WorkerError(
                f"The graph cannot run. In {member.name}: {notice.error}",
                process=member.name,
                units=member.addresses,
                phase=notice.phase,
                unit=notice.unit,
            )
        self.failure = self.failure or error
        self.is_clean = False

    def _died(self, member: _Member) -> None:
        assert isinstance(member.host, WorkerProcess)
        member.host.process.join(KILLED_S)
        member.has_ended = member.is_idle = member.is_ready = True
        self.is_clean = False
        if self._is_forced:
            return
        units = ", ".join(member.addresses)
        text = f"{member.name} (pid {member.host.process.pid}) {member.host.end}, and with it {units}. The graph ends."
        logger.error("%s", text)
        self.failure = self.failure or WorkerError(
            text, process=member.name, units=member.addresses, phase="running", signal=member.host.end
        )

    def _end(self) -> None:
        if not self._is_forced:
            for member in self._members:
                if not member.is_idle:
                    member.host.order(Stop())
            self._is_going_on(lambda: all(m.is_idle for m in self._members), time.monotonic() + STOP_S)
            self._tell_all(Finish())
            self._is_going_on(lambda: all(m.has_ended for m in self._members), time.monotonic() + FINISH_S)
        for member in self._members:
            if not member.has_ended:
                self._note_late(member)
                why = "was not waited for" if self._is_forced else "did not end in time"
                logger.error("%s %s: %s", member.name, why, ", ".join(member.addresses))
            if isinstance(member.host, WorkerProcess):
                if not member.has_ended:
                    member.host.kill()
                member.host.process.join(KILLED_S)
                member.host.kill()
                member.host.close()
            elif not member.host.end():
                self.is_clean = False
        self._leave_graph()
        remove_dead_sockets(config.runtime_dir())  # of workers that did not end by themselves
        with self._waking:
            for descriptor in (self._wake_reader, self._wake_writer):
                os.close(descriptor)
            self._wake_reader = self._wake_writer = -1

    def _note_late(self, member: _Member) -> None:
        self.is_clean = False
        if self._is_forced:
            text = f"{member.name} was not waited for, and with it {', '.join(member.addresses)}."
            self.failure = self.failure or WorkerError(
                text, process=member.name, units=member.addresses, phase="shutdown", signal="SIGKILL"
            )

    def _leave_graph(self) -> None:
        context = self._context
        if context is not None:
            patience_s = FORCED_S if self._is_forced else LEAVE_S
            try:
                self._loop.submit(context.__aexit__(None, None, None)).result(patience_s)
            except TimeoutError:
                logger.warning("The graph server at %s did not answer that the graph has ended.", context.graph_address)
            except EzmsgError as error:
                logger.warning("The graph server could not be told that the graph has ended: %s", error)
        if self._server is not None:
            self._server.stop()
        self._loop.stop()

    def _tell_all(self, order: Begin | Go | Finish) -> None:
        for member in self._members:
            if not member.has_ended:
                member.host.order(order)

    def _notified(self, notice: Notice) -> None:
        self._local_notices.append(notice)
        self._wake()

    def _wake(self) -> None:
        with self._waking, contextlib.suppress(BlockingIOError):  # full, so it wakes anyway
            if self._wake_writer >= 0:
                os.write(self._wake_writer, b"!")
