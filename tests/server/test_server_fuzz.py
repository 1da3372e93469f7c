"""Random bytes at every stage of a connection end that connection at most: never the server, nor another client's link."""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgpack  # pyright: ignore[reportMissingTypeStubs]
import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ezmsg_core.config import LinkLimits
from ezmsg_core.graph.limits import GraphLimits
from ezmsg_core.model.address import Address
from ezmsg_core.model.roles import Role
from ezmsg_core.model.watching import StreamName
from ezmsg_core.server import ServingOptions
from ezmsg_core.transport.connection_file import ServerEntry
from ezmsg_core.wire import commands, frames
from ezmsg_core.wire.answers import TopologyAnswer, WatchOpened
from ezmsg_core.wire.codec import encode
from ezmsg_core.wire.handshake import CHALLENGE_BYTES, HELLO_BYTES, MAGIC
from tests.server.raw_peer import RawPeer
from tests.server.serving_thread import serving

OPTIONS = ServingOptions(
    address=Address("127.0.0.1", 0),
    link_limits=LinkLimits(handshake_s=0.2),
    graph_limits=GraphLimits(attach_wait_s=0.01, max_call_timeout_s=0.01),
)
EXAMPLES = settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
"""Of each test: what a machine with two cores does in a second."""


class Scene:
    """A server, and a client with a watch that must never notice what others do."""

    def __init__(self, entry: ServerEntry, witness: RawPeer) -> None:
        self.entry = entry
        self._witness = witness
        self._asked = 1

    def peer(self, *, is_remote: bool) -> RawPeer:
        return RawPeer(self.entry, is_remote=is_remote)

    def check(self) -> None:
        """The witness's link stands, and its commands are carried out."""
        self._asked += 1
        assert isinstance(self._witness.ask(commands.GetTopology(), self._asked), TopologyAnswer)


@pytest.fixture
def scene(caplog: pytest.LogCaptureFixture) -> Iterator[Scene]:
    caplog.set_level(logging.INFO)
    with serving(OPTIONS) as entry, RawPeer(entry) as witness:
        witness.enter(Role.PARTICIPATE)
        assert isinstance(witness.ask(commands.OpenWatch(StreamName.TOPOLOGY)), WatchOpened)
        yield Scene(entry, witness)
    assert not [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]


def say_all(peer: RawPeer, data: bytes) -> None:
    """Send, and see the connection end."""
    with contextlib.suppress(OSError):  # it may have ended before
        peer.sock.sendall(data)
        peer.sock.shutdown(socket.SHUT_WR)
    with contextlib.suppress(ConnectionError):
        peer.receive_until_end()


@EXAMPLES
@given(data=st.binary(max_size=600), is_remote=st.booleans())
@example(data=MAGIC, is_remote=True)
@example(data=MAGIC + b"\x00\x01\x03\x00" + bytes(200), is_remote=False)
def test_random_bytes_instead_of_a_hello(scene: Scene, data: bytes, is_remote: bool):
    with scene.peer(is_remote=is_remote) as peer:
        say_all(peer, data)
    scene.check()


@EXAMPLES
@given(tail=st.binary(min_size=HELLO_BYTES - len(MAGIC), max_size=300), is_remote=st.booleans())
def test_random_bytes_after_the_magic(scene: Scene, tail: bytes, is_remote: bool):
    with scene.peer(is_remote=is_remote) as peer:
        say_all(peer, MAGIC + tail)
    scene.check()


@EXAMPLES
@given(role=st.sampled_from(Role), data=st.binary(max_size=300), is_remote=st.booleans())
def test_random_bytes_instead_of_a_proof(scene: Scene, role: Role, data: bytes, is_remote: bool):
    with scene.peer(is_remote=is_remote) as peer:
        peer.sock.sendall(peer.handshake(role).hello)
        peer.receive_exactly(CHALLENGE_BYTES)
        say_all(peer, data)
    scene.check()


@EXAMPLES
@given(role=st.sampled_from(Role), data=st.binary(max_size=2000), cut=st.integers(0, 2000), is_remote=st.booleans())
def test_random_bytes_instead_of_frames(scene: Scene, role: Role, data: bytes, cut: int, is_remote: bool):
    with scene.peer(is_remote=is_remote) as peer:
        peer.enter(role)
        with contextlib.suppress(ConnectionError):
            peer.sock.sendall(data[:cut])
        scene.check()
        say_all(peer, data[cut:])
    scene.check()


# Frames that are nearly right: true names of frames, commands and fields, with whatever in them.

NAMES = st.sampled_from(["", "a", "a/b", "b", "\x00", "\u202e[red]", "x" * 600, "persistent"])
NUMBERS = st.sampled_from([0, 1, -1, 2**31, 2**63 - 1, -(2**63), 2**64 - 1])
SCALARS = NAMES | NUMBERS | st.booleans() | st.none() | st.binary(max_size=20) | st.floats() | st.just(str(UUID(int=1)))
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3))
STREAMS = st.sampled_from([str(stream) for stream in StreamName])


def fields_of(kind: type[msgspec.Struct]) -> st.SearchStrategy[dict[str, Any]]:
    """Some of the fields of a record, each with a value that may fit."""
    names = [field.encode_name for field in msgspec.structs.fields(kind)]
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, VALUES | STREAMS))


def tagged(kinds: list[type[msgspec.Struct]]) -> st.SearchStrategy[dict[str, Any]]:
    """One of the records, by its tag, with some of its fields."""

    def of(kind: type[msgspec.Struct]) -> st.SearchStrategy[dict[str, Any]]:
        config = kind.__struct_config__
        return fields_of(kind).map(lambda fields: {**fields, config.tag_field: config.tag})

    return st.one_of([of(kind) for kind in kinds])


COMMANDS = tagged([kind for kind in commands.CommandBase.__subclasses__() if kind is not commands.StopServer])
ASKS = st.builds(lambda number, command: {"frame": "ask", "id": number, "command": command}, NUMBERS, COMMANDS)
NOTICES = tagged([kind for kind in frames.ClientFrameBase.__subclasses__() if kind is not frames.Ask])


@EXAMPLES
@given(role=st.sampled_from(Role), said=st.lists(ASKS | NOTICES, max_size=6), is_remote=st.booleans())
def test_frames_that_are_nearly_right(scene: Scene, role: Role, said: list[dict[str, Any]], is_remote: bool):
    with scene.peer(is_remote=is_remote) as peer:
        peer.enter(role)
        for frame in said:
            with contextlib.suppress(ConnectionError):
                peer.sock.sendall(packed(frame))
            scene.check()
        say_all(peer, b"")
    scene.check()


def packed(frame: dict[str, Any]) -> bytes:
    data = msgpack.packb(frame)
    assert isinstance(data, bytes)
    return data


# Frames that are right, and mean nothing, or too much.

TOPICS = st.sampled_from(["a", "b", "c", "a/b"])
IDS = st.sampled_from([str(UUID(int=number)) for number in range(3)])
UUIDS = IDS.map(UUID)
RIGHT = st.one_of(
    st.builds(commands.OpenSession, NAMES),
    st.builds(commands.CloseSession, IDS),
    st.builds(commands.ConnectEdge, TOPICS, TOPICS, st.none() | IDS),
    st.builds(commands.DisconnectEdge, TOPICS, TOPICS, st.none() | IDS),
    st.builds(commands.OpenProcess, NUMBERS.filter(lambda n: abs(n) < 2**63), NAMES, NAMES),
    st.builds(commands.RegisterUnits, UUIDS, st.lists(TOPICS, max_size=3)),
    st.builds(commands.CallUnit, NAMES, st.floats(allow_nan=True), TOPICS, st.none() | UUIDS, VALUES),
    st.builds(commands.AdvertisePublisher, TOPICS, st.integers(-1, 5), st.lists(NAMES, max_size=2), NAMES),
    st.builds(commands.AdvertiseSubscriber, TOPICS, st.booleans(), st.none() | st.integers(-1, 5)),
    st.builds(commands.Withdraw, IDS),
    st.builds(commands.GetTicket, IDS, IDS),
    st.builds(commands.OpenWatch, st.sampled_from(StreamName), st.none() | st.integers(-1, 99), IDS, st.floats()),
    st.builds(commands.CloseWatch, st.integers(-1, 5)),
    st.builds(commands.SteerPublishers, st.sampled_from(["pause", "resume", "sync", "?"]), st.just(0.01)),
)


@EXAMPLES
@given(said=st.lists(RIGHT, max_size=12), is_remote=st.booleans())
def test_commands_that_mean_nothing_are_answered_one_by_one(
    scene: Scene, said: list[commands.Command], is_remote: bool
):
    with scene.peer(is_remote=is_remote) as peer:
        peer.enter(Role.PARTICIPATE)
        peer.sock.sendall(b"".join(encode(frames.Ask(number, command)) for number, command in enumerate(said)))
        scene.check()
        open_ids = set(range(len(said)))
        while open_ids:
            frame = peer.next_frame()
            if isinstance(frame, (frames.Answered, frames.Faulted)):
                open_ids.remove(frame.id)
    scene.check()
