"""A group of units that obeys orders: the same in the launching process and in a worker."""

import asyncio
import logging
from collections.abc import Callable
from typing import assert_never

from ezmsg_core.component.unit import Unit
from ezmsg_core.errors import EzmsgError
from ezmsg_core.runtime.loop_thread import LoopThread
from ezmsg_core.runtime.orders import Begin, Ended, Failed, Finish, Go, Idle, Notice, Order, Ready, Stop, Terminating
from ezmsg_core.runtime.unit_group import UnitGroup

logger = logging.getLogger("ezmsg")


class GroupHost:
    """Carries out orders on a thread of its own, one after another, and gives notice of what came of them.

    Thread: any. An order to stop or to finish cancels the preparation of units that is under way.

    Args:
        units: of the group.
        notify: takes notices, on any thread.
        on_main: called with the group's main function, if it has one, once it may run.
    """

    def __init__(
        self, units: list[Unit], notify: Callable[[Notice], None], on_main: Callable[[Callable[[], object]], None]
    ) -> None:
        self._thread = LoopThread("TaskThread")
        self._group = UnitGroup(units, self._terminate, self._thread.lag_ns)
        self._notify = notify
        self._on_main = on_main
        self._turn = asyncio.Lock()
        self._preparing: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self.failure: BaseException | None = None
        self._thread.start()

    def order(self, order: Order) -> None:
        """Carry out an order after those before it; its end is a notice."""
        self._thread.submit(self._carry_out(order))

    def end(self) -> bool:
        """End the thread; False if something blocks it."""
        return self._thread.stop()

    async def _carry_out(self, order: Order) -> None:
        if isinstance(order, Stop | Finish) and self._preparing is not None:
            self._preparing.cancel()
        async with self._turn:
            match order:
                case Begin():
                    self._preparing = asyncio.create_task(self._begin(order))
                    await asyncio.wait([self._preparing])
                case Go():
                    self._go()
                case Stop():
                    await self._stop()
                case Finish():
                    await self._finish()
                case _:
                    assert_never(order)

    async def _begin(self, order: Begin) -> None:
        try:
            await self._group.prepare(order.entry)
        except EzmsgError as error:
            self.failure = error.__cause__ or error
            phase = error.parts.get("phase", "register")
            self._notify(Failed(str(phase), str(error.parts.get("unit", "")), error.text))
        except Exception as error:
            logger.exception("The units could not be prepared")
            self.failure = error
            self._notify(Failed("prepare", "", f"{type(error).__name__}: {error}"))
        else:
            self._notify(Ready())

    def _go(self) -> None:
        self._group.go()
        for main in self._group.mains:
            self._on_main(main)
        self._watching = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        await self._group.wait_idle()
        self._notify(Idle())

    async def _stop(self) -> None:
        await self._group.stop()
        self._notify(Idle())

    async def _finish(self) -> None:
        is_clean = False
        try:
            is_clean = await self._group.finish()
        except Exception:
            logger.exception("The units could not be shut down")
        self._notify(Ended(is_clean))

    def _terminate(self, reason: str) -> None:
        self._notify(Terminating(reason))
