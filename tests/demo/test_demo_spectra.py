"""Spectra and band power of the demo: calibration, overlap, edges."""

import numpy as np
import pytest
from numpy.typing import NDArray

from ezmsg_core.demo.spectra import RunningSpectrum, WindowShape, band_power

RATE_HZ = 250.0


def sine(frequency_hz: float, amplitude: float, length: int) -> NDArray[np.float64]:
    return amplitude * np.sin(2 * np.pi * frequency_hz * np.arange(length) / RATE_HZ)[:, None]


@pytest.mark.parametrize("shape", WindowShape)
@pytest.mark.parametrize("length", [250, 251, 500])
def test_the_density_of_noise_integrates_to_its_variance(shape: WindowShape, length: int) -> None:
    spectrum = RunningSpectrum(length, length // 2, RATE_HZ, 1, shape)
    noise = 3.0 * np.random.default_rng(7).standard_normal((100_000, 1))
    densities = list(spectrum.process(noise))
    mean = np.mean(densities, axis=0)
    assert mean.sum() * spectrum.resolution_hz == pytest.approx(9.0, rel=0.02)
    np.testing.assert_allclose(mean[2:-2], 9.0 / (RATE_HZ / 2), rtol=0.25)  # flat


@pytest.mark.parametrize("shape", WindowShape)
@pytest.mark.parametrize("frequency_hz", [10.0, 10.4, 60.0])
@pytest.mark.parametrize("amplitude", [0.5, 20.0])
def test_a_sine_holds_half_its_amplitude_squared_in_the_band_round_it(
    shape: WindowShape, frequency_hz: float, amplitude: float
) -> None:
    spectrum = RunningSpectrum(500, 25, RATE_HZ, 1, shape)
    *_, density = spectrum.process(sine(frequency_hz, amplitude, 500))
    power = band_power(density, spectrum.resolution_hz, frequency_hz - 5, frequency_hz + 5)
    assert power[0] == pytest.approx(amplitude**2 / 2, rel=0.05 if shape is WindowShape.RECTANGLE else 0.005)


def test_a_constant_appears_at_0_hz_only() -> None:
    spectrum = RunningSpectrum(250, 25, RATE_HZ, 1, WindowShape.RECTANGLE)
    (density,) = spectrum.process(np.full((250, 1), 2.0))
    assert density[0, 0] * spectrum.resolution_hz == pytest.approx(4.0)
    assert density[1:].max() < 1e-9


@pytest.mark.parametrize("block", [1, 5, 24, 25, 26, 300, 1000])
def test_a_spectrum_comes_after_the_first_window_and_then_after_each_hop(block: int) -> None:
    signal = np.random.default_rng(1).standard_normal((1000, 2))
    spectrum = RunningSpectrum(250, 25, RATE_HZ, 2, WindowShape.HANN)
    densities = [found for part in np.split(signal, np.arange(block, 1000, block)) for found in spectrum.process(part)]
    assert len(densities) == 1 + (1000 - 250) // 25
    for index in (0, 1, 30):
        alone = RunningSpectrum(250, 25, RATE_HZ, 2, WindowShape.HANN)
        (expected,) = alone.process(signal[index * 25 : index * 25 + 250])
        np.testing.assert_allclose(densities[index], expected, rtol=1e-5)
    assert densities[0].shape == (126, 2)


def test_a_density_is_a_value_of_its_own() -> None:
    spectrum = RunningSpectrum(50, 10, RATE_HZ, 1, WindowShape.HANN)
    first, second = spectrum.process(np.random.default_rng(1).standard_normal((60, 1)))
    assert not np.shares_memory(first, second)


def test_bands_that_touch_add_up_to_the_band_of_both() -> None:
    density = np.random.default_rng(5).random((126, 3))
    for edge in (8.0, 9.3, 12.51):
        parts = band_power(density, 1.0, 4.0, edge) + band_power(density, 1.0, edge, 20.0)
        np.testing.assert_allclose(parts, band_power(density, 1.0, 4.0, 20.0))


def test_band_power_moves_with_an_edge_that_is_finer_than_the_resolution() -> None:
    density = np.ones((126, 1))
    powers = [band_power(density, 1.0, 8.0, high)[0] for high in (10.0, 10.1, 10.2)]
    np.testing.assert_allclose(powers, [2.0, 2.1, 2.2])
    assert band_power(density, 1.0, 300.0, 400.0)[0] == 0.0
