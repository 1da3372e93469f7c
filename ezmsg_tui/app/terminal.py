"""The terminal as a driver that can be asked whether it has caught up, and counts what it is sent."""

from __future__ import annotations

import threading

from textual import events
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

_ASK_CURSOR = "\x1b[6n"
_LAST_WORD_S = 0.3
"""So long the last answer is waited for before input is given back: later it would be typed into the user's shell."""


class PacedDriver(LinuxDriver):
    """Writes to a terminal; thread-safe where its parent is."""

    sent_bytes = 0
    _answered: threading.Event | None = None

    def write(self, data: str) -> None:
        self.sent_bytes += len(data)
        super().write(data)

    def ask_cursor(self) -> None:
        """Ask where the cursor is; the answer comes as an event when all that was written before has been drawn."""
        self._answered = threading.Event()
        self.write(_ASK_CURSOR)
        self.flush()

    def process_message(self, message: Message) -> None:
        if isinstance(message, events.CursorPosition) and self._answered is not None:
            self._answered.set()
        super().process_message(message)

    def disable_input(self) -> None:
        answered, self._answered = self._answered, None
        if answered is not None and not self.exit_event.is_set():
            answered.wait(_LAST_WORD_S)
        super().disable_input()


def ask_cursor(driver: Driver | None) -> bool:
    """Ask a driver's terminal to answer when it has caught up; False where nobody would answer."""
    if not isinstance(driver, PacedDriver):
        return False
    driver.ask_cursor()
    return True
