"""One connection as the server sees it: first the handshake, then frames, with a bounded outbox."""

import asyncio
import secrets
from typing import Protocol, cast

from ezmsg_core.config import LinkLimits
from ezmsg_core.errors import AccessDeniedError, ForeignServerError, WireError
from ezmsg_core.model.roles import Role
from ezmsg_core.transport.sockets import is_same_user
from ezmsg_core.wire.codec import FrameDecoder, encode
from ezmsg_core.wire.frames import ClientFrame, Farewell
from ezmsg_core.wire.handshake import HELLO_BYTES, NONCE_BYTES, PROOF_BYTES, ServerHandshake, Verdict

MAX_BYTES_BEFORE_PROOF = 256  # a client sends 76; more than this is not one
FAREWELL_S = 1.0  # how long a peer may take to read its farewell


class Reception(Protocol):
    """Where connections are received."""

    limits: LinkLimits
    keys: dict[Role, bytes]

    def arrived(self, connection: "PeerConnection") -> None:
        """A connection was accepted, and has proved nothing yet."""

    def is_full(self) -> bool:
        """Whether there are as many links as there may be."""
        ...

    def proved(self, connection: "PeerConnection", role: Role) -> None:
        """The connection is a link now."""

    def received(self, connection: "PeerConnection", frames: list[ClientFrame]) -> None:
        """Frames came."""

    def departed(self, connection: "PeerConnection", reason: str) -> None:
        """The connection is over."""


class PeerConnection(asyncio.Protocol):
    """Bytes of one peer.

    Nothing is decoded before the peer has proved the key of its role. The outbox is bounded by the limits of its
    reception: a peer that does not read is cut off, and delays nobody.
    """

    def __init__(self, reception: Reception, *, is_remote: bool) -> None:
        self.is_remote = is_remote
        self.address = "?"
        self.link = 0  # given by the reception once proved
        self._reception = reception
        self._limits = reception.limits
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._handshake: ServerHandshake | None = ServerHandshake(
            reception.keys, secrets.token_bytes(NONCE_BYTES)
        )
        self._early = bytearray()
        self._is_challenged = False
        self._decoder: FrameDecoder[ClientFrame] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._outbox: list[bytes] = []
        self._is_flush_due = False
        self._over_soft_since: float | None = None
        self._reason = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See who comes, and give it a deadline."""
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self.address = f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else "unix"
        self._reception.arrived(self)
        if not is_same_user(transport.get_extra_info("socket")):
            self.cut("it runs as another user")
            return
        self._deadline = self._loop.call_later(self._limits.handshake_s, self.cut, "it did not shake hands in time")

    def data_received(self, data: bytes) -> None:
        """Take in bytes, of the handshake or of frames."""
        if self._decoder is None:
            self._early += data
            try:
                self._shake()
            except (AccessDeniedError, ForeignServerError) as error:
                self.cut(error.text)
            return
        self._take(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._outbox.clear()
        self._transport = None
        self._reception.departed(self, self._reason or (f"{exc}" if exc is not None else "it closed the connection"))

    def send(self, frame: object) -> None:
        """Queue a frame; all that is queued in one turn of the loop leaves together."""
        if self._transport is None:
            return
        self._outbox.append(encode(frame))
        if not self._is_flush_due:
            self._is_flush_due = True
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Hand over what is queued, and cut off a peer that does not read."""
        self._is_flush_due = False
        transport = self._transport
        if transport is None or transport.is_closing():
            self._outbox.clear()
            return
        if self._outbox:
            transport.write(b"".join(self._outbox))
            self._outbox.clear()
        waiting = transport.get_write_buffer_size()
        limits = self._limits
        if waiting <= limits.outbox_soft_bytes:
            self._over_soft_since = None
        elif self._over_soft_since is None:
            self._over_soft_since = self._loop.time()
        is_stuck = self._over_soft_since is not None and self._loop.time() - self._over_soft_since > limits.outbox_soft_s
        if waiting > limits.outbox_hard_bytes or is_stuck:
            self.cut(f"it leaves {waiting} bytes unread")

    def say_farewell(self, code: str, text: str) -> None:
        """Send what is queued and the reason, then close."""
        self._reason = self._reason or text
        self.send(Farewell(code, text))
        self.flush()
        if self._transport is not None:
            self._transport.close()
            self._loop.call_later(FAREWELL_S, self.cut, text)

    def cut(self, reason: str) -> None:
        """End the connection at once; what is queued is lost."""
        if self._transport is not None:
            self._reason = self._reason or reason
            self._transport.abort()

    def _shake(self) -> None:
        handshake = self._handshake
        if handshake is None or self._transport is None or self._transport.is_closing():
            return
        if len(self._early) > MAX_BYTES_BEFORE_PROOF:
            self.cut("it sent more than a handshake before it had proved itself")
            return
        if not self._is_challenged and len(self._early) >= HELLO_BYTES:
            hello = bytes(self._early[:HELLO_BYTES])
            del self._early[:HELLO_BYTES]
            challenge, verdict = handshake.challenge(hello, is_busy=self._reception.is_full())
            self._transport.write(challenge)
            if verdict is not Verdict.WELCOME:
                self._reason = f"it was refused ({verdict.name.lower()})"
                self._transport.close()
                return
            self._is_challenged = True
        if self._is_challenged and len(self._early) >= PROOF_BYTES:
            role = handshake.accept(bytes(self._early[:PROOF_BYTES]))
            rest = bytes(self._early[PROOF_BYTES:])
            self._enter(role)
            if rest:
                self._take(rest)

    def _enter(self, role: Role) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._early.clear()
        self._handshake = None
        is_participant = role is Role.PARTICIPATE
        limit = self._limits.participant_frame_bytes if is_participant else self._limits.observer_frame_bytes
        self._decoder = FrameDecoder(ClientFrame, max_frame_bytes=limit)
        self._reception.proved(self, role)

    def _take(self, data: bytes) -> None:
        if self._decoder is None or self._transport is None or self._transport.is_closing():
            return
        try:
            frames = self._decoder.feed(data)
        except WireError as error:
            self.say_farewell(error.code, error.text)
            return
        self._reception.received(self, frames)
