"""Frames to bytes and back: strict, bounded, in any fragmentation."""

import pickle
import tracemalloc
from typing import Any
from uuid import uuid4

import msgpack
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ezmsg_core.errors import LimitExceededError, WireError
from ezmsg_core.model.topology import TopologyState
from ezmsg_core.model.watching import Bookmark, StreamName, TopologyListed
from ezmsg_core.wire import commands, frames
from ezmsg_core.wire.codec import MAX_CHUNK_BYTES, MAX_DEPTH, FrameDecoder, check_depth, encode
from ezmsg_core.wire.pending import PendingAsks

LIMIT = 1 << 16


def client_frames(limit: int = LIMIT) -> FrameDecoder[frames.ClientFrame]:
    return FrameDecoder(frames.ClientFrame, max_frame_bytes=limit)


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


SAMPLES: list[Any] = [
    frames.Hello("tui@lab", 1, "lab"),
    frames.Ask(1, commands.ConnectEdge("a", "b", "s")),
    frames.Ask(2, commands.OpenWatch(StreamName.TOPOLOGY, after_seq=3, epoch="e")),
    frames.Ask(3, commands.RegisterUnits(uuid4(), ["U"])),
    frames.Ask(4, commands.CallUnit("ECHO", 1.0, "U", data={"x": [1, 2.5, None, b"raw"]})),
    frames.CreditGranted(1, 64),
    frames.Alive(5),
]


@pytest.mark.parametrize("frame", SAMPLES, ids=lambda f: type(f).__name__)
def test_a_frame_comes_back_as_it_went(frame: Any):
    assert client_frames().feed(encode(frame)) == [frame]


@given(st.lists(st.integers(1, 40), max_size=60))
def test_fragmentation_changes_nothing(sizes: list[int]):
    stream = b"".join(map(encode, SAMPLES))
    decoder = client_frames()
    received: list[Any] = []
    for size in sizes:
        received += decoder.feed(stream[:size])
        stream = stream[size:]
    assert received + decoder.feed(stream) == SAMPLES


def test_an_item_that_is_encoded_already_is_sent_as_it_is():
    item = TopologyListed(TopologyState(0, [], [], [], [], [], []))
    pushed = encode(frames.PushedRaw(7, msgspec.Raw(encode(item))))
    decoder: FrameDecoder[frames.ServerFrame] = FrameDecoder(frames.ServerFrame, max_frame_bytes=LIMIT)
    assert decoder.feed(pushed) == [frames.Pushed(7, item)]


@pytest.mark.parametrize("excess", [-1, 0, 1])
def test_a_frame_is_bounded_exactly(excess: int):
    frame = frames.Hello("x" * 1000, 1, "")
    data = encode(frame)
    limit = len(data) - excess
    decoder = client_frames(limit)
    if excess <= 0:
        assert decoder.feed(data) == [frame]
        assert decoder.max_frame_bytes == limit
    else:
        with pytest.raises(LimitExceededError) as refusal:
            decoder.feed(data)
        assert refusal.value.limit == limit


@pytest.mark.parametrize("head", [b"\xdb\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\xdd\x00\x01\x00\x00"])
def test_a_frame_that_claims_more_than_the_limit_is_given_up_within_it_and_a_chunk(head: bytes):
    decoder = client_frames(LIMIT)
    fed = 0
    chunk = b"\x01" * 1000
    with pytest.raises(WireError):
        decoder.feed(head)
        while fed <= 2 * (LIMIT + MAX_CHUNK_BYTES):
            decoder.feed(chunk)
            fed += len(chunk)
    assert fed <= LIMIT + MAX_CHUNK_BYTES


def test_bytes_that_never_complete_a_frame_are_bounded():
    decoder = client_frames(LIMIT)
    head = msgpack.packb({"frame": "hello"})[:1] + b"\xa5frame\xda\xff\xff"
    decoder.feed(head)
    with pytest.raises(LimitExceededError):
        for _ in range(3):
            decoder.feed(b"x" * MAX_CHUNK_BYTES)


@pytest.mark.parametrize(
    "received",
    [
        b"\xc1",  # never used in MessagePack
        msgpack.packb(1),
        msgpack.packb([1, 2]),
        msgpack.packb({"frame": "unheard_of"}),
        msgpack.packb({"frame": "hello", "label": 1, "pid": 1, "host": ""}),
        msgpack.packb({"frame": "hello", "label": "l", "pid": "1", "host": ""}),
        msgpack.packb({"frame": "hello", "label": "l", "pid": 1}),
        msgpack.packb({"frame": "hello", "label": "l", "pid": 1, "host": "", "more": 1}),
        msgpack.packb({"frame": "ask", "id": 1, "command": {"command": "unheard_of"}}),
        msgpack.packb({1: 2}),
        b"\xa1\xff",  # a text that is not UTF-8
        msgpack.packb({"frame": msgpack.ExtType(5, b"x")}),
        pickle.dumps({"frame": "hello"}),
    ],
)
def test_what_is_not_a_frame_is_refused_and_ends_the_stream(received: bytes):
    decoder = client_frames()
    with pytest.raises(WireError):
        decoder.feed(received)
    with pytest.raises(WireError, match="broken before"):
        decoder.feed(encode(SAMPLES[0]))


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_any_bytes_are_frames_or_refused(received: bytes):
    try:
        client_frames().feed(received)
    except WireError:
        pass


@pytest.mark.parametrize(("depth", "is_allowed"), [(MAX_DEPTH - 1, True), (MAX_DEPTH + 2, False), (600, False)])
def test_nesting_is_bounded(depth: int, is_allowed: bool):
    frame = {"frame": "ask", "id": 1, "command": {"command": "call", "operation": "E", "timeout_s": 1.0}}
    frame["command"]["data"] = nested(depth - 2)  # pyright: ignore[reportIndexIssue]
    packed = msgspec.msgpack.encode(frame)
    if is_allowed:
        assert len(client_frames().feed(packed)) == 1
    else:
        with pytest.raises(WireError):
            client_frames().feed(packed)


@pytest.mark.parametrize(("depth", "is_taken"), [(MAX_DEPTH + 2, True), (5000, False)])
def test_what_a_server_has_checked_is_not_checked_again_and_still_harms_nobody(depth: int, is_taken: bool):
    decoder: FrameDecoder[frames.ServerFrame] = FrameDecoder(
        frames.ServerFrame, max_frame_bytes=LIMIT, is_depth_checked=False
    )
    head = encode(frames.Faulted(1, "CODE", "text", {"value": None}))[:-1]
    received = head + b"\x91" * depth + b"\x01"
    if is_taken:
        (frame,) = decoder.feed(received)
        assert isinstance(frame, frames.Faulted)
        assert frame.parts["value"] == nested(depth)
    else:
        with pytest.raises(WireError, match="not MessagePack"):
            decoder.feed(received)


def test_a_length_without_its_bytes_reserves_nothing():
    tracemalloc.start()
    try:
        decoder = client_frames()
        assert decoder.feed(b"\xdd\xff\xff\xff\xff" + b"\x01" * 1000) == []
        assert decoder.feed(b"\xc6\xff\xff\xff\xff" * 10) == []
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * LIMIT


def test_depth_counts_lists_and_dicts():
    check_depth({"a": [{"b": 1}]}, limit=3)
    with pytest.raises(LimitExceededError):
        check_depth({"a": [{"b": [[]]}]}, limit=3)


@pytest.mark.parametrize("value", [frames.Hello("\ud800", 1, ""), object(), 1 << 70])
def test_what_cannot_be_sent_says_so(value: Any):
    with pytest.raises(WireError, match="cannot be sent"):
        encode(value)


def test_a_bookmark_is_a_watch_item():
    decoder: FrameDecoder[frames.ServerFrame] = FrameDecoder(frames.ServerFrame, max_frame_bytes=LIMIT)
    assert decoder.feed(encode(frames.Pushed(1, Bookmark(4)))) == [frames.Pushed(1, Bookmark(4))]


class TestPendingAsks:
    def test_every_ask_ends_once(self):
        pending: PendingAsks[str] = PendingAsks(2)
        first, second = pending.add("a"), pending.add("b")
        assert first != second
        assert pending.end(first) == "a"
        assert pending.end(first) is None
        assert pending.end_all() == ["b"]
        assert (pending.end(second), len(pending)) == (None, 0)

    def test_asks_in_flight_are_bounded(self):
        pending: PendingAsks[str] = PendingAsks(1)
        ask = pending.add("a")
        with pytest.raises(LimitExceededError):
            pending.add("b")
        pending.end(ask)
        assert pending.add("b") != ask
