"""When a source's next block is due: an absolute schedule, told the time by its caller."""

_NS = 1_000_000_000


class Schedule:
    """Due times at a fixed rate from a fixed start, so that delays never add up.

    A source that comes late emits what it owes at once, as many as `catch_up` blocks; what it owes beyond that is
    skipped. Both are counted.

    Args:
        rate_hz: blocks a second.
        start_ns: when the first one is due.
        catch_up: most blocks that may follow each other without a wait.
    """

    def __init__(self, rate_hz: float, start_ns: int, catch_up: int) -> None:
        self.rate_hz = rate_hz
        self.late = 0
        """Blocks that were taken a whole period or more after they were due."""
        self.skipped = 0
        """Blocks that were never taken."""
        self._start_ns = start_ns
        self._catch_up = catch_up
        self._index = 0

    @property
    def due_ns(self) -> int:
        """When the next block is due, from the index alone: rounding does not add up either."""
        return self._start_ns + round(self._index * _NS / self.rate_hz)

    def wait_ns(self, now_ns: int) -> int:
        """How long to wait before `take`; 0 if the block is due."""
        return max(0, self.due_ns - now_ns)

    def take(self, now_ns: int) -> int:
        """Take the next block.

        Returns:
            How many blocks were skipped before it.
        """
        owed = int((now_ns - self.due_ns) * self.rate_hz / _NS)  # whole periods behind
        skipped = max(0, owed - self._catch_up)
        self._index += skipped + 1
        self.skipped += skipped
        self.late += owed > 0
        return skipped
