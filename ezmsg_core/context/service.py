"""A graph server seen from outside a session: its edges that outlive their maker, its snapshot, its end."""

from ezmsg_core.client.link import Link
from ezmsg_core.client.link_sharing import control_thread
from ezmsg_core.config import default_server_address
from ezmsg_core.context.reaching import reach
from ezmsg_core.model.address import Address, AddressType, as_address
from ezmsg_core.model.fold import snapshot_of
from ezmsg_core.model.roles import Role
from ezmsg_core.model.topology import GraphSnapshot
from ezmsg_core.server import GraphServer
from ezmsg_core.wire.answers import Answer, TopologyAnswer
from ezmsg_core.wire.commands import (
    Command,
    ConnectEdge,
    DisconnectEdge,
    GetTopology,
    SteerPublishers,
    StopServer,
)


class GraphService:
    """Commands to a server, each over a link of its own.

    Args:
        address: of the server; None: the one that the environment names, else the default one.
    """

    def __init__(self, address: AddressType | None = None) -> None:
        self._address = None if address is None else as_address(address)

    @staticmethod
    def default_address() -> Address:
        """The server's address where nobody names one."""
        return default_server_address()

    @property
    def address(self) -> Address:
        """The server that is meant."""
        return self._address or default_server_address()

    def create_server(self) -> GraphServer:
        """Start a server at the address; without one, on the first free port, which is remembered."""
        server = GraphServer()
        server.start(self._address)
        self._address = server.address
        return server

    async def ensure(self, auto_start: bool | None = None) -> GraphServer | None:
        """Make sure that a server answers; the one that was started for it, if one was.

        Raises:
            ServerUnreachableError: none answers, and none is to be started.
        """
        reached = await reach(self._address, auto_start=auto_start, role=Role.CONTROL)
        await control_thread().release(reached.link)
        if reached.entry.tcp is not None:
            self._address = reached.entry.tcp
        return reached.server

    async def connect(self, from_topic: str, to_topic: str) -> None:
        """Make an edge that lives until it is disconnected.

        Raises:
            CycleError: it would close a loop.
        """
        await self._ask(ConnectEdge(from_topic, to_topic))

    async def disconnect(self, from_topic: str, to_topic: str) -> None:
        """Release such an edge; sessions that hold it keep it."""
        await self._ask(DisconnectEdge(from_topic, to_topic))

    async def sync(self, timeout: float | None = None) -> None:
        """Pause all publishers, and wait until everything published was received."""
        await self._ask(SteerPublishers("sync", timeout), timeout)

    async def pause(self) -> None:
        """Pause all publishers."""
        await self._ask(SteerPublishers("pause"))

    async def resume(self) -> None:
        """Let all publishers go on."""
        await self._ask(SteerPublishers("resume"))

    async def snapshot(self) -> GraphSnapshot:
        """The whole graph."""
        answer = await self._ask(GetTopology())
        assert isinstance(answer, TopologyAnswer)
        return snapshot_of(answer.state)

    async def shutdown(self) -> None:
        """End the server."""
        await self._ask(StopServer())

    async def _ask(self, command: Command, timeout_s: float | None = 10.0) -> Answer:
        reached = await reach(self._address, auto_start=False, role=Role.CONTROL)
        link: Link = reached.link
        try:
            return await link.ask(command, timeout_s=timeout_s)
        finally:
            await control_thread().release(link)
