"""A publisher's messages to everybody who gets them, with its window kept: the thread-safe heart of a publisher."""

import asyncio
import threading
import time
from collections.abc import Callable

from ezmsg_core.channel.crossing import running_loop
from ezmsg_core.channel.inbox import Inbox
from ezmsg_core.channel.outlet import SMALL_BYTES, Frame, Outlet, Receiver
from ezmsg_core.channel.parking import Parking
from ezmsg_core.flow.frames import DownKind, message_pieces
from ezmsg_core.flow.marshal import Envelope
from ezmsg_core.flow.window import Tail, Window
from ezmsg_core.model.profiles import ProfileChannelType, PublisherCounters
from ezmsg_core.telemetry.meters import PublisherMeter


class LocalSource:
    """A publisher as seen by a subscriber of the same process."""

    __slots__ = ("account", "append", "inbox", "is_void", "spots", "subscriber_id", "tail")

    is_local = True
    path = ProfileChannelType.LOCAL

    def __init__(self, account: "Dispatch", subscriber_id: str, inbox: Inbox) -> None:
        self.account = account
        self.subscriber_id = subscriber_id
        self.inbox = inbox
        self.append = inbox.append
        self.spots = inbox.spots
        self.tail: Tail | None = None  # of a lossless subscriber
        self.is_void = False

    @property
    def publisher_id(self) -> str:
        """Whose messages these are."""
        return self.account.endpoint_id

    def released(self, now_ns: int) -> None:
        """The tail has moved while the publisher waits. On the subscriber's loop."""
        self.account.tail_moved(self, self.subscriber_id, now_ns)

    def leave(self) -> bool:
        """Get nothing more; whether the publisher is still there. Any thread."""
        return self.account.leave_local(self)

    @property
    def holder_id(self) -> str:
        """Who holds the publisher up when this one does."""
        return self.subscriber_id


class Dispatch:
    """Numbers messages and hands them to the subscribers of this process and to the outlets of others.

    Thread-safe. Order: every receiver gets the messages in the order of their numbers, each once. A message is
    given to all or, while it must wait, to nobody.

    Args:
        endpoint_id: of the publisher.
        topic: what it publishes to.
        num_buffers: size of the window.
        is_paused: begin without publishing.
        loop: where acknowledgements are read.
    """

    def __init__(
        self, endpoint_id: str, topic: str, num_buffers: int, *, is_paused: bool, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.endpoint_id = endpoint_id
        self.topic = topic
        self.lock = threading.RLock()  # code of a message's class may run while it is held
        self.loop = loop
        self.outlets: tuple[Outlet, ...] = ()  # read without the lock to know whether an envelope is needed
        self.is_awaited = False  # somebody waits for a tail to move; read without the lock
        self.is_closed = False
        self.is_paused = is_paused
        self._is_shut = is_paused
        self._window: Window[LocalSource | Outlet] = Window(num_buffers)
        self._sources: tuple[LocalSource, ...] = ()
        self._room = Parking()  # messages that wait
        self._quiet = Parking()  # who waits for nothing to be in flight
        self._meter = PublisherMeter()
        self._blocker: LocalSource | Outlet | None = None  # whom the wait that goes on is charged to
        self._on_outlets_gone: Callable[[], None] | None = None

    def offer(self, message: object, envelope: Envelope | None) -> bool:
        """Publish a message if that is possible now; whether it was.

        It is not while the publisher is closed, paused or without room in its window, nor if the message has no
        envelope and is to leave the process.

        Args:
            message: the object for subscribers here.
            envelope: the same for those elsewhere; needed only if `outlets` is not empty.
        """
        lock = self.lock
        lock.acquire()  # half the price of a `with` statement
        try:
            window = self._window
            seq = window.head
            if self._is_shut or (seq >= window.limit and not window.refresh()):
                return False
            outlets = self.outlets
            if outlets:
                if envelope is None:
                    return False
                self._send(envelope, seq, outlets)
            window.head = seq + 1
            for source in self._sources:
                source.append((source, seq, message))
                if source.spots:
                    source.inbox.parking.wake_one()
        finally:
            lock.release()
        return True

    def blocker_id(self) -> str | None:
        """The subscriber that holds a new message up, for want of room; None: something else does, or nothing."""
        with self.lock:
            if self._is_shut or self._window.refresh() or (holder := self._window.holder()) is None:
                return None
            self._meter.waits.count += 1
            return holder.holder_id

    def waited(self, blocker_id: str, elapsed_ns: int) -> None:
        """A message was held up by a subscriber for a turn of the loop."""
        with self.lock:
            self._meter.waits.add(blocker_id, elapsed_ns)

    async def wait_for_room(self) -> None:
        """Wait until a message may be published, or may never be; others may be faster."""
        spot = self._room.take_spot()
        with self.lock:
            self.is_awaited = True
            if self.is_paused and not self.is_closed:
                is_over = False
            else:
                is_over = self.is_closed or not self._has_to_wait(time.monotonic_ns())
        if is_over:
            self._room.leave(spot)
            return
        await self._room.stay(spot)

    def after_wait(self) -> None:
        """A message that waited was published or given up: let the next one try."""
        with self.lock:
            self._review(time.monotonic_ns())

    async def wait_until_quiet(self) -> None:
        """Wait until no lossless subscriber holds a message."""
        while True:
            spot = self._quiet.take_spot()
            with self.lock:
                self.is_awaited = True
                is_quiet = self._window.in_flight() == 0
            if is_quiet:
                self._quiet.leave(spot)
                return
            await self._quiet.stay(spot)

    def awaited_outlets(self) -> list[Outlet]:
        """Processes that hold messages while somebody waits for room or quiet. Any thread."""
        if not self.is_awaited:
            return []
        with self.lock:
            if self.is_paused and not self._quiet.spots:
                return []
            head = self._window.head
            return [outlet for outlet in self.outlets if outlet.tail is not None and outlet.tail.position < head]

    def tail_moved(self, holder: LocalSource | Outlet, released_by: str, now_ns: int) -> None:
        """A subscriber released something. Any thread.

        Args:
            holder: whose tail moved.
            released_by: the subscriber that did it.
            now_ns: monotonic.
        """
        with self.lock:
            if holder is self._blocker:
                self._blocker = self._window.holder()
                if self._blocker is None:
                    self._meter.waits.end(now_ns, released_by=released_by)
                else:
                    self._meter.waits.shift(released_by, self._blocker.holder_id, now_ns)
            self._review(now_ns)

    def pause(self) -> None:
        """Let no message through until `resume`."""
        with self.lock:
            self.is_paused = self._is_shut = True
            self._meter.waits.end(time.monotonic_ns())

    def resume(self) -> None:
        """Let messages through again."""
        with self.lock:
            self.is_paused = False
            self._is_shut = self.is_closed
            self._room.wake_all()

    def join_local(self, subscriber_id: str, inbox: Inbox) -> LocalSource | None:
        """A subscriber of this process, who gets everything from the next message on; None: too late."""
        with self.lock:
            if self.is_closed:
                return None
            source = LocalSource(self, subscriber_id, inbox)
            if inbox.max_queue is None:
                source.tail = self._window.join(source)
            self._sources = (*self._sources, source)
            return source

    def leave_local(self, source: LocalSource) -> bool:
        """A subscriber of this process goes; its slots are free at once. Whether the publisher is still there."""
        with self.lock:
            self._sources = tuple(other for other in self._sources if other is not source)
            self._left(source, source.subscriber_id)
            return not self.is_closed

    def join_outlet(self, outlet: Outlet, number: int, receiver: Receiver) -> bool:
        """Another process with its first subscriber, who gets everything from the next message on; False: too late."""
        with self.lock:
            if self.is_closed:
                return False
            self.outlets = (*self.outlets, outlet)
            self.outlet_attached(outlet, number, receiver)
            return True

    def outlet_attached(self, outlet: Outlet, number: int, receiver: Receiver) -> None:
        """A subscriber of another process attaches to its channel."""
        with self.lock:
            if self.is_closed or outlet not in self.outlets:
                return
            outlet.receivers[number] = receiver
            if receiver.max_queue is None and outlet.tail is None:
                outlet.tail = self._window.join(outlet)
            outlet.review()
            outlet.notify(DownKind.ATTACHED, number=number, seq=self._window.head)

    def outlet_detached(self, outlet: Outlet, number: int) -> None:
        """A subscriber of another process leaves its channel."""
        with self.lock:
            receiver = outlet.receivers.pop(number, None)
            if receiver is None:
                return
            if outlet.tail is not None and all(r.max_queue is not None for r in outlet.receivers.values()):
                outlet.tail = None
                self._left(outlet, receiver.endpoint_id)
            outlet.review()
            outlet.notify(DownKind.DETACHED, number=number)

    def outlet_acknowledged(self, outlet: Outlet, position: int, number: int) -> None:
        """Another process has done with the messages before a position."""
        with self.lock:
            if position > self._window.head:
                self.outlet_lost(outlet, "it acknowledged messages that were never sent")
                return
            receiver = outlet.receivers.get(number)
            if receiver is not None:
                outlet.last_released_by = receiver.endpoint_id
            tail = outlet.tail
            if tail is not None and position > tail.position:
                tail.position = position
                if self.is_awaited:
                    self.tail_moved(outlet, outlet.last_released_by, time.monotonic_ns())

    def outlet_lost(self, outlet: Outlet, reason: str) -> None:
        """Another process is gone; its slots are free at once."""
        del reason  # the server tells people who left
        with self.lock:
            outlet.close()
            self.outlets = tuple(other for other in self.outlets if other is not outlet)
            if outlet.tail is not None and not self.is_closed:
                self._meter.lost_total += self._window.head - outlet.tail.position
            outlet.tail = None
            self._left(outlet, outlet.holder_id)
            if not self.outlets and self._on_outlets_gone is not None:
                self._on_outlets_gone()

    def close(self, loop: asyncio.AbstractEventLoop, on_outlets_gone: Callable[[], None]) -> None:
        """Publish no more; tell every receiver behind what it still gets.

        Args:
            loop: where to read the receivers' last words; the publisher's own may end before.
            on_outlets_gone: called once all receivers have said them, on any thread.
        """
        with self.lock:
            self.is_closed = self._is_shut = True
            self._meter.waits.end(time.monotonic_ns())
            self._on_outlets_gone = on_outlets_gone
            for outlet in self.outlets:
                outlet.notify(DownKind.CLOSING, seq=self._window.head)
                outlet.end.move(loop)
            self._room.wake_all()
            if not self.outlets:
                on_outlets_gone()

    def cut(self, *, is_sparing_lossless: bool) -> list[str]:
        """End channels that are still open, with whatever they have not sent.

        Args:
            is_sparing_lossless: only those with leaky subscribers alone.

        Returns:
            The subscribers concerned.
        """
        with self.lock:
            late = [outlet for outlet in self.outlets if outlet.tail is None or not is_sparing_lossless]
            for outlet in late:
                self.outlet_lost(outlet, "the publisher waits no longer")
            return [receiver.endpoint_id for outlet in late for receiver in outlet.receivers.values()]

    def counters(self, now_ns: int) -> PublisherCounters:
        """The publisher's record of this moment. Any thread."""
        with self.lock:
            window = self._window
            return self._meter.counters(
                now_ns,
                endpoint_id=self.endpoint_id,
                topic=self.topic,
                published_total=window.head,
                in_flight=window.in_flight(),
                num_buffers=window.size,
                is_paused=self.is_paused,
            )

    def _send(self, envelope: Envelope, seq: int, outlets: tuple[Outlet, ...]) -> None:
        now_ns = time.monotonic_ns()
        self._meter.published_bytes += envelope.size
        pieces = message_pieces(envelope, seq, now_ns)
        size = sum(map(len, pieces))
        entry = b"".join(pieces) if size <= SMALL_BYTES else Frame(pieces, size)
        is_home = running_loop() is self.loop
        is_kept = False
        for outlet in outlets:
            is_kept |= outlet.put(entry, size, now_ns, is_home=is_home)
        if is_kept and isinstance(entry, Frame):
            entry.own()  # the message is its owner's again when broadcast returns

    def _has_to_wait(self, now_ns: int) -> bool:
        """Whether the window is full; then somebody is charged from now on."""
        if self._window.refresh():
            return False
        if not self._meter.waits.is_waiting:
            self._blocker = self._window.holder()
            if self._blocker is None:  # everything was released a moment ago
                return False
            self._meter.waits.begin(self._blocker.holder_id, now_ns)
        return True

    def _left(self, holder: LocalSource | Outlet, subscriber_id: str) -> None:
        if self._window.leave(holder) and self.is_awaited:
            self.tail_moved(holder, subscriber_id, time.monotonic_ns())

    def _review(self, now_ns: int) -> None:
        """Wake who need not wait any longer."""
        waits = self._meter.waits
        if not self._room.spots or (self.is_paused and not self.is_closed):
            waits.end(now_ns)
        elif self.is_closed or not self._has_to_wait(now_ns):
            waits.end(now_ns)
            self._room.wake_one()
        if self._quiet.spots and self._window.in_flight() == 0:
            self._quiet.wake_all()
        self.is_awaited = bool(self._room.spots or self._quiet.spots)
