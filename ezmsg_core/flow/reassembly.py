"""Received bytes to whole messages, each in a buffer of its own, with large ones received straight into theirs."""

import sys
from collections import deque

from ezmsg_core.errors import WireError
from ezmsg_core.flow.frames import (
    HEAD,
    HEAD_BYTES,
    DownKind,
    Notice,
    check_message_head,
    unpack_sizes,
)
from ezmsg_core.flow.marshal import MAX_DESCRIPTOR_BYTES
from ezmsg_core.flow.parcel import Parcel

LARGE_BYTES = 1 << 15  # from here on a message is received straight into its own buffer
SCRATCH_BYTES = 1 << 17  # what is received at once; a full window of small messages fits


class BodyPool:
    """Buffers of large messages, used again when nobody refers to them any more.

    Zeroing and faulting in fresh memory costs as much as receiving into it. Kept: the newest buffers within the
    limits; a buffer that somebody still reads is never touched.

    Args:
        max_buffers: most buffers kept.
        max_bytes: most memory kept.
    """

    def __init__(self, *, max_buffers: int = 8, max_bytes: int = 1 << 26) -> None:
        self._max_buffers = max_buffers
        self._max_bytes = max_bytes
        self._buffers: deque[bytearray] = deque()
        self._kept_bytes = 0

    @property
    def kept_bytes(self) -> int:
        """Memory that is kept, in use or not."""
        return self._kept_bytes

    def take(self, size: int) -> bytearray:
        """A buffer of exactly this size with any content."""
        buffers = self._buffers
        for position in range(len(buffers) - 1, -1, -1):
            # 2 references: the deque's and the argument of getrefcount.
            if len(buffers[position]) == size and sys.getrefcount(buffers[position]) == 2:
                return buffers[position]
        fresh = bytearray(size)
        if size <= self._max_bytes:
            buffers.append(fresh)
            self._kept_bytes += size
            while len(buffers) > self._max_buffers or self._kept_bytes > self._max_bytes:
                self._kept_bytes -= len(buffers.popleft())
        return fresh


class Reassembly:
    """Turns the bytes of a publisher's connection into messages and notices.

    Receive into what `space` gives, then say with `received` how many bytes came. Buffered: one large message or
    `SCRATCH_BYTES`. After an error the connection is to be closed.

    Args:
        pool: where buffers of large messages come from.
    """

    def __init__(self, pool: BodyPool | None = None) -> None:
        self._pool = pool or BodyPool()
        self._scratch = bytearray(SCRATCH_BYTES)
        self._view = memoryview(self._scratch)
        self._start = 0  # first byte in the scratch that is not used up
        self._end = 0  # first free byte of the scratch
        self._large: Parcel | None = None
        self._large_rest: memoryview | None = None

    def space(self) -> memoryview:
        """Where the next bytes go; never empty."""
        if self._large_rest is not None:
            return self._large_rest
        return self._view[self._end :]

    def received(self, count: int) -> list[Parcel | Notice]:
        """Bytes came; return what they complete, in order.

        Raises:
            WireError: they are no frames.
        """
        rest = self._large_rest
        if rest is None or self._large is None:
            self._end += count
            return self._parse()
        if count < len(rest):
            self._large_rest = rest[count:]
            return []
        parcel, self._large, self._large_rest = self._large, None, None
        return [parcel]

    def _parse(self) -> list[Parcel | Notice]:
        arrived: list[Parcel | Notice] = []
        scratch, start, end = self._scratch, self._start, self._end
        needed = HEAD_BYTES
        while end - start >= HEAD_BYTES:
            kind, codec, descriptor_size, count, seq, publish_ns, size = HEAD.unpack_from(scratch, start)
            if kind != DownKind.MESSAGE:
                arrived.append(_notice(kind, count, seq, size))
                start += HEAD_BYTES
                continue
            body_at = start + HEAD_BYTES + descriptor_size
            if count != 1 or descriptor_size > MAX_DESCRIPTOR_BYTES:
                check_message_head(descriptor_size, count)
                body_at += 8 * count
            if body_at + size > end and (body_at > end or size < LARGE_BYTES):
                needed = body_at - start + (size if size < LARGE_BYTES else 0)
                break
            descriptor = bytes(scratch[start + HEAD_BYTES : start + HEAD_BYTES + descriptor_size])
            sizes = None if count == 1 else unpack_sizes(scratch[body_at - 8 * count : body_at], count, size)
            start = body_at + size
            if size < LARGE_BYTES:
                body = scratch[body_at:start]
                arrived.append(Parcel(seq, publish_ns, codec, descriptor, sizes, body, size))
                continue
            body = self._pool.take(size)
            parcel = Parcel(seq, publish_ns, codec, descriptor, sizes, body, size)
            if start <= end:
                body[:] = self._view[body_at:start]
                arrived.append(parcel)
                continue
            self._begin_large(parcel, body, self._view[body_at:end])
            start = end
            break
        self._make_room(start, needed)
        return arrived

    def _begin_large(self, parcel: Parcel, body: bytearray, begun: memoryview) -> None:
        view = memoryview(body)
        view[: len(begun)] = begun
        self._large = parcel
        self._large_rest = view[len(begun) :]

    def _make_room(self, start: int, needed: int) -> None:
        """Keep what is not used up at the beginning of a scratch that the next frame fits into."""
        end = self._end
        if start == end:
            self._start = self._end = 0
            if len(self._scratch) > SCRATCH_BYTES:
                self._replace_scratch(SCRATCH_BYTES)
            return
        if start + needed > len(self._scratch) or start > len(self._scratch) // 2:
            unused = self._scratch[start:end]
            if needed > len(self._scratch):
                self._replace_scratch(needed + SCRATCH_BYTES)
            self._scratch[: len(unused)] = unused
            start, end = 0, len(unused)
        self._start, self._end = start, end

    def _replace_scratch(self, size: int) -> None:
        self._scratch = bytearray(size)
        self._view = memoryview(self._scratch)


def _notice(kind: int, number: int, seq: int, size: int) -> Notice:
    if kind not in (DownKind.ATTACHED, DownKind.DETACHED, DownKind.CLOSING) or size:
        raise WireError(f"A publisher sent a frame of the unknown kind {kind}.")
    return Notice(kind, number, seq)
