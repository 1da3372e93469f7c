"""Pause, resume and sync, by the publisher's owner and by the server for all."""

import asyncio

import pytest

from ezmsg_core.channel import Publisher
from ezmsg_core.errors import EndpointClosedError, RequestTimeoutError
from ezmsg_core.wire.commands import SteerPublishers
from tests.channel.stage import Stage, drain, never_soon, soon, take


async def test_a_paused_publisher_lets_nothing_through_until_it_resumes(stage: Stage) -> None:
    publisher = await stage.publisher()
    subscriber = await stage.subscriber()
    assert publisher.running
    publisher.pause()
    assert not publisher.running
    waiting = asyncio.create_task(publisher.broadcast("later"))
    assert await never_soon(waiting)
    assert publisher.counters().is_paused
    assert publisher.counters().wait_ns == 0
    publisher.resume()
    await soon(waiting)
    assert await take(subscriber, 1) == ["later"]


async def test_a_publisher_may_start_paused(stage: Stage) -> None:
    publisher = await stage.publisher(start_paused=True)
    assert not publisher.running
    waiting = asyncio.create_task(publisher.broadcast(1))
    assert await never_soon(waiting)
    publisher.resume()
    await soon(waiting)


async def test_sync_waits_until_everything_is_released_and_leaves_the_publisher_paused(stage: Stage) -> None:
    publisher = await stage.publisher(num_buffers=4)
    subscriber, viewer = await stage.subscriber(), await stage.subscriber(leaky=True)
    for number in range(3):
        await publisher.broadcast(number)
    syncing = asyncio.create_task(publisher.sync())
    assert await never_soon(syncing)
    assert await take(subscriber, 2) == [0, 1]
    async with subscriber.recv_zero_copy():
        assert await never_soon(syncing)
    await soon(syncing)
    assert not publisher.running
    assert publisher.counters().in_flight == 0
    assert await drain(viewer) == [2]


async def test_sync_ends_when_the_subscriber_that_held_messages_goes(stage: Stage) -> None:
    publisher = await stage.publisher()
    subscriber = await stage.subscriber()
    await publisher.broadcast(1)
    syncing = asyncio.create_task(publisher.sync())
    assert await never_soon(syncing)
    subscriber.close()
    await soon(syncing)


async def test_a_paused_broadcast_ends_when_the_publisher_is_closed(stage: Stage) -> None:
    publisher = await stage.publisher(start_paused=True)
    waiting = asyncio.create_task(publisher.broadcast(1))
    assert await never_soon(waiting)
    publisher.close()
    with pytest.raises(EndpointClosedError):
        await soon(waiting)


async def test_the_server_pauses_and_resumes_all_publishers_and_knows_that_they_did(stage: Stage) -> None:
    publishers: list[Publisher] = [await stage.publisher(topic) for topic in "abc"]
    publishers.append(await Publisher.create("d", link=stage.far))
    try:
        await soon(stage.ask(SteerPublishers("pause")))
        assert [publisher.running for publisher in publishers] == [False] * 4
        await soon(stage.ask(SteerPublishers("resume")))
        assert [publisher.running for publisher in publishers] == [True] * 4
    finally:
        publishers[-1].close()
        await publishers[-1].wait_closed()


async def test_the_servers_sync_waits_for_every_publishers_backlog(stage: Stage) -> None:
    busy, _ = await stage.publisher("a"), await stage.publisher("b")
    subscriber = await stage.subscriber("a")
    await busy.broadcast(1)
    with pytest.raises(RequestTimeoutError):
        await stage.ask(SteerPublishers("sync", 0.2))
    syncing = asyncio.create_task(stage.ask(SteerPublishers("sync")))
    assert await never_soon(syncing)
    assert await take(subscriber, 1) == [1]
    await soon(syncing)
    assert not busy.running


async def test_the_server_steers_even_while_the_publishers_loop_is_busy(stage: Stage) -> None:
    publisher = await stage.publisher()
    pausing = asyncio.run_coroutine_threadsafe(stage.near.ask(SteerPublishers("pause")), stage.near.loop)
    pausing.result(5.0)  # this loop stands still meanwhile
    assert not publisher.running
