"""Links to a real server."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ezmsg_core.client import Link, find_server, find_servers
from ezmsg_core.errors import CycleError, LinkLostError
from ezmsg_core.model.roles import Role
from ezmsg_core.model.watching import StreamName, TopologyEvent, TopologyListed
from ezmsg_core.server import Serving
from ezmsg_core.wire import commands


@pytest_asyncio.fixture
async def serving() -> AsyncIterator[Serving]:
    serving = await Serving.start()
    yield serving
    await serving.stop()


async def test_a_client_finds_the_server_asks_and_watches(serving: Serving):
    entry = find_server(serving.address)
    assert [found.graph_id for found in find_servers()] == [entry.graph_id]
    link = await Link.open(entry, Role.PARTICIPATE)
    watch = await link.watch(StreamName.TOPOLOGY)
    first = await anext(watch)
    assert isinstance(first, TopologyListed)
    await link.ask(commands.ConnectEdge("a", "b"))
    event = await anext(watch)
    assert isinstance(event, TopologyEvent)
    with pytest.raises(CycleError):
        await link.ask(commands.ConnectEdge("b", "a"))
    await watch.aclose()
    await link.aclose()
    with pytest.raises(LinkLostError):
        await link.ask(commands.GetTopology())
