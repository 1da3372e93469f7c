"""The units of one process: prepared, run, stopped and shut down together."""

import asyncio
import functools
import inspect
import logging
from collections.abc import Callable
from typing import Any

from ezmsg_core.channel.publisher import Publisher
from ezmsg_core.channel.reporting import report_counters
from ezmsg_core.channel.subscriber import Subscriber
from ezmsg_core.client.link import Link
from ezmsg_core.client.link_sharing import control_thread
from ezmsg_core.client.process_agent import ProcessAgent
from ezmsg_core.component.stream import InputStream, OutputStream
from ezmsg_core.component.tasks import SUBSCRIBES_ATTR
from ezmsg_core.component.unit import Unit
from ezmsg_core.errors import ConfigError, UnitError
from ezmsg_core.model.roles import Role
from ezmsg_core.runtime.driving import UnitDriver
from ezmsg_core.runtime.settings_desk import SettingsDesk
from ezmsg_core.transport.connection_file import ServerEntry

logger = logging.getLogger("ezmsg")
SETTINGS_INPUT = "INPUT_SETTINGS"
CANCEL_S = 1.0  # for tasks to take their cancellation


class UnitGroup:
    """Runs units on the event loop that it is used on.

    Args:
        units: in the order in which they are prepared.
        terminate: ends the whole graph, with a reason.
        loop_lag_ns: how late the loop of the units runs.
    """

    def __init__(self, units: list[Unit], terminate: Callable[[str], None], loop_lag_ns: Callable[[], int]) -> None:
        self._units = units
        self._terminate = terminate
        self._loop_lag_ns = loop_lag_ns
        self._link: Link | None = None
        self._agent: ProcessAgent | None = None
        self._desk: SettingsDesk | None = None
        self._drivers: list[UnitDriver] = []
        self._publishers: list[Publisher] = []
        self._subscribers: dict[str, Subscriber] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._prepared: list[Unit] = []
        self._is_clean = True
        self.mains: list[Callable[[], Any]] = [
            functools.partial(unit.main, unit) for unit in units if unit.main is not None
        ]

    async def prepare(self, entry: ServerEntry) -> None:
        """Join the graph and prepare every unit; publishers wait for `go`.

        Raises:
            UnitError: a unit failed; nothing runs.
            LinkError: the server cannot be reached.
        """
        if len(self.mains) > 1:
            names = ", ".join(unit.address for unit in self._units if unit.main is not None)
            raise ConfigError(
                f"Several units of one process have a @main: {names}. Give all but one a process of their own.",
                name="main",
                value=names,
            )
        link = self._link = await control_thread().acquire(entry, Role.PARTICIPATE)
        link.loop_lag_ns = self._loop_lag_ns
        report_counters(link)
        agent = self._agent = await ProcessAgent.open(link)
        desk = self._desk = SettingsDesk(agent, asyncio.get_running_loop())
        agent.set_handler(desk.answer)
        for unit in self._units:
            try:
                await unit.setup()
            except Exception as error:
                logger.exception("%s failed in initialize", unit.address)
                raise UnitError(
                    f"{unit.address} failed in initialize: {type(error).__name__}: {error}",
                    phase="initialize",
                    unit=unit.address,
                ) from error
            self._prepared.append(unit)
        await agent.register([unit.address for unit in self._units])
        for unit in self._units:
            await self._open_streams(unit, link, desk)

    def go(self) -> None:
        """Let publishers publish, and functions run."""
        for publisher in self._publishers:
            publisher.resume()
        for driver in self._drivers:
            self._start(driver)

    async def wait_idle(self) -> None:
        """Wait until all functions of all units have ended."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def stop(self) -> None:
        """End all functions of all units; those that do not take their cancellation are left behind."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            _, stuck = await asyncio.wait(self._tasks, timeout=CANCEL_S)
            for task in stuck:
                self._is_clean = False
                logger.error("%s does not take its cancellation", task.get_name())

    async def finish(self) -> bool:
        """Shut the units down and leave the graph; whether all went well."""
        for unit in self._prepared:
            try:
                result: Any = unit.shutdown()
                if inspect.isawaitable(result):
                    await result
            except Exception:
                self._is_clean = False
                logger.exception("%s failed in shutdown", unit.address)
        publishers = self._publishers + (self._desk.close() if self._desk is not None else [])
        for endpoint in [*publishers, *self._subscribers.values()]:
            endpoint.close()
        for endpoint in [*publishers, *self._subscribers.values()]:
            await endpoint.wait_closed()
        if self._agent is not None:
            await self._agent.close()
        if self._link is not None:
            await control_thread().release(self._link)
        return self._is_clean and all(driver.is_clean for driver in self._drivers)

    async def _open_streams(self, unit: Unit, link: Link, desk: SettingsDesk) -> None:
        publishers: dict[str, Publisher] = {}
        functions = _functions_by_stream(unit)
        for name, stream in unit.streams.items():
            if isinstance(stream, InputStream) and functions.get(name):
                self._subscribers[stream.address] = await Subscriber.create(
                    stream.address, link=link, leaky=stream.leaky, max_queue=stream.max_queue
                )
            elif isinstance(stream, OutputStream):
                publisher = await Publisher.create(
                    stream.address,
                    link=link,
                    host=stream.host,
                    port=stream.port,
                    num_buffers=stream.num_buffers,
                    buf_size=stream.buf_size,
                    start_paused=True,
                    force_tcp=stream.force_tcp,
                    allow_local=stream.allow_local,
                )
                publishers[stream.address] = publisher
                self._publishers.append(publisher)
        settings_publisher = None
        if functions.get(SETTINGS_INPUT):
            settings_publisher = await Publisher.create(
                unit.streams[SETTINGS_INPUT].address, link=link, force_tcp=False, allow_local=True
            )
        desk.add(unit, settings_publisher)
        self._drivers.append(UnitDriver(unit, publishers, self._terminate))

    def _start(self, driver: UnitDriver) -> None:
        unit = driver.unit
        by_stream = _functions_by_stream(unit)
        for name, functions in by_stream.items():
            if not functions:
                continue
            subscriber = self._subscribers[unit.streams[name].address]
            if name == SETTINGS_INPUT:
                work = self._run_settings(driver, subscriber, functions)
            else:
                work = driver.run_stream(subscriber, functions)
            self._tasks.append(asyncio.create_task(work, name=f"{unit.address}/{name}"))
        for name, function in unit.tasks.items():
            if getattr(function, SUBSCRIBES_ATTR, None) is None:
                self._tasks.append(asyncio.create_task(driver.run_task(name, function), name=f"{unit.address}.{name}"))
        for name, function in unit.threads.items():
            work = driver.run_thread(name, function)
            self._tasks.append(asyncio.create_task(work, name=f"{unit.address}.{name}"))

    async def _run_settings(
        self, driver: UnitDriver, subscriber: Subscriber, functions: list[Callable[..., Any]]
    ) -> None:
        desk, unit = self._desk, driver.unit
        assert desk is not None

        def announced(function: Callable[..., Any]) -> Callable[..., Any]:
            @functools.wraps(function)
            def run(*arguments: Any) -> Any:
                desk.handling(unit)
                return function(*arguments)

            return run

        async def handled(message: Any, failure: BaseException | None) -> None:
            await desk.handled(unit, message, failure)

        try:
            await driver.run_stream(subscriber, [announced(functions[0]), *functions[1:]], handled)
        finally:
            desk.takes_no_more(unit)


def _functions_by_stream(unit: Unit) -> dict[str, list[Callable[..., Any]]]:
    found: dict[str, list[Callable[..., Any]]] = {}
    for function in unit.tasks.values():
        stream = getattr(function, SUBSCRIBES_ATTR, None)
        if stream is not None:
            found.setdefault(stream.name, []).append(function)
    return found
