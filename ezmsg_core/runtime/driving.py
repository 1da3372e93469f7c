"""Driving a unit's functions: with messages, or by themselves."""

import asyncio
import contextlib
import functools
import inspect
import logging
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

from ezmsg_core.channel.publisher import Publisher
from ezmsg_core.channel.subscriber import Subscriber
from ezmsg_core.component.ending import Complete, NormalTermination
from ezmsg_core.component.fitting import takes_message
from ezmsg_core.component.stream import Stream
from ezmsg_core.component.tasks import TIMEIT_ATTR
from ezmsg_core.component.unit import Unit
from ezmsg_core.errors import ConfigError, EndpointClosedError, UndecodableError, UnpicklableError

logger = logging.getLogger("ezmsg")
OnHandled = Callable[[Any, BaseException | None], Awaitable[None]]


class UnitDriver:
    """Runs the functions of one unit. Lives on the event loop of the units.

    Args:
        unit: whose functions.
        publishers: by address of the unit's output streams.
        terminate: ends the whole graph.
    """

    def __init__(self, unit: Unit, publishers: dict[str, Publisher], terminate: Callable[[str], None]) -> None:
        self.unit = unit
        self.is_clean = True
        self._publishers = publishers
        self._terminate = terminate

    async def run_task(self, name: str, function: Callable[..., Any]) -> None:
        """Run a function that subscribes to nothing."""
        try:
            await self._call(_fitted(function), self.unit, None)
        except Complete:
            pass
        except NormalTermination:
            self._terminate(f"{self.unit.address}.{name} ended the graph.")
        except EndpointClosedError:
            pass  # the graph stops while it publishes
        except Exception as error:  # noqa: BLE001 - whatever the unit raises ends this function alone
            self._failed(name, error)

    async def run_thread(self, name: str, function: Callable[..., Any]) -> None:
        """Run a function on a thread of its own, which nothing can end; a process does not wait for it at its end."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def run() -> None:
            try:
                function(self.unit)
            except Exception as error:  # noqa: BLE001 - it ends this thread alone
                self._failed(name, error)
            with contextlib.suppress(RuntimeError):  # the loop has ended before
                loop.call_soon_threadsafe(done.set)

        threading.Thread(target=run, name=f"{self.unit.address}.{name}", daemon=True).start()
        await done.wait()

    async def run_stream(
        self, subscriber: Subscriber, functions: list[Callable[..., Any]], on_handled: OnHandled | None = None
    ) -> None:
        """Call functions with every message of a stream, in order of declaration, until all are complete.

        Args:
            subscriber: of the stream.
            functions: that subscribe to it.
            on_handled: told of each message when all functions are done with it, with what one raised.
        """
        functions = [_fitted(function) for function in functions]
        try:
            while functions:
                try:
                    if subscriber.leaky:
                        await self._handle(await subscriber.recv(), functions, on_handled)
                    else:
                        async with subscriber.recv_zero_copy() as message:
                            await self._handle(message, functions, on_handled)
                except UndecodableError as error:
                    self.is_clean = False
                    logger.error("%s", error)  # noqa: TRY400 - the sentence says all
        except EndpointClosedError:
            pass
        finally:
            subscriber.close()

    async def _handle(self, message: Any, functions: list[Callable[..., Any]], on_handled: OnHandled | None) -> None:
        failure: BaseException | None = None
        for function in list(functions):
            try:
                await self._call(function, self.unit, message)
            except Complete:
                functions.remove(function)
            except NormalTermination:
                self._terminate(f"{self.unit.address}.{function.__name__} ended the graph.")
                functions.clear()
                break
            except EndpointClosedError:
                functions.clear()
                break
            except Exception as error:  # noqa: BLE001 - whatever it raises concerns this message alone
                failure = error
                self._failed(function.__name__, error)
        if on_handled is not None:
            await on_handled(message, failure)

    async def _call(self, function: Callable[..., Any], *arguments: Any) -> None:
        started_ns = time.perf_counter_ns()
        result: Any = function(*arguments)
        if inspect.isasyncgen(result):
            async with contextlib.aclosing(result):  # its clean-up runs before the unit is shut down
                async for published in result:
                    await self._publish(published, function)
        elif inspect.isawaitable(result):
            await result
        if getattr(function, TIMEIT_ATTR, False):
            took_ms = (time.perf_counter_ns() - started_ns) / 1e6
            logger.info("%s.%s took %.3f ms", self.unit.address, function.__name__, took_ms)

    async def _publish(self, published: Any, function: Callable[..., Any]) -> None:
        try:
            stream, message = published
        except (TypeError, ValueError):
            raise TypeError(
                f"{self.unit.address}.{function.__name__} yielded {published!r:.80}; yield (stream, message)."
            ) from None
        publisher = self._publishers.get(self._address(stream))
        if publisher is None:
            raise ConfigError(
                f"{self.unit.address}.{function.__name__} publishes to {stream!r}, which is no output stream "
                "of the unit.",
                name="stream",
                value=repr(stream),
            )
        try:
            await publisher.broadcast(message)
        except UnpicklableError as error:
            self._failed(function.__name__, error)

    def _address(self, stream: Any) -> str:
        if not isinstance(stream, Stream):
            return ""
        return stream.address if stream.is_placed else self.unit.streams[stream.name].address

    def _failed(self, name: str, error: Exception) -> None:
        self.is_clean = False
        logger.error("%s.%s raised", self.unit.address, name, exc_info=error)


def _fitted(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, to be called with the unit and a message, whether or not it takes one."""
    if takes_message(function):
        return function

    @functools.wraps(function)
    def without_message(unit: Unit, _message: Any) -> Any:
        return function(unit)

    return without_message
