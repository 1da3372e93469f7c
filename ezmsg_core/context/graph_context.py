"""The session that programs hold: what they declare lives as long as it does."""

import asyncio
import logging
from types import TracebackType
from typing import Any, Self

from ezmsg_core.channel.publisher import Publisher
from ezmsg_core.channel.reporting import report_counters
from ezmsg_core.channel.subscriber import Subscriber
from ezmsg_core.client.link import Link
from ezmsg_core.client.link_sharing import control_thread
from ezmsg_core.context.graph_queries import GraphQueries
from ezmsg_core.context.reaching import Reached, reach
from ezmsg_core.errors import EzmsgError, NotEnteredError
from ezmsg_core.model.address import AddressType
from ezmsg_core.model.components import GraphMetadata
from ezmsg_core.server import GraphServer
from ezmsg_core.transport.connection_file import ServerEntry
from ezmsg_core.wire.answers import SessionOpened
from ezmsg_core.wire.commands import (
    ClearSession,
    CloseSession,
    Command,
    ConnectEdge,
    DisconnectEdge,
    OpenSession,
    RegisterMetadata,
)

logger = logging.getLogger("ezmsg")


class GraphContext(GraphQueries):
    """A session in a graph, as an asynchronous context manager.

    Args:
        graph_address: of the server; None: the one that the environment names, else the default one.
        auto_start: whether to start a server where none answers; None: only if nobody named an address.

    Publishers and subscribers are closed, and edges and metadata released, when the context is left or its process
    ends, however it ends. Thread: use it on the event loop that entered it.
    """

    def __init__(self, graph_address: AddressType | ServerEntry | None = None, auto_start: bool | None = None) -> None:
        super().__init__()
        self._address = graph_address
        self._auto_start = auto_start
        self._reached: Reached | None = None
        self._session_id: str | None = None
        self._endpoints: list[Publisher | Subscriber] = []

    async def __aenter__(self) -> Self:
        self._reached = await reach(self._address, auto_start=self._auto_start)
        try:
            answer = await self._reached.link.ask(OpenSession())
            assert isinstance(answer, SessionOpened)
            self._session_id = answer.session_id
            report_counters(self._reached.link)
        except BaseException:
            await self._give_back()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self.revert()
        finally:
            closing = asyncio.ensure_future(self._close())
            await asyncio.shield(closing)  # whoever is cancelled once more leaves it to the loop

    @property
    def graph_address(self) -> AddressType | None:
        """Where the server is that this context started or reached; before entering, what was asked for."""
        if self._reached is not None:
            return self._reached.entry.tcp
        return self._address.tcp if isinstance(self._address, ServerEntry) else self._address

    @property
    def entry(self) -> ServerEntry:
        """What the server's connection file says.

        Raises:
            NotEnteredError: the context is not entered.
        """
        return self._entered().entry

    @property
    def server(self) -> GraphServer | None:
        """The server that this context started, if it did."""
        return self._reached.server if self._reached is not None else None

    @property
    def session_id(self) -> str:
        """The session's id.

        Raises:
            NotEnteredError: the context is not entered.
        """
        self._entered()
        assert self._session_id is not None
        return self._session_id

    @property
    def link(self) -> Link:
        """The link to the server.

        Raises:
            NotEnteredError: the context is not entered.
        """
        return self._entered().link

    async def publisher(self, topic: str, **kwargs: Any) -> Publisher:
        """A publisher that is closed with the context; keywords as for `Publisher.create`."""
        publisher = await Publisher.create(topic, self.graph_address, link=self.link, **kwargs)
        self._endpoints.append(publisher)
        return publisher

    async def subscriber(self, topic: str, **kwargs: Any) -> Subscriber:
        """A subscriber that is closed with the context; keywords as for `Subscriber.create`."""
        subscriber = await Subscriber.create(topic, self.graph_address, link=self.link, **kwargs)
        self._endpoints.append(subscriber)
        return subscriber

    async def connect(self, from_topic: str, to_topic: str) -> None:
        """Hold an edge.

        Raises:
            CycleError: it would close a loop; nothing has changed.
        """
        await self._ask(ConnectEdge(from_topic, to_topic, self.session_id))

    async def disconnect(self, from_topic: str, to_topic: str) -> None:
        """Release an edge; others who hold it keep it."""
        await self._ask(DisconnectEdge(from_topic, to_topic, self.session_id))

    async def register_metadata(self, metadata: GraphMetadata) -> None:
        """Replace what this session declares.

        Raises:
            AddressCollisionError: another session holds some address; nothing has changed.
        """
        await self._ask(RegisterMetadata(self.session_id, metadata))

    async def update_settings(self, component_address: str, value: Any, *, input_topic: str | None = None) -> None:
        """Publish a whole settings object to a component's settings input."""
        topic = input_topic or await self.settings_input_topic(component_address)
        publisher = await Publisher.create(topic, self.graph_address, link=self.link)
        try:
            await publisher.broadcast(value)
        finally:
            publisher.close()
            await publisher.wait_closed()

    async def revert(self) -> None:
        """Close the publishers and subscribers of this context, and release what it declared."""
        endpoints, self._endpoints = self._endpoints, []
        for endpoint in endpoints:
            endpoint.close()
        for endpoint in endpoints:
            await endpoint.wait_closed()
        await self._quietly(ClearSession(self.session_id))

    def _entered(self) -> Reached:
        if self._reached is None:
            raise NotEnteredError("The context is not entered; use it as `async with GraphContext(...) as context:`.")
        return self._reached

    async def _quietly(self, command: Command) -> None:
        try:
            await self._ask(command)
        except EzmsgError as error:
            logger.warning("The graph server could not be told: %s", error)

    async def _close(self) -> None:
        try:
            await self._quietly(CloseSession(self.session_id))
        finally:
            self._session_id = None
            await self._give_back()

    async def _give_back(self) -> None:
        reached, self._reached = self._reached, None
        if reached is None:
            return
        try:
            await control_thread().release(reached.link)
        finally:
            if reached.server is not None:
                await asyncio.to_thread(reached.server.stop)
