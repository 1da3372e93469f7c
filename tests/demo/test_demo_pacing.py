"""The schedule of the demo's sources."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ezmsg_core.demo.pacing import Schedule

PERIOD_NS = 20_000_000
START_NS = 7_000_000_123


def test_blocks_are_due_a_period_apart_from_the_start() -> None:
    schedule = Schedule(50.0, START_NS, catch_up=5)
    for index in range(4):
        assert schedule.due_ns == START_NS + index * PERIOD_NS
        assert schedule.wait_ns(START_NS) == index * PERIOD_NS
        assert schedule.take(schedule.due_ns) == 0
    assert (schedule.late, schedule.skipped) == (0, 0)


@given(delays=st.lists(st.integers(0, PERIOD_NS - 1), min_size=1, max_size=200))
def test_delays_shorter_than_a_period_never_add_up(delays: list[int]) -> None:
    schedule = Schedule(50.0, START_NS, catch_up=5)
    for delay in delays:
        schedule.take(schedule.due_ns + delay)
    assert schedule.due_ns == START_NS + len(delays) * PERIOD_NS
    assert (schedule.late, schedule.skipped) == (0, 0)


@pytest.mark.parametrize("rate_hz", [3.0, 7.0, 50.0, 60.0])
def test_a_day_of_periods_that_are_no_whole_nanoseconds_is_a_day(rate_hz: float) -> None:
    schedule = Schedule(rate_hz, 0, catch_up=0)
    blocks = int(rate_hz * 86_400)
    schedule.take(int(blocks / rate_hz * 1e9) - 1)  # nothing may be caught up: the rest is skipped
    assert blocks - 1 <= schedule.skipped + 1 <= blocks
    assert abs(schedule.due_ns - 86_400 * 10**9) <= 1e9 / rate_hz + 1


def test_a_short_delay_is_caught_up_without_waits_and_counted() -> None:
    schedule = Schedule(50.0, START_NS, catch_up=5)
    now_ns = START_NS + 3 * PERIOD_NS + 5
    taken = 0
    while schedule.wait_ns(now_ns) == 0:
        assert schedule.take(now_ns) == 0
        taken += 1
    assert taken == 4  # three owed and the one that is due now
    assert (schedule.late, schedule.skipped) == (3, 0)


def test_what_a_long_delay_owes_beyond_the_catch_up_is_skipped_and_counted() -> None:
    schedule = Schedule(50.0, START_NS, catch_up=5)
    now_ns = START_NS + 100 * PERIOD_NS
    assert schedule.take(now_ns) == 95
    taken = 1
    while schedule.wait_ns(now_ns) == 0:
        assert schedule.take(now_ns) == 0
        taken += 1
    assert taken == 6  # five owed and the one that is due now
    assert (schedule.late, schedule.skipped) == (5, 95)
    assert schedule.due_ns == START_NS + 101 * PERIOD_NS


@given(steps=st.lists(st.integers(0, 40 * PERIOD_NS), max_size=100))
def test_taken_and_skipped_blocks_are_all_that_time_has_made_due(steps: list[int]) -> None:
    schedule = Schedule(50.0, START_NS, catch_up=5)
    now_ns, taken = START_NS, 0
    for step in steps:
        now_ns += step
        run = 0
        while schedule.wait_ns(now_ns) == 0:
            schedule.take(now_ns)
            taken, run = taken + 1, run + 1
        assert run <= 6
        assert taken + schedule.skipped == (now_ns - START_NS) // PERIOD_NS + 1
