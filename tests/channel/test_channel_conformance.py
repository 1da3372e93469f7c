"""What every path promises: order, no loss, no doubling, backpressure, leaky readers, joining and leaving."""

import asyncio
import threading
from typing import Any

import numpy as np
import pytest

from ezmsg_core.channel import Publisher, Subscriber
from ezmsg_core.errors import EndpointClosedError
from tests.channel.stage import Stage, drain, never_soon, soon, take, until


async def test_every_subscriber_gets_every_message_once_and_in_order(stage: Stage) -> None:
    publisher = await stage.publisher()
    subscribers = [await stage.subscriber() for _ in range(3)]
    readers = [asyncio.create_task(take(subscriber, 500)) for subscriber in subscribers]
    for number in range(500):
        await soon(publisher.broadcast(number))
    for reader in readers:
        assert await soon(reader) == list(range(500))


async def test_a_message_published_right_after_creation_is_not_lost(stage: Stage) -> None:
    early = await stage.subscriber()
    publisher = await stage.publisher()
    await publisher.broadcast("to the one before")
    late = await stage.subscriber()
    await publisher.broadcast("to both")
    assert await take(early, 2) == ["to the one before", "to both"]
    assert await take(late, 1) == ["to both"]


async def test_several_publishers_reach_one_subscriber_each_in_its_order(stage: Stage) -> None:
    publishers = [await stage.publisher() for _ in range(3)]
    subscriber = await stage.subscriber()

    async def publish(who: int) -> None:
        for number in range(100):
            await publishers[who].broadcast((who, number))

    tasks = [asyncio.create_task(publish(who)) for who in range(3)]
    received = await take(subscriber, 300)
    await soon(asyncio.gather(*tasks))
    for who in range(3):
        assert [number for sender, number in received if sender == who] == list(range(100))


async def test_messages_flow_along_edges(stage: Stage) -> None:
    publisher = await stage.publisher("a")
    subscriber = await stage.subscriber("c")
    await stage.connect("a", "b")
    await publisher.broadcast("nobody")
    await stage.connect("b", "c")
    await publisher.broadcast("somebody")
    assert await take(subscriber, 1) == ["somebody"]


@pytest.mark.parametrize("size", [1, 2, 32])
async def test_a_publisher_waits_once_its_window_is_full_and_goes_on_after_a_release(stage: Stage, size: int) -> None:
    publisher = await stage.publisher(num_buffers=size)
    subscriber = await stage.subscriber()
    for number in range(size):
        await soon(publisher.broadcast(number))
    waiting = asyncio.create_task(publisher.broadcast(size))
    assert await never_soon(waiting)
    async with subscriber.recv_zero_copy() as message:
        assert message == 0
        assert await never_soon(waiting)
    await soon(waiting)
    assert await take(subscriber, size) == list(range(1, size + 1))


async def test_the_slowest_lossless_subscriber_sets_the_pace(stage: Stage) -> None:
    publisher = await stage.publisher(num_buffers=4)
    fast, slow = await stage.subscriber(), await stage.subscriber()
    for number in range(4):
        await soon(publisher.broadcast(number))
    assert await take(fast, 4) == [0, 1, 2, 3]
    waiting = asyncio.create_task(publisher.broadcast(4))
    assert await never_soon(waiting)
    assert await take(slow, 1) == [0]
    await soon(waiting)


async def test_messages_released_out_of_order_free_the_window_when_the_oldest_goes(stage: Stage) -> None:
    publisher = await stage.publisher(num_buffers=2)
    subscriber = await stage.subscriber()
    await publisher.broadcast(0)
    await publisher.broadcast(1)
    first, second = subscriber.recv_zero_copy(), subscriber.recv_zero_copy()
    assert await first.__aenter__() == 0
    assert await second.__aenter__() == 1
    await second.__aexit__(None, None, None)
    waiting = asyncio.create_task(publisher.broadcast(2))
    assert await never_soon(waiting)
    await first.__aexit__(None, None, None)
    await soon(waiting)
    assert await take(subscriber, 1) == [2]


async def test_a_leaky_subscriber_keeps_the_newest_and_holds_nobody_up(stage: Stage) -> None:
    publisher = await stage.publisher(num_buffers=2)
    viewer = await stage.subscriber(leaky=True, max_queue=3)
    for number in range(100):
        await soon(publisher.broadcast(number))
    await until(lambda: viewer.counters().dropped_total == 97)
    assert await take(viewer, 3) == [97, 98, 99]
    counters = viewer.counters()
    assert (counters.received_total, counters.dropped_total, counters.max_queue) == (3, 97, 3)
    assert publisher.counters().in_flight == 0
    assert publisher.counters().wait_count == 0


async def test_a_leaky_subscriber_keeps_one_message_unless_told_otherwise(stage: Stage) -> None:
    publisher = await stage.publisher()
    viewer = await stage.subscriber(leaky=True)
    assert viewer.leaky
    for number in range(10):
        await publisher.broadcast(number)
    await until(lambda: viewer.counters().dropped_total == 9)
    assert await drain(viewer) == [9]


async def test_a_leaky_subscriber_that_keeps_up_misses_nothing(stage: Stage) -> None:
    publisher = await stage.publisher()
    viewer = await stage.subscriber(leaky=True)
    for number in range(200):
        await publisher.broadcast(number)
        assert await soon(viewer.recv()) == number
    assert viewer.counters().dropped_total == 0


async def test_a_leaky_and_a_lossless_subscriber_do_not_disturb_each_other(stage: Stage) -> None:
    publisher = await stage.publisher(num_buffers=4)
    lossless, viewer = await stage.subscriber(), await stage.subscriber(leaky=True)
    reader = asyncio.create_task(take(lossless, 300))
    for number in range(300):
        await soon(publisher.broadcast(number))
    assert await soon(reader) == list(range(300))
    assert (await drain(viewer))[-1] == 299
    counters = viewer.counters()
    assert counters.received_total + counters.dropped_total == 300


async def test_a_subscriber_that_joins_during_a_stream_gets_everything_from_some_message_on(stage: Stage) -> None:
    publisher = await stage.publisher(num_buffers=4)
    first = await stage.subscriber()
    reader = asyncio.create_task(take(first, 2000))

    async def publish() -> None:
        for number in range(2000):
            await publisher.broadcast(number)

    publishing = asyncio.create_task(publish())
    latecomers = []
    for _ in range(5):
        late = await soon(stage.subscriber())
        latecomers.append(asyncio.create_task(drain(late)))
    await soon(publishing)
    assert await soon(reader) == list(range(2000))
    for late in latecomers:
        received = await late
        assert received == list(range(2000 - len(received), 2000))


async def test_a_subscriber_that_leaves_during_a_stream_changes_nothing_for_the_others(stage: Stage) -> None:
    publisher = await stage.publisher(num_buffers=4)
    stayer = await stage.subscriber()
    leavers = [await stage.subscriber() for _ in range(4)]
    reader = asyncio.create_task(take(stayer, 1000))

    async def publish() -> None:
        for number in range(1000):
            await publisher.broadcast(number)

    publishing = asyncio.create_task(publish())

    async def read_some_and_leave(leaver: Subscriber, count: int) -> None:
        assert await take(leaver, count) == list(range(count))
        leaver.close()
        await soon(leaver.wait_closed())

    await asyncio.gather(*(read_some_and_leave(leaver, 10 + 20 * n) for n, leaver in enumerate(leavers)))
    await soon(publishing)
    assert await soon(reader) == list(range(1000))


async def test_a_subscriber_that_goes_frees_its_slots(stage: Stage) -> None:
    publisher = await stage.publisher(num_buffers=1)
    subscriber = await stage.subscriber()
    await publisher.broadcast(0)
    waiting = asyncio.create_task(publisher.broadcast(1))
    assert await never_soon(waiting)
    subscriber.close()
    await soon(waiting)
    await soon(subscriber.wait_closed())
    assert publisher.counters().in_flight == 0
    await until(lambda: not publisher.dispatch.outlets)
    assert publisher.counters().lost_total == 0  # what its reader gives up is no loss


async def test_broadcasts_from_several_tasks_lose_and_double_nothing(stage: Stage) -> None:
    publisher = await stage.publisher(num_buffers=1)
    subscriber = await stage.subscriber()

    async def publish(who: int) -> None:
        for number in range(100):
            await publisher.broadcast((who, number))

    tasks = [asyncio.create_task(publish(who)) for who in range(4)]
    received = await take(subscriber, 400)
    await soon(asyncio.gather(*tasks))
    assert len(set(received)) == 400
    for who in range(4):
        assert [number for sender, number in received if sender == who] == list(range(100))


async def test_broadcasts_from_several_threads_and_loops_lose_and_double_nothing(stage: Stage) -> None:
    publisher = await stage.publisher(num_buffers=4)
    subscriber = await stage.subscriber()

    async def publish(who: int) -> None:
        for number in range(200):
            await publisher.broadcast((who, number))

    publishing = [asyncio.create_task(asyncio.to_thread(lambda who=who: asyncio.run(publish(who)))) for who in range(3)]
    received = await soon(take(subscriber, 600), 20.0)
    await soon(asyncio.gather(*publishing))
    for who in range(3):
        assert [number for sender, number in received if sender == who] == list(range(200))


async def test_what_a_closed_publisher_has_sent_is_read_to_the_end(stage: Stage) -> None:
    publisher = await stage.publisher(num_buffers=32)
    subscriber = await stage.subscriber()
    for number in range(20):
        await publisher.broadcast(np.full(2000, number))
    publisher.close()
    await soon(publisher.wait_closed())
    received = await take(subscriber, 20)
    assert [int(array[0]) for array in received] == list(range(20))
    waiting = asyncio.create_task(subscriber.recv())
    assert await never_soon(waiting)
    successor = await stage.publisher()
    await successor.broadcast("next")
    assert await soon(waiting) == "next"


async def test_a_closed_publisher_publishes_nothing_and_says_so(stage: Stage) -> None:
    publisher = await stage.publisher(num_buffers=1)
    subscriber = await stage.subscriber()
    await publisher.broadcast(0)
    waiting = asyncio.create_task(publisher.broadcast(1))
    assert await never_soon(waiting)
    publisher.close()
    assert not publisher.running
    for attempt in (waiting, publisher.broadcast(2)):
        with pytest.raises(EndpointClosedError, match="nothing was published"):
            await soon(attempt)
    assert await drain(subscriber) == [0]


async def test_a_closed_subscriber_says_so_to_whoever_waits(stage: Stage) -> None:
    await stage.publisher()
    subscriber = await stage.subscriber()
    waiting = asyncio.create_task(subscriber.recv())
    assert await never_soon(waiting)
    subscriber.close()
    with pytest.raises(EndpointClosedError):
        await soon(waiting)
    with pytest.raises(EndpointClosedError):
        async with subscriber.recv_zero_copy():
            raise AssertionError("nothing is lent")
    subscriber.close()
    await soon(subscriber.wait_closed())


async def test_a_cancelled_receive_loses_no_message(stage: Stage) -> None:
    publisher = await stage.publisher()
    subscriber = await stage.subscriber()
    received: list[Any] = []
    for number in range(100):
        waiting = asyncio.create_task(subscriber.recv())
        for _ in range(number % 4):
            await asyncio.sleep(0)
        await publisher.broadcast(number)
        waiting.cancel()
        try:
            received.append(await waiting)
        except asyncio.CancelledError:
            pass
    assert received + await drain(subscriber) == list(range(100))


async def test_a_cancelled_broadcast_is_given_to_all_or_to_nobody(stage: Stage) -> None:
    publisher = await stage.publisher(num_buffers=1)
    subscribers = [await stage.subscriber(), await stage.subscriber()]
    await publisher.broadcast("first")
    waiting = [asyncio.create_task(publisher.broadcast(number)) for number in range(3)]
    assert await never_soon(waiting[0])
    waiting[0].cancel()
    waiting[1].cancel()
    readers = [asyncio.create_task(take(subscriber, 2)) for subscriber in subscribers]
    await soon(waiting[2])
    assert await soon(readers[0]) == await soon(readers[1]) == ["first", 2]
    assert publisher.counters().published_total == 2


async def test_two_tasks_that_read_one_subscriber_share_its_messages(stage: Stage) -> None:
    publisher = await stage.publisher()
    subscriber = await stage.subscriber()
    readers = [asyncio.create_task(take(subscriber, 50)) for _ in range(2)]
    for number in range(100):
        await soon(publisher.broadcast(number))
    received = [message for reader in readers for message in await soon(reader)]
    assert sorted(received) == list(range(100))


async def test_an_edge_that_goes_takes_what_is_queued_with_it(stage: Stage) -> None:
    publisher = await stage.publisher("a", num_buffers=4)
    other = await stage.publisher("b")
    subscriber = await stage.subscriber("b")
    await stage.connect("a", "b")
    for number in range(4):
        await publisher.broadcast(number)
    await other.broadcast("stays")
    await stage.disconnect("a", "b")
    await soon(publisher.broadcast("nobody gets this"))
    assert await drain(subscriber) == ["stays"]
    await stage.connect("a", "b")
    await publisher.broadcast("again")
    assert await take(subscriber, 1) == ["again"]


async def test_a_publisher_without_subscribers_never_waits_and_encodes_nothing(stage: Stage) -> None:
    publisher = await stage.publisher(num_buffers=1)
    for _ in range(100):
        await soon(publisher.broadcast(threading.Lock()))
    counters = publisher.counters()
    assert (counters.published_total, counters.published_bytes, counters.in_flight) == (100, 0, 0)


async def test_a_publisher_lets_the_other_tasks_of_its_loop_have_their_turn(stage: Stage) -> None:
    publisher: Publisher = await stage.publisher()
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(0.05, stop.set)

    async def publish_for_ever() -> None:
        while not stop.is_set():
            await publisher.broadcast(b"x")

    await soon(publish_for_ever())
