"""Listening and connecting sockets on Unix paths and TCP addresses."""

import errno
import os
import socket
import struct
from pathlib import Path

from ezmsg_core.config import MAX_SOCKET_PATH_BYTES
from ezmsg_core.errors import ConfigError
from ezmsg_core.model.address import Address
from ezmsg_core.transport.fork_guard import keep_from_children

BACKLOG = 256


def listen_unix(path: Path) -> socket.socket:
    """A listening Unix socket that only this user can reach; a dead one at the path is replaced.

    Raises:
        ConfigError: somebody listens there already, or the path is too long.
    """
    if len(os.fsencode(path)) > MAX_SOCKET_PATH_BYTES:
        raise ConfigError(f"The socket path {path} is too long.", name="path", value=str(path))
    if path.exists() and is_listening_unix(path):
        raise ConfigError(f"Another server listens on {path} already.", name="path", value=str(path))
    path.unlink(missing_ok=True)
    listener = keep_from_children(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
    try:
        listener.setblocking(False)
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def is_listening_unix(path: Path) -> bool:
    """Whether somebody listens at the path."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except BlockingIOError:
            return True  # its backlog is full
        except OSError:
            return False
        return True


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
        listener.bind((address.host, address.port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        taken = error.errno == errno.EADDRINUSE
        reason = "is taken by another program" if taken else f"cannot be used ({error.strerror})"
        raise ConfigError(
            f"The address {address} {reason}. Choose another one, or stop what listens there.",
            name="address",
            value=str(address),
            is_taken=taken,
        ) from error
    return listener


def listen_tcp_from(
    host: str, first_port: int, *, avoid: frozenset[int] = frozenset(), tries: int = 1000
) -> socket.socket:
    """A listening TCP socket on the first free port.

    Raises:
        ConfigError: none of the ports tried is free.
    """
    last = min(first_port + tries, 65536)
    for port in range(first_port, last):
        if port in avoid:
            continue
        try:
            return listen_tcp(Address(host, port))
        except ConfigError as error:
            if not error.is_taken:
                raise
    raise ConfigError(
        f"No port from {first_port} to {last - 1} is free on {host}. Name another range.", name="port", value=first_port
    )


def bound_address(listener: socket.socket) -> Address:
    """Where a TCP socket listens."""
    host, port, *_ = listener.getsockname()
    return Address(host, port)


def is_same_user(connection: socket.socket) -> bool:
    """Whether the peer of a Unix connection runs as this user; TCP peers have to prove a key instead."""
    if connection.family != socket.AF_UNIX:
        return True
    size = struct.calcsize("3i")
    _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return uid == os.getuid()
