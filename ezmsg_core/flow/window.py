"""How far a publisher may run ahead of its readers.

Messages are counted from 0. A reader's position is the first message that it still holds or has not seen; the
window is open while the publisher is less than its size ahead of the last of them.
"""

from typing import Generic, TypeVar

from ezmsg_core.errors import ConfigError

H = TypeVar("H")

MAX_BUFFERS = 65_536  # more messages in flight than anybody can watch; beyond it a number is a mistake
_NO_LIMIT = 1 << 62


class Tail:
    """One reader's position. Released by one thread at a time.

    Args:
        position: first message that the reader will get.
    """

    __slots__ = ("early", "position")

    def __init__(self, position: int) -> None:
        self.position = position
        self.early: set[int] = set()  # released ahead of older ones

    def release(self, seq: int) -> None:
        """The reader has done with a message, in whatever order; each message once."""
        if seq != self.position:
            self.early.add(seq)
            return
        seq += 1
        if self.early:
            while seq in self.early:
                self.early.discard(seq)
                seq += 1
        self.position = seq


class Window(Generic[H]):
    """Positions of a publisher and of the readers that may hold it up.

    Not thread-safe, but for the positions of tails, which their readers move at any time: `limit` is a promise
    that stays true until `refresh` makes it wider.

    Args:
        size: most messages in flight.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.head = 0  # messages published; the number of the next one
        self.limit = _NO_LIMIT  # first message that may not be published yet
        self._tails: dict[H, Tail] = {}

    def __len__(self) -> int:
        return len(self._tails)

    def __contains__(self, holder: H) -> bool:
        return holder in self._tails

    def join(self, holder: H) -> Tail:
        """A new reader, who gets everything from the next message on."""
        tail = self._tails[holder] = Tail(self.head)
        self.refresh()
        return tail

    def leave(self, holder: H) -> bool:
        """A reader goes and gives up what it holds; whether it was one."""
        is_gone = self._tails.pop(holder, None) is not None
        self.refresh()
        return is_gone

    def refresh(self) -> bool:
        """Take in the positions of the readers; whether a message may be published now."""
        self.limit = self.floor() + self.size if self._tails else _NO_LIMIT
        return self.head < self.limit

    def floor(self) -> int:
        """The oldest message that some reader still holds; `head` if there is none."""
        return min((tail.position for tail in self._tails.values()), default=self.head)

    def in_flight(self) -> int:
        """Messages that some reader still holds: 0 … size."""
        return max(0, self.head - self.floor())

    def holder(self) -> H | None:
        """The reader that is furthest behind; None while nothing is in flight."""
        behind = min(self._tails.items(), key=lambda entry: entry[1].position, default=None)
        return behind[0] if behind is not None and behind[1].position < self.head else None


def check_num_buffers(num_buffers: int) -> int:
    """A window's size as users give it.

    Raises:
        ConfigError: it is not a number from 1 to `MAX_BUFFERS`.
    """
    if type(num_buffers) is not int or not 1 <= num_buffers <= MAX_BUFFERS:
        raise ConfigError(
            f"num_buffers is {num_buffers!r}; give a whole number from 1 to {MAX_BUFFERS}.",
            name="num_buffers",
            value=repr(num_buffers),
        )
    return num_buffers
