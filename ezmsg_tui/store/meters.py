"""Rates and shares of cumulative counters, computed from the monotonic clock of the process that counts."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from ezmsg_core.model.profiles import PublisherCounters, SubscriberCounters

C = TypeVar("C", PublisherCounters, SubscriberCounters)

SECOND_NS = 1_000_000_000
HORIZON_NS = 10 * SECOND_NS  # 5 messages a second read within 2 % over ten seconds; longer hides changes
SHORTEST_NS = 1 * SECOND_NS  # a rate over less jumps with the grid of the samples
ENOUGH_COUNTS = 50  # a count is known to within one, so a rate over 50 of them to within 2 %
SHARE_NS = 5 * SECOND_NS  # waits come in bursts of a message period; five seconds hold many of them
SILENT_PERIODS = 4  # after so many missed messages and a second, a source has stopped
MAX_SAMPLES = 128  # ten seconds of samples every 0.1 s, the shortest interval, with room
BUCKETS = 60  # one minute in steps of a second: the width of a sparkline


class _Bucket(NamedTuple):
    """One second of a counter."""

    second: int  # of the process's monotonic clock
    counts: float
    covered_ns: int  # how much of the second the samples cover


class History:
    """A counter's rate in each of the last `BUCKETS` seconds."""

    def __init__(self) -> None:
        self._buckets: deque[_Bucket] = deque(maxlen=BUCKETS)

    def add(self, from_ns: int, to_ns: int, counts: float) -> None:
        """Spread counts evenly over the time in which they came."""
        span_ns = to_ns - from_ns
        start_ns = max(from_ns, to_ns - BUCKETS * SECOND_NS)
        second = start_ns // SECOND_NS
        while second * SECOND_NS < to_ns:
            low, high = max(start_ns, second * SECOND_NS), min(to_ns, (second + 1) * SECOND_NS)
            self._add_to(second, counts * (high - low) / span_ns, high - low)
            second += 1

    @property
    def is_idle(self) -> bool:
        """Whether nothing was counted in what is known of the last minute; False while nothing is known."""
        return bool(self._buckets) and not any(bucket.counts for bucket in self._buckets)

    def steps(self, count: int) -> list[float | None]:
        """Counts a second in each step of the last minute, oldest first; None where nothing is known.

        A step begins at the same seconds for as long as it is shown, so that it stands still once it is over.

        Args:
            count: of steps; a divisor of `BUCKETS`.
        """
        length = BUCKETS // count
        newest = self._buckets[-1].second // length if self._buckets else 0
        counts, covered_ns = [0.0] * count, [0] * count
        for bucket in self._buckets:
            age = newest - bucket.second // length
            if age < count:
                counts[count - 1 - age] += bucket.counts
                covered_ns[count - 1 - age] += bucket.covered_ns
        return [c * SECOND_NS / ns if ns else None for c, ns in zip(counts, covered_ns, strict=True)]

    def copy(self) -> History:
        """The same history, apart from this."""
        twin = History()
        twin._buckets = self._buckets.copy()
        return twin

    def _add_to(self, second: int, counts: float, covered_ns: int) -> None:
        if self._buckets and self._buckets[-1].second == second:
            last = self._buckets.pop()
            counts, covered_ns = last.counts + counts, last.covered_ns + covered_ns
        self._buckets.append(_Bucket(second, counts, covered_ns))


class EndpointMeter(Generic[C]):
    """One endpoint's recent counters.

    Args:
        main: the counter that the endpoint is known by; if it goes down, the endpoint was restarted.
    """

    def __init__(self, main: Callable[[C], int]) -> None:
        self._main = main
        self._samples: deque[tuple[int, C]] = deque(maxlen=MAX_SAMPLES)
        self.history = History()
        self.restarts = 0

    @property
    def now(self) -> C:
        """The newest counters."""
        return self._samples[-1][1]

    @property
    def sampled_ns(self) -> int:
        """When the newest counters were taken."""
        return self._samples[-1][0]

    def add(self, sampled_ns: int, counters: C) -> bool:
        """Take in a sample; False if it is no newer than the last one.

        A counter that went down starts everything anew.
        """
        if self._samples:
            last_ns, last = self._samples[-1]
            is_restart = self._main(counters) < self._main(last)
            if is_restart:
                self.restarts += 1
                self._samples.clear()
            elif sampled_ns <= last_ns:
                return False
            else:
                self.history.add(last_ns, sampled_ns, self._main(counters) - self._main(last))
        self._samples.append((sampled_ns, counters))
        while len(self._samples) > 2 and sampled_ns - self._samples[1][0] >= HORIZON_NS:
            self._samples.popleft()
        return True

    def main_rate_hz(self) -> float | None:
        """Messages a second: over a second where that is enough of them, over up to ten where they are rare."""
        newest_ns, newest = self._samples[-1]
        count = self._main(newest)
        still_ns = 0  # for how long the counter has stood
        base: tuple[int, int] | None = None
        for sampled_ns, counters in reversed(self._samples):
            if self._main(counters) == count:
                still_ns = newest_ns - sampled_ns
            base = sampled_ns, self._main(counters)
            if newest_ns - sampled_ns >= SHORTEST_NS and count - base[1] >= ENOUGH_COUNTS:
                break
        if base is None or base[0] == newest_ns:
            return None
        rate_hz = (count - base[1]) * SECOND_NS / (newest_ns - base[0])
        has_stopped = still_ns > SHORTEST_NS and still_ns * rate_hz > SILENT_PERIODS * SECOND_NS
        return 0.0 if has_stopped else rate_hz

    def rate_hz(self, counter: Callable[[C], int]) -> float | None:
        """Counts a second of any counter, over `SHARE_NS` or what there is."""
        per_ns = self.share(counter)
        return None if per_ns is None else per_ns * SECOND_NS

    def share(self, counter: Callable[[C], int]) -> float | None:
        """Counts a nanosecond over `SHARE_NS`: of a counter of nanoseconds, its share of the time."""
        newest_ns, newest = self._samples[-1]
        base = self._samples[0]
        for sample in reversed(self._samples):
            base = sample
            if newest_ns - sample[0] >= SHARE_NS:
                break
        if base[0] == newest_ns:
            return None
        return max(0, counter(newest) - counter(base[1])) / (newest_ns - base[0])

    def copy(self) -> EndpointMeter[C]:
        """The same samples, apart from this."""
        twin: EndpointMeter[C] = EndpointMeter(self._main)
        twin._samples = self._samples.copy()
        twin.history = self.history.copy()
        twin.restarts = self.restarts
        return twin


def published(counters: PublisherCounters) -> int:
    """The counter that a publisher is known by."""
    return counters.published_total


def received(counters: SubscriberCounters) -> int:
    """The counter that a subscriber is known by."""
    return counters.received_total
