"""Filters of the demo against the analytical responses of their designs."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ezmsg_core.demo.biquads import (
    BlockFilter,
    Decimator,
    Sections,
    bandpass,
    highpass,
    lowpass,
    notch,
    pink,
    run_sections,
)

RATE_HZ = 500.0


def gain_of(sections: Sections, frequency_hz: float) -> float:
    """Magnitude at a frequency, from the transfer function."""
    z = np.exp(-2j * np.pi * frequency_hz / RATE_HZ)
    powers = np.array([1, z, z * z])
    gains = [abs((powers @ row[:3]) / (powers @ [1, row[3], row[4]])) for row in sections]
    return math.prod(float(gain) for gain in gains)


def measured_gain(sections: Sections, frequency_hz: float) -> float:
    """Magnitude at a frequency, from a sine that has run through the filter in blocks of 10."""
    time_s = np.arange(5000) / RATE_HZ
    sine = np.sin(2 * np.pi * frequency_hz * time_s)[:, None]
    running = BlockFilter(sections, 1)
    result = np.concatenate([running.process(block) for block in np.split(sine, 500)])[2500:, 0]
    turns = np.exp(-2j * np.pi * frequency_hz * time_s[2500:])
    return float(abs(result @ turns) * 2 / 2500)


@pytest.mark.parametrize("order", [2, 4, 8])
@pytest.mark.parametrize("cut_hz", [0.5, 13.0, 200.0])
@pytest.mark.parametrize("frequency_hz", [0.2, 1.0, 10.0, 50.0, 190.0, 240.0])
def test_a_butterworth_design_has_the_response_of_its_analog_prototype(
    order: int, cut_hz: float, frequency_hz: float
) -> None:
    ratio = np.tan(np.pi * frequency_hz / RATE_HZ) / np.tan(np.pi * cut_hz / RATE_HZ)
    assert gain_of(lowpass(order, cut_hz, RATE_HZ), frequency_hz) == pytest.approx(
        1 / np.sqrt(1 + ratio ** (2 * order)), rel=1e-6, abs=1e-12
    )
    assert gain_of(highpass(order, cut_hz, RATE_HZ), frequency_hz) == pytest.approx(
        1 / np.sqrt(1 + ratio ** (-2 * order)), rel=1e-5, abs=1e-9
    )


@pytest.mark.parametrize("order", [2, 4, 8])
@pytest.mark.parametrize(("low_hz", "high_hz"), [(8.0, 13.0), (1.0, 40.0), (20.0, 120.0)])
@pytest.mark.parametrize("frequency_hz", [4.0, 8.0, 10.0, 13.0, 30.0, 50.0, 150.0])
def test_a_sine_leaves_the_band_pass_with_the_analytical_gain(
    order: int, low_hz: float, high_hz: float, frequency_hz: float
) -> None:
    warped = np.tan(np.pi * frequency_hz / RATE_HZ)
    low, high = np.tan(np.pi * low_hz / RATE_HZ), np.tan(np.pi * high_hz / RATE_HZ)
    expected = 1 / np.sqrt((1 + (low / warped) ** (2 * order)) * (1 + (warped / high) ** (2 * order)))
    assert measured_gain(bandpass(order, low_hz, high_hz, RATE_HZ), frequency_hz) == pytest.approx(expected, abs=2e-3)


def test_a_notch_removes_its_frequency_and_is_minus_3_db_at_its_width() -> None:
    sections = notch(50.0, 2.0, RATE_HZ)
    assert gain_of(sections, 50.0) < 1e-9
    assert measured_gain(sections, 50.0) < 2e-3
    width = np.tan(np.pi * 2.0 / RATE_HZ)
    for frequency_hz in (10.0, 45.0, 48.9, 51.1, 60.0):
        angle, centre = 2 * np.pi * np.array([frequency_hz, 50.0]) / RATE_HZ
        distance = width * np.sin(angle) / (np.cos(angle) - np.cos(centre))
        assert gain_of(sections, frequency_hz) == pytest.approx(1 / np.sqrt(1 + distance**2), rel=1e-6)
    assert gain_of(sections, 49.0) == pytest.approx(np.sqrt(0.5), abs=0.01)
    assert gain_of(sections, 51.0) == pytest.approx(np.sqrt(0.5), abs=0.01)


def test_a_notch_with_harmonics_has_a_zero_at_each_multiple_below_half_the_rate() -> None:
    sections = notch(60.0, 2.0, RATE_HZ, harmonics=9)
    assert len(sections) == 4  # 60, 120, 180, 240; 300 is above 250
    assert max(gain_of(sections, multiple) for multiple in (60.0, 120.0, 180.0, 240.0)) < 1e-9
    assert gain_of(sections, 90.0) == pytest.approx(1.0, abs=0.01)


def test_pink_sections_fall_by_3_db_an_octave() -> None:
    sections = pink(RATE_HZ)
    octaves = 2.0 ** np.arange(0, 6)  # 1 to 32 Hz
    decibels = 20 * np.log10([gain_of(sections, frequency) for frequency in octaves])
    assert np.polyfit(np.arange(6), decibels, 1)[0] == pytest.approx(-3.0, abs=0.4)


def direct_form(sections: Sections, signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """The difference equation as it is written in textbooks, for one channel."""
    for b0, b1, b2, a1, a2 in sections:
        result = np.zeros(len(signal) + 2)
        padded = np.concatenate([[0.0, 0.0], signal])
        for n in range(2, len(padded)):
            result[n] = (
                b0 * padded[n] + b1 * padded[n - 1] + b2 * padded[n - 2] - a1 * result[n - 1] - a2 * result[n - 2]
            )
        signal = result[2:]
    return signal


@given(lengths=st.lists(st.integers(0, 75), min_size=1, max_size=12), seed=st.integers(0, 1000))
def test_blocks_of_any_length_give_what_the_difference_equation_gives_for_the_whole(
    lengths: list[int], seed: int
) -> None:
    sections = np.concatenate([notch(50.0, 2.0, RATE_HZ), bandpass(4, 8.0, 30.0, RATE_HZ)])
    signal = np.random.default_rng(seed).standard_normal((sum(lengths), 3))
    running = BlockFilter(sections, 3)
    blocks = [running.process(block) for block in np.split(signal, np.cumsum(lengths)[:-1])]
    assert [len(block) for block in blocks] == lengths
    whole = np.stack([direct_form(sections, signal[:, channel]) for channel in range(3)], axis=1)
    np.testing.assert_allclose(np.concatenate(blocks), whole, atol=1e-5)


def test_the_sequential_recursion_carries_its_state() -> None:
    sections = bandpass(4, 8.0, 30.0, RATE_HZ)
    signal = np.random.default_rng(1).standard_normal((40, 2))
    state = np.zeros((len(sections), 2, 2))
    parts = [run_sections(sections, part, state) for part in (signal[:7], signal[7:])]
    np.testing.assert_allclose(np.concatenate(parts)[:, 1], direct_form(sections, signal[:, 1]), atol=1e-12)


def test_a_filter_neither_changes_nor_keeps_its_input() -> None:
    for sections in (notch(50.0, 2.0, RATE_HZ), np.zeros((0, 5))):
        block = np.ones((10, 2), np.float32)
        block.flags.writeable = False
        result = BlockFilter(sections, 2).process(block)
        assert result.dtype == np.float32
        assert result.flags.writeable
        assert not np.shares_memory(result, block)


def test_a_filter_at_the_edges_of_its_settings_stays_stable_for_an_hour() -> None:
    running = BlockFilter(bandpass(8, 0.5, 200.0, RATE_HZ), 1)
    noise = np.random.default_rng(3).standard_normal((1000, 1))
    for _ in range(1799):
        running.process(noise)
    assert 0.1 < running.process(noise).std() < 2.0


@pytest.mark.parametrize("factor", [1, 2, 4, 5, 10])
def test_decimated_blocks_hold_every_nth_sample_whatever_the_block_length(factor: int) -> None:
    time_s = np.arange(3000) / RATE_HZ
    signal = np.sin(2 * np.pi * 5.0 * time_s)[:, None] * np.ones((1, 2))
    whole = Decimator(factor, RATE_HZ, 2).process(signal)
    running = Decimator(factor, RATE_HZ, 2)
    parts = [running.process(block) for block in np.split(signal, np.arange(7, 3000, 7))]
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-5)
    assert len(whole) == 3000 // factor
    assert abs(whole[1500 // factor :]).max() == pytest.approx(1.0, abs=0.05)


def test_decimation_removes_what_would_fold_into_the_new_band() -> None:
    time_s = np.arange(5000) / RATE_HZ
    folding = np.sin(2 * np.pi * 115.0 * time_s)[:, None]  # would appear at 10 Hz at the new rate of 125 Hz
    kept = Decimator(4, RATE_HZ, 1).process(folding)
    assert abs(kept[len(kept) // 2 :]).max() < 1e-3
