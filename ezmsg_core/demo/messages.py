"""What the units of the demo send each other. Received arrays may be read-only and lent: copy what is kept."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ezmsg_core.demo.decoding import MentalState


@dataclass(frozen=True)
class SignalBlock:
    """Some consecutive samples of all channels."""

    samples: NDArray[np.float32]  # (time, channel) in µV
    rate_hz: float  # sample rate
    position: int  # index of the first sample at this rate, skipped ones counted

    @property
    def layout(self) -> tuple[float, int]:
        """Sample rate and number of channels: what a filter is made for."""
        return self.rate_hz, self.samples.shape[1]


@dataclass(frozen=True)
class Spectrum:
    """The power density of the latest window of samples."""

    density: NDArray[np.float32]  # (frequency, channel) in µV²/Hz
    resolution_hz: float  # distance of two frequencies; the first one is 0
    interval_s: float  # since the spectrum before


@dataclass(frozen=True)
class Feature:
    """The power in a band."""

    channels: NDArray[np.float32]  # (channel) in µV²
    value: float  # over the chosen channels, on the chosen scale
    interval_s: float  # since the feature before


@dataclass(frozen=True)
class Decision:
    """What the decoder makes of the feature."""

    state: MentalState
    level: float  # the smoothed feature
    threshold: float  # in force


@dataclass(frozen=True)
class HostLoad:
    """Live counters of the host."""

    values: NDArray[np.float64]  # one for each label
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Status:
    """The latest decision, and how far the host's load allows to trust its timing."""

    decision: Decision | None  # None before the first one
    busiest_core_percent: float
    memory_percent: float
    is_overloaded: bool  # the busiest core is above the limit


@dataclass(frozen=True)
class Segment:
    """A longer stretch of some channels, for the archive."""

    samples: NDArray[np.float32]  # (time, channel) in µV
    first_channel: int
    position: int  # index of the first sample


@dataclass(frozen=True)
class Receipt:
    """The archive has stored a segment."""

    stored_bytes: int  # all that the archive holds now
    ratio: float  # original by stored size of this segment
