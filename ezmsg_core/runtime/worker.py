"""A worker process: its units, the pipe to its launcher, its main thread."""

import contextlib
import logging
import os
import queue
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection

from ezmsg_core.component.ending import NormalTermination
from ezmsg_core.component.unit import Unit
from ezmsg_core.config import runtime_dir
from ezmsg_core.runtime.ending_signals import ENDING_SIGNALS
from ezmsg_core.runtime.group_host import GroupHost
from ezmsg_core.runtime.orders import Ended, Failed, Finish, Notice, Stop, Terminating, order_of, packed
from ezmsg_core.transport.connection_file import remove_stale

logger = logging.getLogger("ezmsg")
ORPHAN_S = 3.0  # for a worker to stop its tasks and shut its units down when its launcher is gone
LEAVING_S = 1.0  # for its main thread to leave after that

Job = Callable[[], object] | None


def work(pipe: Connection, units: list[Unit], others: list[Connection]) -> None:
    """Run in a worker process until its launcher says so, or is gone.

    Args:
        pipe: to the launcher.
        units: to run.
        others: ends of other workers' pipes that came along with the fork; kept open they would hide that the
            launcher is gone.
    """
    for other in others:
        with contextlib.suppress(OSError):
            other.close()
    Worker(pipe, units).run()


class Worker:
    """The main thread runs the units' main function, if there is one; others read orders and send notices."""

    def __init__(self, pipe: Connection, units: list[Unit]) -> None:
        self._pipe = pipe
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._notices: queue.SimpleQueue[Notice] = queue.SimpleQueue()  # signal handlers may put into it
        self._has_ended = threading.Event()
        self._is_orphan = threading.Event()
        self._has_left = threading.Event()
        self._host = GroupHost(units, self._notify, self._jobs.put)

    def run(self) -> None:
        """Work, and return when the process may end."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal tells the whole group; the launcher decides
        signal.signal(signal.SIGTERM, self._terminated)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING_SIGNALS)  # held while it was started
        threading.Thread(target=self._obey, name="ezmsg-orders", daemon=True).start()
        threading.Thread(target=self._send_notices, name="ezmsg-notices", daemon=True).start()
        while (job := self._jobs.get()) is not None:
            self._run_main(job)
        self._host.end()
        if self._is_orphan.is_set():
            remove_stale(runtime_dir())  # of a server that went with the launcher
        self._has_left.set()

    def _terminated(self, _number: int, _frame: object) -> None:
        self._notify(Terminating("A worker process was told to terminate."))

    def _run_main(self, main: Callable[[], object]) -> None:
        try:
            main()
        except NormalTermination:
            self._notify(Terminating("A main function ended the graph."))
        except Exception as error:
            logger.exception("A main function raised")
            self._notify(Failed("main", "", f"{type(error).__name__}: {error}"))

    def _obey(self) -> None:
        try:
            while True:
                self._host.order(order_of(self._pipe.recv_bytes()))
        except (EOFError, OSError):
            self._orphaned()

    def _orphaned(self) -> None:
        """The launcher is gone: shut down by ourselves, in bounded time, whatever the main function does."""
        if not self._has_ended.is_set():
            self._is_orphan.set()
            self._host.order(Stop())
            self._host.order(Finish())
        if not (self._has_ended.wait(ORPHAN_S) and self._has_left.wait(LEAVING_S)):
            remove_stale(runtime_dir())
            os._exit(1)

    def _notify(self, notice: Notice) -> None:
        if isinstance(notice, Ended):
            self._has_ended.set()
        self._notices.put(notice)

    def _send_notices(self) -> None:
        while True:
            notice = self._notices.get()
            with contextlib.suppress(OSError):  # the launcher is gone; it needs no notice
                self._pipe.send_bytes(packed(notice))
            if isinstance(notice, Ended):
                self._jobs.put(None)
                return
