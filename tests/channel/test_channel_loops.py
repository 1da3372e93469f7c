"""Several event loops in one process, and one channel for all of them."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest_asyncio

from ezmsg_core.channel import Publisher, Subscriber
from tests.channel.stage import LoopThread, Stage, never_soon, soon, take, until


@pytest_asyncio.fixture
async def elsewhere() -> AsyncIterator[LoopThread]:
    thread = LoopThread("elsewhere")
    yield thread
    thread.stop()


def subscribers_link(stage: Stage):
    return stage.near if stage.path == "local" else stage.far


async def test_a_receive_that_waits_on_another_loop_is_woken_by_a_publish_here(
    stage: Stage, elsewhere: LoopThread
) -> None:
    publisher = await stage.publisher()
    subscriber = await elsewhere.run(Subscriber.create("t", link=subscribers_link(stage)))
    for number in range(5):
        waiting = asyncio.ensure_future(elsewhere.run(subscriber.recv()))
        assert await never_soon(waiting)
        await publisher.broadcast(number)
        assert await soon(waiting) == number
    subscriber.close()
    await soon(subscriber.wait_closed())


async def test_subscribers_of_two_loops_get_everything_and_both_hold_the_publisher_up(
    stage: Stage, elsewhere: LoopThread
) -> None:
    publisher = await stage.publisher(num_buffers=4)
    here = await stage.subscriber()
    there = await elsewhere.run(Subscriber.create("t", link=subscribers_link(stage)))
    readers = [asyncio.create_task(take(here, 2000)), asyncio.ensure_future(elsewhere.run(take(there, 2000)))]
    for number in range(2000):
        await soon(publisher.broadcast(number))
    for reader in readers:
        assert await soon(reader) == list(range(2000))
    for number in range(4):
        await publisher.broadcast(number)
    await take(here, 4)
    waiting = asyncio.create_task(publisher.broadcast(4))
    assert await never_soon(waiting)
    await elsewhere.run(take(there, 1))
    await soon(waiting)
    there.close()
    await soon(there.wait_closed())


async def test_a_publisher_of_another_loop_waits_for_a_subscriber_here(stage: Stage, elsewhere: LoopThread) -> None:
    publisher = await elsewhere.run(Publisher.create("t", link=stage.near, num_buffers=2))
    subscriber = await stage.subscriber()

    async def publish() -> None:
        for number in range(1000):
            await publisher.broadcast(number)

    publishing = asyncio.ensure_future(elsewhere.run(publish()))
    assert await take(subscriber, 1000) == list(range(1000))
    await soon(publishing)
    publisher.close()
    await soon(publisher.wait_closed())


async def test_all_subscribers_of_a_process_share_one_channel(stream_stage: Stage, elsewhere: LoopThread) -> None:
    publisher = await stream_stage.publisher()
    subscribers = [await stream_stage.subscriber() for _ in range(3)]
    there = await elsewhere.run(Subscriber.create("t", link=stream_stage.far))
    assert len(publisher.dispatch.outlets) == 1
    await publisher.broadcast(bytes(1000))
    for subscriber in subscribers:
        assert len(await soon(subscriber.recv())) == 1000
    assert len(await elsewhere.run(there.recv())) == 1000
    assert publisher.counters().published_bytes == 1000
    there.close()
    await soon(there.wait_closed())


async def test_the_last_subscriber_closes_a_channel_that_others_have_left_before(stream_stage: Stage) -> None:
    publisher = await stream_stage.publisher("a")
    stays, goes = await stream_stage.subscriber("a"), await stream_stage.subscriber("b")
    await stream_stage.connect("a", "b")
    await publisher.broadcast(1)
    assert await take(stays, 1) == await take(goes, 1) == [1]
    await stream_stage.disconnect("a", "b")
    (outlet,) = publisher.dispatch.outlets
    assert [receiver.endpoint_id for receiver in outlet.receivers.values()] == [stays.endpoint_id]
    stays.close()
    await soon(stays.wait_closed())
    await until(lambda: not publisher.dispatch.outlets)


async def test_a_channel_outlives_the_loop_that_read_it(stream_stage: Stage) -> None:
    publisher = await stream_stage.publisher(num_buffers=4)
    first_loop = LoopThread("first")
    first = await first_loop.run(Subscriber.create("t", link=stream_stage.far))
    second = await stream_stage.subscriber()
    for number in range(4):
        await publisher.broadcast(number)
    assert await first_loop.run(take(first, 4)) == [0, 1, 2, 3]
    first.close()
    await soon(first.wait_closed())
    first_loop.stop()
    assert await take(second, 4) == [0, 1, 2, 3]
    for number in range(4, 200):
        await soon(publisher.broadcast(number))
        assert await soon(second.recv()) == number
    assert len(publisher.dispatch.outlets) == 1


async def test_a_subscriber_attaches_while_the_publishers_loop_stands_still(stream_stage: Stage) -> None:
    publisher_loop = LoopThread("busy")
    publisher = await publisher_loop.run(Publisher.create("t", link=stream_stage.near))
    stands_still, is_free = threading.Event(), threading.Event()

    def stand_still() -> None:
        stands_still.set()
        is_free.wait(5.0)

    publisher_loop.loop.call_soon_threadsafe(stand_still)
    await asyncio.to_thread(stands_still.wait, 5.0)
    subscriber = await soon(stream_stage.subscriber())
    is_free.set()
    await publisher_loop.run(publisher.broadcast("hello"))
    assert await take(subscriber, 1) == ["hello"]
    publisher.close()
    await soon(publisher.wait_closed())
    publisher_loop.stop()


async def test_a_publisher_may_be_closed_after_its_loop_has_ended(stage: Stage) -> None:
    publisher_loop = LoopThread("gone")
    publisher = await publisher_loop.run(Publisher.create("t", link=stage.near))
    subscriber = await stage.subscriber()
    await publisher_loop.run(publisher.broadcast(bytes(10)))
    publisher_loop.stop()
    publisher.close()
    await soon(publisher.wait_closed())
    assert await take(subscriber, 1) == [bytes(10)]
