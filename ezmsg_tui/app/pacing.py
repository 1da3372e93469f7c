"""When the next live frame may be drawn, so that a slow terminal is never behind by more than one.

The terminal is asked for its cursor position after each frame, and answers when it has drawn it. Pure: time is an
argument.
"""

from __future__ import annotations

FULL_RATE_HZ = 10.0
"""Live frames a second: more cannot be read, and each costs bytes on the way."""

LEAST_RATE_HZ = 1.0

SLOW_ROUND_TRIP_S = 0.25
"""An answer later than this halves the rate."""

QUICK_ROUND_TRIP_S = 0.15
"""An answer earlier than this, several times running, doubles it again."""

PATIENCE_S = 5.0
"""So long a frame may stay unanswered before the next one is drawn all the same."""

FIRST_PATIENCE_S = 1.0
"""So long the first answer may take before the terminal is held for one that never answers, and frames are only counted
by the clock. An answer that comes later shows that it does."""

_QUICK_IN_A_ROW = 10
_SMOOTHING = 0.3


class FramePacer:
    """Keeps at most one frame on its way to the terminal."""

    def __init__(self, *, full_rate_hz: float = FULL_RATE_HZ, can_ask: bool = True) -> None:
        self.full_rate_hz = full_rate_hz
        self.rate_hz = full_rate_hz
        self.round_trip_s: float | None = None
        self._can_ask = can_ask
        self._asked_at: float | None = None
        self._drawn_at = float("-inf")
        self._quick = 0

    def may_draw(self, now: float) -> bool:
        """Whether a live frame may be drawn; what the user does may always draw."""
        if self._asked_at is not None:
            has_answered = self.round_trip_s is not None
            if now - self._asked_at < (PATIENCE_S if has_answered else FIRST_PATIENCE_S):
                return False
            if has_answered:
                self._asked_at = None
                self.rate_hz = max(LEAST_RATE_HZ, self.rate_hz / 2)
        return now - self._drawn_at >= 0.9 / self.rate_hz

    def note_drawn(self, now: float) -> None:
        """A live frame was begun."""
        self._drawn_at = now

    def note_written(self, now: float) -> bool:
        """Bytes went to the terminal; answers whether to ask it now."""
        if not self._can_ask or self._asked_at is not None:
            return False
        self._asked_at = now
        return True

    def note_answered(self, now: float) -> None:
        """The terminal gave its cursor position."""
        if self._asked_at is None:
            return
        trip = now - self._asked_at
        self._asked_at = None
        before = self.round_trip_s
        self.round_trip_s = trip if before is None else before + _SMOOTHING * (trip - before)
        if trip > SLOW_ROUND_TRIP_S:
            self.rate_hz = max(LEAST_RATE_HZ, self.rate_hz / 2)
            self._quick = 0
        elif trip < QUICK_ROUND_TRIP_S:
            self._quick += 1
            if self._quick >= _QUICK_IN_A_ROW and self.rate_hz < self.full_rate_hz:
                self.rate_hz = min(self.full_rate_hz, self.rate_hz * 2)
                self._quick = 0
        else:
            self._quick = 0
