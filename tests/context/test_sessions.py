"""Sessions: what a program declares, who else holds it, and what goes with the program."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

import ezmsg_core as ez
from ezmsg_core.client.link_sharing import control_thread
from ezmsg_core.errors import (
    AddressCollisionError,
    CycleError,
    EventGapError,
    ForeignServerError,
    NotEnteredError,
    ServerUnreachableError,
)
from ezmsg_core.model.components import DynamicSettingsMetadata, GraphMetadata, UnitMetadata
from ezmsg_core.model.fold import TopologyFold
from ezmsg_core.model.watching import TopologyEvent, TopologyListed
from tests.runtime.settable import Bench

SOON_S = 10.0


@pytest_asyncio.fixture
async def server() -> AsyncIterator[ez.GraphServer]:
    server = ez.GraphServer()
    await asyncio.to_thread(server.start)
    yield server
    await asyncio.to_thread(server.stop)


async def edges(context: ez.GraphContext) -> set[tuple[str, str]]:
    return {(edge.source, edge.target) for edge in (await context.topology()).edges}


async def test_a_context_without_an_address_has_a_server_of_its_own_and_others_find_it() -> None:
    async with ez.GraphContext() as first:
        assert first.server is not None
        async with ez.GraphContext() as another:
            assert another.server is not None
        async with ez.GraphContext(first.graph_address) as second:
            assert second.server is None
            assert second.graph_address == first.graph_address
        assert first.server.is_alive()
    assert first.server is None


async def test_a_stranger_at_the_default_address_is_nobody_s_server(
    unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"3.9.0\n")
        await writer.drain()
        writer.close()

    monkeypatch.setattr("ezmsg_core.config.DEFAULT_PORT", unused_tcp_port)
    stranger = await asyncio.start_server(greet, "127.0.0.1", unused_tcp_port)
    async with ez.GraphContext() as context:
        assert context.server is not None
        assert context.graph_address != ("127.0.0.1", unused_tcp_port)
    with pytest.raises(ForeignServerError):
        async with ez.GraphContext(("127.0.0.1", unused_tcp_port)):
            pass
    stranger.close()
    await stranger.wait_closed()


async def test_a_named_address_where_nobody_answers_is_an_error(unused_tcp_port: int) -> None:
    with pytest.raises(ServerUnreachableError, match=str(unused_tcp_port)):
        async with ez.GraphContext(("127.0.0.1", unused_tcp_port)):
            pass
    async with ez.GraphContext(("127.0.0.1", unused_tcp_port), auto_start=True) as context:
        assert context.graph_address == ("127.0.0.1", unused_tcp_port)


async def test_a_context_that_is_not_entered_says_so() -> None:
    with pytest.raises(NotEnteredError, match="async with GraphContext"):
        await ez.GraphContext().connect("a", "b")


async def test_an_edge_lives_as_long_as_somebody_holds_it(server: ez.GraphServer) -> None:
    service = ez.GraphService(server.address)
    await service.connect("kept", "b")
    async with ez.GraphContext(server.address) as observer:
        async with ez.GraphContext(server.address) as first:
            await first.connect("a", "b")
            await first.connect("kept", "b")
            async with ez.GraphContext(server.address) as second:
                await second.connect("a", "b")
                await first.disconnect("a", "b")
                assert await edges(observer) == {("a", "b"), ("kept", "b")}
            assert await edges(observer) == {("kept", "b")}
        assert await edges(observer) == {("kept", "b")}
        await service.disconnect("kept", "b")
        assert await edges(observer) == set()


@pytest.mark.parametrize("cancellations", [1, 2, 3])
async def test_leaving_a_context_goes_on_when_it_is_cancelled(server: ez.GraphServer, cancellations: int) -> None:
    async with ez.GraphContext(server.address) as observer:
        context = await ez.GraphContext(server.address).__aenter__()
        await context.register_metadata(metadata("A"))
        subscriber = await context.subscriber("b")
        publisher = await context.publisher("b")
        await publisher.broadcast(1)
        leaving = asyncio.create_task(context.__aexit__(None, None, None))
        for _ in range(cancellations):
            await asyncio.sleep(0)
            leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        async with asyncio.timeout(SOON_S):
            while len((state := await observer.topology()).sessions) > 1 or state.publishers or state.subscribers:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            await asyncio.gather(publisher.wait_closed(), subscriber.wait_closed())
            while context._reached is not None or asyncio.all_tasks() > {asyncio.current_task()}:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        assert await _declared(observer) == set()
    assert not control_thread()._carriers


async def test_a_server_of_a_contexts_own_ends_although_leaving_is_cancelled_again_and_again() -> None:
    context = await ez.GraphContext().__aenter__()
    server = context.server
    assert server is not None
    await context.subscriber("b")
    leaving = asyncio.create_task(context.__aexit__(None, None, None))
    for _ in range(3):
        await asyncio.sleep(0.001)
        leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    await asyncio.to_thread(server.join, SOON_S)
    assert not server.is_alive()


async def test_an_edge_that_closes_a_loop_is_refused_with_the_loop(server: ez.GraphServer) -> None:
    async with ez.GraphContext(server.address) as context:
        await context.connect("a", "b")
        await context.connect("b", "c")
        with pytest.raises(CycleError, match=r"c.*a") as caught:
            await context.connect("c", "a")
        assert caught.value.parts["path"] == ["a", "b", "c"]
        assert await edges(context) == {("a", "b"), ("b", "c")}


async def test_addresses_belong_to_one_session_at_a_time(server: ez.GraphServer) -> None:
    async with ez.GraphContext(server.address) as first, ez.GraphContext(server.address) as second:
        await first.register_metadata(metadata("A", "B"))
        with pytest.raises(AddressCollisionError, match="B"):
            await second.register_metadata(metadata("B", "C"))
        assert await _declared(first) == {"A", "B"}
        await first.revert()
        await second.register_metadata(metadata("B", "C"))
        assert await _declared(first) == {"B", "C"}


def metadata(*addresses: str) -> GraphMetadata:
    """What a session declares that has these units."""
    return GraphMetadata(1, None, {address: unit(address) for address in addresses})


def unit(address: str) -> UnitMetadata:
    return UnitMetadata(
        address=address,
        name=address,
        component_type="test.Unit",
        settings_type="test.Settings",
        initial_settings=(None, {}),
        dynamic_settings=DynamicSettingsMetadata(enabled=False, input_topic=None, settings_type=None),
        settings_schema=None,
        streams={},
        tasks=[],
        main=None,
        threads=[],
    )


async def _declared(context: ez.GraphContext) -> set[str]:
    return {a for s in (await context.topology()).sessions if s.metadata is not None for a in s.metadata.components}


async def test_a_watch_has_no_hole_while_graphs_come_and_go(server: ez.GraphServer) -> None:
    async with ez.GraphContext(server.address) as context:
        watch = await context.watch_topology()
        for _ in range(3):
            runner = ez.GraphRunner({"BENCH": Bench()}, graph_address=server.address)
            await asyncio.to_thread(runner.start)
            await asyncio.to_thread(runner.stop)
        wanted = await context.topology()
        first = await anext(watch)
        assert isinstance(first, TopologyListed)
        fold = TopologyFold(first.state)
        async with asyncio.timeout(SOON_S):
            while fold.revision < wanted.revision:
                item = await anext(watch)
                assert isinstance(item, TopologyEvent)
                assert item.event.seq == fold.revision + 1
                fold.apply(item.event)
        assert fold.state() == wanted
        await watch.aclose()


async def test_events_can_be_followed_from_any_that_is_retained(server: ez.GraphServer) -> None:
    async with ez.GraphContext(server.address) as context:
        for number in range(5):
            await context.connect("a", f"b{number}")
        last = (await context.topology()).revision
        seqs: list[int] = []
        async with asyncio.timeout(SOON_S):
            async for event in context.subscribe_topology_events(after_seq=last - 3):
                seqs.append(event.seq)
                if event.seq == last:
                    break
        assert seqs == [last - 2, last - 1, last]


async def test_events_that_are_gone_are_named() -> None:
    async with ez.GraphContext() as context:
        assert context.server is not None
        with pytest.raises(EventGapError):
            async for _ in context.subscribe_topology_events(after_seq=10_000):
                break


async def test_pause_resume_and_sync_hold_for_the_whole_graph(server: ez.GraphServer) -> None:
    async with ez.GraphContext(server.address) as near, ez.GraphContext(server.address) as far:
        subscriber = await far.subscriber("b")
        await near.connect("a", "b")
        publisher = await near.publisher("a")
        await publisher.broadcast(1)
        syncing = asyncio.create_task(far.sync(SOON_S))
        assert await subscriber.recv() == 1
        await syncing
        broadcasting = asyncio.create_task(publisher.broadcast(2))
        assert not (await asyncio.wait([broadcasting], timeout=0.05))[0]
        await far.resume()
        await asyncio.wait_for(broadcasting, SOON_S)
        assert await subscriber.recv() == 2


async def test_a_service_starts_shows_and_ends_a_server() -> None:
    service = ez.GraphService()
    server = await service.ensure(auto_start=True)
    assert server is not None
    assert await service.ensure() is None
    await service.connect("a", "b")
    assert (await service.snapshot()).edge_owners
    await service.shutdown()
    await asyncio.to_thread(server.join, SOON_S)
    assert not server.is_alive()
    with pytest.raises(ServerUnreachableError):
        await service.snapshot()
