"""Where tasks wait for something that another task, loop or thread brings about."""

import asyncio
import threading
from collections import deque
from contextlib import suppress
from typing import NamedTuple


class Spot(NamedTuple):
    """One task that waits."""

    future: asyncio.Future[None]
    loop: asyncio.AbstractEventLoop
    thread_id: int


class Parking:
    """Tasks of any event loops that wait for one kind of thing, first come first served.

    Thread-safe. A waker makes the thing true before it wakes; a task takes a spot before it looks a last time, and
    gives the spot back if it need not wait:

        spot = parking.take_spot()
        if is_true():
            parking.leave(spot)
        else:
            await parking.stay(spot)

    A task that was woken looks again, for others may have been faster. A wake-up whose task was cancelled meanwhile
    is passed on to the next.
    """

    __slots__ = ("spots",)

    def __init__(self) -> None:
        self.spots: deque[Spot] = deque()  # truth value read without a lock by wakers; changed by methods only

    def take_spot(self) -> Spot:
        """A spot for the running task, at the end of the queue."""
        loop = asyncio.get_running_loop()
        spot = Spot(loop.create_future(), loop, threading.get_ident())
        self.spots.append(spot)
        return spot

    def leave(self, spot: Spot) -> None:
        """Give a spot back; a wake-up that had come already goes to the next."""
        try:
            self.spots.remove(spot)
        except ValueError:
            self.wake_one()

    async def stay(self, spot: Spot) -> None:
        """Wait until woken.

        Cancellation: the spot is given back.
        """
        try:
            await spot.future
        except asyncio.CancelledError:
            self.leave(spot)
            raise

    def wake_one(self) -> None:
        """Wake the first who waits, if anybody does."""
        while True:
            try:
                future, loop, thread_id = self.spots.popleft()
            except IndexError:
                return
            if thread_id == threading.get_ident():
                if not future.done():
                    future.set_result(None)
                    return
                continue  # cancelled; its task has not run yet
            with suppress(RuntimeError):  # the loop is closed, and its tasks with it
                loop.call_soon_threadsafe(self._wake, future)
                return

    def wake_all(self) -> None:
        """Wake everybody who waits now."""
        for _ in range(len(self.spots)):
            self.wake_one()

    def _wake(self, future: asyncio.Future[None]) -> None:
        if future.done():
            self.wake_one()
        else:
            future.set_result(None)
