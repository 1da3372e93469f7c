"""Listening, connecting and accepting: what is taken, what is full, what a child gets, and what is left."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ezmsg_core.errors import ConfigError
from ezmsg_core.model.address import Address
from ezmsg_core.transport.acceptor import Acceptor
from ezmsg_core.transport.connecting import connect_tcp, connect_unix
from ezmsg_core.transport.fork_guard import keep_from_children
from ezmsg_core.transport.sockets import (
    at_first_free,
    bound_address,
    is_listening_tcp,
    is_listening_unix,
    is_same_user,
    listen_tcp,
    listen_tcp_from,
    listen_unix,
)

HERE = Address("127.0.0.1", 0)


def test_an_address_that_is_taken_is_told_and_the_next_one_is_found():
    with listen_tcp(HERE) as first:
        taken = bound_address(first)
        with pytest.raises(ConfigError) as caught:
            listen_tcp(taken)
        assert str(caught.value) == (
            f"Cannot listen on {taken}: it is taken by another program. Choose another address, or stop what listens "
            "there."
        )
        assert (caught.value.is_taken, caught.value.value) == (True, str(taken))
        with listen_tcp_from("127.0.0.1", taken.port) as second:
            assert taken.port < bound_address(second).port


def test_ports_to_avoid_are_avoided_and_other_failures_end_the_search():
    tried: list[int] = []

    def listen(port: int) -> int:
        tried.append(port)
        if port < 105:
            raise ConfigError("taken", is_taken=True)
        return port

    assert at_first_free(100, listen, avoid=frozenset({103, 105})) == 106
    assert tried == [100, 101, 102, 104, 106]
    with pytest.raises(ConfigError, match=r"No port from 65530 to 65535 is free.*EZMSG_SERVER_PORT_START"):
        at_first_free(65530, lambda _: listen(0))

    def refuse(port: int) -> int:
        tried.append(port)
        raise ConfigError("not allowed", is_taken=False)

    tried.clear()
    with pytest.raises(ConfigError, match="not allowed"):
        at_first_free(7, refuse)
    assert tried == [7]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (Address("192.0.2.1", 0), "cannot assign requested address"),
        (Address("no-such-host.invalid", 0), "Cannot listen on no-such-host.invalid:0: "),
        (Address("127.0.0.1", 70_000), "port must be 0-65535"),
    ],
)
def test_an_address_where_nobody_can_listen_is_told(address: Address, words: str):
    with pytest.raises(ConfigError, match=words) as caught:
        listen_tcp(address)
    assert caught.value.is_taken is False


def test_a_path_that_is_taken_is_told_and_one_that_is_dead_is_taken_over(tmp_path: Path):
    path = tmp_path / "s"
    with listen_unix(path):
        with pytest.raises(ConfigError, match="taken by another program") as caught:
            listen_unix(path)
        assert caught.value.is_taken is True
        assert is_listening_unix(path)
    assert not is_listening_unix(path)
    listen_unix(path).close()
    with pytest.raises(ConfigError, match=r"no such file or directory\. Mend the directory"):
        listen_unix(tmp_path / "none" / "s")


def test_who_listens_is_known_without_a_word(tmp_path: Path, unused_tcp_port: int):
    for nobody in (tmp_path / "none", tmp_path / "none" / "s", tmp_path):
        assert not is_listening_unix(nobody)
    (tmp_path / "file").touch()
    assert not is_listening_unix(tmp_path / "file")
    assert not is_listening_tcp(Address("127.0.0.1", unused_tcp_port))
    with listen_tcp(HERE) as listener:
        assert is_listening_tcp(bound_address(listener))


async def test_connections_on_tcp_send_at_once_on_both_sides():
    with listen_tcp(HERE) as listener, await connect_tcp(bound_address(listener)) as client:
        server, _ = await asyncio.get_running_loop().sock_accept(listener)
        with server:
            assert server.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert client.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert is_same_user(server)


async def test_a_name_is_looked_up_and_each_of_its_addresses_tried():
    with listen_tcp(HERE) as listener:
        address = Address("localhost", bound_address(listener).port)
        with await connect_tcp(address) as client:
            assert client.getpeername()[:2] == tuple(bound_address(listener))
    with pytest.raises(ConnectionRefusedError):
        await connect_tcp(address)
    with pytest.raises(socket.gaierror):
        await connect_tcp(Address("no-such-host.invalid", 1))


async def test_a_full_backlog_is_waited_for(tmp_path: Path):
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener, contextlib.ExitStack() as stack:
        listener.bind(str(path))
        listener.listen(0)
        for _ in range(2):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.1):
                    stack.enter_context(await connect_unix(str(path)))
        waiting = asyncio.create_task(connect_unix(str(path)))
        given_up = asyncio.create_task(connect_unix(str(path)))
        await asyncio.wait([waiting, given_up], timeout=0.05)
        assert not waiting.done()
        given_up.cancel()
        await asyncio.wait([given_up])
        listener.setblocking(False)
        stack.enter_context(listener.accept()[0])
        async with asyncio.timeout(5.0):
            stack.enter_context(await waiting)
    with pytest.raises(ConnectionRefusedError):
        await connect_unix(str(path))


@contextlib.contextmanager
def child_that_waits() -> Iterator[None]:
    """A forked child that lives as long as the block."""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        ours.close()
        theirs.sendall(b"up")
        theirs.recv(1)
        os._exit(0)
    theirs.close()
    try:
        assert ours.recv(2) == b"up"
        yield
    finally:
        ours.close()
        os.waitpid(child, 0)


def test_a_connection_ends_with_its_owner_though_a_child_lives_on():
    kept, kept_end = socket.socketpair()
    shared, shared_end = socket.socketpair()
    keep_from_children(kept)
    with kept_end, shared_end, child_that_waits():
        kept.close()
        shared.close()
        kept_end.settimeout(5.0)
        assert kept_end.recv(1) == b""
        assert select.select([shared_end], [], [], 0)[0] == []  # what was not kept from it the child still has


def test_a_port_is_free_when_its_owner_has_left_it_though_a_child_lives_on():
    listener = listen_tcp(HERE)
    address = bound_address(listener)
    with child_that_waits():
        listener.close()
        listen_tcp(address).close()


class Keeping(asyncio.Protocol):
    """Remembers its connection."""

    def __init__(self, arrived: asyncio.Queue[asyncio.BaseTransport]) -> None:
        self._arrived = arrived

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._arrived.put_nowait(transport)


async def test_an_acceptor_that_is_closed_takes_no_more_and_keeps_what_it_took(tmp_path: Path):
    arrived: asyncio.Queue[asyncio.BaseTransport] = asyncio.Queue()
    path = tmp_path / "s"
    acceptor = Acceptor(listen_unix(path), lambda: Keeping(arrived), (0.01, 0.1))
    with await connect_unix(str(path)) as client:
        transport = await arrived.get()
        await acceptor.aclose()
        with pytest.raises(ConnectionRefusedError):
            await connect_unix(str(path))
        assert not transport.is_closing()
        transport.close()
        loop = asyncio.get_running_loop()
        assert await loop.sock_recv(client, 1) == b""
