"""The demo's host counters, on the host that runs the tests."""

import psutil
import pytest

from ezmsg_core.demo.counters import HostCounters, Totals, counter_labels, rates_between


def test_a_reading_has_one_finite_value_for_each_label() -> None:
    counters = HostCounters(now_s=10.0)
    values = counters.read(now_s=10.2)
    cores = psutil.cpu_count() or 1
    assert counters.labels == counter_labels(cores)
    assert len(values) == len(counters.labels) == cores + 5
    assert all(0.0 <= value <= 100.0 for value in values[: cores + 1])
    assert all(0.0 <= value < 1e12 for value in values[cores + 1 :])
    assert 0.0 < values[cores] < 100.0  # some memory is always in use


def test_bytes_that_go_through_the_host_show_as_a_rate() -> None:
    before = Totals(received=100, sent=0, read=5, written=7)
    after = Totals(received=300, sent=50, read=5, written=27)
    assert rates_between(before, after, 0.2) == pytest.approx([1000.0, 250.0, 0.0, 100.0])


def test_a_counter_that_fell_gives_no_negative_rate() -> None:
    assert rates_between(Totals(9, 9, 9, 9), Totals(0, 0, 0, 0), 1.0) == [0.0, 0.0, 0.0, 0.0]


def test_two_readings_at_the_same_moment_do_not_fail() -> None:
    counters = HostCounters(now_s=1.0)
    counters.read(now_s=1.0)
    assert len(counters.read(now_s=1.0)) == len(counters.labels)
