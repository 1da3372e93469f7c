"""Rates and shares from cumulative counters."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ezmsg_core.model.profiles import ProcessProfile, PublisherCounters, SubscriberCounters
from ezmsg_tui.store.meters import BUCKETS, EndpointMeter, History, published
from ezmsg_tui.store.profiles import ProfileSlice, PublisherMeter

SECOND = 1_000_000_000
P1, P2 = UUID(int=1), UUID(int=2)


def publisher(total: int, wait_ns: int = 0, topic: str = "T") -> PublisherCounters:
    return PublisherCounters(f"{topic}:1", topic, published_total=total, wait_ns=wait_ns, num_buffers=32)


def metered(samples: Iterable[tuple[float, int]]) -> PublisherMeter:
    meter: PublisherMeter = EndpointMeter(published)
    for at_s, total in samples:
        meter.add(round(at_s * SECOND), publisher(total))
    return meter


def steady(rate_hz: float, seconds: float, every_s: float = 0.5, start: int = 0) -> list[tuple[float, int]]:
    """What a counter shows that goes up evenly."""
    return [(100 + i * every_s, start + int(rate_hz * i * every_s + 1e-9)) for i in range(int(seconds / every_s) + 1)]


@pytest.mark.parametrize("rate_hz", [0.5, 3.0, 5.0, 7.3, 10.0, 20.0, 50.0, 512.0, 100_000.0])
def test_after_ten_seconds_a_steady_rate_reads_within_five_percent(rate_hz: float) -> None:
    for extra in range(8):
        meter = metered(steady(rate_hz, 20 + extra * 0.5))
        measured = meter.main_rate_hz()
        assert measured is not None
        allowed = 0.05 if rate_hz >= 3 else 0.25  # ten seconds hold few of the rarest messages
        assert abs(measured - rate_hz) <= allowed * rate_hz


def test_a_rate_is_unknown_before_the_second_sample() -> None:
    meter = metered([(100.0, 5)])
    assert meter.main_rate_hz() is None
    assert meter.share(lambda c: c.wait_ns) is None
    assert meter.rate_hz(lambda c: c.published_bytes) is None
    meter.add(101 * SECOND, publisher(15))
    assert meter.main_rate_hz() == pytest.approx(10.0)


def test_a_source_that_stops_reads_zero_within_two_seconds() -> None:
    samples = steady(50.0, 10)
    last_s, total = samples[-1]
    meter = metered([*samples, *[(last_s + i * 0.5, total) for i in range(1, 4)]])
    assert meter.main_rate_hz() == 0.0


def test_a_slow_source_between_two_messages_has_not_stopped() -> None:
    meter = metered([(100 + i * 0.5, i // 4) for i in range(24)])  # one message every two seconds
    rate = meter.main_rate_hz()
    assert rate is not None and rate == pytest.approx(0.5, rel=0.3)


def test_a_change_of_a_fast_rate_shows_after_about_a_second() -> None:
    samples = steady(500.0, 10)
    last_s, total = samples[-1]
    meter = metered([*samples, *[(last_s + i * 0.5, total + i * 50) for i in range(1, 4)]])
    assert meter.main_rate_hz() == pytest.approx(100.0, rel=0.01)


def test_a_counter_that_went_down_is_a_restart_and_never_a_negative_rate() -> None:
    meter = metered(steady(50.0, 5))
    meter.add(200 * SECOND, publisher(3))
    assert meter.main_rate_hz() is None
    assert meter.restarts == 1
    meter.add(201 * SECOND, publisher(13))
    assert meter.main_rate_hz() == pytest.approx(10.0)
    assert all(rate is None or rate >= 0 for rate in meter.history.steps(BUCKETS))


def test_a_sample_that_is_not_newer_changes_nothing() -> None:
    meter = metered([(100.0, 5), (101.0, 15)])
    assert meter.add(101 * SECOND, publisher(20)) is False
    assert meter.add(100 * SECOND, publisher(20)) is False
    assert meter.now.published_total == 15


def test_the_share_of_a_wait_that_goes_on_reads_as_such() -> None:
    meter: PublisherMeter = EndpointMeter(published)
    for i in range(20):
        meter.add((100 + i) * SECOND, publisher(i, wait_ns=i * SECOND * 3 // 10))
    assert meter.share(lambda c: c.wait_ns) == pytest.approx(0.3)


def test_history_spreads_counts_over_the_seconds_in_which_they_came() -> None:
    history = History()
    history.add(10 * SECOND, 14 * SECOND, 40)
    assert history.steps(BUCKETS)[-5:] == [None, 10.0, 10.0, 10.0, 10.0]
    history.add(14 * SECOND, 14 * SECOND + SECOND // 2, 20)
    assert history.steps(BUCKETS)[-1] == pytest.approx(40.0)


def test_a_step_of_history_stands_still_once_it_is_over() -> None:
    history = History()
    for second in range(30, 43):
        history.add(second * SECOND, (second + 1) * SECOND, second)
    assert history.steps(12)[-4:] == [None, 32.0, 37.0, 41.0], "the seconds 30 to 34, 35 to 39, and 40 to 42"
    history.add(43 * SECOND, 44 * SECOND, 43)
    assert history.steps(12)[-3:] == [32.0, 37.0, 41.5]


def test_what_counts_nothing_is_idle_and_what_is_not_known_is_not() -> None:
    history = History()
    assert not history.is_idle
    history.add(0, SECOND, 0)
    assert history.is_idle
    history.add(SECOND, 2 * SECOND, 1)
    history.add(2 * SECOND, 50 * SECOND, 0)
    assert not history.is_idle, "there was a message in the last minute"
    history.add(50 * SECOND, 62 * SECOND, 0)
    assert history.is_idle


def test_history_is_as_long_as_a_sparkline_whatever_comes() -> None:
    history = History()
    history.add(0, 10_000 * SECOND, 10_000 * 5)
    assert history.steps(BUCKETS) == pytest.approx([5.0] * BUCKETS)
    history.add(20_000 * SECOND, 20_001 * SECOND, 7)
    rates = history.steps(BUCKETS)
    assert len(rates) == BUCKETS
    assert rates[:-1] == [None] * (BUCKETS - 1) and rates[-1] == pytest.approx(7.0)


@given(st.lists(st.tuples(st.integers(1, 3 * SECOND), st.integers(0, 1000)), min_size=1, max_size=60))
def test_history_keeps_every_count_of_the_last_minute(steps: list[tuple[int, int]]) -> None:
    history, now_ns = History(), 0
    for step_ns, counts in steps[:20]:  # at most sixty seconds
        history.add(now_ns, now_ns + step_ns, counts)
        now_ns += step_ns
    kept = sum(bucket.counts for bucket in history._buckets)
    assert kept == pytest.approx(sum(counts for _, counts in steps[:20]))


def profile(process: UUID, sampled_s: float, *publishers: PublisherCounters) -> ProcessProfile:
    subscriber = SubscriberCounters(f"S:{process}", "S", received_total=int(sampled_s))
    return ProcessProfile(process, 1, "h", sampled_s, round(sampled_s * SECOND), list(publishers), [subscriber])


def test_endpoints_go_with_their_process_and_when_their_process_drops_them() -> None:
    profiles = ProfileSlice()
    profiles.take(profile(P1, 1, publisher(1), publisher(1, topic="U")), 0.0)
    profiles.take(profile(P2, 1, publisher(1, topic="V")), 0.0)
    assert set(profiles.publishers) == {"T:1", "U:1", "V:1"}
    profiles.take(profile(P1, 2, publisher(2)), 0.5)
    assert set(profiles.publishers) == {"T:1", "V:1"}
    profiles.list([profile(P2, 3, publisher(5, topic="V"))], 1.0)
    assert set(profiles.publishers) == {"V:1"}
    assert set(profiles.subscribers) == {f"S:{P2}"}
    assert set(profiles.owners) == {"V:1", f"S:{P2}"}
    profiles.clear()
    assert (profiles.processes, profiles.publishers, profiles.subscribers, profiles.owners) == ({}, {}, {}, {})


def test_a_repeated_profile_changes_nothing_not_even_a_revision() -> None:
    profiles = ProfileSlice()
    profiles.take(profile(P1, 1, publisher(1)), 0.0)
    revision = profiles.revisions.current
    profiles.take(profile(P1, 1, publisher(1)), 0.5)
    assert profiles.revisions.current == revision


def test_only_the_endpoints_of_the_process_that_reported_get_a_new_revision() -> None:
    profiles = ProfileSlice()
    profiles.take(profile(P1, 1, publisher(1)), 0.0)
    profiles.take(profile(P2, 1, publisher(1, topic="V")), 0.0)
    before = profiles.revisions.of("T:1")
    profiles.take(profile(P2, 2, publisher(2, topic="V")), 0.5)
    assert profiles.revisions.of("T:1") == before
    assert profiles.revisions.of("V:1") > before


def test_a_copy_of_the_counters_stands_still() -> None:
    profiles = ProfileSlice()
    profiles.take(profile(P1, 1, publisher(1)), 0.0)
    twin = profiles.copy()
    profiles.take(profile(P1, 2, publisher(9)), 0.0)
    assert twin.publishers["T:1"].now.published_total == 1
    assert profiles.publishers["T:1"].now.published_total == 9
