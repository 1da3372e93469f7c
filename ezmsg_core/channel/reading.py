"""How messages get from a subscriber's inbox into the hands of its tasks."""

import asyncio
import time
from typing import Any, NoReturn

from ezmsg_core.channel.inbox import Inbox, Item, Source, release
from ezmsg_core.errors import EndpointClosedError, UndecodableError
from ezmsg_core.flow.copying import copied
from ezmsg_core.telemetry.meters import SubscriberMeter

_TURN_NS = 200_000  # time without a pause after which the other tasks of the loop get a turn; a pause costs 3 µs
_BUSY_STREAK = 8  # messages without a pause that tell a busy stream from a slow one

_now_ns = time.monotonic_ns


class Reader:
    """Takes messages out of an inbox, waiting where there is none. Used by tasks of one event loop.

    Args:
        topic: of the subscriber, for errors.
        inbox: what to read.
        meter: where to count.
    """

    def __init__(self, topic: str, inbox: Inbox, meter: SubscriberMeter) -> None:
        self.topic = topic
        self.inbox = inbox
        self.meter = meter
        self.take = inbox.take
        self.latest: Source | None = None  # where the newest message came from
        self.turn_ends_ns = 0  # when the reading task has to pause
        self._taken_before = 0  # messages up to the last pause
        self.spare: Loan | None = None  # one that is not in use
        self._is_closed = False
        self._has_given = False  # the caller has a message that it will never say it has done with

    def close(self) -> None:
        """Let nobody read any more; who waits raises. Any thread."""
        self._is_closed = True
        self.take = _refuse
        self.inbox.parking.wake_all()

    def lend(self) -> "Loan":
        """A block that holds the next message; see `Subscriber.recv_zero_copy`."""
        loan = self.spare
        if loan is None:
            return Loan(self)
        self.spare = None
        return loan

    async def recv(self) -> Any:
        """The next message, the caller's own; see `Subscriber.recv`."""
        meter = self.meter
        if self._has_given:
            self._has_given = False
            meter.released(_now_ns())
        source, seq, payload = await self.next()
        now_ns = _now_ns()
        meter.taken(now_ns)
        self._has_given = True
        self.latest = source
        try:
            if source.is_local:
                return copied(payload)
            meter.received_bytes += payload.size
            return payload.give(self.topic)
        except UndecodableError:
            meter.error_total += 1
            raise
        except Exception as error:  # copying runs code of the message's class
            meter.error_total += 1
            raise self._uncopied(payload, seq, error) from error
        finally:
            release(source, seq, now_ns)

    async def next(self) -> Item:
        """Take the next message that is to be read.

        Raises:
            EndpointClosedError: the subscriber is closed.

        Cancellation: nothing is taken.
        """
        while True:
            if _now_ns() > self.turn_ends_ns:
                await asyncio.sleep(0)
                self._awoke()
            try:
                item = self.take()
            except IndexError:
                if self._is_closed:
                    raise EndpointClosedError(
                        f"The subscriber to {self.topic!r} is closed.", topic=self.topic
                    ) from None
                await self._wait()
                continue
            source, seq, _ = item
            if not source.is_void:
                return item
            release(source, seq, _now_ns())

    async def _wait(self) -> None:
        if (
            self.meter.received_total - self._taken_before > _BUSY_STREAK
        ):  # a busy stream: the next message is likely to be one turn of the loop away
            await asyncio.sleep(0)
            self._awoke()
            return
        parking = self.inbox.parking
        spot = parking.take_spot()
        if len(self.inbox) or self._is_closed:
            parking.leave(spot)
        else:
            await parking.stay(spot)
            self._awoke()

    def _awoke(self) -> None:
        self._taken_before = self.meter.received_total
        self.turn_ends_ns = _now_ns() + _TURN_NS

    def _uncopied(self, payload: object, seq: int, error: Exception) -> UndecodableError:
        type_name = type(payload).__qualname__
        return UndecodableError(
            f"Message {seq} of {self.topic!r}, a {type_name}, cannot be copied ({type(error).__name__}: {error}). "
            "Read it with recv_zero_copy().",
            type_name=type_name,
            seq=seq,
            topic=self.topic,
        )


class Loan:
    """A message that is held until the block is left. One block at a time; used again by the next one."""

    __slots__ = ("_reader", "_seq", "_source")

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._source: Source | None = None
        self._seq = 0

    async def __aenter__(self) -> Any:
        # What `Reader.next` and the meter do, without their price where a message is there.
        reader = self._reader
        now_ns = _now_ns()
        if now_ns <= reader.turn_ends_ns:
            try:
                source, seq, payload = reader.take()
            except IndexError:
                source, seq, payload = await reader.next()
                now_ns = _now_ns()
        else:
            source, seq, payload = await reader.next()
            now_ns = _now_ns()
        if source.is_void:
            release(source, seq, now_ns)
            source, seq, payload = await reader.next()
            now_ns = _now_ns()
        meter = reader.meter
        meter.received_total += 1
        if not meter.holds:
            meter.since_ns = now_ns
        meter.holds += 1
        reader.latest = self._source = source
        self._seq = seq
        if source.is_local:
            return payload
        meter.received_bytes += payload.size
        try:
            return payload.lend(reader.topic)
        except BaseException:
            meter.error_total += 1
            await self.__aexit__()
            raise

    async def __aexit__(self, kind: object = None, error: object = None, trace: object = None) -> None:
        source = self._source
        if source is None:
            return  # nothing was lent
        self._source = None
        reader = self._reader
        now_ns = _now_ns()
        meter = reader.meter
        meter.holds -= 1
        if not meter.holds:
            meter.done_ns += now_ns - meter.since_ns
        reader.spare = self
        tail = source.tail
        if tail is not None:
            seq = self._seq
            if seq == tail.position and not tail.early:
                tail.position = seq + 1
            else:
                tail.release(seq)
            if source.account.is_awaited:
                source.released(now_ns)


def _refuse() -> NoReturn:
    """What takes the place of `take` when the subscriber is closed: what is queued is given up."""
    raise IndexError
