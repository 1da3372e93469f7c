"""Recursive filters as cascades of biquads: their design, and their running over a stream of blocks.

A design is an array of sections, one row each: ``b0, b1, b2, a1, a2`` with ``a0 = 1``.
It knows no unit and no message; arrays are (time, channel).
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Sections = NDArray[np.float64]

_CHUNK = 32  # longest stretch that one matrix advances; beyond it the matrix costs more than the steps it saves


def lowpass(order: int, cut_hz: float, rate_hz: float) -> Sections:
    """A Butterworth low-pass by the bilinear transform, -3 dB at the cut.

    Args:
        order: even.
        cut_hz: above 0, below half the sample rate.
        rate_hz: sample rate.
    """
    cos, alphas = _prewarped(order, cut_hz, rate_hz)
    return np.array([_section((1 - cos) / 2, 1 - cos, (1 - cos) / 2, cos, alpha) for alpha in alphas])


def highpass(order: int, cut_hz: float, rate_hz: float) -> Sections:
    """A Butterworth high-pass by the bilinear transform, -3 dB at the cut; see `lowpass`."""
    cos, alphas = _prewarped(order, cut_hz, rate_hz)
    return np.array([_section((1 + cos) / 2, -(1 + cos), (1 + cos) / 2, cos, alpha) for alpha in alphas])


def bandpass(order: int, low_hz: float, high_hz: float, rate_hz: float) -> Sections:
    """A high-pass and a low-pass in a row, each of the given order."""
    return np.concatenate([highpass(order, low_hz, rate_hz), lowpass(order, high_hz, rate_hz)])


def notch(centre_hz: float, width_hz: float, rate_hz: float, harmonics: int = 1) -> Sections:
    """Zeros at a frequency and its multiples, as far as they are below half the sample rate.

    Args:
        centre_hz: the frequency that is removed.
        width_hz: between the -3 dB points, the same at each multiple.
        rate_hz: sample rate.
        harmonics: how many multiples are removed, the first one included.
    """
    alpha = float(np.tan(np.pi * width_hz / rate_hz))
    multiples = [centre_hz * n for n in range(1, harmonics + 1) if centre_hz * n < rate_hz / 2]
    cosines = [float(np.cos(2 * np.pi * multiple / rate_hz)) for multiple in multiples]
    return np.array([_section(1.0, -2 * cos, 1.0, cos, alpha) for cos in cosines]).reshape(-1, 5)


def pink(rate_hz: float, lowest_hz: float = 0.5) -> Sections:
    """Turns white noise into noise that falls by 3 dB an octave above `lowest_hz`.

    Poles two octaves apart, each followed by a zero an octave above: the slope alternates between 6 and 0 dB an
    octave, 3 on average.
    """
    rows: list[list[float]] = []
    pole_hz = lowest_hz
    while pole_hz * 2 < rate_hz / 2:
        pole, zero = np.exp(-2 * np.pi * np.array([pole_hz, 2 * pole_hz]) / rate_hz)
        rows.append([1.0, -float(zero), 0.0, -float(pole), 0.0])
        pole_hz *= 4
    return np.array(rows).reshape(-1, 5)


def run_sections(sections: Sections, samples: NDArray[np.float64], state: NDArray[np.float64]) -> NDArray[np.float64]:
    """The recursion itself (transposed direct form II), a sample at a time.

    Args:
        sections: the design.
        samples: (time, channel).
        state: (section, 2, channel); changed in place to the state after the last sample.

    Returns:
        A new array like `samples`.
    """
    result = samples.astype(np.float64)
    for (b0, b1, b2, a1, a2), (first, second) in zip(sections, state, strict=True):
        for step in result:
            x = step.copy()
            step[:] = b0 * x + first
            first[:] = b1 * x - a1 * step + second
            second[:] = b2 * x - a2 * step
    return result


class BlockFilter:
    """A cascade that runs over blocks of any length and carries its state from each to the next.

    A linear recursion over n samples is one matrix from (samples, state) to (results, next state). The matrix of
    each block length is found by putting unit vectors through `run_sections`, and kept; a block then costs one
    multiplication for all channels.

    Args:
        sections: the design; none passes blocks through.
        channels: number of columns of every block.
    """

    def __init__(self, sections: Sections, channels: int) -> None:
        self._key = (sections.tobytes(), len(sections))
        self._state = np.zeros((2 * len(sections), channels))

    def process(self, block: NDArray[np.floating]) -> NDArray[np.float32]:
        """The filtered block, a new array of the same shape; the block itself is not kept and not changed."""
        if not len(self._state):
            return block.astype(np.float32)
        result = np.empty(block.shape, np.float32)
        for start in range(0, len(block), _CHUNK):
            chunk = block[start : start + _CHUNK]
            advanced = _advance_matrix(*self._key, len(chunk)) @ np.concatenate([chunk, self._state])
            result[start : start + len(chunk)] = advanced[: len(chunk)]
            self._state = advanced[len(chunk) :]
        return result


class Decimator:
    """Keeps every n-th sample of a stream of blocks, after a low-pass at 80 % of the new half rate.

    Args:
        factor: n; 1 passes blocks through.
        rate_hz: sample rate of the blocks.
        channels: number of columns of every block.
    """

    def __init__(self, factor: int, rate_hz: float, channels: int) -> None:
        sections = lowpass(8, 0.4 * rate_hz / factor, rate_hz) if factor > 1 else np.zeros((0, 5))
        self._filter = BlockFilter(sections, channels)
        self._factor = factor
        self._offset = 0  # samples of the next block to leave out before the first that is kept

    def process(self, block: NDArray[np.floating]) -> NDArray[np.float32]:
        """The samples that are kept of this block, possibly none; a new array."""
        kept = self._filter.process(block)[self._offset :: self._factor]
        self._offset = (self._offset - len(block)) % self._factor
        return np.ascontiguousarray(kept)


def _prewarped(order: int, cut_hz: float, rate_hz: float) -> tuple[float, list[float]]:
    """Cosine of the cut's angle, and for each section sin(angle) / 2Q with the Q of a Butterworth pole pair."""
    angle = 2 * np.pi * cut_hz / rate_hz
    pairs = [np.pi * (2 * k + 1) / (2 * order) for k in range(order // 2)]
    return float(np.cos(angle)), [float(np.sin(angle) * np.cos(pair)) for pair in pairs]


def _section(b0: float, b1: float, b2: float, cos: float, alpha: float) -> list[float]:
    a0 = 1 + alpha
    return [b0 / a0, b1 / a0, b2 / a0, -2 * cos / a0, (1 - alpha) / a0]


@lru_cache(maxsize=64)  # a demo process holds a handful of designs with two or three block lengths each
def _advance_matrix(design: bytes, count: int, length: int) -> NDArray[np.float64]:
    sections = np.frombuffer(design).reshape(count, 5)
    probes = np.eye(length + 2 * count)
    state = probes[length:].reshape(count, 2, -1).copy()
    results = run_sections(sections, probes[:length], state)
    return np.concatenate([results, state.reshape(2 * count, -1)])
