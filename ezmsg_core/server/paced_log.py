"""A log that no peer can flood: so many lines a second on behalf of each, then a count."""

import logging
from collections import OrderedDict

_KEPT_PEERS = 256  # whose allowance is remembered; the one that was heard of least lately is forgotten


class _Allowance:
    """What one peer may still say, refilled by time."""

    def __init__(self, lines: float, now_s: float) -> None:
        self.lines = lines
        self.since_s = now_s
        self.suppressed = 0


class PacedLog:
    """Writes lines on behalf of peers.

    Args:
        logger: where to.
        lines_per_s: of each peer, and as many at once.
    """

    def __init__(self, logger: logging.Logger, lines_per_s: float) -> None:
        self._logger = logger
        self._lines_per_s = lines_per_s
        self._allowances: OrderedDict[str, _Allowance] = OrderedDict()

    def write(self, level: int, peer: str, text: str, now_s: float, *, exc_info: Exception | None = None) -> None:
        """Write a line, if the peer has one left; what was held back before it is told with it.

        Args:
            level: as of `logging`.
            peer: on whose behalf.
            text: one line; control characters are escaped.
            now_s: monotonic.
            exc_info: whose traceback to add.
        """
        if not self._logger.isEnabledFor(level):
            return
        allowance = self._allowance(peer, now_s)
        if allowance.lines < 1:
            allowance.suppressed += 1
            return
        allowance.lines -= 1
        more = f" ({allowance.suppressed} lines before this one were held back)" if allowance.suppressed else ""
        allowance.suppressed = 0
        self._logger.log(level, "%s%s", printable(text), more, exc_info=exc_info)

    def _allowance(self, peer: str, now_s: float) -> _Allowance:
        allowance = self._allowances.pop(peer, None)
        if allowance is None:
            allowance = _Allowance(self._lines_per_s, now_s)
            while len(self._allowances) >= _KEPT_PEERS:
                self._allowances.popitem(last=False)
        refill = (now_s - allowance.since_s) * self._lines_per_s
        allowance.lines = min(self._lines_per_s, allowance.lines + max(refill, 0.0))
        allowance.since_s = now_s
        self._allowances[peer] = allowance
        return allowance


def printable(text: str) -> str:
    """The text with everything escaped that could steer a terminal or forge a line of the log."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)
