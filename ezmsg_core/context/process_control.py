"""A process that takes calls for its units, under the names that programs of ezmsg know."""

import time
from collections.abc import Iterable
from uuid import UUID

from ezmsg_core.client.link_sharing import control_thread
from ezmsg_core.client.process_agent import Handler, ProcessAgent
from ezmsg_core.context.reaching import reach
from ezmsg_core.errors import GraphError, LinkLostError, OwnershipError
from ezmsg_core.model.address import AddressType
from ezmsg_core.model.settings import SettingsSnapshotValue
from ezmsg_core.transport.connection_file import ServerEntry


class ProcessControlClient:
    """One process registration.

    Args:
        graph_address: of the server; None: the one that the environment names, else the default one.
    """

    def __init__(self, graph_address: AddressType | ServerEntry | None = None) -> None:
        self._address = graph_address
        self._agent: ProcessAgent | None = None
        self._handler: Handler | None = None

    @property
    def process_id(self) -> UUID:
        """Given by the server.

        Raises:
            LinkLostError: not connected.
        """
        return self._connected().process_id

    @property
    def client_id(self) -> UUID | None:
        """The same, or None while not connected."""
        return None if self._agent is None else self._agent.process_id

    async def connect(self) -> None:
        """Register the process; nothing if it is registered."""
        if self._agent is not None:
            return
        reached = await reach(self._address, auto_start=False)
        try:
            self._agent = await ProcessAgent.open(reached.link)
        except BaseException:
            await control_thread().release(reached.link)
            raise
        self._agent.set_handler(self._handler)

    async def register(self, units: Iterable[str]) -> None:
        """Own exactly these units.

        Raises:
            OwnershipError: another process owns some; nothing has changed.
        """
        agent = self._connected()
        try:
            await agent.register(units)
        except GraphError as error:
            raise _failed("PROCESS_REGISTER", error) from error

    async def update_ownership(
        self, added_units: Iterable[str] | None = None, removed_units: Iterable[str] | None = None
    ) -> None:
        """Take and give up units; all or nothing.

        Raises:
            OwnershipError: another process owns some; nothing has changed.
        """
        agent = self._connected()
        try:
            await agent.update_ownership(added_units or (), removed_units or ())
        except GraphError as error:
            raise _failed("PROCESS_UPDATE_OWNERSHIP", error) from error

    async def report_settings_update(
        self, component_address: str, value: SettingsSnapshotValue, timestamp: float | None = None
    ) -> int:
        """Tell the server that a value is in force; its revision.

        Raises:
            OwnershipError: the process does not own the component.
        """
        agent = self._connected()
        moment = time.time() if timestamp is None else timestamp
        try:
            return await agent.report_settings(component_address, value, moment)
        except GraphError as error:
            raise _failed("PROCESS_SETTINGS_UPDATE", error) from error

    def set_request_handler(self, handler: Handler | None) -> None:
        """Say who answers operations that are not built in."""
        self._handler = handler
        if self._agent is not None:
            self._agent.set_handler(handler)

    async def close(self) -> None:
        """End the registration; harmless when there is none."""
        agent, self._agent = self._agent, None
        if agent is not None:
            try:
                await agent.close()
            finally:
                await control_thread().release(agent.link)  # pyright: ignore[reportUnknownMemberType]

    def _connected(self) -> ProcessAgent:
        if self._agent is None:
            raise LinkLostError("The process is not connected; call connect() first.")
        return self._agent


def _failed(command: str, error: GraphError) -> OwnershipError:
    return OwnershipError(f"Process control command failed: {command}. {error.text}", **error.parts)
