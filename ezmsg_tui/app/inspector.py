"""The application: gives the screen its desk, its paint, and a pulse that the terminal can keep up with."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.app import App
from textual.binding import Binding, BindingType

from ezmsg_tui.app.key_turns import ROUNDS, KeyHandled, KeyTurns
from ezmsg_tui.app.pacing import FULL_RATE_HZ, FramePacer
from ezmsg_tui.app.terminal import PacedDriver, ask_cursor
from ezmsg_tui.present.desk import InspectorDesk
from ezmsg_tui.screens.main import MainScreen
from ezmsg_tui.widgets.paint import Paint
from ezmsg_tui.widgets.status_bar import TerminalPace

_SENT_PERIOD_S = 5.0
"""Over so long a time the bytes that were sent are averaged."""


class InspectorApp(App[None]):
    """Shows what its desk answers until the user leaves."""

    TITLE = "ezmsg-tui"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    * {
        scrollbar-color: ansi_bright_black;
        scrollbar-color-hover: ansi_bright_cyan;
        scrollbar-color-active: ansi_bright_cyan;
        scrollbar-background: ansi_default;
        scrollbar-background-hover: ansi_default;
        scrollbar-background-active: ansi_default;
    }
    .-plain .frame:focus, .-plain .frame:focus-within { border: heavy ansi_default; }
    .-ascii .frame, .-ascii .frame:focus, .-ascii .frame:focus-within { border: ascii ansi_default; }
    Input { background: ansi_blue; color: ansi_bright_white; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c", "interrupt", show=False, priority=True)]

    def __init__(
        self,
        desk: InspectorDesk,
        *,
        view: str = "topology",
        address: str = "",
        rate_hz: float = FULL_RATE_HZ,
        paint: Paint | None = None,
        clock: Callable[[], float] = time.monotonic,
        has_pulse: bool = True,
    ) -> None:
        """Make it; `run` starts it.

        Args:
            desk: Answers everything that is shown, on the application's own loop.
            view: The view to begin with.
            address: What to select first.
            rate_hz: Live frames a second, at most.
            paint: Colours and glyphs; by default the terminal's own sixteen.
            clock: Seconds, never going back.
            has_pulse: False leaves it to the caller to call `pulse`.
        """
        super().__init__(driver_class=PacedDriver)
        self.paint = paint or Paint()
        self.theme = "ansi-dark"
        self.desk = desk
        self._clock = clock
        self._has_pulse = has_pulse
        self._pacer = FramePacer(full_rate_hz=rate_hz)
        self._main = MainScreen(desk, view=view, address=address)
        self._sent_at = clock()
        self._sent_before = 0
        self._sent_rate: float | None = None
        self._turns = KeyTurns()
        self.was_interrupted = False
        self.crash: BaseException | None = None

    def on_mount(self) -> None:
        self.push_screen(self._main)
        if self._has_pulse:
            self.set_interval(1 / self._pacer.full_rate_hz, self.pulse)

    @property
    def main(self) -> MainScreen:
        """The screen below all dialogs."""
        return self._main

    @property
    def is_busy_with_keys(self) -> bool:
        """Whether what keys have led to is not done yet."""
        return self._turns.is_taken

    @property
    def pace(self) -> TerminalPace:
        """How fast the terminal takes frames."""
        return TerminalPace(self._pacer.rate_hz, self._pacer.full_rate_hz, self._pacer.round_trip_s, self._sent_rate)

    def pulse(self) -> None:
        """Draw one live frame, if the terminal has drawn the one before."""
        now = self._clock()
        self.call_next(self._give_turn)  # should the turn of the key before have been lost
        if self._main.is_mounted and self._pacer.may_draw(now):
            self._pacer.note_drawn(now)
            self._note_sent(now)
            self._main.advance(self.pace)

    def _note_sent(self, now: float) -> None:
        driver = self._driver
        elapsed = now - self._sent_at
        if isinstance(driver, PacedDriver) and elapsed >= _SENT_PERIOD_S:
            self._sent_rate = (driver.sent_bytes - self._sent_before) / elapsed
            self._sent_at, self._sent_before = now, driver.sent_bytes

    async def on_event(self, event: events.Event) -> None:
        """Take keys one after the other.

        Several may be read at once, from a slow line or a quick hand. Left to the library, letters meant for a line
        that the first of them opens would be commands to whatever has the focus before it is open.
        """
        if isinstance(event, events.Key) and not event.is_forwarded:
            self._turns.put(event)
            await self._give_turn()
        else:
            await super().on_event(event)

    async def _give_turn(self) -> None:
        key = self._turns.begin(self._clock())
        if key is not None:
            await super().on_event(key)
            await self._send_behind(ROUNDS)

    async def _send_behind(self, rounds: int) -> None:
        if not (self.focused or self.screen).post_message(KeyHandled(rounds)):
            await self._end_turn()

    async def _end_turn(self) -> None:
        self._turns.end()
        await self._give_turn()

    async def on_key_handled(self, message: KeyHandled) -> None:
        message.stop()
        if message.rounds_left > 1:
            await self._send_behind(message.rounds_left - 1)
        else:
            await self._end_turn()

    def post_display_hook(self) -> None:
        driver = self._driver
        if (
            isinstance(driver, PacedDriver)
            and self._running
            and not self._exit
            and self._pacer.note_written(self._clock())
        ):
            ask_cursor(driver)

    def on_cursor_position(self, _event: events.CursorPosition) -> None:
        self._pacer.note_answered(self._clock())
        if self._has_pulse:
            self.pulse()

    def action_interrupt(self) -> None:
        self.was_interrupted = True
        self.exit()

    def _handle_exception(self, error: Exception) -> None:
        """Keep the cause for whoever started this; the screen is no place for a traceback."""
        if self.crash is None:
            self.crash = error
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        self._close_messages_no_wait()
