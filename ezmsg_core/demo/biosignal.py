"""A synthetic multichannel biosignal, the same for the same seed and settings. It knows no clock and no unit."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ezmsg_core.demo.biquads import BlockFilter, pink

_BLINK_S = 0.3  # a human blink takes 0.1 to 0.4 s
_SWELL_S = 24.0  # the rhythm rises and falls once in this time: slow enough to follow by eye
_WARM_UP = 2048  # samples that bring the noise filter from rest to its steady level


@dataclass(frozen=True)
class Recipe:
    """What the signal is made of."""

    rhythm_hz: float  # frequency of the alpha-like rhythm
    rhythm_uv: float  # its peak at the strongest channel when it is at its height
    mains_hz: float
    mains_uv: float  # peak of the hum
    noise_uv: float  # standard deviation of the 1/f noise
    blinks_per_minute: float  # on average, at random moments
    blink_uv: float  # peak at the first channel


class Biosignal:
    """A stream of blocks: rhythm, mains hum, 1/f noise, blinks.

    The rhythm is strongest at the last channel and blinks at the first, as at the back and the front of a head.

    Args:
        rate_hz: sample rate.
        channels: number of columns.
        seed: of everything random.
    """

    def __init__(self, rate_hz: float, channels: int, seed: int) -> None:
        self._rate_hz = rate_hz
        self._random = np.random.default_rng(seed)
        self._back = np.linspace(0.3, 1.0, channels)
        self._front = np.linspace(1.0, 0.0, channels) ** 2
        self._hum = self._random.uniform(0.5, 1.0, channels)
        self._noise = BlockFilter(pink(rate_hz), channels)
        warm = self._noise.process(self._random.standard_normal((_WARM_UP, channels)))
        self._noise_scale = 1.0 / float(warm[_WARM_UP // 2 :].std())
        self._phases = np.zeros(2)  # of rhythm and mains, in turns
        self._blink_s = np.inf  # since the last blink began
        self.position = 0
        """Index of the next sample."""

    def skip(self, count: int) -> None:
        """Lose the next samples, as an amplifier does whose reader is away."""
        self.position += count

    def next_block(self, length: int, recipe: Recipe) -> NDArray[np.float32]:
        """The next samples (time, channel) in µV."""
        steps = np.arange(1, length + 1)
        turns = self._phases + steps[:, None] * np.array([recipe.rhythm_hz, recipe.mains_hz]) / self._rate_hz
        self._phases = turns[-1] % 1.0
        rhythm, hum = np.sin(2 * np.pi * turns).T
        time_s = (self.position + steps) / self._rate_hz
        swell = 0.55 - 0.45 * np.cos(2 * np.pi * time_s / _SWELL_S)  # 0.1 to 1, low at the start
        self.position += length
        white = self._random.standard_normal((length, len(self._back)))
        block = self._noise.process(white) * (recipe.noise_uv * self._noise_scale)
        block += (recipe.rhythm_uv * swell * rhythm)[:, None] * self._back
        block += (recipe.mains_uv * hum)[:, None] * self._hum
        block += self._blink(length, recipe)[:, None] * self._front
        return block.astype(np.float32)

    def _blink(self, length: int, recipe: Recipe) -> NDArray[np.float64]:
        """The course of a blink that runs through the block, or begins with it."""
        duration_s = length / self._rate_hz
        begins = self._random.random() < recipe.blinks_per_minute / 60 * duration_s
        if begins and self._blink_s >= _BLINK_S:
            self._blink_s = 0.0
        since_s = self._blink_s + np.arange(length) / self._rate_hz
        self._blink_s += duration_s
        course = np.sin(np.pi * np.minimum(since_s / _BLINK_S, 1.0)) ** 2
        return recipe.blink_uv * course
