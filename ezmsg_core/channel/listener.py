"""Where the subscribers of other processes come to: the listening sockets of one process and link."""

import asyncio
import contextlib
import os
import secrets
import socket
from collections.abc import Callable
from pathlib import Path

from ezmsg_core import config
from ezmsg_core.channel.admission import TicketBook, Visitor, receive_visitor
from ezmsg_core.errors import ConfigError, EzmsgError
from ezmsg_core.flow.path import TCP_PREFIX, UNIX_PREFIX
from ezmsg_core.model.address import DEFAULT_HOST, Address
from ezmsg_core.transport.fork_guard import keep_from_children
from ezmsg_core.transport.places import ensure_runtime_dir
from ezmsg_core.transport.sockets import (
    bound_address,
    is_listening_unix,
    is_same_user,
    listen_tcp,
    listen_tcp_from,
    listen_unix,
)

HANDSHAKE_S = 2.0  # from accept to proof; a healthy one takes under a millisecond
MAX_PENDING = 64  # handshakes at once; the oldest gives way
_BACK_OFF_S = 0.1  # before accepting again when the process has no descriptor left
_ACCEPTS_PER_TURN = 16
_PATTERN = "data-*.sock"


class DataListener:
    """Accepts data connections, and hands on those that prove a ticket. Used on one event loop.

    At most `MAX_PENDING` connections are in their handshake, each for at most `HANDSHAKE_S`.

    Args:
        on_visitor: takes over a connection that has proved its ticket.
    """

    def __init__(self, on_visitor: Callable[[Visitor], None]) -> None:
        self.tickets = TicketBook()
        self.addresses: list[str] = []  # of the process's own sockets: Unix first, TCP second
        self._on_visitor = on_visitor
        self._loop = asyncio.get_running_loop()
        self._sockets: dict[str, socket.socket] = {}  # by address
        self._pending: dict[asyncio.Task[None], None] = {}  # in order of arrival
        self._is_closed = False

    def open(self) -> None:
        """Listen on a Unix socket in the runtime directory, and on a free loopback port.

        Raises:
            ConfigError: the runtime directory cannot be used, or no port is free.
        """
        folder = ensure_runtime_dir()
        remove_dead_sockets(folder)
        path = folder / f"data-{os.getpid()}-{secrets.token_hex(4)}.sock"
        if hasattr(socket, "AF_UNIX"):
            self.addresses.append(self._listen(UNIX_PREFIX + str(path), listen_unix(path)))
        try:
            tcp = listen_tcp_from(DEFAULT_HOST, config.publisher_port_start())
        except ConfigError:
            self.close()
            raise
        self.addresses.append(self._listen(f"{TCP_PREFIX}{bound_address(tcp)}", tcp))

    def open_tcp(self, host: str, port: int) -> str:
        """Listen on one more TCP address; return it as publishers advertise it.

        Raises:
            ConfigError: it cannot be used.
        """
        listener = listen_tcp(Address(host, port))
        return self._listen(f"{TCP_PREFIX}{bound_address(listener)}", listener)

    def close_address(self, address: str) -> None:
        """Listen no longer at an address; harmless if nobody did."""
        listener = self._sockets.pop(address, None)
        if listener is None:
            return
        self._loop.remove_reader(listener)
        listener.close()
        if address.startswith(UNIX_PREFIX):
            with contextlib.suppress(OSError):
                Path(address[len(UNIX_PREFIX) :]).unlink(missing_ok=True)

    def close(self) -> None:
        """Listen no longer; handshakes under way end."""
        self._is_closed = True
        for address in list(self._sockets):
            self.close_address(address)
        for task in list(self._pending):
            task.cancel()

    def _listen(self, address: str, listener: socket.socket) -> str:
        self._sockets[address] = listener
        self._loop.add_reader(listener, self._accept, address, listener)
        return address

    def _accept(self, address: str, listener: socket.socket) -> None:
        for _ in range(_ACCEPTS_PER_TURN):
            try:
                sock, _ = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:  # no descriptor left: without a pause this would be called again at once, for ever
                self._loop.remove_reader(listener)
                self._loop.call_later(_BACK_OFF_S, self._accept_again, address, listener)
                return
            self._welcome(keep_from_children(sock))

    def _accept_again(self, address: str, listener: socket.socket) -> None:
        if self._sockets.get(address) is listener:
            self._loop.add_reader(listener, self._accept, address, listener)

    def _welcome(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        if not is_same_user(sock):
            sock.close()
            return
        if len(self._pending) >= MAX_PENDING:
            oldest = next(iter(self._pending))
            del self._pending[oldest]
            oldest.cancel()
        task = self._loop.create_task(self._shake_hands(sock), name="data handshake")
        self._pending[task] = None
        task.add_done_callback(lambda done: self._pending.pop(done, None))

    async def _shake_hands(self, sock: socket.socket) -> None:
        try:
            async with asyncio.timeout(HANDSHAKE_S):
                visitor = await receive_visitor(sock, self.tickets)
        except (OSError, EzmsgError):  # TimeoutError is an OSError
            sock.close()
        except BaseException:
            sock.close()
            raise
        else:
            self._on_visitor(visitor)


def remove_dead_sockets(folder: Path) -> None:
    """Remove the sockets of processes that were killed from the runtime directory."""
    for path in folder.glob(_PATTERN):
        pid_text = path.name.split("-")[1]
        if pid_text.isdigit() and not _is_alive(int(pid_text)) and not is_listening_unix(path):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # alive, and somebody else's
    return True
