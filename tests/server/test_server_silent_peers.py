"""A peer that begins and then says nothing delays nobody, and is cut after the handshake's limit."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import time
from collections.abc import Callable, Iterator

import pytest

from ezmsg_core.config import LinkLimits
from ezmsg_core.model.address import Address
from ezmsg_core.model.roles import Role
from ezmsg_core.server import ServingOptions
from ezmsg_core.transport.connection_file import ServerEntry
from ezmsg_core.wire.answers import TopologyAnswer
from ezmsg_core.wire.codec import encode
from ezmsg_core.wire.commands import GetTopology, OpenSession
from ezmsg_core.wire.frames import Ask
from ezmsg_core.wire.handshake import CHALLENGE_BYTES, HELLO_BYTES, PROOF_BYTES
from tests.server.raw_peer import RawPeer
from tests.server.serving_thread import serving

ASKS = 100
HANDSHAKE_S = 0.6
LIMITS = LinkLimits(handshake_s=HANDSHAKE_S, pending_handshakes=128)
OPTIONS = ServingOptions(address=Address("127.0.0.1", 0), link_limits=LIMITS)
TRANSPORTS = pytest.mark.parametrize("is_remote", [False, True], ids=["unix", "tcp"])


@contextlib.contextmanager
def timed(entry: ServerEntry, *, is_remote: bool) -> Iterator[tuple[RawPeer, float]]:
    """A peer, and a moment before the server saw it."""
    began = time.monotonic()
    with RawPeer(entry, is_remote=is_remote) as peer:
        yield peer, began


def begin(peer: RawPeer, size: int) -> None:
    """Send so many bytes of a true handshake."""
    handshake = peer.handshake(Role.PARTICIPATE)
    peer.sock.sendall(handshake.hello[:size])
    if size > HELLO_BYTES:
        peer.sock.sendall(handshake.prove(peer.receive_exactly(CHALLENGE_BYTES))[: size - HELLO_BYTES])


def is_connected(peer: RawPeer) -> bool:
    """Whether the server has neither closed the connection nor sent what was not read."""
    return not select.select([peer.sock], [], [], 0)[0]


def ask_often(entry: ServerEntry, *, is_remote: bool) -> None:
    with RawPeer(entry, is_remote=is_remote) as client:
        client.enter(Role.OBSERVE)
        for number in range(1, ASKS + 1):
            assert isinstance(client.ask(GetTopology(), number), TopologyAnswer)


@TRANSPORTS
@pytest.mark.parametrize("size", [0, 1, HELLO_BYTES - 1, HELLO_BYTES + 1, HELLO_BYTES + PROOF_BYTES - 1])
def test_others_are_answered_while_a_peer_keeps_silent_and_then_it_is_cut(size: int, is_remote: bool):
    with serving(OPTIONS) as entry, timed(entry, is_remote=is_remote) as (silent, began):
        begin(silent, size)
        ask_often(entry, is_remote=is_remote)
        assert is_connected(silent)
        assert silent.receive_until_end() == b""
        assert time.monotonic() - began >= HANDSHAKE_S


@TRANSPORTS
def test_others_are_answered_while_peers_keep_silent_at_every_byte_of_the_handshake(is_remote: bool):
    with serving(OPTIONS) as entry, contextlib.ExitStack() as stack:
        silent = [stack.enter_context(RawPeer(entry, is_remote=is_remote)) for _ in range(HELLO_BYTES + PROOF_BYTES)]
        for size, peer in enumerate(silent):
            begin(peer, size)
        ask_often(entry, is_remote=is_remote)
        for peer in silent:
            assert len(peer.receive_until_end()) <= CHALLENGE_BYTES


@TRANSPORTS
def test_a_peer_that_says_one_byte_after_another_is_cut_all_the_same(is_remote: bool):
    with serving(OPTIONS) as entry, timed(entry, is_remote=is_remote) as (slow, began):
        hello, sent = slow.handshake(Role.PARTICIPATE).hello, 0
        while not select.select([slow.sock], [], [], HANDSHAKE_S / 10)[0]:
            slow.sock.sendall(hello[sent : sent + 1])
            sent += 1
        assert slow.receive_until_end() == b""
        assert 0 < sent < HELLO_BYTES
        assert time.monotonic() - began >= HANDSHAKE_S


@TRANSPORTS
@pytest.mark.parametrize("cut", [lambda frame: 1, lambda frame: len(frame) // 2, lambda frame: len(frame) - 1])
def test_half_a_frame_delays_nobody_and_its_other_half_may_come_later(is_remote: bool, cut: Callable[[bytes], int]):
    with serving(OPTIONS) as entry, RawPeer(entry, is_remote=is_remote) as silent:
        silent.enter(Role.PARTICIPATE)
        frame = encode(Ask(7, OpenSession(label="late")))
        silent.sock.sendall(frame[: cut(frame)])
        ask_often(entry, is_remote=is_remote)
        assert is_connected(silent)
        silent.sock.sendall(frame[cut(frame) :])
        assert getattr(silent.next_frame(), "id") == 7  # noqa: B009 - of an answer


@TRANSPORTS
def test_the_oldest_stranger_makes_room_for_a_new_one(is_remote: bool):
    limits = LinkLimits(pending_handshakes=2)
    options = ServingOptions(address=Address("127.0.0.1", 0), link_limits=limits)
    with (
        serving(options) as entry,
        RawPeer(entry, is_remote=is_remote) as first,
        RawPeer(entry, is_remote=is_remote) as second,
        RawPeer(entry, is_remote=is_remote) as third,
    ):
        assert first.receive_until_end() == b""
        third.enter(Role.OBSERVE)
        second.enter(Role.OBSERVE)


@TRANSPORTS
def test_strangers_keep_no_one_with_a_key_out(is_remote: bool):
    with serving(OPTIONS) as entry, contextlib.ExitStack() as stack:
        for _ in range(3 * LIMITS.pending_handshakes):
            stack.enter_context(RawPeer(entry, is_remote=is_remote))
        ask_often(entry, is_remote=is_remote)


@TRANSPORTS
def test_peers_that_are_gone_before_they_are_seen_do_no_harm(is_remote: bool):
    with serving(OPTIONS) as entry:
        for _ in range(200):
            with RawPeer(entry, is_remote=is_remote) as peer:
                if is_remote:  # leave with a reset
                    peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        ask_often(entry, is_remote=is_remote)
