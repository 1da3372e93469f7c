"""Frames to bytes and back, within limits.

The stream is a sequence of MessagePack objects. Received bytes are framed and bounded by `msgpack.Unpacker`, which
skips over each object; only one that is whole, and within the limits of its length and depth, is given types, strictly.
"""

from typing import Any, Generic, Protocol, TypeVar, cast

import msgpack  # pyright: ignore[reportMissingTypeStubs]
import msgspec

from ezmsg_core.errors import LimitExceededError, WireError

F = TypeVar("F")

MAX_DEPTH = 32  # levels in a frame; the deepest frame of the protocol itself, a nested schema, has 12
MAX_CHUNK_BYTES = 1 << 16  # most bytes to feed at once, so that the buffer is bounded by a frame and a chunk


class _Unpacker(Protocol):
    """What is used of `msgpack.Unpacker`."""

    def feed(self, chunk: memoryview) -> None: ...
    def tell(self) -> int: ...
    def skip(self) -> None: ...


_encoder = msgspec.msgpack.Encoder()
_any_decoder = msgspec.msgpack.Decoder()


def encode(value: object) -> bytes:
    """The value as one MessagePack object.

    Raises:
        WireError: some part cannot be encoded, such as a text with lone surrogates.
    """
    try:
        return _encoder.encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise WireError(f"A {type(value).__name__} cannot be sent: {error}.") from error


class FrameDecoder(Generic[F]):
    """Turns received bytes into typed frames, one after another.

    Buffered: up to one frame and one chunk. After an error the decoder refuses everything.

    Args:
        frame_type: the union of frames that may come.
        max_frame_bytes: longest frame.
        is_depth_checked: False for what comes from a server, which has checked the depth of all that it hands on.
    """

    def __init__(self, frame_type: Any, *, max_frame_bytes: int, is_depth_checked: bool = True) -> None:
        self._decoder: msgspec.msgpack.Decoder[F] = msgspec.msgpack.Decoder(frame_type, strict=True)
        self._max_frame_bytes = max_frame_bytes
        self._is_depth_checked = is_depth_checked
        self._kept = bytearray()  # of a frame that is not complete
        self._consumed = 0
        self._is_broken = False
        self._unpacker = cast(
            "_Unpacker", cast("Any", msgpack).Unpacker(max_buffer_size=max_frame_bytes + MAX_CHUNK_BYTES)
        )

    @property
    def max_frame_bytes(self) -> int:
        """Longest frame that is accepted."""
        return self._max_frame_bytes

    def feed(self, chunk: bytes | bytearray | memoryview) -> list[F]:
        """Take in received bytes; return the frames that they complete.

        Raises:
            LimitExceededError: a frame is longer or deeper than allowed.
            WireError: the bytes are not MessagePack, or not a frame of the direction.
        """
        if self._is_broken:
            raise WireError("The stream was broken before; nothing more is read from it.")
        frames: list[F] = []
        view = memoryview(chunk)
        try:
            for start in range(0, len(view), MAX_CHUNK_BYTES):
                self._feed_chunk(view[start : start + MAX_CHUNK_BYTES], frames)
        except WireError:
            self._is_broken = True
            raise
        return frames

    def _feed_chunk(self, chunk: memoryview, frames: list[F]) -> None:
        sizes = self._complete(chunk)
        self._kept += chunk
        start = 0
        with memoryview(self._kept) as kept:
            for size in sizes:
                frames.append(self._typed(kept[start : start + size]))
                start += size
        del self._kept[:start]

    def _complete(self, chunk: memoryview) -> list[int]:
        """Lengths of the objects that the chunk completes."""
        sizes: list[int] = []
        try:
            self._unpacker.feed(chunk)
            while True:
                self._unpacker.skip()
                end = self._unpacker.tell()
                sizes.append(end - self._consumed)
                self._consumed = end
        except msgpack.OutOfData:
            pass
        except msgpack.BufferFull as error:
            raise self._too_long(self._max_frame_bytes + MAX_CHUNK_BYTES) from error
        except (ValueError, msgpack.UnpackException) as error:
            raise _malformed(error) from error
        return sizes

    def _typed(self, data: memoryview) -> F:
        if len(data) > self._max_frame_bytes:
            raise self._too_long(len(data))
        try:
            if self._is_depth_checked:
                check_depth(_any_decoder.decode(data))
            return self._decoder.decode(data)
        except msgspec.ValidationError as error:
            raise WireError(f"A received object is not a frame of the protocol: {error}.") from error
        except (ValueError, RecursionError, TypeError, OverflowError, msgspec.MsgspecError) as error:
            raise _malformed(error) from error

    def _too_long(self, size: int) -> LimitExceededError:
        return LimitExceededError(
            f"A frame is longer than {self._max_frame_bytes} bytes, the limit of this link.",
            what="frame",
            limit=self._max_frame_bytes,
            size=size,
        )


def _malformed(error: Exception) -> WireError:
    return WireError(f"Received bytes are not MessagePack ({type(error).__name__}).")


def check_depth(value: object, limit: int = MAX_DEPTH) -> None:
    """Refuse data that is nested deeper than the limit.

    Raises:
        LimitExceededError: it is.
    """
    level: list[object] = [value]
    for _ in range(limit + 1):
        deeper: list[object] = []
        for item in level:
            if isinstance(item, dict):
                deeper += [inner for inner in cast("dict[str, object]", item).values() if _is_container(inner)]
            elif isinstance(item, list):
                deeper += [inner for inner in cast("list[object]", item) if _is_container(inner)]
        if not deeper:
            return
        level = deeper
    raise LimitExceededError(
        f"A frame is nested deeper than {limit} levels.", what="depth", limit=limit, size=limit + 1
    )


def _is_container(value: object) -> bool:
    return isinstance(value, (dict, list))
