"""Listening and connecting sockets on Unix paths and TCP addresses."""

import errno
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ezmsg_core.config import (
    MAX_SOCKET_PATH_BYTES,
    PUBLISHER_PORT_START_ENV,
    RUNTIME_DIR_ENV,
    SERVER_PORT_START_ENV,
)
from ezmsg_core.errors import ConfigError
from ezmsg_core.model.address import Address
from ezmsg_core.transport.fork_guard import keep_from_children

L = TypeVar("L")
BACKLOG = 256
PORTS_TRIED = 1000  # more than a machine has programs that begin there
_NOBODY = frozenset({errno.ECONNREFUSED, errno.ENOENT, errno.ENOTSOCK, errno.ENOTDIR})


def listen_unix(path: Path) -> socket.socket:
    """A listening Unix socket that only this user can reach; a dead one at the path is replaced.

    Raises:
        ConfigError: somebody listens there already, or the path is too long or cannot be written.
    """
    if len(os.fsencode(path)) > MAX_SOCKET_PATH_BYTES:
        raise ConfigError(
            f"The socket path {path} has more than {MAX_SOCKET_PATH_BYTES} bytes, which no Unix socket can have. Name "
            f"a shorter directory with {RUNTIME_DIR_ENV}.",
            name="path",
            value=str(path),
        )
    if is_listening_unix(path):
        raise ConfigError(
            f"Cannot listen on {path}: it is taken by another program. Choose another port, or stop that program.",
            name="path",
            value=str(path),
            is_taken=True,
        )
    listener = keep_from_children(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
    try:
        listener.setblocking(False)
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"Cannot listen on {path}: {_reason(error)}. Mend the directory, or name another one with "
            f"{RUNTIME_DIR_ENV}.",
            name="path",
            value=str(path),
        ) from error
    return listener


def is_listening_unix(path: Path) -> bool:
    """Whether somebody listens at the path, or may do: what cannot be asked counts as listening."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except BlockingIOError:
            return True  # its backlog is full
        except OSError as error:
            return error.errno not in _NOBODY
        return True


def is_listening_tcp(address: Address, *, timeout_s: float = 1.0) -> bool:
    """Whether somebody takes connections at the address."""
    try:
        with socket.create_connection(address, timeout=timeout_s):
            return True
    except OSError:
        return False


def listen_tcp(address: Address) -> socket.socket:
    """A listening TCP socket; port 0 takes any free one.

    Raises:
        ConfigError: the address is taken, or is none of this machine.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = keep_from_children(socket.socket(family, socket.SOCK_STREAM))
    try:
        listener.setblocking(False)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # for its connections: no frame waits 40 ms
        listener.bind((address.host, address.port))
        listener.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        is_taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        reason = "it is taken by another program" if is_taken else _reason(error)
        raise ConfigError(
            f"Cannot listen on {address}: {reason}. Choose another address, or stop what listens there.",
            name="address",
            value=str(address),
            is_taken=is_taken,
        ) from error
    return listener


def listen_tcp_from(host: str, first_port: int) -> socket.socket:
    """A listening TCP socket on the first free port.

    Raises:
        ConfigError: none of the ports tried is free.
    """
    return at_first_free(first_port, lambda port: listen_tcp(Address(host, port)))


def at_first_free(first_port: int, listen: Callable[[int], L], *, avoid: frozenset[int] = frozenset()) -> L:
    """What `listen` returns for the first port where it does not say that the port is taken.

    Raises:
        ConfigError: none of the ports tried is free, or whatever else stands in the way of one.
    """
    last = min(first_port + PORTS_TRIED, 65536)
    for port in range(first_port, last):
        if port in avoid:
            continue
        try:
            return listen(port)
        except ConfigError as error:
            if not error.parts.get("is_taken"):
                raise
    raise ConfigError(
        f"No port from {first_port} to {last - 1} is free. Stop what listens there, or begin at another port "
        f"({SERVER_PORT_START_ENV} for servers, {PUBLISHER_PORT_START_ENV} for publishers).",
        name="port",
        value=first_port,
    )


def bound_address(listener: socket.socket) -> Address:
    """Where a TCP socket listens."""
    host, port, *_ = listener.getsockname()
    return Address(host, port)


def is_same_user(connection: socket.socket) -> bool:
    """Whether the peer of a Unix connection runs as this user; TCP peers have to prove a key instead."""
    if connection.family != socket.AF_UNIX:
        return True
    return _peer_credentials(connection)[1] == os.getuid()


def peer_pid(connection: socket.socket) -> int | None:
    """The process at the other end of a Unix connection; None where the system does not tell."""
    if connection.family != socket.AF_UNIX:
        return None
    return _peer_credentials(connection)[0] or None


def _peer_credentials(connection: socket.socket) -> tuple[int, int]:
    size = struct.calcsize("3i")
    pid, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return pid, uid


def _reason(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) else None
    return (text or str(error)).lower()
