"""One connected stream socket on an event loop: read there, written from any thread. It knows no frames."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress

from ezmsg_core.channel.crossing import running_loop
from ezmsg_core.transport.sockets import peer_pid

Buffer = bytes | bytearray | memoryview

SOCKET_BUFFER_BYTES = 1 << 20  # asked of the system, which may give less; a large message should fit at once
MAX_PIECES = 64  # of one write; far below what systems take (1,024)
_JOIN_BYTES = 1 << 14  # pieces that are this small together are cheaper to join than to describe one by one


class SocketEnd:
    """Our end of a connection.

    Reads and callbacks happen on the loop, which may be changed; `write` may be called from any thread, one at a
    time. Sockets are used directly, because what a transport does with bytes that do not fit at once (copy
    everything, or keep a reference to the caller's array) is wrong for borrowed memory.

    Args:
        sock: connected; becomes this object's own and non-blocking.
        loop: where to read.
    """

    def __init__(self, sock: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        prepare(sock)
        self._sock = sock
        self._loop = loop
        self._on_readable: Callable[[], None] | None = None
        self._on_writable: Callable[[], None] | None = None
        self.peer_pid = peer_pid(sock)  # None: the system does not tell
        self._is_awaiting_room = False
        self.is_closed = False

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that reads."""
        return self._loop

    def start(self, on_readable: Callable[[], None], on_writable: Callable[[], None]) -> None:
        """Begin to read. Any thread.

        Args:
            on_readable: called on the loop when there is something to read, or the end.
            on_writable: called on the loop once after `await_room`, when something can be written again.
        """
        self._on_readable, self._on_writable = on_readable, on_writable
        self._call(self._watch)

    def read_into(self, view: memoryview) -> int:
        """Received bytes into the view: how many, 0 at the end, -1 for nothing now. On the loop.

        Raises:
            OSError: the connection broke.
        """
        try:
            return self._sock.recv_into(view)
        except (BlockingIOError, InterruptedError):
            return -1

    def write(self, pieces: Sequence[Buffer], size: int) -> int:
        """Write what fits at once: how many bytes.

        Args:
            pieces: at most `MAX_PIECES`.
            size: bytes of all pieces.

        Raises:
            OSError: the connection broke, or is closed.
        """
        try:
            if len(pieces) == 1:
                return self._sock.send(pieces[0])
            if size <= _JOIN_BYTES:
                return self._sock.send(b"".join(pieces))
            return self._sock.sendmsg(pieces)
        except (BlockingIOError, InterruptedError):
            return 0

    def await_room(self) -> None:
        """Call `on_writable` once when something can be written again. Any thread."""
        if not self._is_awaiting_room:
            self._is_awaiting_room = True
            self._call(self._watch_room)

    def move(self, loop: asyncio.AbstractEventLoop) -> None:
        """Read on another loop from now on. Any thread, one at a time."""
        if self._loop is loop or self.is_closed:
            return
        previous, self._loop = self._loop, loop
        _call_on(previous, self._hand_over, previous)

    def close(self) -> None:
        """Close the connection; harmless when closed. Any thread."""
        if not self.is_closed:
            self.is_closed = True
            self._call(self._close)

    def _call(self, step: Callable[[], None]) -> None:
        _call_on(self._loop, step)

    def _hand_over(self, previous: asyncio.AbstractEventLoop) -> None:
        self._unwatch(previous)
        self._call(self._watch)
        if self._is_awaiting_room:
            self._call(self._watch_room)

    def _watch(self) -> None:
        if self._is_open_here() and self._on_readable is not None:
            self._loop.add_reader(self._sock, self._on_readable)

    def _watch_room(self) -> None:
        if self._is_open_here():
            self._loop.add_writer(self._sock, self._has_room)

    def _has_room(self) -> None:
        self._is_awaiting_room = False
        self._loop.remove_writer(self._sock)
        if self._on_writable is not None:
            self._on_writable()

    def _is_open_here(self) -> bool:
        return not self.is_closed and not self._loop.is_closed()

    def _unwatch(self, loop: asyncio.AbstractEventLoop) -> None:
        if not loop.is_closed() and self._sock.fileno() >= 0:
            loop.remove_reader(self._sock)
            loop.remove_writer(self._sock)

    def _close(self) -> None:
        self._unwatch(self._loop)
        self._on_readable = self._on_writable = None
        self._sock.close()


def prepare(sock: socket.socket) -> None:
    """Set the options of a data connection."""
    sock.setblocking(False)
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER_BYTES)
    if sock.family in (socket.AF_INET, socket.AF_INET6):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _call_on(loop: asyncio.AbstractEventLoop, step: Callable[..., None], *arguments: object) -> None:
    """Run a step on the loop: now if this is its thread, or if it is closed and nobody runs on it."""
    if running_loop() is loop or loop.is_closed():
        step(*arguments)
        return
    try:
        loop.call_soon_threadsafe(step, *arguments)
    except RuntimeError:  # closed meanwhile
        step(*arguments)
