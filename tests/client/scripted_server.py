"""A server that shakes hands as servers do, and then says what a test wants."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from ezmsg_core.model.roles import Role
from ezmsg_core.wire.codec import FrameDecoder, encode
from ezmsg_core.wire.frames import Ask, ClientFrame, ServerFrame, Welcome
from ezmsg_core.wire.handshake import HELLO_BYTES, NONCE_BYTES, PROOF_BYTES, ServerHandshake
from tests.client.listener import Listener

Reply = Callable[[Ask], list[ServerFrame]]


class ScriptedServer(Listener):
    """Takes one connection; answers each command with the frames that `reply` gives, in one piece.

    Args:
        reply: called with each command, in order.
        heartbeat_s: that it asks for; it never gives a sign of life itself.
        path: of a Unix socket; TCP without one.
    """

    def __init__(self, reply: Reply, *, heartbeat_s: float = 60.0, path: Path | None = None) -> None:
        super().__init__(self._say, path)
        self.asked: list[Ask] = []
        self._reply = reply
        self._heartbeat_s = heartbeat_s
        self.server_entry = self.entry()
        self._handshake = ServerHandshake(self.server_entry.keys, b"\x01" * NONCE_BYTES)
        self._is_welcome = False

    def _say(self, heard: bytes) -> bytes:
        if len(heard) < HELLO_BYTES:
            return b""
        if len(heard) == HELLO_BYTES:
            return self._handshake.challenge(heard)[0]
        decoder: FrameDecoder[ClientFrame] = FrameDecoder(ClientFrame, max_frame_bytes=1 << 20)
        asks = [f for f in decoder.feed(heard[HELLO_BYTES + PROOF_BYTES :]) if isinstance(f, Ask)]
        said: list[ServerFrame] = []
        if not self._is_welcome:
            self._is_welcome = True
            said.append(Welcome(UUID(int=7), "graph", "epoch", 1, "host", str(Role.OBSERVE), self._heartbeat_s))
        for ask in asks[len(self.asked) :]:
            self.asked.append(ask)
            said += self._reply(ask)
        return b"".join(encode(frame) for frame in said)
