"""What a client gives away to whatever listens where its connection file leads, and what it says of it: nothing, and why."""

from __future__ import annotations

import asyncio
import platform
import socket
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ezmsg_core.client import Link, ServerEntry
from ezmsg_core.config import LinkLimits
from ezmsg_core.errors import (
    AccessDeniedError,
    ForeignServerError,
    HandshakeError,
    LinkLostError,
    ProtocolMismatchError,
    ServerUnreachableError,
)
from ezmsg_core.model.address import Address
from ezmsg_core.model.roles import Role
from ezmsg_core.server import Serving, ServingOptions
from ezmsg_core.wire.codec import encode
from ezmsg_core.wire.frames import Farewell
from ezmsg_core.wire.handshake import (
    CHALLENGE_BYTES,
    HELLO_BYTES,
    KEY_BYTES,
    MAGIC,
    NONCE_BYTES,
    PROOF_BYTES,
    ClientHandshake,
    ServerHandshake,
    Verdict,
)
from tests.client.listener import Last, Listener

HEAD = struct.Struct(">8sHBB")
Behaviour = Callable[[bytes], bytes | None]
EZMSG_3 = (5).to_bytes(8, "little") + b"3.9.0"


def greets(greeting: bytes) -> Behaviour:
    """Says something to whoever comes, then listens."""
    return lambda heard: greeting if not heard else b""


def answers(answer: Callable[[bytes], bytes | None]) -> Behaviour:
    """Answers the hello, then listens."""
    return lambda heard: answer(heard) if len(heard) == HELLO_BYTES else b""


def closes(heard: bytes) -> None:
    return None


def challenge(*, protocol: int = 1, verdict: Verdict = Verdict.WELCOME) -> bytes:
    return HEAD.pack(MAGIC, protocol, verdict, 0) + bytes(NONCE_BYTES + PROOF_BYTES)


def with_another_key(hello: bytes) -> bytes:
    handshake = ServerHandshake(dict.fromkeys(Role, b"\x07" * KEY_BYTES), b"\x01" * NONCE_BYTES)
    return handshake.challenge(hello)[0]


SQUATTERS: list[tuple[str, Behaviour, type[Exception], str]] = [
    ("closes", closes, HandshakeError, "closed the connection without a word"),
    ("closes after the hello", answers(closes), HandshakeError, "closed the connection without a word"),
    ("ezmsg 3", greets(EZMSG_3), ForeignServerError, "looks like ezmsg 3.9.0. .*ezmsg_core"),
    ("ssh", greets(b"SSH-2.0-OpenSSH_9.6\r\n"), ForeignServerError, "looks like an SSH server"),
    ("http", answers(lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n"), ForeignServerError, "looks like a web server"),
    ("noise", greets(bytes(range(128, 228))), ForeignServerError, "is not a graph server of this kind"),
    ("echo", answers(lambda hello: hello * 2), AccessDeniedError, "as many connections as it takes"),
    ("zeros", answers(lambda _: challenge()), AccessDeniedError, "does not hold the participate key"),
    ("another key", answers(with_another_key), AccessDeniedError, "does not hold the participate key"),
    ("another protocol", answers(lambda _: challenge(protocol=2)), ProtocolMismatchError, "speaks protocol 2; .* 1"),
    ("full", answers(lambda _: challenge(verdict=Verdict.BUSY)), AccessDeniedError, "as many connections as it takes"),
    ("role", answers(lambda _: challenge(verdict=Verdict.UNKNOWN_ROLE)), AccessDeniedError, "does not hold the"),
]


@pytest.mark.parametrize("is_remote", [False, True], ids=["unix", "tcp"])
@pytest.mark.parametrize(("name", "behaviour", "kind", "words"), SQUATTERS, ids=[case[0] for case in SQUATTERS])
async def test_a_squatter_learns_a_nonce_and_is_named(
    runtime_dir: Path, is_remote: bool, name: str, behaviour: Behaviour, kind: type[Exception], words: str
):
    runtime_dir.mkdir()
    path = None if is_remote else runtime_dir / "s"
    with Listener(behaviour, path) as squatter:
        entry = squatter.entry()
        where = str(entry.tcp) if is_remote else f"unix:{entry.unix}"
        with pytest.raises(kind, match=words) as caught:
            await Link.open(entry, Role.PARTICIPATE)
    assert type(caught.value) is kind
    assert where in str(caught.value)
    assert caught.value.address == where  # type: ignore[attr-defined]
    (heard,) = squatter.heard
    assert heard[: len(MAGIC)] == MAGIC[: len(heard)]
    assert len(heard) in (0, HELLO_BYTES)  # 0 where it closed, or the client, before it was read
    assert not [key for key in entry.keys.values() if key in heard or key.hex().encode() in heard]
    assert not [key for key in entry.keys.values() if key.hex() in repr(caught.value)]
    if path is not None:
        path.unlink()


async def test_a_challenge_that_was_overheard_serves_nobody_again():
    with Listener(answers(lambda _: overheard)) as squatter:
        entry = squatter.entry()
        hello = ClientHandshake(Role.OBSERVE, entry.keys[Role.OBSERVE], b"\x02" * NONCE_BYTES, address="").hello
        overheard = ServerHandshake(entry.keys, b"\x01" * NONCE_BYTES).challenge(hello)[0]
        with pytest.raises(AccessDeniedError):
            await Link.open(entry, Role.OBSERVE)
    assert len(squatter.heard[0]) == HELLO_BYTES


@pytest.mark.parametrize("said", [b"", MAGIC, challenge()[:-1]], ids=["nothing", "magic", "all but a byte"])
async def test_a_listener_that_does_not_finish_the_handshake_is_not_waited_for(said: bytes):
    with (
        Listener(answers(lambda _: said)) as squatter,
        pytest.raises(ForeignServerError, match=r"did not shake hands within 2 s\. .*hangs") as caught,
    ):
        await Link.open(squatter.entry(), Role.OBSERVE)
    assert caught.value.speaks == "a listener that says nothing"
    assert len(squatter.heard[0]) == HELLO_BYTES


async def test_a_handshake_that_breaks_off_is_told():
    half = Last(challenge()[: CHALLENGE_BYTES // 2])
    with (
        Listener(answers(lambda _: half)) as squatter,
        pytest.raises(HandshakeError, match="broke off in the middle of the handshake"),
    ):
        await Link.open(squatter.entry(), Role.OBSERVE)


async def test_a_server_that_lets_go_before_it_lets_in_is_told_apart_from_a_wrong_key():
    with Listener(lambda heard: true_server(heard, None)) as listener:
        entry = listener.entry()
        true_server = server_with(entry.keys)
        with pytest.raises(LinkLostError, match=r"ended the connection before it let us in.*try again"):
            await Link.open(entry, Role.OBSERVE)
    assert len(listener.heard[0]) == HELLO_BYTES + PROOF_BYTES


async def test_the_farewell_of_a_server_that_stops_meanwhile_is_told():
    farewell = Last(encode(Farewell("STOPPED", "The server stops.")))
    with Listener(lambda heard: true_server(heard, farewell)) as listener:
        entry = listener.entry()
        true_server = server_with(entry.keys)
        with pytest.raises(LinkLostError, match=r"ended the link: The server stops\.$"):
            await Link.open(entry, Role.OBSERVE)


def server_with(keys: dict[Role, bytes]) -> Callable[[bytes, bytes | None], bytes | None]:
    """Shakes hands as a server does; then says something else than welcome."""
    handshake = ServerHandshake(keys, b"\x01" * NONCE_BYTES)

    def behave(heard: bytes, afterwards: bytes | None) -> bytes | None:
        if len(heard) < HELLO_BYTES:
            return b""
        return handshake.challenge(heard)[0] if len(heard) == HELLO_BYTES else afterwards

    return behave


# A real server, and a connection file that does not fit it.


async def test_a_file_without_a_key_for_the_role_is_told_before_anything_is_said():
    with Listener(closes) as listener:
        entry = listener.entry(roles=(Role.OBSERVE,))
        with pytest.raises(AccessDeniedError, match="lets in to observe, not to control") as caught:
            await Link.open(entry, Role.CONTROL)
    assert caught.value.role == "control"
    assert listener.heard == []


async def test_a_file_with_another_key_does_not_open_and_says_so():
    serving = await Serving.start()
    entry = replace(serving.entry, keys={role: bytes(KEY_BYTES) for role in Role})
    for way in (entry, replace(entry, unix=None)):
        with pytest.raises(AccessDeniedError, match="belongs to another server or to an earlier run"):
            await Link.open(way, Role.PARTICIPATE)
    link = await Link.open(serving.entry, Role.PARTICIPATE)
    await link.aclose()
    await serving.stop()


async def test_a_full_server_says_so_and_takes_the_next_when_one_leaves():
    serving = await Serving.start(ServingOptions(link_limits=LinkLimits(connections=1)))
    first = await Link.open(serving.entry, Role.OBSERVE)
    with pytest.raises(AccessDeniedError, match="has as many connections as it takes"):
        await Link.open(serving.entry, Role.OBSERVE)
    await first.aclose()
    second = await Link.open(serving.entry, Role.OBSERVE)
    await second.aclose()
    await serving.stop()


async def test_where_the_socket_is_gone_the_server_is_reached_by_tcp(tmp_path: Path):
    serving = await Serving.start()
    dead = tmp_path / "dead.sock"
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(dead))
    for path in (dead, tmp_path / "none.sock"):
        link = await Link.open(replace(serving.entry, unix=str(path)), Role.OBSERVE)
        assert link.address == str(serving.address)
        await link.aclose()
    await serving.stop()


async def test_a_left_over_connection_file_is_called_one(tmp_path: Path, unused_tcp_port: int):
    gone = await asyncio.create_subprocess_exec("/bin/true")
    await gone.wait()
    entry = ServerEntry(
        "0" * 32, "1" * 32, gone.pid, platform.node(), 1, None, Address("127.0.0.1", unused_tcp_port),
        {role: bytes(KEY_BYTES) for role in Role}, tmp_path / "f.json",
    )  # fmt: skip
    with pytest.raises(ServerUnreachableError) as caught:
        await Link.open(entry, Role.OBSERVE)
    assert str(caught.value) == (
        f"No graph server answers at 127.0.0.1:{unused_tcp_port} (connection refused). Its connection file "
        f"{tmp_path}/f.json is a left-over: process {gone.pid} is gone. Start a graph, or `ezmsg-core serve`, and check "
        "the address."
    )
    with pytest.raises(ServerUnreachableError, match="names no address"):
        await Link.open(replace(entry, tcp=None), Role.OBSERVE)
