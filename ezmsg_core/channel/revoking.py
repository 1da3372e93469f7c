"""When a process that the system has stopped gives up what it holds of this process's publishers.

A slow process is waited for, however slow it is; a stopped one (Ctrl-Z, SIGSTOP) would be waited for by everybody
else. When it goes on, it finds its channel closed, opens another one, and counts what it has missed.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable

import psutil

from ezmsg_core.channel.dispatch import Dispatch
from ezmsg_core.channel.outlet import Outlet

STOPPED_S = 8.0  # for so long a stopped process is waited for: somebody may have stopped it for a look
LOOK_S = 1.0  # between two looks; also how much longer it may take

_log = logging.getLogger("ezmsg")


class StoppedProcesses:
    """Looks, now and then, at the processes that publishers wait for. Used on one event loop.

    Args:
        dispatches: those of the publishers that are open now.
    """

    def __init__(self, dispatches: Callable[[], Iterable[Dispatch]]) -> None:
        self._dispatches = dispatches
        self._loop = asyncio.get_running_loop()
        self._stopped_since: dict[Outlet, float] = {}
        self._next = self._loop.call_later(LOOK_S, self._look)

    def close(self) -> None:
        """Look no more."""
        self._next.cancel()

    def _look(self) -> None:
        now_s = time.monotonic()
        before, self._stopped_since = self._stopped_since, {}
        for dispatch in self._dispatches():
            for outlet in dispatch.awaited_outlets():
                if is_stopped(outlet.end.peer_pid):
                    self._found(dispatch, outlet, before.get(outlet, now_s), now_s)
        self._next = self._loop.call_later(LOOK_S, self._look)

    def _found(self, dispatch: Dispatch, outlet: Outlet, since_s: float, now_s: float) -> None:
        if now_s - since_s < STOPPED_S:
            self._stopped_since[outlet] = since_s
            return
        names = ", ".join(receiver.endpoint_id for receiver in outlet.receivers.values())
        dispatch.outlet_lost(outlet, "its process is stopped")
        _log.warning(
            "%s no longer waits for %s: process %s has been stopped for %.0f s.",
            dispatch.topic,
            names,
            outlet.end.peer_pid,
            now_s - since_s,
        )


def is_stopped(pid: int | None) -> bool:
    """Whether the system says so; a process that only sleeps, waits or is traced is not."""
    if pid is None:
        return False
    try:
        return psutil.Process(pid).status() == psutil.STATUS_STOPPED
    except psutil.Error:
        return False  # it has ended, and its connection tells
