"""How long a publisher waited for room in its window, and which subscribers it waited for."""

MAX_HOLDERS = 64  # subscribers that are told apart; a publisher has a handful
OTHERS = "(others)"  # takes over the time of the ones that are not


class WaitLedger:
    """Time in backpressure. Not thread-safe.

    The time between `begin` and `end` is charged to the holder of the moment; `shift` names another holder.
    """

    __slots__ = ("_by_holder", "_holder", "_since_ns", "_total_ns", "count")

    def __init__(self) -> None:
        self.count = 0  # messages that had to wait
        self._total_ns = 0
        self._by_holder: dict[str, int] = {}
        self._holder = ""
        self._since_ns: int | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether a wait goes on."""
        return self._since_ns is not None

    def begin(self, holder: str, now_ns: int) -> None:
        """A message has to wait; harmless while a wait goes on."""
        if self._since_ns is None:
            self._since_ns = now_ns
            self._holder = holder

    def shift(self, released_by: str, holder: str, now_ns: int) -> None:
        """A subscriber released something: the time so far was its doing, what follows is the holder's."""
        if self._since_ns is not None:
            self._charge(released_by, now_ns)
            self._since_ns = now_ns
            self._holder = holder

    def end(self, now_ns: int, *, released_by: str | None = None) -> None:
        """Nobody waits any more; harmless if nobody did.

        Args:
            now_ns: monotonic.
            released_by: who ended it, and is charged then; None: the holder is.
        """
        if self._since_ns is not None:
            self._charge(self._holder if released_by is None else released_by, now_ns)
            self._since_ns = None

    def add(self, holder: str, elapsed_ns: int) -> None:
        """A wait that is over already; nothing is added while another one goes on, which covers it."""
        if self._since_ns is None:
            self._add(holder, elapsed_ns)

    def totals(self, now_ns: int) -> tuple[int, dict[str, int]]:
        """All waits in ns and the same by holder, with the one that goes on."""
        by_holder = dict(self._by_holder)
        if self._since_ns is None:
            return self._total_ns, by_holder
        current_ns = max(0, now_ns - self._since_ns)
        by_holder[self._holder] = by_holder.get(self._holder, 0) + current_ns
        return self._total_ns + current_ns, by_holder

    def _charge(self, holder: str, now_ns: int) -> None:
        since_ns = self._since_ns
        self._add(holder, now_ns - since_ns if since_ns is not None else 0)

    def _add(self, holder: str, elapsed_ns: int) -> None:
        if elapsed_ns <= 0:
            return
        self._total_ns += elapsed_ns
        by_holder = self._by_holder
        if holder not in by_holder and len(by_holder) >= MAX_HOLDERS:
            least = min((name for name in by_holder if name != OTHERS), key=by_holder.__getitem__)
            by_holder[OTHERS] = by_holder.get(OTHERS, 0) + by_holder.pop(least)
        by_holder[holder] = by_holder.get(holder, 0) + elapsed_ns
