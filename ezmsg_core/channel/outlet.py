"""The publisher's end of a channel to another process: what is on its way there, and what has come back."""

from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from ezmsg_core.channel.socket_end import MAX_PIECES, Buffer, SocketEnd
from ezmsg_core.errors import WireError
from ezmsg_core.flow import frames
from ezmsg_core.flow.frames import DownKind, UpDecoder, UpFrame, UpKind
from ezmsg_core.flow.window import Tail

SMALL_BYTES = 1 << 15  # messages up to here are joined into one piece, and gathered within a turn of the loop
_STAGED_BYTES = 1 << 16  # staged messages beyond this are written without waiting for the end of the turn
_BATCH_BYTES = 1 << 20  # of one write
_IDLE_NS = 50_000  # a stream that was silent for so long writes at once; a busy one gathers
_UP_BYTES = 1 << 14  # of acknowledgements read at once: hundreds


class Frame:
    """A frame that is too large to be joined, shared by the outlets of a publisher.

    Its pieces are borrowed from the message until `own` copies them.
    """

    __slots__ = ("_is_owned", "pieces", "size")

    def __init__(self, pieces: list[Buffer], size: int) -> None:
        self.pieces = pieces
        self.size = size
        self._is_owned = False
        if len(pieces) > MAX_PIECES // 2:
            self.own()

    def own(self) -> None:
        """Copy what is borrowed, once."""
        if not self._is_owned:
            self.pieces = [b"".join(self.pieces)]
            self._is_owned = True


class _Notice(bytes):
    """A frame that is no message, and is never dropped."""


class Receiver(NamedTuple):
    """A subscriber at the other end."""

    endpoint_id: str
    max_queue: int | None  # of a leaky one


class Owner(Protocol):
    """The publisher, as its outlets see it; every method takes the publisher's lock itself."""

    @property
    def lock(self) -> AbstractContextManager[object]:
        """Held during everything that changes an outlet."""
        ...

    def outlet_attached(self, outlet: "Outlet", number: int, receiver: Receiver) -> None:
        """A subscriber attaches."""
        ...

    def outlet_detached(self, outlet: "Outlet", number: int) -> None:
        """A subscriber leaves."""
        ...

    def outlet_acknowledged(self, outlet: "Outlet", position: int, number: int) -> None:
        """All lossless subscribers have done with the messages before a position."""
        ...

    def outlet_lost(self, outlet: "Outlet", reason: str) -> None:
        """The other process is gone."""
        ...


class Outlet:
    """One receiving process of a publisher.

    Buffered: messages within the publisher's window; with leaky subscribers alone, as many as the largest of their
    queues, then the oldest is dropped: a stopped viewer holds nobody up. Order is kept. Everything but the reading
    of acknowledgements happens under the publisher's lock, from any thread. When the other process goes, its slots
    are free at once.

    Args:
        end: the connection, its handshake done.
        owner: the publisher.
    """

    def __init__(self, end: SocketEnd, owner: Owner) -> None:
        self.end = end
        self.receivers: dict[int, Receiver] = {}
        self.tail: Tail | None = None  # while a lossless subscriber is attached
        self.last_released_by = ""
        self.dropped_total = 0  # messages that were never sent
        self._owner = owner
        self._decoder = UpDecoder()
        self._queue: deque[bytes | Frame] = deque()
        self._notices = 0  # entries of the queue that are no messages
        self._sent = 0  # bytes of the first entry that are written
        self._staged_bytes = 0
        self._written_ns = 0
        self._is_full = False
        self._is_flush_due = False
        self._max_waiting: int | None = None  # entries kept while nothing can be written; None: all
        self._is_lost = False

    def start(self) -> None:
        """Begin to read acknowledgements."""
        self.end.start(self._readable, self._writable)

    @property
    def holder_id(self) -> str:
        """The subscriber that holds the publisher up, as far as this side can know."""
        lossless = [receiver.endpoint_id for receiver in self.receivers.values() if receiver.max_queue is None]
        if self.last_released_by in lossless or not lossless:
            return self.last_released_by
        return lossless[0]

    def put(self, entry: bytes | Frame, size: int, now_ns: int, *, is_home: bool) -> bool:
        """Send a message, at once or soon; whether something of it waits here still.

        Args:
            entry: the frame.
            size: its bytes.
            now_ns: monotonic.
            is_home: called on the loop that reads the acknowledgements.
        """
        self._queue.append(entry)
        if self._is_full:
            if self._max_waiting is not None:
                self._drop_old()
            return True
        self._staged_bytes += size
        if is_home and self._staged_bytes < _STAGED_BYTES and now_ns - self._written_ns < _IDLE_NS:
            if not self._is_flush_due:
                self._is_flush_due = True
                self.end.loop.call_soon(self._flush_staged)
            return True
        self._written_ns = now_ns
        self._flush()
        return bool(self._queue)

    def notify(self, kind: DownKind, *, number: int = 0, seq: int = 0) -> None:
        """Send a notice behind everything that was put."""
        self._queue.append(_Notice(frames.notice(kind, number=number, seq=seq)))
        self._notices += 1
        if not self._is_full:
            self._flush()

    def review(self) -> None:
        """The receivers have changed: decide anew how many messages may wait."""
        if self.tail is not None or not self.receivers:
            self._max_waiting = None
        else:
            self._max_waiting = max(receiver.max_queue or 1 for receiver in self.receivers.values())

    def close(self) -> None:
        """End the connection and give up what was not sent."""
        self._is_lost = True
        self._clear()
        self.end.close()

    def _drop_old(self) -> None:
        queue = self._queue
        position = 1 if self._sent else 0  # what is begun is finished
        begun_notices = 1 if self._sent and type(queue[0]) is _Notice else 0
        excess = len(queue) - position - (self._notices - begun_notices) - (self._max_waiting or 0)
        while excess > 0:
            if type(queue[position]) is _Notice:
                position += 1
                continue
            del queue[position]
            self.dropped_total += 1
            excess -= 1

    def _flush_staged(self) -> None:
        with self._owner.lock:
            self._is_flush_due = False
            if not self._is_full:
                self._flush()

    def _flush(self) -> None:
        queue = self._queue
        self._staged_bytes = 0
        try:
            while queue:
                pieces, size = self._gather(queue)
                written = self.end.write(pieces, size)
                self._sent += written
                while queue and self._sent >= (first := _size(queue[0])):
                    self._sent -= first
                    self._notices -= type(queue.popleft()) is _Notice
                if written < size:
                    self._is_full = True
                    self.end.await_room()
                    if self._max_waiting is not None:
                        self._drop_old()
                    return
        except OSError:
            self._clear()  # the reading side finds out why, and tells

    def _gather(self, queue: Iterable[bytes | Frame]) -> tuple[list[Buffer], int]:
        pieces: list[Buffer] = []
        size = 0
        skip = self._sent
        for entry in queue:
            parts: Sequence[Buffer] = [entry] if isinstance(entry, bytes) else entry.pieces
            if size and (len(pieces) + len(parts) > MAX_PIECES or size > _BATCH_BYTES):
                break
            for part in parts:
                length = len(part)
                if skip >= length:
                    skip -= length
                    continue
                pieces.append(memoryview(part)[skip:] if skip else part)
                size += length - skip
                skip = 0
        return pieces, size

    def _writable(self) -> None:
        with self._owner.lock:
            self._is_full = False
            if not self._is_lost:
                self._flush()

    def _readable(self) -> None:
        chunk = bytearray(_UP_BYTES)
        try:
            count = self.end.read_into(memoryview(chunk))
            if count < 0:
                return
            if count == 0:
                self._owner.outlet_lost(self, "the receiving process closed the connection")
                return
            for frame in self._decoder.feed(bytes(chunk[:count])):
                self._take(frame)
        except (OSError, WireError) as error:
            self._owner.outlet_lost(self, str(error))

    def _take(self, frame: UpFrame) -> None:
        if frame.kind == UpKind.ACK:
            self._owner.outlet_acknowledged(self, frame.value, frame.number)
        elif frame.kind == UpKind.ATTACH:
            max_queue = max(1, frame.value) if frame.is_leaky else None
            self._owner.outlet_attached(self, frame.number, Receiver(frame.name, max_queue))
        else:
            self._owner.outlet_detached(self, frame.number)

    def _clear(self) -> None:
        self._queue.clear()
        self._sent = self._notices = 0


def _size(entry: bytes | Frame) -> int:
    return len(entry) if isinstance(entry, bytes) else entry.size
