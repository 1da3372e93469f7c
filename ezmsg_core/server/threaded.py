"""A server on a thread of its own, for programs that carry their graph's server along."""

import asyncio
import logging
import threading
from pathlib import Path
from typing import Any

from ezmsg_core.errors import ConfigError, EzmsgError
from ezmsg_core.model.address import Address, AddressType, as_address
from ezmsg_core.model.topology import TopologyState
from ezmsg_core.server.serving import Serving, ServingOptions
from ezmsg_core.transport.connection_file import ServerEntry

logger = logging.getLogger("ezmsg.server")
JOIN_S = 5.0  # a server ends within its farewells' second


class GraphServer(threading.Thread):
    """A graph server in a daemon thread.

    Args:
        thread_kwargs: for `threading.Thread`; ``daemon`` is True unless given.

    Thread: `start`, `stop` and `address` may be called from any thread.
    """

    def __init__(self, **thread_kwargs: Any) -> None:
        super().__init__(**{"daemon": True, "name": "GraphServer", **thread_kwargs})
        self._options = ServingOptions()
        self._serving: Serving | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._failure: BaseException | None = None
        self._is_up = threading.Event()

    def start(self, address: AddressType | None = None, *, connection_file: Path | None = None) -> None:
        """Serve; returns when the connection file exists.

        Args:
            address: where to listen; None takes the first free port from the environment's start.
            connection_file: one more place to write the connection file to.

        Raises:
            ConfigError: the address is taken or not allowed.
        """
        self._options = ServingOptions(
            address=None if address is None else as_address(address), connection_file=connection_file
        )
        super().start()
        self._is_up.wait()
        if self._failure is not None:
            self.join()
            raise self._failure

    def run(self) -> None:
        """Carry the server until it is stopped."""
        asyncio.run(self._serve())

    def stop(self) -> None:
        """End the server and wait for its thread; harmless when it has ended already."""
        loop, serving = self._loop, self._serving
        if loop is not None and serving is not None and self.is_alive():
            try:
                loop.call_soon_threadsafe(serving.end)
            except RuntimeError:
                pass  # it ended by itself meanwhile
        if self.is_alive():
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
        """The graph at this moment; to be looked at from the server's own process only."""
        return self._running().machine.topology()

    def _running(self) -> Serving:
        if self._serving is None:
            raise ConfigError("The server was not started; call start() first.", name="server", value=None)
        return self._serving

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            self._serving = await Serving.start(self._options)
        except (EzmsgError, OSError) as error:
            self._failure = error
            return
        finally:
            self._is_up.set()
        try:
            await self._serving.wait_ended()
        finally:
            await self._serving.stop()
