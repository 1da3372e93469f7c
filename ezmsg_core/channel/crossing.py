"""Work that crosses from one event loop or thread to another."""

import asyncio
import concurrent.futures
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

R = TypeVar("R")


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop that runs in this thread now, if any."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def call_on(loop: asyncio.AbstractEventLoop, step: Callable[..., object], *arguments: object) -> None:
    """Call a function on a loop, soon or, from the loop itself, now; never if the loop is closed."""
    if running_loop() is loop:
        step(*arguments)
        return
    try:
        loop.call_soon_threadsafe(step, *arguments)
    except RuntimeError:
        pass  # the loop is closed, and everything on it is over


def submit(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, R]) -> concurrent.futures.Future[R]:
    """Start a coroutine on a loop, from any thread.

    Raises:
        RuntimeError: the loop is closed.
    """
    try:
        return asyncio.run_coroutine_threadsafe(work, loop)
    except RuntimeError:
        work.close()
        raise


async def outlast(work: concurrent.futures.Future[R]) -> R:
    """Wait for something that goes on even if the wait is cancelled."""
    loop = asyncio.get_running_loop()
    is_done = asyncio.Event()
    work.add_done_callback(lambda _: call_on(loop, is_done.set))
    await is_done.wait()
    return work.result()


async def settled(work: concurrent.futures.Future[Any]) -> None:
    """Wait until something is over, well or not."""
    with contextlib.suppress(Exception):  # whoever began it has been told
        await outlast(work)
