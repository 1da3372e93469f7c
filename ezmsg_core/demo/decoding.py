"""From a feature's value to one of two states: smoothing, and a threshold with hysteresis."""

import math
from dataclasses import dataclass
from typing import Literal

MentalState = Literal["rest", "active"]

_BASELINE_S = 60.0  # time constant of the threshold that sets itself: longer than the swells it is to tell apart


@dataclass(frozen=True)
class Decoding:
    """Where a decoder stands; the next step is a function of it and the next value."""

    level: float = 0.0  # the smoothed value
    baseline: float = 0.0  # its average over the last minute or so
    threshold: float = 0.0  # that the last step was decided by
    state: MentalState = "rest"
    elapsed_s: float = 0.0  # time that the averages cover; 0 before the first value

    def advanced(
        self, value: float, interval_s: float, *, smoothing_s: float, threshold: float | None, hysteresis: float
    ) -> "Decoding":
        """Where the decoder stands after one more value.

        Args:
            value: of the feature.
            interval_s: since the value before.
            smoothing_s: time constant; 0 does not smooth.
            threshold: of the level, between the states; None takes the baseline.
            hysteresis: width of the zone round the threshold where the state stays, as a share of the threshold.
        """
        elapsed_s = self.elapsed_s + interval_s
        is_first = self.elapsed_s == 0
        level = value if is_first else _approached(self.level, value, interval_s, smoothing_s)
        # A plain mean at first, which the time constant then bounds: a few seconds already give a baseline.
        baseline = value if is_first else _approached(self.baseline, value, interval_s, min(_BASELINE_S, elapsed_s))
        middle = baseline if threshold is None else threshold
        margin = abs(middle) * hysteresis / 2
        state = self.state
        if level > middle + margin:
            state = "active"
        elif level < middle - margin:
            state = "rest"
        return Decoding(level, baseline, middle, state, elapsed_s)


def _approached(before: float, value: float, interval_s: float, time_constant_s: float) -> float:
    if time_constant_s <= 0:
        return value
    return before + (value - before) * -math.expm1(-interval_s / time_constant_s)
