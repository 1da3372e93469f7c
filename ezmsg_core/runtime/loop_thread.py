"""A thread that carries an event loop, and how late that loop runs."""

import asyncio
import concurrent.futures
import threading
import time
from collections import deque
from collections.abc import Coroutine
from typing import Any, TypeVar

from ezmsg_core.transport.event_loops import new_event_loop

R = TypeVar("R")
JOIN_S = 0.6  # a loop that is not blocked ends within milliseconds
CANCEL_S = 0.3  # for tasks that are left to take their cancellation
PULSE_S = 0.25  # how often a loop shows that it runs
KEPT_PULSES = 12  # three seconds, which is longer than any heartbeat's interval


class LoopThread:
    """A daemon thread with an event loop, running from `start` to `stop`."""

    def __init__(self, name: str) -> None:
        self.loop = new_event_loop()
        self._thread = threading.Thread(target=self._carry, name=name, daemon=True)
        self._due_ns = 0
        self._lags_ns: deque[int] = deque(maxlen=KEPT_PULSES)

    def start(self) -> None:
        """Run the loop."""
        self._thread.start()

    def submit(self, work: Coroutine[Any, Any, R]) -> "concurrent.futures.Future[R]":
        """Run a coroutine on the loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def stop(self) -> bool:
        """End the loop and its thread; False if something blocks it, then it is left to the end of the process."""
        if self._thread.is_alive():
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(JOIN_S)
        return not self._thread.is_alive()

    def lag_ns(self) -> int:
        """How late the loop ran at worst in the last seconds, or runs now; whoever asks, and however often."""
        overdue_ns = time.monotonic_ns() - self._due_ns if self._due_ns else 0
        return max(0, overdue_ns, *tuple(self._lags_ns))

    def _carry(self) -> None:
        asyncio.set_event_loop(self.loop)
        self._pulse()
        try:
            self.loop.run_forever()
        finally:
            left = asyncio.all_tasks(self.loop)
            for task in left:
                task.cancel()
            if left:
                self.loop.run_until_complete(asyncio.wait(left, timeout=CANCEL_S))
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
            self.loop.close()

    def _pulse(self) -> None:
        now = time.monotonic_ns()
        if self._due_ns:
            self._lags_ns.append(now - self._due_ns)
        self._due_ns = now + int(PULSE_S * 1e9)
        self.loop.call_later(PULSE_S, self._pulse)
