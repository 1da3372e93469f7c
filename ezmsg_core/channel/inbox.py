"""What a subscriber has been given and not read yet; filled from any thread, read on one event loop."""

import threading
from collections import deque
from collections.abc import Callable, Collection
from typing import Any, Protocol

from ezmsg_core.channel.parking import Parking
from ezmsg_core.flow.mailbox import LeakyMailbox
from ezmsg_core.flow.window import Tail
from ezmsg_core.model.profiles import ProfileChannelType


class Source(Protocol):
    """One publisher, as one subscriber of this process sees it."""

    @property
    def publisher_id(self) -> str:
        """Whose messages these are."""
        ...

    @property
    def path(self) -> ProfileChannelType:
        """How they come."""
        ...

    @property
    def is_local(self) -> bool:
        """Whether messages are the publisher's own objects; else they are parcels."""
        ...

    @property
    def is_void(self) -> bool:
        """Whether what is queued is not to be read any more, for the edge is gone."""
        ...

    @property
    def tail(self) -> Tail | None:
        """The subscriber's position, if it is lossless: to be moved when it has done with a message."""
        ...

    @property
    def account(self) -> "Account":
        """Who has to hear of it."""
        ...

    def released(self, now_ns: int) -> None:
        """The tail has moved. On the subscriber's loop."""
        ...


class Account(Protocol):
    """What keeps a window for a publisher, in this process or at the end of a channel."""

    @property
    def is_awaited(self) -> bool:
        """Whether it has to be told when a tail moves."""
        ...


def release(source: Source, seq: int, now_ns: int) -> None:
    """The subscriber has done with a message. On its loop."""
    tail = source.tail
    if tail is not None:
        tail.release(seq)
        if source.account.is_awaited:
            source.released(now_ns)


Item = tuple[Source, int, Any]
"""Where it came from, its number there, and the message or parcel."""


class LosslessInbox:
    """Messages of all publishers in the order in which they came.

    Bounded by the windows of the publishers. One reader loop, any number of writers. A writer either calls `put`, or
    `append` and then, if there are `spots`, wakes one.
    """

    __slots__ = ("_items", "append", "parking", "spots", "take")

    max_queue: int | None = None
    dropped_total = 0

    def __init__(self) -> None:
        self.parking = Parking()
        self.spots: Collection[object] = self.parking.spots
        self._items: deque[Item] = deque()
        self.append: Callable[[Item], None] = self._items.append
        self.take: Callable[[], Item] = self._items.popleft  # raises IndexError when there is nothing

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: Item) -> None:
        """Any thread."""
        self._items.append(item)
        if self.spots:
            self.parking.wake_one()


class LeakyInbox:
    """The newest messages of all publishers in the order in which they came.

    Buffered: `max_queue` messages. When full: the oldest is dropped and counted. One reader loop, any number of
    writers.
    """

    __slots__ = ("_lock", "_mailbox", "append", "max_queue", "parking", "spots")

    def __init__(self, max_queue: int) -> None:
        self.parking = Parking()
        self.max_queue: int | None = max_queue
        self.spots: Collection[object] = ()  # `append` wakes by itself
        self.append: Callable[[Item], None] = self.put
        self._lock = threading.RLock()  # dropping a message may run code of the message's class
        self._mailbox: LeakyMailbox[Item] = LeakyMailbox(max_queue)

    def __len__(self) -> int:
        return len(self._mailbox)

    @property
    def dropped_total(self) -> int:
        """Messages that were pushed out."""
        return self._mailbox.dropped_total

    def put(self, item: Item) -> None:
        """Any thread."""
        with self._lock:
            pushed_out = self._mailbox.put(item)
        del pushed_out  # outside of the lock
        if self.parking.spots:
            self.parking.wake_one()

    def take(self) -> Item:
        """The oldest message.

        Raises:
            IndexError: there is none.
        """
        with self._lock:
            return self._mailbox.take()


Inbox = LosslessInbox | LeakyInbox
