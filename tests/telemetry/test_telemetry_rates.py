"""Rates are differences that an observer takes for itself."""

from uuid import UUID

import msgspec
import pytest

from ezmsg_core.model.profiles import ProcessProfile, PublisherCounters, SubscriberCounters
from ezmsg_core.telemetry.rates import publisher_rates, subscriber_rates, windowed

SECOND = 1_000_000_000


def profile(sampled_ns: int, published: int, received: int, *, pid: int = 7) -> ProcessProfile:
    return ProcessProfile(
        process_id=UUID(int=1),
        pid=pid,
        host="h",
        timestamp=1000.0,
        sampled_ns=sampled_ns,
        publishers=[PublisherCounters("p", "t", published_total=published, in_flight=3, num_buffers=8)],
        subscribers=[SubscriberCounters("s", "t", received_total=received)],
    )


def test_rates_are_differences_over_the_time_between() -> None:
    before = PublisherCounters(
        "p", "t", published_total=10, published_bytes=1000, wait_ns=100, wait_ns_by_subscriber={"a": 100, "b": 5}
    )
    after = PublisherCounters(
        "p",
        "t",
        published_total=30,
        published_bytes=5000,
        wait_ns=100 + SECOND,
        wait_ns_by_subscriber={"a": 100 + SECOND, "b": 5},
    )
    rates = publisher_rates(before, after, 2 * SECOND)
    assert rates == (10.0, 2000.0, 0.5, {"a": 0.5})


def test_an_endpoint_that_was_not_there_counts_from_zero() -> None:
    assert publisher_rates(None, PublisherCounters("p", "t", published_total=5), SECOND).rate_hz == 5.0
    assert subscriber_rates(None, SubscriberCounters("s", "t", received_total=5), SECOND).rate_hz == 5.0


def test_no_time_between_two_records_gives_no_rate() -> None:
    record = PublisherCounters("p", "t", published_total=5)
    assert publisher_rates(record, record, 0) == (0.0, 0.0, 0.0, {})
    assert subscriber_rates(None, SubscriberCounters("s", "t", received_total=5), 0).rate_hz == 0.0


def test_a_subscribers_rates_show_drops_errors_and_busy_time() -> None:
    after = SubscriberCounters(
        "s", "t", received_total=4, received_bytes=8, dropped_total=6, busy_ns=3 * SECOND, error_total=2
    )
    assert subscriber_rates(None, after, 2 * SECOND) == (2.0, 4.0, 3.0, 1.0, 1.0)


def test_the_first_snapshot_of_a_caller_has_an_empty_window() -> None:
    snapshot = windowed(None, profile(5 * SECOND, 100, 90))
    assert snapshot.window_seconds == 0.0
    assert snapshot.publishers["p"].messages_published_total == 100
    assert snapshot.publishers["p"].messages_published_window == 0
    assert snapshot.publishers["p"].publish_rate_hz_window == 0.0
    assert snapshot.subscribers["s"].messages_received_window == 0


def test_a_later_snapshot_has_the_window_since_the_callers_earlier_one() -> None:
    snapshot = windowed(profile(5 * SECOND, 100, 90), profile(7 * SECOND, 160, 90))
    assert snapshot.window_seconds == 2.0
    assert snapshot.publishers["p"].messages_published_window == 60
    assert snapshot.publishers["p"].publish_rate_hz_window == pytest.approx(30.0)
    assert snapshot.publishers["p"].inflight_messages_current == 3
    assert snapshot.subscribers["s"].messages_received_window == 0


def test_after_a_restart_the_window_is_empty_again() -> None:
    snapshot = windowed(profile(5 * SECOND, 100, 90), profile(7 * SECOND, 20, 10, pid=8))
    assert snapshot.window_seconds == 0.0
    assert snapshot.publishers["p"].messages_published_window == 0


def test_an_endpoint_that_came_within_the_window_counts_in_full() -> None:
    before = msgspec.structs.replace(profile(SECOND, 0, 0), publishers=[], subscribers=[])
    snapshot = windowed(before, profile(2 * SECOND, 12, 9))
    assert snapshot.publishers["p"].messages_published_window == 12
    assert snapshot.subscribers["s"].messages_received_window == 9
