"""The demo's decoder: smoothing, threshold, hysteresis."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ezmsg_core.demo.decoding import Decoding


def decode(
    values: list[float], *, smoothing_s: float = 0.0, threshold: float | None = 10.0, hysteresis: float = 0.2
) -> list[Decoding]:
    steps: list[Decoding] = []
    decoding = Decoding()
    for value in values:
        decoding = decoding.advanced(value, 0.1, smoothing_s=smoothing_s, threshold=threshold, hysteresis=hysteresis)
        steps.append(decoding)
    return steps


def test_the_first_value_is_the_level() -> None:
    assert decode([7.0], smoothing_s=5.0)[0].level == 7.0


def test_a_step_is_63_percent_through_after_the_time_constant() -> None:
    assert decode([0.0] + [1.0] * 20, smoothing_s=2.0)[-1].level == pytest.approx(1 - math.exp(-1))


def test_the_state_changes_beyond_the_zone_round_the_threshold_only() -> None:
    states = [step.state for step in decode([8.0, 10.5, 10.9, 11.1, 10.0, 9.1, 8.9, 10.5])]
    assert states == ["rest", "rest", "rest", "active", "active", "active", "rest", "rest"]


def test_the_zone_lies_round_a_negative_threshold_as_well() -> None:
    states = [step.state for step in decode([-12.0, -10.5, -8.9, -9.5, -11.1], threshold=-10.0)]
    assert states == ["rest", "rest", "active", "active", "rest"]


@given(values=st.lists(st.floats(0, 100)))
def test_without_smoothing_and_hysteresis_the_state_is_the_comparison(values: list[float]) -> None:
    for value, step in zip(values, decode(values, hysteresis=0.0), strict=True):
        assert step.level == value
        if value != 10.0:
            assert step.state == ("active" if value > 10.0 else "rest")


def test_without_a_threshold_the_average_of_the_signal_tells_its_swells_apart() -> None:
    swells = [50.0 - 45.0 * math.cos(2 * math.pi * step / 240) for step in range(2400)]  # 24 s each, 10 values a second
    steps = decode(swells, threshold=None)
    assert steps[-1].threshold == pytest.approx(50.0, rel=0.15)
    for start in range(480, 2400, 240):
        assert steps[start].state == "rest"
        assert steps[start + 120].state == "active"
    changes = sum(now.state != then.state for then, now in itertools.pairwise(steps[480:]))
    assert changes == 16  # two a swell


def test_a_threshold_that_is_given_is_the_one_in_force() -> None:
    assert {step.threshold for step in decode([1.0, 2.0, 3.0])} == {10.0}
