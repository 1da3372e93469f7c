"""A server on a thread of its own, for programs that carry their graph's server along."""

import asyncio
import atexit
import threading
from pathlib import Path
from typing import Any

from ezmsg_core.errors import ConfigError
from ezmsg_core.model.address import Address, AddressType, as_address
from ezmsg_core.model.topology import TopologyState
from ezmsg_core.server.serving import Serving, ServingOptions
from ezmsg_core.transport.connection_file import ServerEntry

JOIN_S = 5.0  # a server ends within its farewells' second


class GraphServer(threading.Thread):
    """A graph server in a daemon thread, until it is stopped or the program ends.

    Args:
        thread_kwargs: for `threading.Thread`; ``daemon`` is True unless given.

    Thread: everything may be called from any thread but its own.
    """

    def __init__(self, **thread_kwargs: Any) -> None:
        named: dict[str, Any] = {"daemon": True, "name": "GraphServer", **thread_kwargs}
        super().__init__(**named)
        self._options = ServingOptions()
        self._serving: Serving | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._failure: BaseException | None = None
        self._is_up = threading.Event()

    def start(
        self,
        address: AddressType | str | None = None,
        *,
        connection_file: Path | None = None,
        is_insecure: bool = False,
    ) -> None:
        """Serve; returns when the connection file exists.

        Args:
            address: where to listen; None takes the first free port from the environment's start.
            connection_file: one more place to write the connection file to; its keys are used again if it exists.
            is_insecure: allow an address that other machines reach, without encryption.

        Raises:
            ConfigError: the address is taken or not allowed, or the runtime directory or the connection file cannot
                be written.
            ConnectionFileError: the connection file cannot be used again.
        """
        self._options = ServingOptions(
            address=None if address is None else as_address(address),
            connection_file=connection_file,
            is_insecure=is_insecure,
        )
        super().start()
        self._is_up.wait()
        if self._failure is not None:
            self.join()
            raise self._failure
        atexit.register(self.stop)  # a daemon thread is dropped at the end, and would leave its files

    def run(self) -> None:
        """Carry the server until it is stopped."""
        asyncio.run(self._serve())

    def stop(self) -> None:
        """End the server and wait for its thread; harmless when it has ended already, or never started."""
        atexit.unregister(self.stop)
        loop, serving = self._loop, self._serving
        if not self.is_alive():  # nor is it in a child that was forked from the server's process
            return
        if loop is not None and serving is not None:
            try:
                loop.call_soon_threadsafe(serving.end)
            except RuntimeError:
                pass  # it ended by itself meanwhile
        self.join(JOIN_S)

    @property
    def address(self) -> Address:
        """Where it listens."""
        return self._running().address

    @property
    def entry(self) -> ServerEntry:
        """What its connection file says."""
        return self._running().entry

    @property
    def files(self) -> list[Path]:
        """Its connection files."""
        return self._running().files

    @property
    def graph(self) -> TopologyState:
        """The graph at this moment.

        Raises:
            ConfigError: the server does not run.
        """
        serving, loop = self._running(), self._loop
        if loop is None or not self.is_alive():
            raise ConfigError(
                "The server has stopped, and its graph with it; start another one.", name="server", value=None
            )
        return asyncio.run_coroutine_threadsafe(_topology_of(serving), loop).result(JOIN_S)

    def _running(self) -> Serving:
        if self._serving is None:
            raise ConfigError("The server was not started; call start() first.", name="server", value=None)
        return self._serving

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            self._serving = await Serving.start(self._options)
        except BaseException as error:  # noqa: BLE001 - whatever it is, `start` raises it where somebody can see it
            self._failure = error
            return
        finally:
            self._is_up.set()
        try:
            await self._serving.wait_ended()
        finally:
            await self._serving.stop()


async def _topology_of(serving: Serving) -> TopologyState:
    return serving.machine.topology()
