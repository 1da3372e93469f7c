"""Ends in processes of their own, which are killed, stopped, and leave without a word."""

import asyncio
import signal
import time
from typing import Any

import numpy as np
import pytest

from ezmsg_core.channel import Publisher, Subscriber
from tests.channel.far_process import Launch
from tests.channel.stage import Stage, drain, never_soon, soon, take, until


async def test_messages_cross_processes_both_ways(stream_stage: Stage, launch: Launch) -> None:
    far = await launch()
    await far.do("subscribe", topic="there")
    await far.do("publish", topic="back")
    publisher = await stream_stage.publisher("there")
    subscriber = await stream_stage.subscriber_on(stream_stage.near, "back")
    far.tell("take", count=500)
    for number in range(500):
        await soon(publisher.broadcast(np.full(number + 1, number)))
    assert await far.heard() == [[number, number, number + 1] for number in range(500)]
    far.tell("send", first=0, count=300, size=20_000)
    for number in range(300):
        async with subscriber.recv_zero_copy() as array:
            assert array.shape == (20_000,) and (array == number).all()
    assert await far.heard() == 300


async def test_a_killed_subscriber_with_a_message_in_hand_frees_its_slots_at_once(
    stream_stage: Stage, launch: Launch
) -> None:
    publisher = await stream_stage.publisher(num_buffers=2)
    survivor = await stream_stage.subscriber_on(stream_stage.near)
    victim = await launch()
    await victim.do("subscribe", topic="t")
    reading = asyncio.create_task(take(survivor, 40))
    await publisher.broadcast(0)
    assert await victim.do("hold") == 0
    await publisher.broadcast(1)
    waiting = asyncio.create_task(publisher.broadcast(2))
    assert await never_soon(waiting)
    began = time.monotonic()
    victim.signal(signal.SIGKILL)
    await soon(waiting, 1.0)
    assert time.monotonic() - began < 0.5
    for number in range(3, 40):
        await soon(publisher.broadcast(number))
    assert await soon(reading) == list(range(40))
    left = [receiver.endpoint_id for outlet in publisher.dispatch.outlets for receiver in outlet.receivers.values()]
    assert left == ([] if stream_stage.path == "unix" else [survivor.endpoint_id])  # the object itself, or by TCP
    assert publisher.counters().lost_total == 2  # the one in hand and the one behind it


async def test_a_stopped_viewer_holds_nobody_up_and_sees_the_newest_when_it_goes_on(
    stream_stage: Stage, launch: Launch
) -> None:
    publisher = await stream_stage.publisher(num_buffers=2)
    reader = await stream_stage.subscriber_on(stream_stage.near)
    viewer = await launch()
    await viewer.do("subscribe", topic="t", leaky=True, max_queue=2)
    viewer.signal(signal.SIGSTOP)
    total = 3000
    reading = asyncio.create_task(take(reader, total))
    for number in range(total):  # far more than sockets hold
        await soon(publisher.broadcast(np.full(2_000, number)))
    await soon(reading)
    assert publisher.counters().wait_ns_by_subscriber.keys() <= {reader.endpoint_id}
    viewer.signal(signal.SIGCONT)
    newest = -1
    async with asyncio.timeout(10.0):
        while newest != total - 1:
            ((newest, last, size),) = await viewer.do("take", count=1)
            assert (last, size) == (newest, 2_000)
    counters = await viewer.do("counters")
    assert counters["received"] + counters["dropped"] == total
    assert counters["dropped"] > 1000


async def test_a_stopped_viewer_does_not_keep_a_publisher_from_closing(stream_stage: Stage, launch: Launch) -> None:
    publisher = await stream_stage.publisher()
    viewer = await launch()
    await viewer.do("subscribe", topic="t", leaky=True)
    viewer.signal(signal.SIGSTOP)
    for _ in range(300):
        await soon(publisher.broadcast(bytes(20_000)))
    publisher.close()
    await soon(publisher.wait_closed(), 2.0)


@pytest.mark.parametrize("size", [0, 50_000])
async def test_what_a_killed_publisher_has_sent_stays_readable(stream_stage: Stage, launch: Launch, size: int) -> None:
    subscriber = await stream_stage.subscriber_on(stream_stage.near)
    far = await launch()
    await far.do("publish", topic="t", num_buffers=16)
    await far.do("send", first=0, count=12, size=size)
    await until(lambda: subscriber.counters().queue_depth == 12)
    far.signal(signal.SIGKILL)
    await stream_stage.topology_once(lambda state: not state.publishers)
    received = await take(subscriber, 12)
    assert [int(message[0]) if size else message for message in received] == list(range(12))
    successor = await launch()
    await successor.do("publish", topic="t")
    await successor.do("send", first=100, count=1)
    assert await take(subscriber, 1) == [100]


async def test_what_was_sent_before_a_process_closes_and_exits_arrives(stream_stage: Stage, launch: Launch) -> None:
    subscriber = await stream_stage.subscriber_on(stream_stage.near)
    for turn in range(3):
        far = await launch()
        await far.do("publish", topic="t")
        await far.do("send", first=0, count=30, size=100_000)
        await far.do("close")
        await far.end()
        received = await take(subscriber, 30)
        assert [int(array[0]) for array in received] == list(range(30)), turn


async def test_a_process_that_exits_without_a_word_is_gone_for_both_sides(stream_stage: Stage, launch: Launch) -> None:
    publisher = await stream_stage.publisher(num_buffers=1)
    far = await launch()
    await far.do("subscribe", topic="t")
    far.tell("exit_without_a_word")
    await until(lambda: not publisher.dispatch.outlets)
    for number in range(5):
        await soon(publisher.broadcast(number))
    await stream_stage.topology_once(lambda state: not state.subscribers)


async def test_a_slow_process_does_not_keep_a_fast_one_from_its_share(stream_stage: Stage, launch: Launch) -> None:
    fast_lane = await stream_stage.publisher("fast")
    slow_lane = await stream_stage.publisher("slow", num_buffers=4)
    fast, slow = await launch(), await launch()
    await fast.do("subscribe", topic="fast")
    await slow.do("subscribe", topic="slow")
    slow.signal(signal.SIGSTOP)
    stuck = asyncio.create_task(_publish(slow_lane, 50))
    fast.tell("take", count=200)
    await soon(_publish(fast_lane, 200))
    assert len(await fast.heard()) == 200
    assert await never_soon(stuck)
    slow.signal(signal.SIGCONT)
    slow.tell("take", count=50)
    await soon(stuck)
    assert len(await slow.heard()) == 50


async def _publish(publisher: Any, count: int) -> None:
    for number in range(count):
        await publisher.broadcast(np.full(50_000, number))


async def test_a_burst_of_processes_that_come_and_go_loses_nothing_for_those_who_stay(
    stream_stage: Stage, launch: Launch
) -> None:
    publisher = await stream_stage.publisher(num_buffers=8)
    stayer = await stream_stage.subscriber_on(stream_stage.near)
    reading = asyncio.create_task(_take_up_to_the_end(stayer))
    is_over = asyncio.Event()
    publishing = asyncio.create_task(_count_until(publisher, is_over))
    for turn in range(4):
        far = await launch()
        await far.do("subscribe", topic="t")
        numbers = await far.do("take", count=20)
        assert numbers == list(range(numbers[0], numbers[0] + 20))
        far.signal(signal.SIGKILL if turn % 2 else signal.SIGTERM)
    is_over.set()
    total = await soon(publishing)
    assert await soon(reading) == list(range(total))


async def _take_up_to_the_end(subscriber: Subscriber) -> list[int]:
    """Numbers up to the word `end`."""
    received: list[int] = []
    while True:
        async with subscriber.recv_zero_copy() as message:
            if message == "end":
                return received
            received.append(message)


async def _count_until(publisher: Publisher, is_over: asyncio.Event) -> int:
    """Publish numbers in bursts until it is over, and the word `end`; return how many."""
    number = 0
    while not is_over.is_set():
        for _ in range(20):
            await publisher.broadcast(number)
            number += 1
        await asyncio.sleep(0.002)
    await publisher.broadcast("end")
    return number


async def test_a_channel_that_breaks_is_opened_again_and_the_gap_is_counted(stream_stage: Stage) -> None:
    publisher = await stream_stage.publisher(num_buffers=4)
    subscriber = await stream_stage.subscriber()
    await publisher.broadcast(0)
    assert await take(subscriber, 1) == [0]
    (outlet,) = publisher.dispatch.outlets
    publisher.dispatch.outlet_lost(outlet, "the test cut it")
    for number in range(1, 4):
        await soon(publisher.broadcast(number))
    await until(lambda: publisher.dispatch.outlets)
    await soon(publisher.broadcast(4))
    assert (await drain(subscriber))[-1] == 4
    counters = subscriber.counters()
    assert counters.received_total + counters.dropped_total == 5
