"""The links of a process, shared by all who need one, and the control thread that they live on.

Apart from the program's own event loops, so that heartbeats, calls and tickets go on while the program computes.
Whoever asks for the same server and role gets the same link, which is closed when its last user gives it back. A forked
child starts without any.
"""

import asyncio
import concurrent.futures
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from ezmsg_core.client.link import Link
from ezmsg_core.errors import LinkLostError
from ezmsg_core.model.roles import Role
from ezmsg_core.transport.connection_file import ServerEntry
from ezmsg_core.transport.event_loops import new_event_loop

R = TypeVar("R")
Key = tuple[str, str, Role]  # epoch and address of a server, and what for


class _Shared:
    """One link and how many use it or wait for it. Used on the control loop."""

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


class ControlThread:
    """A daemon thread with an event loop, which runs while links are in use.

    Thread: its methods may be used from any event loop.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._users = 0
        self._newest: dict[Key, _Shared] = {}  # that further users get
        self._all: set[_Shared] = set()  # with those whose link is lost, and has users still

    async def acquire(self, server: ServerEntry, role: Role) -> Link:
        """The process's link to a server; to be given back with `release`.

        Raises:
            LinkError: no link came about.

        Cancellation: nothing is acquired.
        """
        self._enter()
        try:
            acquired = self._submit(self._acquire(server, role))
            try:
                return await asyncio.shield(asyncio.wrap_future(acquired))
            except asyncio.CancelledError:
                acquired.add_done_callback(self._give_back)  # it may have come about all the same
                acquired.cancel()
                raise
        except BaseException:
            self._leave()
            raise

    async def release(self, link: Link) -> None:
        """Give a link back; it is closed with its last user.

        Cancellation: it is given back all the same.
        """
        await asyncio.shield(asyncio.ensure_future(self._released(link)))

    async def run(self, work: Callable[[], Coroutine[Any, Any, R]]) -> R:
        """Run a coroutine on the control thread's loop. Cancellation is passed on.

        Raises:
            LinkLostError: no link is in use.
        """
        if asyncio.get_running_loop() is self._loop:
            return await work()
        return await asyncio.wrap_future(self._submit(work()))

    def _submit(self, work: Coroutine[Any, Any, R]) -> "concurrent.futures.Future[R]":
        loop = self._loop
        if loop is None:
            work.close()
            raise LinkLostError("The control thread has ended with the last link; open a new context.")
        return asyncio.run_coroutine_threadsafe(work, loop)

    async def _released(self, link: Link) -> None:
        try:
            await self.run(lambda: self._release(link))
        finally:
            self._leave()

    def _give_back(self, acquired: "concurrent.futures.Future[Link]") -> None:
        """Release what came about for somebody who was cancelled. Runs on the control loop."""
        if acquired.cancelled() or acquired.exception() is not None:
            return
        self._enter()
        link = acquired.result()
        work = self._released(link)
        asyncio.run_coroutine_threadsafe(work, link.loop)

    async def _acquire(self, server: ServerEntry, role: Role) -> Link:
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

    async def _release(self, link: Link) -> None:
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

    def _enter(self) -> None:
        with self._lock:
            self._users += 1
            if self._loop is None:
                loop = self._loop = new_event_loop()
                threading.Thread(target=_carry, args=(loop,), name="ezmsg-control", daemon=True).start()

    def _leave(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0 and self._loop is not None:
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._loop = None


def _carry(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        while tasks := asyncio.all_tasks(loop):
            for task in tasks:
                task.cancel()
            loop.run_until_complete(asyncio.wait(tasks))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


_control = ControlThread()


def control_thread() -> ControlThread:
    """The control thread of this process."""
    return _control


def _forget_after_fork() -> None:
    global _control  # noqa: PLW0603 - the child has none of its parent's threads
    _control = ControlThread()


os.register_at_fork(after_in_child=_forget_after_fork)
