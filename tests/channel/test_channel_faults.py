"""Stopped, killed and slow processes; cancelled readers; very large, very many and very short-lived things."""

import asyncio
import os
import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from ezmsg_core.channel import Publisher, Subscriber, revoking
from ezmsg_core.channel.listener import remove_dead_sockets
from ezmsg_core.errors import EndpointClosedError
from tests.channel.far_process import Launch
from tests.channel.stage import LoopThread, Stage, drain, never_soon, soon, take, until

MIB = 1 << 20


async def test_a_stopped_lossless_process_holds_the_publisher_up_and_is_charged_for_it(
    stream_stage: Stage, launch: Launch
) -> None:
    publisher = await stream_stage.publisher(num_buffers=2)
    here = await stream_stage.subscriber_on(stream_stage.near)
    far = await launch()
    there = await far.do("subscribe", topic="t")
    far.signal(signal.SIGSTOP)
    reading = asyncio.create_task(take(here, 20))
    publishing = asyncio.create_task(_count(publisher, 20))
    await until(lambda: publisher.counters().is_waiting)
    await asyncio.sleep(0.3)  # what is measured
    counters = publisher.counters()
    assert (counters.is_waiting, counters.in_flight, counters.published_total) == (True, 2, 2)
    assert counters.wait_ns_by_subscriber[there] >= 280_000_000
    assert counters.wait_ns_by_subscriber.get(here.endpoint_id, 0) < 100_000_000
    far.signal(signal.SIGCONT)
    assert await far.do("take", count=20) == list(range(20))
    await soon(publishing)
    assert await soon(reading) == list(range(20))
    assert publisher.counters().lost_total == 0


async def test_a_process_that_stays_stopped_gives_its_slots_up_and_is_told_what_it_missed_when_it_goes_on(
    stream_stage: Stage, launch: Launch, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if stream_stage.path == "tcp":
        pytest.skip("the system does not tell which process is at the other end")
    monkeypatch.setattr(revoking, "STOPPED_S", 0.4)
    monkeypatch.setattr(revoking, "LOOK_S", 0.1)
    publisher = await stream_stage.publisher(num_buffers=2)
    here = await stream_stage.subscriber_on(stream_stage.near)
    stopped, slow = await launch(), await launch()
    name = await stopped.do("subscribe", topic="t")
    await slow.do("subscribe", topic="t")
    stopped.signal(signal.SIGSTOP)
    reading = asyncio.create_task(take(here, 51))
    publishing = asyncio.create_task(_count(publisher, 50))
    await until(lambda: publisher.counters().lost_total == 2)
    assert f"no longer waits for {name}" in caplog.text
    waited_ns = publisher.counters().wait_ns_by_subscriber[name]
    assert waited_ns > 300_000_000
    assert await never_soon(publishing, 300)  # for the slow one, who only sleeps
    slow.tell("take", count=51)
    await soon(publishing)
    stopped.signal(signal.SIGCONT)
    await until(lambda: len(publisher.dispatch.outlets) == 2)
    await soon(publisher.broadcast(50))
    assert await soon(reading) == await slow.heard() == list(range(51))
    assert await stopped.do("take", count=3) == [0, 1, 50]  # two were in its socket
    assert await stopped.do("counters") == {"received": 3, "dropped": 48}


async def test_a_child_that_a_killed_process_leaves_behind_keeps_no_channel_open(
    stream_stage: Stage, launch: Launch, runtime_dir: Path
) -> None:
    publisher = await stream_stage.publisher("there", num_buffers=1)
    subscriber = await stream_stage.subscriber_on(stream_stage.near, "back")
    far = await launch()
    await far.do("subscribe", topic="there")
    await far.do("publish", topic="back")
    await far.do("send", first=0, count=1)
    assert await take(subscriber, 1) == [0]
    await publisher.broadcast(0)
    child = await far.do("fork")
    try:
        far.signal(signal.SIGKILL)
        await soon(_count(publisher, 5), 2.0)
        await until(lambda: not _inlets(subscriber), 2.0)
    finally:
        os.kill(child, signal.SIGKILL)
    await far.end()
    remove_dead_sockets(runtime_dir)  # as the next process does


async def test_a_publisher_that_is_killed_in_the_middle_of_a_message_leaves_no_half_of_it(
    stream_stage: Stage, launch: Launch
) -> None:
    subscriber = await stream_stage.subscriber_on(stream_stage.near)
    far = await launch()
    await far.do("publish", topic="t", num_buffers=4)
    await far.do("send", first=0, count=1)
    assert await take(subscriber, 1) == [0]
    far.tell("send", first=1, count=1, size=20 * MIB)  # 160 MiB: far more than sockets hold
    (inlet,) = _inlets(subscriber)
    await until(lambda: inlet._reassembly._large_rest is not None)
    far.signal(signal.SIGKILL)
    successor = await launch()
    await successor.do("publish", topic="t")
    await successor.do("send", first=100, count=3, size=10)
    assert [int(array[0]) for array in await take(subscriber, 3)] == [100, 101, 102]
    assert subscriber.counters().error_total == 0


async def test_a_stopped_publisher_whose_edge_goes_keeps_nobody_from_the_other_publishers(
    stream_stage: Stage, launch: Launch
) -> None:
    far = await launch()
    await far.do("publish", topic="a")
    subscriber = await stream_stage.subscriber_on(stream_stage.near, "b")
    await stream_stage.connect("a", "b")
    await far.do("send", first=0, count=1)
    assert await take(subscriber, 1) == [0]
    far.signal(signal.SIGSTOP)
    await stream_stage.disconnect("a", "b")
    other = await stream_stage.publisher("b")
    await soon(other.broadcast("here"))
    assert await take(subscriber, 1) == ["here"]
    far.signal(signal.SIGCONT)


@pytest.mark.parametrize("how", ["recv", "recv_zero_copy"])
async def test_a_receive_that_times_out_again_and_again_loses_nothing(stage: Stage, how: str) -> None:
    publisher = await stage.publisher(num_buffers=4)
    subscriber = await stage.subscriber()
    received: list[Any] = []

    async def receive() -> None:
        if how == "recv":
            received.append(await subscriber.recv())
            return
        async with subscriber.recv_zero_copy() as message:
            received.append(message)

    async def receive_all() -> None:
        timeout_s = 0.0
        while len(received) < 300:
            timeout_s = (timeout_s + 0.00013) % 0.002
            try:
                async with asyncio.timeout(timeout_s):
                    await receive()
            except TimeoutError:
                pass

    async def publish() -> None:
        for number in range(300):
            await publisher.broadcast(number)
            if number % 3 == 0:
                await asyncio.sleep(0.0003)

    await soon(asyncio.gather(receive_all(), publish()), 20.0)
    assert received == list(range(300))
    await soon(publisher.sync())


async def test_closing_while_threads_publish_ends_them_all_and_what_was_published_arrives(stage: Stage) -> None:
    publisher = await stage.publisher(num_buffers=4)
    subscriber = await stage.subscriber()
    published = [0, 0, 0]

    async def publish(who: int) -> None:
        with pytest.raises(EndpointClosedError):
            while True:
                await publisher.broadcast((who, published[who]))
                published[who] += 1

    received: list[tuple[int, int]] = []

    async def read() -> None:
        while True:
            received.append(await subscriber.recv())

    reading = asyncio.create_task(read())
    publishing = [asyncio.create_task(asyncio.to_thread(lambda who=who: asyncio.run(publish(who)))) for who in range(3)]
    await until(lambda: min(published) > 20)
    publisher.close()
    await soon(asyncio.gather(*publishing))
    await soon(publisher.wait_closed())
    await until(lambda: len(received) == sum(published))
    for who in range(3):
        assert [number for sender, number in received if sender == who] == list(range(published[who]))
    reading.cancel()
    await asyncio.wait([reading])


async def test_a_subscriber_may_be_closed_in_the_middle_of_a_large_message(stream_stage: Stage) -> None:
    publisher = await stream_stage.publisher(num_buffers=2)
    elsewhere = LoopThread("elsewhere")
    goes = await elsewhere.run(Subscriber.create("t", link=stream_stage.far))
    stays = await stream_stage.subscriber_on(stream_stage.near)
    has_stopped, may_go_on = threading.Event(), threading.Event()
    elsewhere.loop.call_soon_threadsafe(lambda: (has_stopped.set(), may_go_on.wait(5.0)))
    await asyncio.to_thread(has_stopped.wait, 5.0)
    large = np.arange(2 * MIB)
    sending = asyncio.create_task(publisher.broadcast(large))
    assert np.array_equal(await soon(stays.recv()), large)
    await soon(sending)
    goes.close()
    may_go_on.set()
    await soon(goes.wait_closed())
    for number in range(5):
        await soon(publisher.broadcast(number))
        assert await soon(stays.recv()) == number
    elsewhere.stop()


async def test_a_message_of_fifty_megabytes_arrives_whole_with_small_ones_round_it(stage: Stage) -> None:
    publisher = await stage.publisher(num_buffers=3)
    subscriber = await stage.subscriber()
    large = np.arange(50 * MIB // 8)
    sending = asyncio.create_task(_publish_all(publisher, ["before", large, "after"]))
    assert await soon(subscriber.recv()) == "before"
    async with subscriber.recv_zero_copy() as lent:
        assert np.array_equal(lent, large)
    assert await soon(subscriber.recv()) == "after"
    await soon(sending)


async def test_a_hundred_thousand_small_messages_arrive_in_order(stage: Stage) -> None:
    total = 100_000
    publisher = await stage.publisher()
    subscriber = await stage.subscriber()
    publishing = asyncio.create_task(_count(publisher, total))
    expected = 0
    async with asyncio.timeout(40.0):
        while expected < total:
            async with subscriber.recv_zero_copy() as number:
                assert number == expected
            expected += 1
    await soon(publishing)
    counters = publisher.counters()
    assert (counters.published_total, subscriber.counters().received_total) == (total, total)


async def test_memory_does_not_grow_while_a_viewer_is_stopped(stream_stage: Stage, launch: Launch) -> None:
    publisher = await stream_stage.publisher()
    viewer = await launch()
    await viewer.do("subscribe", topic="t", leaky=True, max_queue=2)
    viewer.signal(signal.SIGSTOP)
    await _publish_arrays(publisher, 50)
    before = _resident_bytes(os.getpid())
    await _publish_arrays(publisher, 500)
    assert _resident_bytes(os.getpid()) - before < 16 * MIB
    viewer.signal(signal.SIGCONT)


async def test_memory_does_not_grow_in_a_viewer_that_does_not_read(stream_stage: Stage, launch: Launch) -> None:
    publisher = await stream_stage.publisher()
    viewer = await launch()
    await viewer.do("subscribe", topic="t", leaky=True, max_queue=2)
    await _publish_arrays(publisher, 50)
    before = _resident_bytes(viewer.pid)
    await _publish_arrays(publisher, 500)
    assert (await viewer.do("counters"))["received"] == 0
    assert _resident_bytes(viewer.pid) - before < 32 * MIB  # buffers of large messages are kept for use


async def test_opening_and_closing_two_hundred_times_keeps_no_descriptor_and_no_task(stage: Stage) -> None:
    anchor = await stage.publisher("anchor")  # keeps the listener, which would come and go
    await anchor.broadcast(0)

    async def cycle() -> None:
        publisher = await stage.publisher()
        subscribers = [await stage.subscriber(), await stage.subscriber(leaky=True)]
        await publisher.broadcast(1)
        assert await take(subscribers[0], 1) == [1]
        for endpoint in (*subscribers, publisher):
            endpoint.close()
            await soon(endpoint.wait_closed())
        stage.forget(publisher, *subscribers)

    await cycle()
    before = _descriptors()
    tasks = len(asyncio.all_tasks())
    for _ in range(200):
        await cycle()
    await until(lambda: _descriptors() <= before)
    assert len(asyncio.all_tasks()) <= tasks
    assert len(anchor._exchange._publishers) == 1
    assert not anchor._exchange._subscribers and not anchor._exchange._inlets and not anchor._exchange._opening


async def test_a_held_message_holds_the_publisher_up_until_its_block_ends(stage: Stage) -> None:
    publisher = await stage.publisher(num_buffers=2)
    subscriber = await stage.subscriber()
    await _publish_all(publisher, [0, 1])
    held = subscriber.recv_zero_copy()
    assert await held.__aenter__() == 0
    async with subscriber.recv_zero_copy() as other:
        assert other == 1
    waiting = asyncio.create_task(publisher.broadcast(2))
    assert await never_soon(waiting)
    assert publisher.counters().in_flight == 2
    await held.__aexit__(None, None, None)
    await soon(waiting)
    assert await drain(subscriber) == [2]


def _inlets(subscriber: Subscriber) -> list[Any]:
    return list(subscriber._exchange._inlets.values())


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _resident_bytes(pid: int) -> int:
    return psutil.Process(pid).memory_info().rss


async def _count(publisher: Publisher, count: int) -> None:
    await _publish_all(publisher, range(count))


async def _publish_all(publisher: Publisher, messages: Any) -> None:
    for message in messages:
        await publisher.broadcast(message)


async def _publish_arrays(publisher: Publisher, count: int) -> None:
    for number in range(count):
        await soon(publisher.broadcast(np.full(MIB, number % 256, dtype=np.uint8)))
