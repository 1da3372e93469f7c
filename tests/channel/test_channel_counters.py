"""Counters of endpoints, and who is blamed for a wait."""

import asyncio
import time

import numpy as np
import pytest

from ezmsg_core.channel import Publisher, Subscriber, profile_endpoints
from ezmsg_core.channel.reporting import report_counters
from ezmsg_core.model.profiles import ProfileChannelType
from tests.channel.stage import Stage, never_soon, soon, take, until


async def test_counters_tell_what_was_sent_received_and_is_queued(stage: Stage) -> None:
    publisher = await stage.publisher(num_buffers=8)
    subscriber = await stage.subscriber()
    assert subscriber.counters().path is ProfileChannelType.UNKNOWN
    for _ in range(5):
        await publisher.broadcast(np.zeros(250, "f4"))
    await until(lambda: subscriber.counters().queue_depth == 5)
    await take(subscriber, 2)
    await until(lambda: publisher.counters().in_flight == 3)
    sent, got = publisher.counters(), subscriber.counters()
    is_local = stage.path == "local"
    assert (sent.published_total, sent.published_bytes) == (5, 0 if is_local else 5000)
    assert sent.num_buffers == 8
    assert (got.received_total, got.received_bytes, got.queue_depth) == (2, 0 if is_local else 2000, 3)
    assert got.path.name.lower() == stage.path
    assert not got.is_leaky and got.max_queue is None


async def test_time_with_a_message_in_hand_is_busy_time_even_while_it_goes_on(stage: Stage) -> None:
    publisher = await stage.publisher()
    subscriber = await stage.subscriber()
    await publisher.broadcast(1)
    await publisher.broadcast(2)
    async with subscriber.recv_zero_copy():
        await asyncio.sleep(0.05)
        assert subscriber.counters().busy_ns >= 45_000_000
    after_first = subscriber.counters().busy_ns
    await asyncio.sleep(0.05)
    assert subscriber.counters().busy_ns == after_first
    await subscriber.recv()
    await asyncio.sleep(0.05)  # whoever keeps a message is taken to be busy with it until the next is asked for
    assert subscriber.counters().busy_ns >= after_first + 45_000_000


async def test_a_wait_is_charged_to_the_subscriber_that_caused_it(stage: Stage) -> None:
    publisher = await stage.publisher(num_buffers=2)
    fast, slow = await stage.subscriber(), await stage.subscriber()

    async def read(subscriber: Subscriber, pause_s: float) -> None:
        for _ in range(12):
            async with subscriber.recv_zero_copy():
                await asyncio.sleep(pause_s)

    readers = [asyncio.create_task(read(fast, 0.0)), asyncio.create_task(read(slow, 0.02))]
    for number in range(12):
        await soon(publisher.broadcast(number))
    for reader in readers:
        await soon(reader)
    counters = publisher.counters()
    by_subscriber = counters.wait_ns_by_subscriber
    assert counters.wait_ns >= 100_000_000
    assert sum(by_subscriber.values()) == counters.wait_ns
    assert by_subscriber[slow.endpoint_id] >= 0.8 * counters.wait_ns
    assert 1 <= counters.wait_count <= 12
    assert not counters.is_waiting


async def test_a_wait_that_goes_on_is_shown_with_its_holder(stage: Stage) -> None:
    publisher = await stage.publisher(num_buffers=1)
    subscriber = await stage.subscriber()
    await publisher.broadcast(1)
    waiting = asyncio.create_task(publisher.broadcast(2))
    assert await never_soon(waiting)
    counters = publisher.counters()
    assert counters.is_waiting
    assert counters.wait_ns >= 40_000_000
    assert set(counters.wait_ns_by_subscriber) == {subscriber.endpoint_id}
    await take(subscriber, 1)
    await soon(waiting)
    assert not publisher.counters().is_waiting


@pytest.mark.parametrize("size", [1, 2, 8])
async def test_nobody_without_a_name_is_blamed(stage: Stage, size: int) -> None:
    publisher = await stage.publisher(num_buffers=size)
    subscribers = [await stage.subscriber() for _ in range(2)]

    async def read(subscriber: Subscriber) -> None:
        for number in range(30 * size):
            async with subscriber.recv_zero_copy():
                await asyncio.sleep(0.002 if number % (2 * size) == 0 else 0)

    async def publish() -> None:
        for number in range(10 * size):
            await publisher.broadcast(number)

    work = [read(subscriber) for subscriber in subscribers] + [publish() for _ in range(3)]
    await soon(asyncio.gather(*work))
    counters = publisher.counters()
    assert counters.wait_ns_by_subscriber.keys() <= {subscriber.endpoint_id for subscriber in subscribers}
    assert all(wait_ns > 0 for wait_ns in counters.wait_ns_by_subscriber.values())
    assert sum(counters.wait_ns_by_subscriber.values()) == counters.wait_ns > 0


async def test_one_process_among_several_is_blamed_by_its_subscriber(stream_stage: Stage) -> None:
    publisher = await stream_stage.publisher(num_buffers=1)
    here = await stream_stage.subscriber_on(stream_stage.near)
    there = await stream_stage.subscriber()
    for number in range(5):
        sending = asyncio.create_task(publisher.broadcast(number))
        await take(here, 1)
        if number < 4:
            await asyncio.sleep(0.02)
        await take(there, 1)
        await soon(sending)
    waiting = [asyncio.create_task(publisher.broadcast(number)) for number in range(2)]
    await take(here, 1)
    await asyncio.sleep(0.1)
    await take(there, 1)
    await soon(asyncio.gather(*waiting))
    by_subscriber = publisher.counters().wait_ns_by_subscriber
    assert by_subscriber[there.endpoint_id] >= 90_000_000
    assert by_subscriber.get(here.endpoint_id, 0) < 50_000_000


async def test_a_process_reports_all_endpoints_of_its_link(stage: Stage) -> None:
    publishers = [await stage.publisher(topic) for topic in "ba"]
    subscriber = await stage.subscriber_on(stage.near, "a")
    await publishers[1].broadcast(1)
    sent, got = profile_endpoints(stage.near, time.monotonic_ns())
    assert [record.endpoint_id for record in sent] == sorted(p.endpoint_id for p in publishers)
    assert [record.endpoint_id for record in got] == [subscriber.endpoint_id]
    assert profile_endpoints(stage.far, time.monotonic_ns()) == ([], [])
    report_counters(stage.near)
    profile = stage.near.profiles.profile()
    assert {record.endpoint_id for record in profile.publishers} == {p.endpoint_id for p in publishers}


async def test_a_link_without_endpoints_has_nothing_to_report(local_stage: Stage) -> None:
    publisher = await local_stage.publisher()
    publisher.close()
    await soon(publisher.wait_closed())
    assert profile_endpoints(local_stage.near, 0) == ([], [])


async def test_the_server_knows_every_channel_with_its_path_and_the_reason(stage: Stage) -> None:
    publisher = await stage.publisher()
    subscriber = await stage.subscriber()

    (channel,) = (await stage.topology_once(lambda state: state.channels)).channels
    assert (channel.publisher_id, channel.subscriber_id) == (publisher.endpoint_id, subscriber.endpoint_id)
    assert (channel.path, channel.reason) == {
        "local": (ProfileChannelType.LOCAL, "same process"),
        "unix": (ProfileChannelType.UNIX, "other process on this host: Unix socket"),
        "tcp": (ProfileChannelType.TCP, "other process, the publisher offers TCP only"),
    }[stage.path]
    subscriber.close()
    await soon(subscriber.wait_closed())
    await stage.topology_once(lambda state: not state.channels)


async def test_counters_may_be_read_by_other_threads_while_messages_flow(stage: Stage) -> None:
    publisher: Publisher = await stage.publisher(num_buffers=2)
    subscriber = await stage.subscriber()
    stop = asyncio.Event()

    def look() -> int:
        looks = 0
        while not stop.is_set():
            got, sent = subscriber.counters(), publisher.counters()
            assert 0 <= sent.in_flight <= 2
            assert got.received_total <= sent.published_total
            looks += 1
        return looks

    looking = asyncio.create_task(asyncio.to_thread(look))
    reader = asyncio.create_task(take(subscriber, 500))
    for number in range(500):
        await soon(publisher.broadcast(number))
    await soon(reader)
    stop.set()
    assert await looking > 0


@pytest.mark.parametrize("start_ns", [0, 5])
async def test_spans_are_not_recorded_while_nothing_is_traced(local_stage: Stage, start_ns: int) -> None:
    subscriber = await local_stage.subscriber()
    assert subscriber.begin_profile() == 0
    subscriber.end_profile(start_ns, "span")
