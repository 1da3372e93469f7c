"""The demo's synthetic signal: repeatable, continuous, and made of what its recipe says."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from ezmsg_core.demo.biosignal import Biosignal, Recipe
from ezmsg_core.demo.spectra import RunningSpectrum, WindowShape, band_power

RATE_HZ = 500.0
SILENT = Recipe(
    rhythm_hz=10.0,
    rhythm_uv=0.0,
    mains_hz=50.0,
    mains_uv=0.0,
    noise_uv=0.0,
    blinks_per_minute=0.0,
    blink_uv=0.0,
)
USUAL = Recipe(
    rhythm_hz=10.0,
    rhythm_uv=20.0,
    mains_hz=50.0,
    mains_uv=10.0,
    noise_uv=5.0,
    blinks_per_minute=15.0,
    blink_uv=120.0,
)


def record(recipe: Recipe, seconds: float, *, seed: int = 1, block: int = 10) -> NDArray[np.float32]:
    source = Biosignal(RATE_HZ, 32, seed)
    return np.concatenate([source.next_block(block, recipe) for _ in range(int(seconds * RATE_HZ) // block)])


def mean_power(samples: NDArray[np.float32], low_hz: float, high_hz: float) -> NDArray[np.float64]:
    spectrum = RunningSpectrum(500, 250, RATE_HZ, 32, WindowShape.HANN)
    densities = list(spectrum.process(samples))
    return band_power(np.mean(densities, axis=0), spectrum.resolution_hz, low_hz, high_hz)


def test_the_same_seed_gives_the_same_signal_and_another_seed_another() -> None:
    assert np.array_equal(record(USUAL, 2.0), record(USUAL, 2.0))
    assert not np.array_equal(record(USUAL, 2.0), record(USUAL, 2.0, seed=2))


def test_blocks_are_float32_of_time_by_channel() -> None:
    block = Biosignal(RATE_HZ, 32, 1).next_block(10, USUAL)
    assert (block.shape, block.dtype) == ((10, 32), np.float32)


def test_a_silent_recipe_is_silent() -> None:
    assert not record(SILENT, 1.0).any()


def test_the_rhythm_is_one_sine_across_blocks_with_the_frequency_of_the_recipe() -> None:
    samples = record(replace(SILENT, rhythm_uv=20.0), 24.0)
    np.testing.assert_array_equal(samples, record(replace(SILENT, rhythm_uv=20.0), 24.0, block=50))
    assert abs(np.diff(samples[:, -1])).max() < 20.0 * 2 * np.pi * 10.0 / RATE_HZ * 1.01  # no jump at a block's edge
    inside = mean_power(samples, 8.0, 12.0)
    assert inside[-1] == pytest.approx(mean_power(samples, 0.0, 250.0)[-1], rel=1e-3)
    assert inside[-1] / inside[0] == pytest.approx((1 / 0.3) ** 2, rel=0.01)  # strongest at the back


def test_the_rhythm_swells_from_a_tenth_to_the_full_amplitude_and_back() -> None:
    peaks = abs(record(replace(SILENT, rhythm_uv=20.0), 24.0)[:, -1]).reshape(24, -1).max(axis=1)
    assert peaks[0] == pytest.approx(2.0, abs=0.5)
    assert peaks[11:13] == pytest.approx(20.0, abs=0.5)
    assert peaks[-1] == pytest.approx(2.0, abs=0.5)
    assert abs(np.diff(peaks)).max() < 3.0


def test_the_hum_is_at_the_frequency_of_the_mains() -> None:
    samples = record(replace(SILENT, mains_uv=10.0, mains_hz=60.0), 4.0)
    assert (mean_power(samples, 58.0, 62.0) > 0.99 * mean_power(samples, 0.0, 250.0)).all()
    assert mean_power(samples, 58.0, 62.0).max() <= 50.0


def test_the_noise_has_its_standard_deviation_and_falls_with_frequency() -> None:
    samples = record(replace(SILENT, noise_uv=5.0), 60.0)
    assert samples.std() == pytest.approx(5.0, rel=0.1)
    octaves = [mean_power(samples, low, 2 * low).mean() for low in (4.0, 8.0, 16.0, 32.0)]
    assert max(octaves) / min(octaves) < 1.5  # 1/f: as much in each octave
    assert abs(np.corrcoef(samples[:, 0], samples[:, 1])[0, 1]) < 0.2


def test_blinks_come_at_the_rate_and_the_height_of_the_recipe_at_the_front() -> None:
    samples = record(replace(SILENT, blinks_per_minute=15.0, blink_uv=120.0), 600.0)
    front = samples[:, 0]
    begins = int(((front[1:] > 0) & (front[:-1] == 0)).sum())
    assert 15.0 * 10 * 0.7 < begins < 15.0 * 10 * 1.3
    assert front.max() == pytest.approx(120.0, rel=0.01)
    assert front.min() == 0.0
    assert samples[:, -1].max() < 1e-3
    assert abs(np.diff(front)).max() < 120.0 * np.pi / (0.3 * RATE_HZ) * 1.01  # a blink is smooth across blocks


def test_skipped_samples_move_the_position_and_the_swell() -> None:
    source = Biosignal(RATE_HZ, 32, 1)
    source.skip(int(12 * RATE_HZ))
    block = np.concatenate([source.next_block(10, replace(SILENT, rhythm_uv=20.0)) for _ in range(10)])
    assert source.position == 12 * RATE_HZ + 100
    assert abs(block[:, -1]).max() == pytest.approx(20.0, rel=0.01)
