"""Power spectra of a stream of blocks, in calibrated units. Arrays are (time or frequency, channel)."""

import enum
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


class WindowShape(enum.Enum):
    """How a stretch of samples is weighted before its transform."""

    HANN = "hann"
    HAMMING = "hamming"
    BLACKMAN = "blackman"
    RECTANGLE = "rectangle"


_COSINES = {  # coefficients of 1, -cos x, cos 2x
    WindowShape.HANN: (0.5, 0.5, 0.0),
    WindowShape.HAMMING: (0.54, 0.46, 0.0),
    WindowShape.BLACKMAN: (0.42, 0.5, 0.08),
    WindowShape.RECTANGLE: (1.0, 0.0, 0.0),
}


class RunningSpectrum:
    """One-sided power density of the latest samples, again after every hop.

    A sine of amplitude A holds A²/2 between the frequencies around it.

    Args:
        length: samples in the window.
        hop: new samples from one spectrum to the next.
        rate_hz: sample rate.
        channels: number of columns of every block.
        shape: of the window.
    """

    def __init__(self, length: int, hop: int, rate_hz: float, channels: int, shape: WindowShape) -> None:
        self.resolution_hz = rate_hz / length
        """Distance of two frequencies; the first one is 0."""
        turn = 2 * np.pi * np.arange(length) / length
        constant, once, twice = _COSINES[shape]
        self._window = (constant - once * np.cos(turn) + twice * np.cos(2 * turn))[:, None]
        bins = length // 2 + 1
        sides = np.full((bins, 1), 2.0)  # the negative frequencies are added to the positive ones
        sides[0] = 1.0
        if length % 2 == 0:
            sides[-1] = 1.0
        self._scale = sides / (rate_hz * float((self._window**2).sum()))
        self._latest = np.zeros((length, channels))
        self._hop = hop
        self._missing = length  # samples until the next spectrum

    def process(self, block: NDArray[np.floating]) -> Iterator[NDArray[np.float32]]:
        """Take a block in; yields each density (frequency, channel) that it completes, a new array."""
        while len(block):
            part = block[: self._missing]
            block = block[len(part) :]
            self._latest = np.concatenate([self._latest, part])[-len(self._latest) :]
            self._missing -= len(part)
            if self._missing == 0:
                self._missing = self._hop
                yield self._density()

    def _density(self) -> NDArray[np.float32]:
        transform = np.fft.rfft(self._latest * self._window, axis=0)
        return ((transform.real**2 + transform.imag**2) * self._scale).astype(np.float32)


def band_power(
    density: NDArray[np.floating], resolution_hz: float, low_hz: float, high_hz: float
) -> NDArray[np.float64]:
    """Power of each channel between two frequencies.

    Each frequency of the density stands for the stretch halfway to its neighbours, of which the part within the
    band counts; so the power moves with the edges and not in jumps.
    """
    centres = np.arange(len(density)) * resolution_hz
    upper = np.minimum(centres + resolution_hz / 2, high_hz)
    lower = np.maximum(centres - resolution_hz / 2, low_hz)
    return np.maximum(upper - lower, 0.0) @ density.astype(np.float64)
