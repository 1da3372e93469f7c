"""Frames wait for the terminal, whatever the terminal does."""

from hypothesis import given
from hypothesis import strategies as st

from ezmsg_tui.app.pacing import FIRST_PATIENCE_S, LEAST_RATE_HZ, PATIENCE_S, FramePacer


def test_no_live_frame_begins_before_the_terminal_has_answered_for_the_one_before():
    pacer = FramePacer()
    assert pacer.may_draw(0.0)
    pacer.note_drawn(0.0)
    assert pacer.note_written(0.0), "the terminal is asked after what was written"
    pacer.note_answered(0.01)
    pacer.note_drawn(0.1)
    assert pacer.note_written(0.1)
    assert not pacer.may_draw(0.2)
    assert not pacer.may_draw(4.0)
    pacer.note_answered(4.0)
    assert pacer.may_draw(4.1)


def test_a_terminal_that_answered_once_is_given_up_on_only_after_the_patience():
    pacer = FramePacer()
    pacer.note_written(0.0)
    pacer.note_answered(0.01)
    pacer.note_written(1.0)
    assert not pacer.may_draw(1.0 + PATIENCE_S - 0.01)
    assert pacer.may_draw(1.0 + PATIENCE_S)
    assert pacer.rate_hz < pacer.full_rate_hz


def test_a_terminal_that_never_answers_is_asked_once_and_gets_frames_by_the_clock():
    pacer = FramePacer(full_rate_hz=10)
    assert pacer.note_written(0.0)
    assert not pacer.may_draw(FIRST_PATIENCE_S - 0.01)
    drawn = 0
    for tick in range(100):
        now = FIRST_PATIENCE_S + tick / 10
        if pacer.may_draw(now):
            pacer.note_drawn(now)
            drawn += 1
            assert not pacer.note_written(now)
    assert drawn == 100
    assert pacer.rate_hz == 10


def test_an_answer_that_came_late_shows_that_the_terminal_does_answer():
    pacer = FramePacer(full_rate_hz=10)
    pacer.note_written(0.0)
    assert pacer.may_draw(2.0)
    pacer.note_answered(3.0)
    assert pacer.rate_hz == 5
    assert pacer.note_written(3.1)


def test_slow_answers_halve_the_rate_down_to_one_a_second_and_quick_ones_bring_it_back():
    pacer = FramePacer(full_rate_hz=10)
    now = 0.0
    for _ in range(10):
        pacer.note_written(now)
        now += 0.4
        pacer.note_answered(now)
    assert pacer.rate_hz == LEAST_RATE_HZ
    for _ in range(60):
        pacer.note_written(now)
        now += 0.01
        pacer.note_answered(now)
    assert pacer.rate_hz == 10


def test_an_answer_that_nobody_asked_for_changes_nothing():
    pacer = FramePacer()
    pacer.note_answered(1.0)
    assert pacer.round_trip_s is None
    assert pacer.rate_hz == pacer.full_rate_hz


@given(st.lists(st.tuples(st.floats(0, 2), st.sampled_from(["ask", "answer", "draw"])), max_size=200))
def test_the_rate_stays_within_its_limits_and_frames_never_stop_for_good(steps: list[tuple[float, str]]):
    pacer = FramePacer(full_rate_hz=10)
    now = 0.0
    for wait, what in steps:
        now += wait
        if what == "ask":
            pacer.note_written(now)
        elif what == "answer":
            pacer.note_answered(now)
        elif pacer.may_draw(now):
            pacer.note_drawn(now)
        assert LEAST_RATE_HZ <= pacer.rate_hz <= 10
    assert pacer.may_draw(now + PATIENCE_S + 1 / LEAST_RATE_HZ)
