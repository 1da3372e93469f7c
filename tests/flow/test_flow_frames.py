"""Bytes of a data connection, cut anywhere."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ezmsg_core.errors import LimitExceededError, WireError
from ezmsg_core.flow import frames
from ezmsg_core.flow.frames import DownKind, Notice, UpDecoder, UpKind, message_pieces
from ezmsg_core.flow.marshal import pack_message
from ezmsg_core.flow.parcel import Parcel
from ezmsg_core.flow.reassembly import LARGE_BYTES, BodyPool, Reassembly

SIZES = st.sampled_from(
    [0, 1, 31, 100, 4096, LARGE_BYTES - 60, LARGE_BYTES - 1, LARGE_BYTES, LARGE_BYTES + 1, 3 * LARGE_BYTES, 200_000]
)


def wire_of(message: object, seq: int) -> bytes:
    return b"".join(bytes(piece) for piece in message_pieces(pack_message(message), seq, seq * 10))


def pour(reassembly: Reassembly, wire: bytes, cuts: list[int]) -> list[Parcel | Notice]:
    arrived: list[Parcel | Notice] = []
    position = 0
    turn = 0
    while position < len(wire):
        space = reassembly.space()
        assert len(space) > 0
        size = min(len(space), len(wire) - position, cuts[turn % len(cuts)])
        turn += 1
        space[:size] = wire[position : position + size]
        position += size
        arrived += reassembly.received(size)
    return arrived


@settings(deadline=None, max_examples=80)
@given(st.lists(SIZES | st.just(-1), max_size=12), st.lists(st.integers(1, 70_000), min_size=1, max_size=5))
def test_messages_and_notices_come_out_in_order_wherever_the_stream_is_cut(sizes: list[int], cuts: list[int]) -> None:
    wire = b""
    for seq, size in enumerate(sizes):
        wire += (
            frames.notice(DownKind.ATTACHED, number=seq, seq=seq)
            if size < 0
            else wire_of(bytes([seq % 256]) * size, seq)
        )
    arrived = pour(Reassembly(), wire, cuts)
    assert len(arrived) == len(sizes)
    for seq, (size, item) in enumerate(zip(sizes, arrived, strict=True)):
        assert item.seq == seq
        if size < 0:
            assert item == Notice(DownKind.ATTACHED, seq, seq)
        else:
            assert isinstance(item, Parcel)
            assert item.publish_ns == seq * 10
            assert item.lend("t") == bytes([seq % 256]) * size


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 9_000), min_size=2, max_size=20), st.integers(1, 3000))
def test_messages_of_several_arrays_come_out_whole(lengths: list[int], cut: int) -> None:
    message = [np.full(length, position, "i4") for position, length in enumerate(lengths)]
    (parcel,) = pour(Reassembly(), wire_of(message, 0), [cut])
    assert isinstance(parcel, Parcel)
    for sent, got in zip(message, parcel.lend("t"), strict=True):  # type: ignore[call-overload]
        assert np.array_equal(sent, got)
        assert got.flags.aligned


def test_a_message_with_a_table_longer_than_the_scratch_comes_out_whole() -> None:
    message = [np.zeros(1, "i1") for _ in range(40_000)]
    reassembly = Reassembly()
    wire = wire_of(message, 0) + wire_of(b"next", 1)
    parcel, following = pour(reassembly, wire, [50_000])
    assert len(parcel.lend("t")) == 40_000  # type: ignore[union-attr, arg-type]
    assert following.lend("t") == b"next"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "wire",
    [
        bytes(32),
        struct.pack("<BBHIQQQ", 9, 0, 0, 1, 0, 0, 0),
        struct.pack("<BBHIQQQ", DownKind.ATTACHED, 0, 0, 1, 0, 0, 5),
        struct.pack("<BBHIQQQ", DownKind.MESSAGE, 0, 2000, 1, 0, 0, 5),
        struct.pack("<BBHIQQQ", DownKind.MESSAGE, 0, 0, 1 << 20, 0, 0, 5),
        struct.pack("<BBHIQQQQQ", DownKind.MESSAGE, 0, 0, 2, 0, 0, 5, 9, 9) + bytes(5),
    ],
)
def test_bytes_that_are_no_frames_of_a_publisher_are_refused(wire: bytes) -> None:
    with pytest.raises(WireError):
        pour(Reassembly(), wire, [1000])


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=300), st.integers(1, 50))
def test_random_bytes_are_refused_or_wait_for_more(wire: bytes, cut: int) -> None:
    try:
        pour(Reassembly(), wire, [cut])
    except (WireError, MemoryError, OverflowError):
        pass


def test_buffers_are_used_again_once_nobody_reads_them_and_never_before() -> None:
    pool = BodyPool(max_buffers=3, max_bytes=1 << 20)
    first = pool.take(100_000)
    second = pool.take(100_000)
    assert first is not second
    view = memoryview(first)[10:]
    known = id(first)
    del first
    third = pool.take(100_000)
    assert third is not second and id(third) != known
    del view
    assert id(pool.take(100_000)) == known
    kept = [pool.take(100_000) for _ in range(8)]
    assert len({id(buffer) for buffer in kept}) == 8
    assert pool.kept_bytes == 300_000
    pool.take(2 << 20)
    assert pool.kept_bytes == 300_000


def test_an_array_that_is_kept_is_never_written_over_by_later_messages() -> None:
    reassembly = Reassembly(BodyPool(max_buffers=2))
    kept = []
    for seq in range(10):
        (parcel,) = pour(reassembly, wire_of(np.full(20_000, seq, "i8"), seq), [60_000])
        array = parcel.lend("t")  # type: ignore[union-attr]
        if seq % 3 == 0:
            kept.append((seq, array))
    for seq, array in kept:
        assert (array == seq).all()


@given(
    st.lists(
        st.tuples(st.sampled_from(["attach", "detach", "ack"]), st.integers(0, 2**32 - 1), st.integers(0, 2**62)),
        max_size=10,
    ),
    st.integers(1, 40),
)
def test_what_receivers_send_comes_out_in_order_wherever_it_is_cut(
    script: list[tuple[str, int, int]], cut: int
) -> None:
    wire = b""
    expected = []
    for kind, number, value in script:
        match kind:
            case "attach":
                wire += frames.attach(number, f"topic:{value}", max_queue=value or None)
                expected.append((UpKind.ATTACH, number, value, bool(value), f"topic:{value}"))
            case "detach":
                wire += frames.detach(number)
                expected.append((UpKind.DETACH, number, 0, False, ""))
            case _:
                wire += frames.ack(value, number)
                expected.append((UpKind.ACK, number, value, False, ""))
    decoder = UpDecoder()
    received = [frame for start in range(0, len(wire), cut) for frame in decoder.feed(wire[start : start + cut])]
    assert [tuple(frame) for frame in received] == expected


@given(st.binary(max_size=200))
def test_random_bytes_from_a_receiver_are_refused_or_wait_for_more(wire: bytes) -> None:
    try:
        UpDecoder().feed(wire)
    except WireError:
        pass


def test_a_name_beyond_its_limit_is_refused_before_it_is_received() -> None:
    with pytest.raises(LimitExceededError, match="name of 2000"):
        UpDecoder().feed(struct.pack("<BBHIQ", UpKind.ATTACH, 0, 2000, 1, 0))


def test_a_notice_is_told_from_a_message() -> None:
    assert frames.parse_notice(frames.notice(DownKind.CLOSING, seq=12)) == Notice(DownKind.CLOSING, 0, 12)
    with pytest.raises(WireError):
        frames.parse_notice(wire_of(b"", 0)[:32])
