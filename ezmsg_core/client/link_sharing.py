"""The links of a process, shared by all who need one, and the control thread that they live on.

Apart from the program's own event loops, so that heartbeats, calls and tickets go on while the program computes.
Whoever asks for the same server and role gets the same link, which is closed when its last user gives it back; the
thread ends with its last user. A forked child starts without any.
"""

import asyncio
import concurrent.futures
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from ezmsg_core.client.link import Link
from ezmsg_core.model.roles import Role
from ezmsg_core.transport.connection_file import ServerEntry
from ezmsg_core.transport.event_loops import new_event_loop

R = TypeVar("R")
Key = tuple[str, str, Role]  # epoch and address of a server, and what for
SETTLE_S = 1.0  # for what is left on the loop to end by itself; it ends at the next turn, unless a server hangs


class _Shared:
    """One link and how many use it or wait for it. Used on its loop."""

    def __init__(self, key: Key) -> None:
        self.key = key
        self.users = 0
        self.opening: asyncio.Task[Link] | None = None

    @property
    def link(self) -> Link | None:
        """The link, once it is open."""
        opening = self.opening
        if opening is None or not opening.done() or opening.cancelled() or opening.exception() is not None:
            return None
        return opening.result()


class _Carrier:
    """One thread with its event loop, and the links on it; another thread has another carrier.

    `users` belongs to the lock of the `ControlThread`, everything else to the loop.
    """

    def __init__(self) -> None:
        self.loop = new_event_loop()
        self.users = 0
        self._newest: dict[Key, _Shared] = {}  # that further users get
        self._all: set[_Shared] = set()  # with those whose link is lost, and has users still
        threading.Thread(target=self._carry, name="ezmsg-control", daemon=True).start()

    def submit(self, work: Coroutine[Any, Any, R]) -> "concurrent.futures.Future[R]":
        """Run a coroutine on the loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def end(self) -> None:
        """End the thread once what is under way is over."""
        self.loop.call_soon_threadsafe(self.loop.stop)

    async def acquire(self, server: ServerEntry, role: Role) -> Link:
        """A link to the server, with one user more."""
        key = (server.epoch, server.label, role)
        shared = self._newest.get(key)
        if shared is None or (shared.link is not None and shared.link.is_lost):
            shared = self._newest[key] = _Shared(key)
            self._all.add(shared)
        shared.users += 1
        try:
            if shared.opening is None:
                shared.opening = asyncio.get_running_loop().create_task(Link.open(server, role))
            return await asyncio.shield(shared.opening)
        except BaseException:
            await self._one_less(shared)
            raise

    async def release(self, link: Link) -> None:
        """One user less of a link."""
        for shared in self._all:
            if shared.link is link:
                await self._one_less(shared)
                return

    async def _one_less(self, shared: _Shared) -> None:
        shared.users -= 1
        if shared.users:
            return
        self._all.discard(shared)
        if self._newest.get(shared.key) is shared:
            del self._newest[shared.key]
        opening = shared.opening
        assert opening is not None
        opening.cancel()
        await asyncio.wait([opening])
        if shared.link is not None:
            await shared.link.aclose()

    def _carry(self) -> None:
        loop = self.loop
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
            if tasks := asyncio.all_tasks(loop):  # such as one that gave the last link back and has a line to go
                loop.run_until_complete(asyncio.wait(tasks, timeout=SETTLE_S))
            while tasks := asyncio.all_tasks(loop):
                for task in tasks:
                    task.cancel()
                loop.run_until_complete(asyncio.wait(tasks))
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(loop.shutdown_default_executor())
        finally:
            asyncio.set_event_loop(None)
            loop.close()


class ControlThread:
    """The control thread of a process, which runs while links are in use.

    Thread: its methods may be used from any event loop, that of a link included.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._carriers: dict[asyncio.AbstractEventLoop, _Carrier] = {}  # at most one, which has users

    async def acquire(self, server: ServerEntry, role: Role) -> Link:
        """The process's link to a server; to be given back with `release`.

        Raises:
            LinkError: no link came about.

        Cancellation: nothing is acquired.
        """
        carrier = self._enter()
        work: list[asyncio.Task[Any]] = []

        async def acquire() -> Link:
            work.extend(filter(None, [asyncio.current_task()]))
            return await carrier.acquire(server, role)

        acquiring = carrier.submit(acquire())
        try:
            return await asyncio.shield(asyncio.wrap_future(acquiring))
        except asyncio.CancelledError:
            acquiring.add_done_callback(lambda done: self._give_back(carrier, done))
            carrier.loop.call_soon_threadsafe(lambda: [task.cancel() for task in work])
            raise
        except BaseException:
            self._leave(carrier)
            raise

    async def release(self, link: Link) -> None:
        """Give a link back; it is closed with its last user.

        Cancellation: it is given back all the same.
        """
        with self._lock:
            carrier = self._carriers.get(link.loop)
        if carrier is None:
            return  # its thread has ended, and so it was given back before
        releasing = carrier.submit(carrier.release(link))
        releasing.add_done_callback(lambda _: self._leave(carrier))
        await asyncio.shield(asyncio.wrap_future(releasing))

    def _give_back(self, carrier: _Carrier, acquired: "concurrent.futures.Future[Link]") -> None:
        """Release what came about for somebody who was cancelled. Runs on the carrier's loop."""
        if acquired.cancelled() or acquired.exception() is not None:
            self._leave(carrier)
            return
        releasing = carrier.submit(carrier.release(acquired.result()))
        releasing.add_done_callback(lambda _: self._leave(carrier))

    def _enter(self) -> _Carrier:
        with self._lock:
            carrier = next(iter(self._carriers.values()), None)
            if carrier is None:
                carrier = _Carrier()
                self._carriers[carrier.loop] = carrier
            carrier.users += 1
            return carrier

    def _leave(self, carrier: _Carrier) -> None:
        with self._lock:
            carrier.users -= 1
            if carrier.users == 0:
                del self._carriers[carrier.loop]
                carrier.end()


_control = ControlThread()


def control_thread() -> ControlThread:
    """The control thread of this process."""
    return _control


def _forget_after_fork() -> None:
    global _control  # noqa: PLW0603 - the child has none of its parent's threads
    _control = ControlThread()


os.register_at_fork(after_in_child=_forget_after_fork)
