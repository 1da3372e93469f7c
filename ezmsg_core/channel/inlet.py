"""The receiving process's end of a channel: bytes in, messages out to the subscribers here, acknowledgements back."""

import asyncio
import threading
from collections.abc import Callable

from ezmsg_core.channel.inbox import Inbox
from ezmsg_core.channel.socket_end import SocketEnd
from ezmsg_core.errors import WireError
from ezmsg_core.flow import frames
from ezmsg_core.flow.frames import DownKind, Notice
from ezmsg_core.flow.parcel import Parcel
from ezmsg_core.flow.path import Way
from ezmsg_core.flow.reassembly import Reassembly
from ezmsg_core.flow.window import Tail
from ezmsg_core.model.profiles import ProfileChannelType
from ezmsg_core.telemetry.meters import SubscriberMeter

_READS_PER_TURN = 8  # of the loop: a fast publisher must not keep the others waiting
_ACK_NS = 200_000  # an acknowledgement does not wait longer for company, even where the loop is kept busy
_MAX_UP_BYTES = 1 << 16  # of attach and detach frames that wait for a publisher who does not read


class InletSource:
    """The channel as one of its subscribers sees it."""

    __slots__ = (
        "ack_since_ns",
        "first_seq",
        "inbox",
        "inlet",
        "is_ack_due",
        "is_detached",
        "is_void",
        "loop",
        "meter",
        "number",
        "on_ended",
        "path",
        "subscriber_id",
        "tail",
    )

    is_local = False

    def __init__(
        self,
        inlet: "Inlet",
        number: int,
        *,
        subscriber_id: str,
        inbox: Inbox,
        meter: SubscriberMeter,
        loop: asyncio.AbstractEventLoop,
        on_ended: Callable[[str], None],
    ) -> None:
        self.inlet = inlet
        self.path: ProfileChannelType = inlet.way.path
        self.number = number
        self.subscriber_id = subscriber_id
        self.inbox = inbox
        self.meter = meter
        self.loop = loop
        self.on_ended = on_ended
        self.first_seq = 0
        self.tail: Tail | None = None  # of a lossless subscriber, once attached
        self.is_void = False
        self.is_detached = False  # and the publisher has said so
        self.is_ack_due = False  # at the end of the loop's turn
        self.ack_since_ns = 0

    @property
    def publisher_id(self) -> str:
        """Whose messages these are."""
        return self.inlet.publisher_id

    @property
    def account(self) -> "Inlet":
        """What acknowledges."""
        return self.inlet

    def released(self, now_ns: int) -> None:
        """The tail has moved. On the subscriber's loop."""
        self.inlet.released(self, now_ns)


class Inlet:
    """One publisher's messages as they come into this process.

    Every message is received once and shared by the subscribers here. Read on one loop, which may be changed;
    subscribers may live on others. Acknowledged is what every lossless subscriber has released: once a turn of the
    releasing loop, sooner when half the window or some time has passed. When the publisher goes, what has
    arrived stays readable.

    Args:
        publisher_id: whose messages.
        way: by which the connection was made.
        num_buffers: the publisher's window.
        end: the connection, its handshake done.
        on_ended: called once, on any thread, when the channel has ended.
    """

    def __init__(
        self, publisher_id: str, way: Way, num_buffers: int, end: SocketEnd, on_ended: Callable[["Inlet"], None]
    ) -> None:
        self.publisher_id = publisher_id
        self.way = way
        self.end = end
        self.is_awaited = True  # by a publisher who waits for acknowledgements
        self.is_ended = False
        self.sources: tuple[InletSource, ...] = ()  # attached ones
        self._on_ended = on_ended
        self._awaited: dict[tuple[DownKind, int], tuple[InletSource, Callable[[], None]]] = {}
        self._reassembly = Reassembly()
        self._next_seq = 0
        self._next_number = 0
        self._lock = threading.RLock()  # of everything that is written
        self._unwritten = bytearray()
        self._is_full = False
        self._ack_batch = max(1, num_buffers // 2)
        self._acknowledged = 0
        self._released_by = 0

    def start(self) -> None:
        """Begin to read."""
        self.end.start(self._readable, self._writable)

    @property
    def next_seq(self) -> int:
        """The first message that has not arrived."""
        return self._next_seq

    @property
    def is_unused(self) -> bool:
        """Whether nobody here is attached, or about to be."""
        return not self.sources and not self._awaited

    def new_source(
        self,
        *,
        subscriber_id: str,
        inbox: Inbox,
        meter: SubscriberMeter,
        loop: asyncio.AbstractEventLoop,
        on_ended: Callable[[str], None],
    ) -> InletSource:
        """A subscriber that is about to attach.

        Args:
            subscriber_id: its id.
            inbox: where its messages go.
            meter: where those are counted that never come.
            loop: where it reads.
            on_ended: called once, on any thread, when the channel ends, with the reason; empty if the publisher
                closed in good order.
        """
        self._next_number += 1
        return InletSource(
            self,
            self._next_number,
            subscriber_id=subscriber_id,
            inbox=inbox,
            meter=meter,
            loop=loop,
            on_ended=on_ended,
        )

    def begin(self, source: InletSource, first_seq: int) -> None:
        """The first subscriber is attached: its messages begin with this one. Before `start`."""
        self._next_seq = self._acknowledged = first_seq
        self._add(source, first_seq)

    def attach(self, source: InletSource, on_done: Callable[[], None]) -> None:
        """Attach another subscriber.

        Args:
            source: made by `new_source`.
            on_done: called on the reading loop when it is attached, or when the channel has ended.
        """
        frame = frames.attach(source.number, source.subscriber_id, max_queue=source.inbox.max_queue)
        self._ask(DownKind.ATTACHED, source, frame, on_done)

    def detach(self, source: InletSource, on_done: Callable[[], None]) -> None:
        """Detach a subscriber; afterwards nothing more comes for it.

        Args:
            source: one that is or was attached.
            on_done: called when it is detached, or when the channel has ended; on the reading loop, or at once.
        """
        if source.is_detached:
            on_done()
        else:
            self._ask(DownKind.DETACHED, source, frames.detach(source.number), on_done)

    def discard(self, source: InletSource) -> None:
        """Give a subscriber nothing more, without the publisher's notice."""
        with self._lock:
            self.sources = tuple(other for other in self.sources if other is not source)
        self._acknowledge()

    def released(self, source: InletSource, now_ns: int) -> None:
        """A subscriber released something. On its loop."""
        floor = self._floor()
        if floor <= self._acknowledged:
            return
        self._released_by = source.number
        if not source.is_ack_due:
            source.is_ack_due = True
            source.ack_since_ns = now_ns
            source.loop.call_soon(self._acknowledge_due, source)
        if floor - self._acknowledged >= self._ack_batch or now_ns - source.ack_since_ns > _ACK_NS:
            self._acknowledge()

    def close(self) -> None:
        """End the connection. Any thread."""
        self._end("closed here")

    def _floor(self) -> int:
        sources = self.sources
        if len(sources) == 1:
            tail = sources[0].tail
            return self._next_seq if tail is None else tail.position
        return min((source.tail.position for source in sources if source.tail is not None), default=self._next_seq)

    def _acknowledge_due(self, source: InletSource) -> None:
        source.is_ack_due = False
        self._acknowledge()

    def _acknowledge(self) -> None:
        with self._lock:
            if self._is_full:
                return  # as soon as there is room, the newest goes
            floor = self._floor()
            if floor > self._acknowledged:
                self._acknowledged = floor
                self._write(frames.ack(floor, self._released_by))

    def _ask(self, answer: DownKind, source: InletSource, frame: bytes, on_done: Callable[[], None]) -> None:
        with self._lock:
            if not self.is_ended and len(self._unwritten) < _MAX_UP_BYTES:
                self._awaited[answer, source.number] = (source, on_done)
                self._write(frame)
                return
        on_done()

    def _write(self, frame: bytes) -> None:
        self._unwritten += frame
        if self._is_full:
            return
        try:
            written = self.end.write([bytes(self._unwritten)], len(self._unwritten))
        except OSError:
            written = len(self._unwritten)  # the reading side finds out why
        del self._unwritten[:written]
        if self._unwritten:
            self._is_full = True
            self.end.await_room()

    def _writable(self) -> None:
        with self._lock:
            self._is_full = False
            self._write(b"")
        self._acknowledge()

    def _readable(self) -> None:
        try:
            for _ in range(_READS_PER_TURN):
                count = self.end.read_into(self._reassembly.space())
                if count < 0:
                    return
                if count == 0:
                    self._end("the publisher's process closed the connection")
                    return
                for arrived in self._reassembly.received(count):
                    if isinstance(arrived, Parcel):
                        self._deliver(arrived)
                    else:
                        self._noticed(arrived)
                if self.is_ended:
                    return
        except (OSError, WireError, MemoryError, OverflowError) as error:
            self._end(f"{type(error).__name__}: {error}")

    def _deliver(self, parcel: Parcel) -> None:
        seq = parcel.seq
        if seq != self._next_seq:
            self._skip_to(seq)
        self._next_seq = seq + 1
        sources = self.sources
        parcel.readers = len(sources)
        for source in sources:
            source.inbox.put((source, seq, parcel))

    def _skip_to(self, seq: int) -> None:
        """Messages were let go by the publisher, which it does for leaky subscribers alone."""
        missed = seq - self._next_seq
        if missed < 0:
            raise WireError(f"Message {seq} of {self.publisher_id} came a second time.")
        self._next_seq = seq
        for source in self.sources:
            source.meter.missed_total += missed

    def _noticed(self, notice: Notice) -> None:
        if notice.kind == DownKind.CLOSING:
            self._end("")
            return
        kind = DownKind(notice.kind)
        with self._lock:
            source, on_done = self._awaited.pop((kind, notice.number), (None, _nothing))
            if source is not None and kind is DownKind.ATTACHED:
                self._skip_to(notice.seq)
                self._add(source, notice.seq)
            elif source is not None:
                source.is_detached = True
                self.discard(source)
        on_done()

    def _add(self, source: InletSource, first_seq: int) -> None:
        source.first_seq = first_seq
        if source.inbox.max_queue is None:
            source.tail = Tail(first_seq)
        self.sources = (*self.sources, source)

    def _end(self, reason: str) -> None:
        with self._lock:
            if self.is_ended:
                return
            self.is_ended = True
            self.is_awaited = False
            awaited = list(self._awaited.values())
            self._awaited.clear()
        self.end.close()
        for _, on_done in awaited:
            on_done()
        for source in self.sources:
            source.on_ended(reason)
        self._on_ended(self)


def _nothing() -> None:
    pass
