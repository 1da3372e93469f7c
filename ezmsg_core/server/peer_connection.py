"""One connection as the server sees it: first the handshake, then frames, with a bounded outbox."""

import asyncio
import secrets
from collections import deque
from typing import Protocol, cast

from ezmsg_core.config import LinkLimits
from ezmsg_core.errors import AccessDeniedError, ForeignServerError, WireError
from ezmsg_core.model.address import Address
from ezmsg_core.model.roles import Role
from ezmsg_core.transport.sockets import is_same_user
from ezmsg_core.wire.codec import FrameDecoder, encode
from ezmsg_core.wire.frames import ClientFrame, Farewell
from ezmsg_core.wire.handshake import HELLO_BYTES, NONCE_BYTES, PROOF_BYTES, ServerHandshake, Verdict

TURN_S = 0.002  # for what one peer has sent; then the others get their turn
PIECE_BYTES = 2 << 10  # decoded at once, half a millisecond of the shortest frames
MAX_BYTES_BEFORE_PROOF = 256  # a client sends 76; more than this is not one


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

    def received(self, connection: "PeerConnection", frame: ClientFrame) -> None:
        """A frame came."""

    def parting(self, connection: "PeerConnection", reason: str) -> None:
        """The connection is told farewell, and is a link no longer."""

    def departed(self, connection: "PeerConnection", reason: str) -> None:
        """The connection is over."""


class PeerConnection(asyncio.Protocol):
    """Bytes of one peer.

    Nothing is decoded before the peer has proved the key of its role. The outbox is bounded: from a peer that leaves
    much unread nothing more is read, and one that leaves it unread for long, or too much, is cut off. What it sends is
    dealt with in turns, so that it delays nobody else, however much that is. Lives on the event loop of its reception.
    """

    def __init__(self, reception: Reception, *, is_remote: bool) -> None:
        self.is_remote = is_remote
        self.address = "tcp" if is_remote else "unix"
        self.host = self.address  # what its addresses have in common, however often it comes
        self.link = 0  # given by the reception once proved
        self._reception = reception
        self._limits = reception.limits
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._handshake: ServerHandshake | None = ServerHandshake(reception.keys, secrets.token_bytes(NONCE_BYTES))
        self._early = bytearray()
        self._is_challenged = False
        self._decoder: FrameDecoder[ClientFrame] | None = None
        self._received = bytearray()  # not decoded yet; nothing is read while something is left from the turn before
        self._undone: deque[ClientFrame] = deque()  # decoded, one piece's worth
        self._broken: WireError | None = None  # what follows them
        self._is_turn_due = False
        self._deadline: asyncio.TimerHandle | None = None
        self._outbox: list[bytes] = []
        self._outbox_bytes = 0
        self._is_flush_due = False
        self._is_saying_farewell = False
        self._over_soft_since: float | None = None
        self._reason = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See who comes, and give it a deadline."""
        self._transport = cast("asyncio.Transport", transport)
        soft = self._limits.outbox_soft_bytes
        self._transport.set_write_buffer_limits(high=soft, low=soft // 2)
        peer = cast("tuple[str, int] | str | None", transport.get_extra_info("peername"))
        if isinstance(peer, tuple):  # not on a Unix socket, nor if it has gone already
            self.host = peer[0]
            self.address = str(Address(peer[0], peer[1]))
        self._reception.arrived(self)
        if not is_same_user(transport.get_extra_info("socket")):
            self.cut("it runs as another user")
            return
        self._deadline = self._loop.call_later(self._limits.handshake_s, self.cut, "it did not shake hands in time")

    def data_received(self, data: bytes) -> None:
        """Take in bytes, of the handshake or of frames."""
        if self._decoder is not None:
            self._take(data)
            return
        self._early += data
        try:
            self._shake()
        except (AccessDeniedError, ForeignServerError) as error:
            self.cut(error.text)

    def resume_writing(self) -> None:
        """The peer reads again: go on with what it asked."""
        self._over_soft_since = None
        self._continue()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._outbox.clear()
        self._undone.clear()
        self._received.clear()
        self._transport = None
        self._reception.departed(self, self._reason or (f"{exc}" if exc is not None else "it closed the connection"))

    @property
    def unread_bytes(self) -> int:
        """What the peer has not read yet, as far as this process knows."""
        transport = self._transport
        return self._outbox_bytes + (transport.get_write_buffer_size() if transport is not None else 0)

    def send(self, frame: object) -> None:
        """Queue a frame; all that is queued in one turn of the loop leaves together.

        Raises:
            WireError: the frame cannot be encoded; nothing is queued.
        """
        if self._is_over():
            return
        unread = self.unread_bytes
        if unread > self._limits.outbox_hard_bytes:
            limit = self._limits.outbox_hard_bytes
            self.say_farewell("UNREAD", f"The client left {unread} bytes unread; a link holds {limit}.")
            return
        data = encode(frame)
        self._outbox.append(data)
        self._outbox_bytes += len(data)
        if not self._is_flush_due:
            self._is_flush_due = True
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Hand over what is queued, and part with a peer that has not read for long."""
        self._is_flush_due = False
        self._write()
        if self._is_over():
            return
        limits = self._limits
        unread, now = self.unread_bytes, self._loop.time()
        if unread <= limits.outbox_soft_bytes:
            self._over_soft_since = None
            self._continue()
        elif self._over_soft_since is None:
            self._over_soft_since = now
        elif now - self._over_soft_since > limits.outbox_soft_s:
            self.say_farewell("UNREAD", f"The client left {unread} bytes unread for {limits.outbox_soft_s:g} s.")

    def say_farewell(self, code: str, text: str) -> None:
        """Send what is queued and the reason, then close."""
        if self._is_over():
            return
        self._reason = self._reason or text
        self._is_saying_farewell = True
        data = encode(Farewell(code, text))
        self._outbox.append(data)
        self._undone.clear()
        self._received.clear()
        self._write()
        if self._transport is not None:
            self._transport.close()
        self._deadline = self._loop.call_later(self._limits.farewell_s, self.cut, text)
        self._reception.parting(self, text)

    def cut(self, reason: str) -> None:
        """End the connection at once; what is queued is lost."""
        if self._transport is not None:
            self._reason = self._reason or reason
            self._transport.abort()

    def _is_over(self) -> bool:
        return self._transport is None or self._is_saying_farewell or self._transport.is_closing()

    def _write(self) -> None:
        if self._transport is not None and self._outbox:
            self._transport.write(b"".join(self._outbox))
        self._outbox.clear()
        self._outbox_bytes = 0

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
        if self._broken is None and not self._is_over():
            self._received += data
            if not self._is_turn_due:
                self._do()

    def _continue(self) -> None:
        """Go on in the loop's next round, if there is anything left to do."""
        if (self._undone or self._received or self._broken is not None) and not self._is_turn_due:
            self._is_turn_due = True
            self._loop.call_soon(self._take_turn)

    def _take_turn(self) -> None:
        self._is_turn_due = False
        self._do()

    def _do(self) -> None:
        """Have what came dealt with, for one turn, and while the peer reads the answers."""
        turn_ends_s = self._loop.time() + TURN_S
        while (self._undone or self._received) and not self._is_over():
            if self.unread_bytes > self._limits.outbox_soft_bytes:
                self._pause()  # until it has read
                return
            if self._loop.time() > turn_ends_s:
                self._pause()
                self._continue()
                return
            if self._undone:
                self._reception.received(self, self._undone.popleft())
            else:
                self._decode()
        if self._is_over() or self._transport is None:
            return
        if self._broken is not None:
            self.say_farewell(self._broken.code, self._broken.text)
        elif not self._transport.is_reading():
            self._transport.resume_reading()

    def _decode(self) -> None:
        assert self._decoder is not None
        piece = bytes(self._received[:PIECE_BYTES])
        del self._received[:PIECE_BYTES]
        try:
            self._undone += self._decoder.feed(piece)
        except WireError as error:
            self._broken = error
            self._received.clear()

    def _pause(self) -> None:
        if self._transport is not None and self._transport.is_reading():
            self._transport.pause_reading()
