"""A watch as its consumer sees it: an asynchronous iterator, on any event loop."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable

from ezmsg_core.errors import EzmsgError, LinkLostError
from ezmsg_core.model.watching import StreamName, WatchItem


class Watch:
    """Items of one stream, in order.

    Buffered: as many items as it has credit. When full the server keeps the rest, and tells of a gap if it cannot.
    Receivers: one at a time, on any event loop. Order kept. Thread: iterate on one loop; `aclose` anywhere.
    If the link goes: what came stays readable, then `LinkLostError`.
    """

    def __init__(self, stream: StreamName, credit: int, grant: Callable[[int], None]) -> None:
        self.stream = stream
        self.watch_id = 0
        self._items: deque[WatchItem] = deque()
        self._lock = threading.Lock()
        self._credit = credit
        self._taken = 0
        self._grant = grant
        self._end: EzmsgError | StopAsyncIteration | None = None
        self._sleeper: tuple[asyncio.AbstractEventLoop, asyncio.Future[None]] | None = None
        self._on_close: Callable[[], None] | None = None

    def __aiter__(self) -> "Watch":
        return self

    async def __anext__(self) -> WatchItem:
        """The next item.

        Raises:
            LinkLostError: the link is gone, and every item that came was taken.
        """
        while True:
            with self._lock:
                if self._items:
                    item = self._items.popleft()
                    self._taken += 1
                    due = self._taken if self._taken * 2 >= self._credit else 0
                    self._taken -= due
                    break
                if self._end is not None:
                    raise self._end
                loop = asyncio.get_running_loop()
                wake_up: asyncio.Future[None] = loop.create_future()
                self._sleeper = (loop, wake_up)
            await wake_up
        if due:
            self._grant(due)
        return item

    def opened(self, watch_id: int, on_close: Callable[[], None]) -> None:
        """The server knows the watch by this id. Called by the link; ``on_close`` at once if it is closed already."""
        with self._lock:
            self.watch_id = watch_id
            is_closed = isinstance(self._end, StopAsyncIteration)
            if not is_closed:
                self._on_close = on_close
        if is_closed:
            on_close()

    def put(self, item: WatchItem) -> None:
        """An item came. Called by the link."""
        with self._lock:
            if self._end is None:
                self._items.append(item)
            self._wake()

    def lose(self, reason: str) -> None:
        """The link went. Called by the link."""
        with self._lock:
            if self._end is None:
                self._end = LinkLostError(
                    f"The watch of {self.stream} ended with its link: {reason.rstrip('.')}. Open a new link, and watch "
                    "on after the last seq that came."
                )
            self._wake()

    async def aclose(self) -> None:
        """No more items; what was not taken is dropped."""
        with self._lock:
            self._end = StopAsyncIteration()
            self._items.clear()
            self._wake()
            on_close, self._on_close = self._on_close, None
        if on_close is not None:
            on_close()

    def _wake(self) -> None:
        if self._sleeper is None:
            return
        loop, wake_up = self._sleeper
        self._sleeper = None
        try:
            loop.call_soon_threadsafe(_set, wake_up)
        except RuntimeError:
            pass  # the consumer's loop is closed; nobody waits any longer


def _set(wake_up: "asyncio.Future[None]") -> None:
    if not wake_up.done():
        wake_up.set_result(None)
