"""A peer that says byte by byte what a test wants, over a plain socket with a deadline."""

from __future__ import annotations

import secrets
import socket
import struct
from typing import Self

from ezmsg_core.model.roles import Role
from ezmsg_core.transport.connection_file import ServerEntry
from ezmsg_core.wire.answers import Answer
from ezmsg_core.wire.codec import FrameDecoder, encode
from ezmsg_core.wire.commands import Command
from ezmsg_core.wire.frames import Answered, Ask, ClientFrame, Faulted, Hello, ServerFrame, Welcome
from ezmsg_core.wire.handshake import CHALLENGE_BYTES, NONCE_BYTES, ClientHandshake

DEADLINE_S = 10.0


class RawPeer:
    """One connection to a server. Context manager."""

    def __init__(self, entry: ServerEntry, *, is_remote: bool = False, receive_buffer: int | None = None) -> None:
        family = socket.AF_INET if is_remote else socket.AF_UNIX
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        where = entry.tcp if is_remote else entry.unix
        assert where is not None
        try:
            if receive_buffer is not None:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            # Without a timeout of Python's: with one, a full backlog of a Unix socket is an error at once.
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", int(DEADLINE_S), 0))
            self.sock.connect(where)
            self.sock.settimeout(DEADLINE_S)
            if is_remote:
                self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except BaseException:
            self.sock.close()
            raise
        self.entry = entry
        self._decoder: FrameDecoder[ServerFrame] = FrameDecoder(ServerFrame, max_frame_bytes=64 << 20)
        self._frames: list[ServerFrame] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def handshake(self, role: Role, key: bytes | None = None) -> ClientHandshake:
        """The client's side, not begun."""
        key = self.entry.keys[role] if key is None else key
        return ClientHandshake(role, key, secrets.token_bytes(NONCE_BYTES), address="here")

    def enter(self, role: Role) -> Welcome:
        """Shake hands and greet, as a client does."""
        handshake = self.handshake(role)
        self.sock.sendall(handshake.hello)
        self.sock.sendall(handshake.prove(self.receive_exactly(CHALLENGE_BYTES)))
        welcome = self.next_frame()
        assert isinstance(welcome, Welcome)
        self.send(Hello("raw@test", 1, "test"))
        return welcome

    def send(self, frame: ClientFrame) -> None:
        """Send one frame."""
        self.sock.sendall(encode(frame))

    def ask(self, command: Command, ask_id: int = 1) -> Answer | Faulted:
        """Ask, and pass over everything until the answer."""
        self.send(Ask(ask_id, command))
        while True:
            match self.next_frame():
                case Answered(number, answer) if number == ask_id:
                    return answer
                case Faulted(number) as fault if number == ask_id:
                    return fault
                case _:
                    pass

    def next_frame(self) -> ServerFrame:
        """The next frame; EOFError when the server closed the connection."""
        while not self._frames:
            chunk = self.sock.recv(1 << 16)
            if not chunk:
                raise EOFError
            self._frames += self._decoder.feed(chunk)
        return self._frames.pop(0)

    def frames_until_end(self) -> list[ServerFrame]:
        """Every frame until the server closes the connection."""
        frames: list[ServerFrame] = []
        try:
            while True:
                frames.append(self.next_frame())
        except (EOFError, ConnectionResetError):
            return frames

    def receive_exactly(self, size: int) -> bytes:
        """So many bytes."""
        received = b""
        while len(received) < size:
            chunk = self.sock.recv(size - len(received))
            if not chunk:
                raise EOFError
            received += chunk
        return received

    def receive_until_end(self) -> bytes:
        """What comes until the server closes the connection."""
        received = b""
        try:
            while chunk := self.sock.recv(1 << 16):
                received += chunk
        except ConnectionResetError:
            pass
        return received
