"""What is beyond a limit is cut or refused, for the peer that goes there and for nobody else."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from ezmsg_core.config import LinkLimits
from ezmsg_core.errors import AccessDeniedError
from ezmsg_core.graph.limits import GraphLimits
from ezmsg_core.model.address import Address
from ezmsg_core.model.control import ProcessControlResponse
from ezmsg_core.model.roles import Role
from ezmsg_core.model.watching import StreamName
from ezmsg_core.server import ServingOptions
from ezmsg_core.transport.connection_file import ServerEntry
from ezmsg_core.wire import commands
from ezmsg_core.wire.answers import CallEnded, Done, ProcessOpened, TopologyAnswer, WatchOpened
from ezmsg_core.wire.codec import encode
from ezmsg_core.wire.frames import Answered, Ask, CallReply, Farewell, Faulted, Hello, Invoked
from ezmsg_core.wire.handshake import CHALLENGE_BYTES
from tests.server.raw_peer import RawPeer
from tests.server.serving_thread import serving

HERE = Address("127.0.0.1", 0)
SMALL = LinkLimits(observer_frame_bytes=1000, participant_frame_bytes=60_000)
OPTIONS = ServingOptions(address=HERE, link_limits=SMALL)
TRANSPORTS = pytest.mark.parametrize("is_remote", [False, True], ids=["unix", "tcp"])
FRAME_LIMITS = [
    (Role.OBSERVE, SMALL.observer_frame_bytes),
    (Role.CONTROL, SMALL.observer_frame_bytes),
    (Role.PARTICIPATE, SMALL.participant_frame_bytes),
]


@contextlib.contextmanager
def witness(entry: ServerEntry) -> Iterator[RawPeer]:
    """A client that must not notice anything."""
    with RawPeer(entry) as peer:
        peer.enter(Role.PARTICIPATE)
        yield peer
        assert isinstance(peer.ask(commands.GetTopology(), 1000), TopologyAnswer)


def hello_of(size: int) -> bytes:
    """A frame of so many bytes."""
    bare = len(encode(Hello("x" * 300, 1, "h")))  # from 256 on the length takes as many bytes as it does up to 65,535
    frame = encode(Hello("x" * (size - bare + 300), 1, "h"))
    return frame if len(frame) == size else encode(Hello("x" * (size - bare + 298), 1, "h"))


@TRANSPORTS
@pytest.mark.parametrize(("role", "limit"), FRAME_LIMITS)
@pytest.mark.parametrize("excess", [-1, 0, 1])
def test_a_frame_beyond_the_limit_ends_its_link(role: Role, limit: int, excess: int, is_remote: bool):
    frame = hello_of(limit + excess)
    assert len(frame) == limit + excess
    with serving(OPTIONS) as entry, witness(entry), RawPeer(entry, is_remote=is_remote) as peer:
        peer.enter(role)
        peer.sock.sendall(frame)
        if excess <= 0:
            assert isinstance(peer.ask(commands.GetTopology()), TopologyAnswer)
            return
        (farewell,) = peer.frames_until_end()
        assert farewell == Farewell("LIMIT_EXCEEDED", f"A frame is longer than {limit} bytes, the limit of this link.")


@TRANSPORTS
def test_a_frame_that_never_ends_is_cut_as_soon_as_it_is_too_long(is_remote: bool):
    with serving(OPTIONS) as entry, witness(entry), RawPeer(entry, is_remote=is_remote) as peer:
        peer.enter(Role.OBSERVE)
        endless = b"\xdb\xff\xff\xff\xff"  # a text of 4 GiB
        with contextlib.suppress(ConnectionError):
            peer.sock.sendall(endless + bytes(4 << 20))
        farewells = [frame for frame in peer.frames_until_end() if isinstance(frame, Farewell)]
        assert [farewell.code for farewell in farewells] in (["LIMIT_EXCEEDED"], [])  # reset while it still sends


@TRANSPORTS
def test_a_frame_that_is_nested_too_deeply_ends_its_link(is_remote: bool):
    with serving(OPTIONS) as entry, witness(entry), RawPeer(entry, is_remote=is_remote) as peer:
        peer.enter(Role.PARTICIPATE)
        peer.sock.sendall(b"\x91" * 100 + b"\xc0")
        (farewell,) = peer.frames_until_end()
        assert isinstance(farewell, Farewell)
        assert "nested deeper than 32 levels" in farewell.text


@TRANSPORTS
def test_one_command_too_many_in_flight_is_refused_and_the_others_go_on(is_remote: bool):
    limit = 4
    options = ServingOptions(address=HERE, graph_limits=GraphLimits(asks_in_flight=limit))
    with (
        serving(options) as entry,
        witness(entry),
        RawPeer(entry, is_remote=is_remote) as owner,
        RawPeer(entry, is_remote=is_remote) as caller,
    ):
        owner.enter(Role.PARTICIPATE)
        process = owner.ask(commands.OpenProcess(1, "test"))
        assert isinstance(process, ProcessOpened)
        caller.enter(Role.CONTROL)
        call = commands.CallUnit("WAIT", 60.0, process_id=process.process_id)
        for number in range(1, limit + 1):
            caller.send(Ask(number, call))
        calls = [owner.next_frame() for _ in range(limit)]
        refused = caller.ask(call, 99)
        assert isinstance(refused, Faulted)
        assert (refused.code, refused.parts) == ("LIMIT_EXCEEDED", {"what": "asks", "limit": limit, "size": limit + 1})
        for invoked in calls:
            assert isinstance(invoked, Invoked)
            owner.send(CallReply(invoked.call_id, ProcessControlResponse("1", ok=True)))
        answers = [caller.next_frame() for _ in range(limit)]
        ended = [frame.id for frame in answers if isinstance(frame, Answered) and isinstance(frame.answer, CallEnded)]
        assert ended == [1, 2, 3, 4]
        assert isinstance(caller.ask(commands.GetTopology(), 100), TopologyAnswer)


@TRANSPORTS
def test_one_watch_too_many_is_refused(is_remote: bool):
    options = ServingOptions(address=HERE, graph_limits=GraphLimits(watches_per_link=2))
    with serving(options) as entry, witness(entry), RawPeer(entry, is_remote=is_remote) as peer:
        peer.enter(Role.OBSERVE)
        first = peer.ask(commands.OpenWatch(StreamName.TOPOLOGY), 1)
        assert isinstance(first, WatchOpened)
        assert isinstance(peer.ask(commands.OpenWatch(StreamName.SETTINGS), 2), WatchOpened)
        refused = peer.ask(commands.OpenWatch(StreamName.PROFILING), 3)
        assert isinstance(refused, Faulted)
        assert refused.code == "LIMIT_EXCEEDED"
        assert isinstance(peer.ask(commands.CloseWatch(first.watch_id), 4), Done)
        assert isinstance(peer.ask(commands.OpenWatch(StreamName.PROFILING), 5), WatchOpened)


@TRANSPORTS
def test_one_link_too_many_is_told_that_the_server_is_full(is_remote: bool):
    options = ServingOptions(address=HERE, link_limits=LinkLimits(connections=2))
    with serving(options) as entry, witness(entry), RawPeer(entry, is_remote=is_remote) as second:
        second.enter(Role.OBSERVE)
        with RawPeer(entry, is_remote=is_remote) as third:
            handshake = third.handshake(Role.PARTICIPATE)
            third.sock.sendall(handshake.hello)
            with pytest.raises(AccessDeniedError, match="as many connections as it takes"):
                handshake.prove(third.receive_exactly(CHALLENGE_BYTES))
            assert third.receive_until_end() == b""
        assert isinstance(second.ask(commands.GetTopology()), TopologyAnswer)
