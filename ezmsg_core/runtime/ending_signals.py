"""What SIGINT and SIGTERM mean while a graph runs."""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Generator
from types import FrameType
from typing import Any, Self

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM)
SAME_WISH_S = 0.25  # whoever signals a process and then its group, as a shell or `timeout` does, signals it twice


@contextlib.contextmanager
def held_signals() -> Generator[None]:
    """Within the block, SIGINT and SIGTERM wait; threads and processes that it starts inherit that they do."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class EndingSignals:
    """Within the block, the first SIGINT or SIGTERM asks for an end, and another one for an end without waiting.

    What comes with the first is the same wish. Outside the main thread, nothing changes: signals go elsewhere.

    Args:
        on_first: called with the signal, in the signal handler.
        on_another: called in the signal handler.
    """

    def __init__(self, on_first: Callable[[signal.Signals], None], on_another: Callable[[], None]) -> None:
        self._on_first = on_first
        self._on_another = on_another
        self._first_s: float | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in ENDING_SIGNALS:
                self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _take(self, number: int, _frame: FrameType | None) -> None:
        now_s = time.monotonic()
        if self._first_s is None:
            self._first_s = now_s
            self._on_first(signal.Signals(number))
        elif now_s - self._first_s > SAME_WISH_S:
            self._on_another()
