"""Delays between tries, and which failures are worth one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ezmsg_core import errors
from ezmsg_tui.feed.retrying import CHANGING_HANDS, RetryPolicy, is_worth_a_retry, remedy_of, sentence_of


def test_delays_double_from_a_quarter_second_to_five_seconds() -> None:
    policy = RetryPolicy()
    delays = [policy.delay_s(failures, lambda: 0.5) for failures in range(1, 8)]
    assert delays == [0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0]


@given(st.integers(1, 10_000), st.floats(0.0, 1.0))
def test_chance_moves_a_delay_by_at_most_a_fifth(failures: int, chance: float) -> None:
    policy = RetryPolicy()
    plain = policy.delay_s(failures, lambda: 0.5)
    assert 0.8 * plain - 1e-9 <= policy.delay_s(failures, lambda: chance) <= 1.2 * plain + 1e-9


NEVER = [
    errors.ForeignServerError("a"),
    errors.ProtocolMismatchError("b"),
    errors.AccessDeniedError("c"),
    errors.ConnectionFileError("d"),
]
ALWAYS = [
    errors.ServerUnreachableError("e"),
    errors.LinkLostError("f"),
    errors.RequestTimeoutError("g"),
    OSError("h"),
    TimeoutError("i"),
]


@pytest.mark.parametrize("error", NEVER)
def test_a_refusal_is_final_the_first_time(error: Exception) -> None:
    assert not is_worth_a_retry(error, was_attached=False, failures=1)
    assert remedy_of(error)


@pytest.mark.parametrize("error", ALWAYS)
def test_an_absent_server_is_tried_for_ever(error: Exception) -> None:
    for was_attached in (False, True):
        assert is_worth_a_retry(error, was_attached=was_attached, failures=10_000)


def test_a_refusal_by_a_server_that_was_there_before_may_be_its_restart() -> None:
    error = errors.AccessDeniedError("c")
    assert is_worth_a_retry(error, was_attached=True, failures=CHANGING_HANDS - 1)
    assert not is_worth_a_retry(error, was_attached=True, failures=CHANGING_HANDS)


def test_a_file_that_vanished_with_its_server_is_waited_for() -> None:
    assert is_worth_a_retry(errors.ConnectionFileError("d"), was_attached=True, failures=10_000)


def test_a_mistake_of_the_program_is_not_tried_again() -> None:
    assert not is_worth_a_retry(TypeError("x"), was_attached=True, failures=1)
    assert not is_worth_a_retry(errors.ConfigError("x"), was_attached=True, failures=1)


def test_errors_of_others_are_named_by_their_kind() -> None:
    assert sentence_of(errors.LinkError("It went.")) == "It went."
    assert sentence_of(OSError("disk")) == "OSError: disk"
    assert sentence_of(TimeoutError()) == "TimeoutError"
