"""The two clocks of the inspector, as one value that tests replace."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clocks:
    """Where the time comes from. Both may be called from any thread."""

    monotonic_s: Callable[[], float] = time.monotonic  # for ages and deadlines
    wall_s: Callable[[], float] = time.time  # seconds since the epoch, for people
