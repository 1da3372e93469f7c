"""One connection as the client sees it: the handshake, then frames to whoever takes them."""

import asyncio
from collections.abc import Callable
from typing import cast

from ezmsg_core.config import LinkLimits
from ezmsg_core.errors import EzmsgError, HandshakeError, LinkLostError, WireError
from ezmsg_core.wire.codec import FrameDecoder, encode
from ezmsg_core.wire.frames import ClientFrame, Farewell, Hello, ServerFrame, Welcome
from ezmsg_core.wire.handshake import CHALLENGE_BYTES, MAGIC, ClientHandshake, foreign_server


class WireConnection(asyncio.Protocol):
    """Bytes to and from one server.

    Buffered: what the server does not read stays in the transport; an outbox beyond the hard limit ends the
    connection.
    """

    def __init__(self, handshake: ClientHandshake, hello: Hello, limits: LinkLimits, address: str) -> None:
        self._handshake: ClientHandshake | None = handshake
        self._hello = hello
        self._limits = limits
        self._address = address
        self._loop = asyncio.get_running_loop()
        self._early = bytearray()
        self._decoder: FrameDecoder[ServerFrame] = FrameDecoder(
            ServerFrame, max_frame_bytes=limits.client_frame_bytes, is_depth_checked=False
        )
        self._transport: asyncio.Transport | None = None
        self._outbox: list[bytes] = []
        self._is_flush_due = False
        self._kept: list[ServerFrame] = []
        self._on_frame: Callable[[ServerFrame], None] = self._kept.append
        self._on_lost: Callable[[str], None] | None = None
        self._reason: str | None = None
        self.welcomed: asyncio.Future[Welcome] = self._loop.create_future()
        self.ended = asyncio.Event()
        self.heard_s = self._loop.time()

    def attach(self, on_frame: Callable[[ServerFrame], None], on_lost: Callable[[str], None]) -> None:
        """Say who takes the frames after the welcome, those that came already first."""
        self._on_frame, self._on_lost = on_frame, on_lost
        kept, self._kept = self._kept, []
        for frame in kept:
            on_frame(frame)
        if self._transport is None:
            on_lost(self._reason or "the connection ended")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the handshake."""
        self._transport = cast("asyncio.Transport", transport)
        assert self._handshake is not None
        self._transport.write(self._handshake.hello)

    def data_received(self, data: bytes) -> None:
        """Take in bytes, of the handshake or of frames."""
        self.heard_s = self._loop.time()
        if self._handshake is None:
            self._take(data)
            return
        self._early += data
        try:
            self._handshake.check_head(bytes(self._early[:CHALLENGE_BYTES]))
            if len(self._early) < CHALLENGE_BYTES:
                return
            proof = self._handshake.prove(bytes(self._early[:CHALLENGE_BYTES]))
        except HandshakeError as error:
            self._fail(error)
            return
        rest = bytes(self._early[CHALLENGE_BYTES:])
        self._early.clear()
        self._handshake = None
        assert self._transport is not None
        self._transport.write(proof)
        if rest:
            self._take(rest)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over."""
        self.ended.set()
        self._transport = None
        self._outbox.clear()
        reason = self._reason or (str(exc) if exc is not None else "the server closed the connection")
        self._reason = reason
        if not self.welcomed.done():
            self._fail(self._refusal())
        if self._on_lost is not None:
            self._on_lost(reason)

    def send(self, frame: ClientFrame) -> None:
        """Queue a frame; all that is queued in one turn of the loop leaves together. Dropped when the link is gone."""
        if self._transport is None:
            return
        self._outbox.append(encode(frame))
        if not self._is_flush_due:
            self._is_flush_due = True
            self._loop.call_soon(self._flush)

    def close(self) -> None:
        """Send what is queued, then end."""
        if self._transport is not None:
            self._reason = self._reason or "closed by this program"
            self._flush()
            self._transport.close()

    def cut(self, reason: str) -> None:
        """End at once."""
        if self._transport is not None:
            self._reason = self._reason or reason
            self._transport.abort()

    def _flush(self) -> None:
        self._is_flush_due = False
        transport = self._transport
        if transport is None or not self._outbox:
            return
        transport.write(b"".join(self._outbox))
        self._outbox.clear()
        if transport.get_write_buffer_size() > self._limits.outbox_hard_bytes:
            self.cut("the server does not read what is sent")

    def _take(self, data: bytes) -> None:
        try:
            frames = self._decoder.feed(data)
        except WireError as error:
            self._fail(error)
            self.cut(error.text)
            return
        for frame in frames:
            if isinstance(frame, Welcome):
                self.send(self._hello)
                if not self.welcomed.done():
                    self.welcomed.set_result(frame)
            elif isinstance(frame, Farewell):
                self._reason = frame.text
                text = f"The graph server at {self._address} ended the link: {frame.text}"
                self._fail(LinkLostError(text, address=self._address))
            else:
                self._on_frame(frame)

    def _fail(self, error: EzmsgError) -> None:
        if not self.welcomed.done():
            self.welcomed.set_exception(error)
            self.cut(error.text)

    def _refusal(self) -> EzmsgError:
        """Why the connection ended before the welcome."""
        if self._handshake is None:  # it proved that it is the server, so it knows our key as well
            return LinkLostError(
                f"The graph server at {self._address} ended the connection before it let us in. It is stopping, or "
                "has too many connections at once; try again.",
                address=self._address,
            )
        if self._early.startswith(MAGIC):
            return HandshakeError(
                f"The listener at {self._address} broke off in the middle of the handshake. It is stopping, or only "
                "pretends to be a graph server; check the address, or try again.",
                address=self._address,
            )
        if self._early:
            return foreign_server(self._address, bytes(self._early))
        return HandshakeError(
            f"The listener at {self._address} closed the connection without a word. It is no graph server, or one "
            "that is stopping, has too many connections at once, or belongs to another user; check the address, or "
            "try again.",
            address=self._address,
        )
