"""The control thread of a process: one event loop apart from the program's, on which its links live.

Heartbeats, calls and tickets go on while the program computes. Links are shared: whoever asks for the same server and
role gets the same one, which is closed when the last user gives it back. A forked child starts without any.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from ezmsg_core.client.link import Link
from ezmsg_core.errors import LinkLostError
from ezmsg_core.model.roles import Role
from ezmsg_core.transport.connection_file import ServerEntry

R = TypeVar("R")
Key = tuple[str, str, Role]


class _Shared:
    """A link and how many use it."""

    def __init__(self) -> None:
        self.users = 0
        self.lock = asyncio.Lock()  # lives on the control loop; opening is the only wait under it
        self.link: Link | None = None


class ControlThread:
    """A daemon thread with an event loop, which runs while links are in use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._users = 0
        self._shared: dict[Key, _Shared] = {}

    async def acquire(self, server: ServerEntry, role: Role) -> Link:
        """The process's link to a server; to be given back with `release`.

        Raises:
            LinkError: no link came about.
        """
        self._enter()
        try:
            return await self.run(lambda: self._acquire(server, role))
        except BaseException:
            self._leave()
            raise

    async def release(self, link: Link) -> None:
        """Give a link back; it is closed with its last user."""
        try:
            await self.run(lambda: self._release(link))
        finally:
            self._leave()

    async def run(self, work: Callable[[], Coroutine[Any, Any, R]]) -> R:
        """Run a coroutine on the control thread's loop, from any loop. Cancellation is passed on."""
        loop = self._loop
        if loop is None:
            raise LinkLostError("The control thread has ended; open a new context.")
        if asyncio.get_running_loop() is loop:
            return await work()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work(), loop))

    async def _acquire(self, server: ServerEntry, role: Role) -> Link:
        key = (server.epoch, server.label, role)
        shared = self._shared.setdefault(key, _Shared())
        shared.users += 1
        try:
            async with shared.lock:
                if shared.link is None or shared.link.is_lost:
                    shared.link = await Link.open(server, role)
                return shared.link
        except BaseException:
            shared.users -= 1
            if shared.users == 0:
                self._shared.pop(key, None)
            raise

    async def _release(self, link: Link) -> None:
        for key, shared in list(self._shared.items()):
            if shared.link is link:
                shared.users -= 1
                if shared.users == 0:
                    del self._shared[key]
                    await link.aclose()
                return
        if not link.is_lost:
            await link.aclose()

    def _enter(self) -> None:
        with self._lock:
            self._users += 1
            if self._thread is None:
                is_up = threading.Event()
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=_carry, args=(self._loop, is_up), name="ezmsg-control", daemon=True
                )
                self._thread.start()
                is_up.wait()

    def _leave(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0 and self._loop is not None:
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._thread = self._loop = None
                self._shared.clear()


def _carry(loop: asyncio.AbstractEventLoop, is_up: threading.Event) -> None:
    asyncio.set_event_loop(loop)
    loop.call_soon(is_up.set)
    try:
        loop.run_forever()
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


_control = ControlThread()


def control_thread() -> ControlThread:
    """The control thread of this process."""
    return _control


def _forget_after_fork() -> None:
    global _control  # noqa: PLW0603 - the child has none of its parent's threads
    _control = ControlThread()


os.register_at_fork(after_in_child=_forget_after_fork)
