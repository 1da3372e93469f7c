"""Something that listens where a connection file leads, says what a test wants, and keeps what it is told."""

from __future__ import annotations

import os
import platform
import secrets
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

from ezmsg_core.client import ServerEntry
from ezmsg_core.model.address import Address
from ezmsg_core.model.roles import Role
from ezmsg_core.wire.handshake import KEY_BYTES, PROTOCOL

DEADLINE_S = 20.0


class Last(bytes):
    """The last thing that is said on a connection."""

    __slots__ = ()


class Listener:
    """Takes connections one after another. Context manager.

    Args:
        behaviour: what to say to all that came until now; asked at the beginning of a connection, and whenever bytes
            came. None ends the connection.
        path: of a Unix socket; TCP without one.
    """

    def __init__(self, behaviour: Callable[[bytes], bytes | None], path: Path | None = None) -> None:
        self.heard: list[bytes] = []  # a connection each
        self._behaviour = behaviour
        self._path = path
        self._listener = socket.create_server(("127.0.0.1", 0)) if path is None else self._unix(path)
        self._thread = threading.Thread(target=self._serve, name="listener")

    @staticmethod
    def _unix(path: Path) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(path))
        listener.listen()
        return listener

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(DEADLINE_S)
        self._listener.close()
        assert not self._thread.is_alive()

    @property
    def address(self) -> Address:
        """Where it listens on TCP."""
        return Address(*self._listener.getsockname()[:2])

    def entry(self, *, roles: tuple[Role, ...] = tuple(Role)) -> ServerEntry:
        """What a connection file says that leads here."""
        return ServerEntry(
            graph_id="0" * 32,
            epoch="1" * 32,
            pid=os.getpid(),
            host=platform.node(),
            protocol=PROTOCOL,
            unix=None if self._path is None else str(self._path),
            tcp=self.address if self._path is None else None,
            keys={role: secrets.token_bytes(KEY_BYTES) for role in roles},
        )

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(DEADLINE_S)
                self.heard.append(b"")
                try:
                    self._talk(connection)
                except OSError:
                    pass  # the client has gone

    def _talk(self, connection: socket.socket) -> None:
        said = self._behaviour(b"")
        while said is not None:
            connection.sendall(said)
            if isinstance(said, Last):
                return
            chunk = connection.recv(1 << 16)
            if not chunk:
                return
            self.heard[-1] += chunk
            said = self._behaviour(self.heard[-1])
