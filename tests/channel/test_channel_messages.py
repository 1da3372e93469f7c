"""What becomes of the messages themselves: whose they are, how large they may be, and what cannot be sent or rebuilt."""

import dataclasses
import threading
from typing import Any

import numpy as np
import pytest

from ezmsg_core.errors import UndecodableError, UnpicklableError
from tests.channel.stage import Stage, drain, soon, take, until


@dataclasses.dataclass
class Block:
    data: Any
    label: str = ""


class Fragile:
    """Can be sent, cannot be rebuilt."""

    def __reduce__(self) -> Any:
        return _break, ()


def _break() -> None:
    raise ValueError("no such thing here")


class Uncopied:
    def __deepcopy__(self, memo: Any) -> Any:
        raise TypeError("there is only one of me")


async def test_a_lent_message_is_the_publishers_own_object_in_its_process_and_read_only_elsewhere(stage: Stage) -> None:
    publisher = await stage.publisher()
    subscriber = await stage.subscriber()
    sent = Block(np.arange(100.0))
    await publisher.broadcast(sent)
    async with subscriber.recv_zero_copy() as lent:
        if stage.path == "local":
            assert lent is sent
        else:
            assert lent is not sent
            assert np.array_equal(lent.data, sent.data)
            with pytest.raises(ValueError, match="read-only"):
                lent.data[0] = 1.0


async def test_subscribers_of_one_process_are_lent_the_same_object(stage: Stage) -> None:
    publisher = await stage.publisher()
    subscribers = [await stage.subscriber() for _ in range(3)]
    await publisher.broadcast(Block(np.arange(10)))
    lent = []
    for subscriber in subscribers:
        async with subscriber.recv_zero_copy() as message:
            lent.append(message)
    assert lent[0] is lent[1] is lent[2]


@pytest.mark.parametrize("readers", [1, 2])
async def test_a_received_message_is_the_readers_own_to_change(stage: Stage, readers: int) -> None:
    publisher = await stage.publisher()
    subscribers = [await stage.subscriber() for _ in range(readers)]
    for sent in (np.arange(10.0), Block(np.zeros(20_000)), [1, [2, 3]]):
        await publisher.broadcast(sent)
        received = [await soon(subscriber.recv()) for subscriber in subscribers]
        for number, message in enumerate(received):
            if isinstance(message, list):
                message[1][0] = number + 10
            else:
                (message.data if isinstance(message, Block) else message)[0] = number + 10
        if isinstance(sent, list):
            assert sent == [1, [2, 3]]
            assert [message[1][0] for message in received] == [10 + n for n in range(readers)]
        else:
            arrays = [message.data if isinstance(message, Block) else message for message in received]
            assert (sent.data if isinstance(sent, Block) else sent)[0] == 0.0
            assert [array[0] for array in arrays] == [10.0 + n for n in range(readers)]


@pytest.mark.parametrize("size", [0, 1, 100, 32_600, 32_768, 65_536, 66_033, 66_048, 200_000, 5_000_000])
async def test_messages_of_any_size_arrive_whole(stage: Stage, size: int) -> None:
    publisher = await stage.publisher(buf_size=4096)
    subscriber = await stage.subscriber()
    pattern = np.random.default_rng(size).integers(0, 256, size, dtype=np.uint8)
    sendings: list[Any] = [
        pattern,
        pattern.tobytes(),
        Block(pattern, "x"),
        [pattern[: size // 2], pattern[size // 2 :]],
    ]
    for sent in sendings:
        await soon(publisher.broadcast(sent))
        received = await soon(subscriber.recv())
        assert type(received) is type(sent)
        if isinstance(sent, Block):
            assert np.array_equal(received.data, pattern)
        elif isinstance(sent, list):
            assert np.array_equal(np.concatenate(received), pattern)
        else:
            assert bytes(received) == pattern.tobytes()


async def test_a_message_grows_from_one_to_the_next_without_harm_to_what_is_kept(stage: Stage) -> None:
    publisher = await stage.publisher(num_buffers=3)
    subscriber = await stage.subscriber()
    kept = []
    for exponent in range(20):
        array = np.full(2**exponent, exponent, dtype=np.uint8)
        await soon(publisher.broadcast(array))
        async with subscriber.recv_zero_copy() as lent:
            kept.append(lent)
    for exponent, array in enumerate(kept):
        assert array.shape == (2**exponent,)
        assert (array == exponent).all()


async def test_an_array_that_is_changed_after_broadcast_arrives_as_it_was(stream_stage: Stage) -> None:
    publisher = await stream_stage.publisher(num_buffers=16)
    subscriber = await stream_stage.subscriber()
    array = np.zeros(1_000_000, dtype=np.uint8)
    for number in range(12):  # more than the sockets take: the rest waits in this process
        array[:] = number
        await soon(publisher.broadcast(array))
    array[:] = 99
    for number in range(12):
        async with subscriber.recv_zero_copy() as lent:
            assert (lent == number).all()


async def test_a_kept_array_is_never_overwritten(stage: Stage) -> None:
    publisher = await stage.publisher(num_buffers=4)
    subscriber = await stage.subscriber()
    kept = []
    for number in range(60):
        await soon(publisher.broadcast(np.full(50_000, number)))
        async with subscriber.recv_zero_copy() as lent:
            if number % 7 == 0:
                kept.append((number, lent))
    for number, array in kept:
        assert (array == number).all()


async def test_an_object_that_cannot_be_sent_raises_at_the_publisher_and_loses_nothing(stream_stage: Stage) -> None:
    publisher = await stream_stage.publisher(num_buffers=2)
    subscriber = await stream_stage.subscriber()
    await publisher.broadcast("before")
    with pytest.raises(UnpicklableError, match=r"message\.label") as refused:
        await publisher.broadcast(Block(np.zeros(3), label=threading.Lock()))  # type: ignore[arg-type]
    assert refused.value.topic == "t"
    assert refused.value.where == "message.label"
    await publisher.broadcast("after")
    assert await take(subscriber, 2) == ["before", "after"]
    assert publisher.counters().published_total == 2


async def test_an_object_that_cannot_be_sent_is_handed_over_within_the_process(local_stage: Stage) -> None:
    publisher = await local_stage.publisher()
    subscriber = await local_stage.subscriber()
    lock = threading.Lock()
    await publisher.broadcast(lock)
    async with subscriber.recv_zero_copy() as lent:
        assert lent is lock


async def test_a_message_that_cannot_be_rebuilt_is_an_error_at_its_receiver_and_the_stream_goes_on(
    stream_stage: Stage,
) -> None:
    publisher = await stream_stage.publisher(num_buffers=4)
    subscriber, other = await stream_stage.subscriber(), await stream_stage.subscriber()
    for message in (1, Fragile(), 2, Fragile()):
        await soon(publisher.broadcast(message))
    assert await soon(subscriber.recv()) == 1
    with pytest.raises(UndecodableError, match="no such thing here") as failed:
        await soon(subscriber.recv())
    assert failed.value.seq == 1
    assert failed.value.type_name.endswith("Fragile")
    async with subscriber.recv_zero_copy() as lent:
        assert lent == 2
    with pytest.raises(UndecodableError):
        async with subscriber.recv_zero_copy():
            raise AssertionError("nothing is lent")
    assert subscriber.counters().error_total == 2
    for _ in range(4):
        try:
            await soon(other.recv())
        except UndecodableError:
            pass
    await soon(publisher.broadcast(3))
    assert await take(subscriber, 1) == await take(other, 1) == [3]
    await soon(publisher.sync())


async def test_a_message_that_cannot_be_copied_is_an_error_for_recv_only(local_stage: Stage) -> None:
    publisher = await local_stage.publisher(num_buffers=1)
    subscriber = await local_stage.subscriber()
    await publisher.broadcast(Uncopied())
    with pytest.raises(UndecodableError, match="recv_zero_copy"):
        await soon(subscriber.recv())
    await soon(publisher.broadcast(Uncopied()))
    async with subscriber.recv_zero_copy() as lent:
        assert isinstance(lent, Uncopied)
    assert subscriber.counters().error_total == 1


async def test_a_receiver_that_raises_in_its_block_releases_the_message(stage: Stage) -> None:
    publisher = await stage.publisher(num_buffers=1)
    subscriber = await stage.subscriber()
    await publisher.broadcast(1)
    with pytest.raises(KeyError):
        async with subscriber.recv_zero_copy():
            raise KeyError
    await soon(publisher.broadcast(2))
    assert await drain(subscriber) == [2]


async def test_messages_that_nobody_reads_are_never_rebuilt(stream_stage: Stage) -> None:
    publisher = await stream_stage.publisher()
    viewer = await stream_stage.subscriber(leaky=True)
    for _ in range(50):
        await publisher.broadcast(Fragile())
    await publisher.broadcast("good")
    await until(lambda: viewer.counters().dropped_total == 50)
    assert (await drain(viewer))[-1:] == ["good"]
    assert viewer.counters().error_total == 0
