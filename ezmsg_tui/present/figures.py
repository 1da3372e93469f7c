"""The numbers of each endpoint as they are shown, worked out once for each profile."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from ezmsg_core.model.profiles import ProfileChannelType, PublisherCounters, SubscriberCounters
from ezmsg_tui.store.meters import History
from ezmsg_tui.store.profiles import ProfileSlice

WAIT_WARNING = 0.05  # of the time: a person starts to see it
WAIT_ERROR = 0.20  # of the time: the graph is slower than its sources for it


@dataclass(frozen=True, slots=True)
class Hold:
    """One subscriber holding up one publisher."""

    publisher_id: str
    subscriber_id: str
    share: float | None  # of the time; None while only one sample is there
    wait_ns: int  # since the publisher was made


@dataclass(frozen=True, slots=True)
class PublisherFigures:
    """A publisher now."""

    counters: PublisherCounters
    process_id: UUID
    rate_hz: float | None
    bytes_per_s: float | None
    wait_share: float | None
    history: History  # of messages a second
    holds: tuple[Hold, ...]  # most first


@dataclass(frozen=True, slots=True)
class SubscriberFigures:
    """A subscriber now."""

    counters: SubscriberCounters
    process_id: UUID
    rate_hz: float | None
    bytes_per_s: float | None
    drop_rate_hz: float | None
    busy_share: float | None
    history: History

    @property
    def path(self) -> ProfileChannelType:
        """Of its last message."""
        return self.counters.path


class FigureBook:
    """Figures by endpoint; those of processes that did not report again are kept as they are."""

    def __init__(self) -> None:
        self._publishers: dict[str, tuple[int, PublisherFigures]] = {}
        self._subscribers: dict[str, tuple[int, SubscriberFigures]] = {}
        self._revision = -1
        self._profiles: ProfileSlice | None = None
        self.publishers: dict[str, PublisherFigures] = {}
        self.subscribers: dict[str, SubscriberFigures] = {}
        self.holds_by: dict[str, tuple[Hold, ...]] = {}  # what each subscriber holds up, most first

    def bring_up_to(self, profiles: ProfileSlice) -> None:
        """Take in what has changed since the last time."""
        if profiles is not self._profiles:
            self._profiles, self._revision = profiles, -1
            self._publishers.clear()
            self._subscribers.clear()
        if profiles.revisions.current == self._revision:
            return
        self._revision = profiles.revisions.current
        self._publishers = {
            key: kept
            if (kept := self._publishers.get(key)) is not None and kept[0] == profiles.revisions.of(key)
            else (profiles.revisions.of(key), _publisher_figures(profiles, key))
            for key in profiles.publishers
        }
        self._subscribers = {
            key: kept
            if (kept := self._subscribers.get(key)) is not None and kept[0] == profiles.revisions.of(key)
            else (profiles.revisions.of(key), _subscriber_figures(profiles, key))
            for key in profiles.subscribers
        }
        self.publishers = {key: figures for key, (_, figures) in self._publishers.items()}
        self.subscribers = {key: figures for key, (_, figures) in self._subscribers.items()}
        by_subscriber: dict[str, list[Hold]] = {}
        for figures in self.publishers.values():
            for hold in figures.holds:
                by_subscriber.setdefault(hold.subscriber_id, []).append(hold)
        self.holds_by = {key: tuple(sorted(holds, key=_weight)) for key, holds in by_subscriber.items()}

    def holding_share(self, subscriber_id: str) -> float | None:
        """The largest share of a publisher's time that a subscriber takes; None while nothing is known."""
        holds = self.holds_by.get(subscriber_id)
        if holds is None:
            return 0.0 if subscriber_id in self.subscribers else None
        return max((hold.share for hold in holds if hold.share is not None), default=None)

    def total_rate_hz(self) -> float | None:
        """Messages published a second over the whole graph; None while nothing is known."""
        rates = [f.rate_hz for f in self.publishers.values() if f.rate_hz is not None]
        return sum(rates) if rates else None

    def worst_wait(self) -> PublisherFigures | None:
        """The publisher that waits the largest share of its time."""
        waiting = [f for f in self.publishers.values() if f.wait_share is not None]
        return max(waiting, key=lambda figures: figures.wait_share or 0.0, default=None)


def wait_meaning(share: float | None) -> str:
    """How bad a share of waiting is, as a meaning of a cell."""
    if share is None or share == 0:
        return "dim"
    return "error" if share >= WAIT_ERROR else "warning" if share >= WAIT_WARNING else ""


def _weight(hold: Hold) -> tuple[float, int]:
    return -(hold.share or 0.0), -hold.wait_ns


def _publisher_figures(profiles: ProfileSlice, key: str) -> PublisherFigures:
    meter = profiles.publishers[key]
    now = meter.now

    def waited_for(subscriber_id: str) -> float | None:
        return meter.share(lambda counters: counters.wait_ns_by_subscriber.get(subscriber_id, 0))

    waits = {holder: wait_ns for holder, wait_ns in now.wait_ns_by_subscriber.items() if wait_ns}
    holds = [Hold(key, holder, waited_for(holder), wait_ns) for holder, wait_ns in waits.items()]
    return PublisherFigures(
        now,
        profiles.owners[key],
        meter.main_rate_hz(),
        meter.rate_hz(lambda counters: counters.published_bytes),
        meter.share(lambda counters: counters.wait_ns),
        meter.history,
        tuple(sorted(holds, key=_weight)),
    )


def _subscriber_figures(profiles: ProfileSlice, key: str) -> SubscriberFigures:
    meter = profiles.subscribers[key]
    return SubscriberFigures(
        meter.now,
        profiles.owners[key],
        meter.main_rate_hz(),
        meter.rate_hz(lambda counters: counters.received_bytes),
        meter.rate_hz(lambda counters: counters.dropped_total),
        meter.share(lambda counters: counters.busy_ns),
        meter.history,
    )
