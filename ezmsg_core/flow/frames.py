"""The bytes of a data connection after its handshake.

Integers are little-endian, as in the memory that most messages are made of.

From a publisher, a head of 32 bytes: kind u8, codec u8, descriptor length u16, count u32, seq u64, time u64, size u64.

* MESSAGE: `count` buffers, published at `time` (monotonic ns of the publisher's host), a body of `size` bytes. There
  follow the descriptor, the size of each buffer as u64 where there are several, and the body.
* ATTACHED: the subscriber with the number `count` gets the messages from `seq` on.
* DETACHED: the subscriber with the number `count` gets no more messages.
* CLOSING: `seq` messages were published; nothing follows.

From a receiver, a head of 16 bytes: kind u8, flags u8, name length u16, number u32, value u64; then the name.

* ATTACH: a subscriber, with a number of the receiver's choice and its id as name; flag 1: leaky, with `value` as its
  max_queue.
* DETACH: the subscriber with this number goes.
* ACK: `value` is the oldest message that a lossless subscriber still holds; `number` is the one who released last.
"""

import enum
import struct
from collections.abc import Sequence
from typing import NamedTuple

from ezmsg_core.errors import LimitExceededError, WireError
from ezmsg_core.flow.marshal import MAX_BUFFERS, MAX_DESCRIPTOR_BYTES, Buffer, Envelope, lay_out

HEAD = struct.Struct("<BBHIQQQ")
HEAD_BYTES = HEAD.size
UP_HEAD = struct.Struct("<BBHIQ")
UP_HEAD_BYTES = UP_HEAD.size

MAX_NAME_BYTES = 1024  # of a subscriber's id: a topic of at most 512 bytes and a UUID

_IS_LEAKY = 1
_PADDING = bytes(64)


class DownKind(enum.IntEnum):
    """What a publisher sends."""

    MESSAGE = 1
    ATTACHED = 2
    DETACHED = 3
    CLOSING = 4


class UpKind(enum.IntEnum):
    """What a receiver sends."""

    ATTACH = 1
    DETACH = 2
    ACK = 3


class Notice(NamedTuple):
    """A frame from a publisher that is no message."""

    kind: int
    number: int
    seq: int


class UpFrame(NamedTuple):
    """A frame from a receiver."""

    kind: int
    number: int
    value: int
    is_leaky: bool = False
    name: str = ""


def message_pieces(envelope: Envelope, seq: int, publish_ns: int) -> list[Buffer]:
    """A message's frame as pieces to be written one after another; the first is its head."""
    buffers = envelope.buffers
    count = len(buffers)
    descriptor = envelope.descriptor
    head = (
        HEAD.pack(DownKind.MESSAGE, envelope.codec, len(descriptor), count, seq, publish_ns, envelope.size) + descriptor
    )
    if count == 1:
        return [head, buffers[0]]
    sizes = [len(buffer) for buffer in buffers]
    pieces: list[Buffer] = [head + struct.pack(f"<{count}Q", *sizes)]
    end = 0
    for offset, buffer, size in zip(lay_out(sizes)[0], buffers, sizes, strict=True):
        if offset > end:
            pieces.append(_PADDING[: offset - end])
        pieces.append(buffer)
        end = offset + size
    return pieces


def notice(kind: DownKind, *, number: int = 0, seq: int = 0) -> bytes:
    """A frame from a publisher that is no message."""
    return HEAD.pack(kind, 0, 0, number, seq, 0, 0)


def parse_notice(head: bytes) -> Notice:
    """The notice in a head of `HEAD_BYTES` bytes.

    Raises:
        WireError: it is none.
    """
    kind, _, _, number, seq, _, size = HEAD.unpack(head)
    if kind not in (DownKind.ATTACHED, DownKind.DETACHED, DownKind.CLOSING) or size:
        raise WireError(f"A data connection brought a frame of kind {kind} where a notice was due.")
    return Notice(kind, number, seq)


def attach(number: int, subscriber_id: str, *, max_queue: int | None) -> bytes:
    """A subscriber wants the messages from now on; lossless without `max_queue`."""
    name = subscriber_id.encode("utf-8", "surrogatepass")
    flags = 0 if max_queue is None else _IS_LEAKY
    return UP_HEAD.pack(UpKind.ATTACH, flags, len(name), number, max_queue or 0) + name


def detach(number: int) -> bytes:
    """A subscriber goes."""
    return UP_HEAD.pack(UpKind.DETACH, 0, 0, number, 0)


def ack(position: int, number: int) -> bytes:
    """All lossless subscribers have done with the messages before `position`."""
    return UP_HEAD.pack(UpKind.ACK, 0, 0, number, position)


class UpDecoder:
    """Turns what a receiver sends into frames.

    Buffered: up to one frame.
    """

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[UpFrame]:
        """Take in received bytes; return the frames that they complete.

        Raises:
            WireError: the bytes are no frames.
        """
        received = self._rest + chunk if self._rest else chunk
        frames: list[UpFrame] = []
        start = 0
        size = len(received)
        while size - start >= UP_HEAD_BYTES:
            kind, flags, name_size, number, value = UP_HEAD.unpack_from(received, start)
            if kind not in (UpKind.ATTACH, UpKind.DETACH, UpKind.ACK):
                raise WireError(f"A receiver sent a frame of the unknown kind {kind}.")
            _check_size("name", name_size, MAX_NAME_BYTES)
            end = start + UP_HEAD_BYTES + name_size
            if end > size:
                break
            name = received[start + UP_HEAD_BYTES : end].decode("utf-8", "replace") if name_size else ""
            frames.append(UpFrame(kind, number, value, bool(flags & _IS_LEAKY), name))
            start = end
        self._rest = received[start:]
        return frames


def check_message_head(descriptor_size: int, count: int) -> None:
    """Refuse a message head whose variable parts are beyond their limits.

    Raises:
        LimitExceededError: they are.
    """
    _check_size("descriptor", descriptor_size, MAX_DESCRIPTOR_BYTES)
    _check_size("buffers", count, MAX_BUFFERS)


def unpack_sizes(table: bytes | bytearray, count: int, body_size: int) -> Sequence[int]:
    """The sizes of a body's buffers.

    Raises:
        WireError: they do not make up the body.
    """
    sizes: tuple[int, ...] = struct.unpack(f"<{count}Q", table)
    if lay_out(sizes)[1] != body_size:
        raise WireError(f"The {count} buffers of a message do not make up its {body_size} bytes.")
    return sizes


def _check_size(what: str, size: int, limit: int) -> None:
    if size > limit:
        raise LimitExceededError(
            f"A frame on a data connection has a {what} of {size}; at most {limit} are allowed.",
            what=what,
            limit=limit,
            size=size,
        )
