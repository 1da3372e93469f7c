"""The way in: from what a connection file says to a connection on which the server has said welcome."""

import asyncio
import functools
import os
import platform
import secrets
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, NamedTuple

from ezmsg_core.client.wire_connection import WireConnection
from ezmsg_core.config import LinkLimits
from ezmsg_core.errors import AccessDeniedError, ForeignServerError, ServerUnreachableError
from ezmsg_core.model.address import Address
from ezmsg_core.model.roles import Role
from ezmsg_core.transport.connecting import connect_tcp, connect_unix
from ezmsg_core.transport.connection_file import ServerEntry, is_process_gone
from ezmsg_core.wire.frames import Hello, Welcome
from ezmsg_core.wire.handshake import NONCE_BYTES, ClientHandshake

Connect = Callable[[], Coroutine[Any, Any, socket.socket]]
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - a server listens there; a client goes here


class Entered(NamedTuple):
    """A connection that the server has let in."""

    connection: WireConnection
    welcome: Welcome
    address: str  # how the server was reached, for people


async def enter(server: ServerEntry, role: Role, label: str, limits: LinkLimits) -> Entered:
    """Connect and enter with a role, by Unix socket where somebody listens there, else by TCP.

    Raises:
        ServerUnreachableError: nobody answers.
        HandshakeError: somebody does, but does not let us in, or is something else.
        LinkLostError: a server that is ours ended the connection before we were in.

    Cancellation: nothing is left.
    """
    key = _key(server, role)
    hello = Hello(label, os.getpid(), platform.node())
    failure: tuple[str, OSError] | None = None
    for address, connect in _ways(server):
        try:
            async with asyncio.timeout(limits.connect_timeout_s):
                sock = await connect()
        except OSError as error:  # TimeoutError is one, too
            failure = (address, error)
            continue
        handshake = ClientHandshake(role, key, secrets.token_bytes(NONCE_BYTES), address=address)
        connection = await _attach(sock, WireConnection(handshake, hello, limits, address))
        return Entered(connection, await _welcomed(connection, address, limits), address)
    if failure is None:
        raise unreachable(server.label, OSError("its connection file names no address"), server)
    raise unreachable(*failure, server)


def unreachable(address: str, error: OSError, server: ServerEntry | None = None) -> ServerUnreachableError:
    """The error for an address where no connection came about."""
    text = f"No graph server answers at {address} ({_reason(error).lower()})."
    if server is not None and server.path is not None and is_process_gone(server):
        text += f" Its connection file {server.path} is a left-over: process {server.pid} is gone."
    return ServerUnreachableError(
        f"{text} Start a graph, or `ezmsg-core serve`, and check the address.", address=address
    )


def _reason(error: OSError) -> str:
    if error.errno is None:
        return str(error) or "no answer in time"
    if isinstance(error, socket.gaierror):
        return error.strerror or str(error)
    return os.strerror(error.errno)  # what asyncio puts in its place repeats the address


def _key(server: ServerEntry, role: Role) -> bytes:
    key = server.keys.get(role)
    if key is None:
        allowed = ", ".join(sorted(server.keys)) or "nothing"
        raise AccessDeniedError(
            f"The connection file {server.path} lets in to {allowed}, not to {role}. Ask for another file, or attach "
            "with less.",
            address=server.label,
            role=str(role),
        )
    return key


def _ways(server: ServerEntry) -> list[tuple[str, Connect]]:
    ways: list[tuple[str, Connect]] = []
    path, tcp = server.unix, server.tcp
    if path is not None and Path(path).exists():
        ways.append((f"unix:{path}", functools.partial(connect_unix, path)))
    if tcp is not None:
        host = _ANYWHERE.get(tcp.host, tcp.host)
        ways.append((str(tcp), functools.partial(connect_tcp, Address(host, tcp.port))))
    return ways


async def _attach(sock: socket.socket, connection: WireConnection) -> WireConnection:
    loop = asyncio.get_running_loop()
    try:
        if sock.family == socket.AF_UNIX:
            await loop.create_unix_connection(lambda: connection, sock=sock)
        else:
            await loop.create_connection(lambda: connection, sock=sock)
    except BaseException:
        connection.welcomed.cancel()  # nobody waits for what comes of it
        sock.close()
        raise
    return connection


async def _welcomed(connection: WireConnection, address: str, limits: LinkLimits) -> Welcome:
    try:
        async with asyncio.timeout(limits.handshake_s):
            return await connection.welcomed
    except BaseException as error:
        connection.cut("no link came about")
        await connection.ended.wait()
        if not isinstance(error, TimeoutError):
            raise
        raise ForeignServerError(
            f"The listener at {address} did not shake hands within {limits.handshake_s:g} s. Either it is not a graph "
            "server of this kind, or it is one that hangs: check the address, or end that program and start it again.",
            address=address,
            speaks="a listener that says nothing",
        ) from None
