"""A program in a pseudo-terminal that answers as terminals do, what it wrote and what is on its screen."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

from tests.plugins.drawn_screen import DrawnScreen

DEADLINE_S = 30.0


class PtyProgram:
    """`ezmsg-tui` with some arguments; to be closed."""

    def __init__(self, *arguments: str, size: tuple[int, int] = (120, 40)) -> None:
        self._master, self._slave = pty.openpty()
        self.screen = DrawnScreen(*size)
        self._set_size(*size)
        self._modes = termios.tcgetattr(self._slave)[:4]
        environment = {**os.environ, "TERM": "xterm-256color", "TEXTUAL_ANIMATIONS": "none"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ezmsg_tui", *arguments],
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            env=environment,
            start_new_session=True,
        )
        self.output = b""

    def press(self, *keys: str) -> None:
        """Type keys, or texts."""
        for key in keys:
            os.write(self._master, key.encode())
            self.read(0.15)  # a terminal sends one key at a time; several at once read as an escape sequence

    def press_until(self, key: str, pattern: str) -> None:
        """Type a key once, and wait until the screen shows what it leads to."""
        assert not self.sees(pattern), f"{pattern!r} is there already:\n{self.screen.text}"
        self.press(key)
        self.wait_for(pattern)

    def resize(self, width: int, height: int) -> None:
        """Make the terminal another size."""
        self.screen.resize(width, height)
        self._set_size(width, height)
        self.process.send_signal(signal.SIGWINCH)  # it is not the controlling terminal of the program

    def sees(self, pattern: str) -> bool:
        """Whether something on the screen matches, a line at a time."""
        return re.search(pattern, self.screen.text, re.MULTILINE) is not None

    def wait_for(self, pattern: str, *, is_gone: bool = False) -> None:
        """Wait until something on the screen matches, or nothing does any more."""
        deadline = time.monotonic() + DEADLINE_S
        while self.sees(pattern) is is_gone:
            wish = "still there" if is_gone else "not shown"
            assert time.monotonic() < deadline, f"{pattern!r} is {wish}:\n{self.screen.text}"
            assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.output[-800:]!r}"
            self.read()

    def wait_ended(self) -> int:
        """Wait for the end; answers the exit code."""
        deadline = time.monotonic() + DEADLINE_S
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"the program did not end:\n{self.screen.text}"
            self.read(0.02)
        self.read(0.0)
        return self.process.returncode

    @property
    def after_screen(self) -> str:
        """What was written after the screen was taken away."""
        return self.output.rpartition(b"\x1b[?1049l")[2].decode()

    def assert_restored(self) -> None:
        """The terminal is as it was: its modes, its screen, its cursor."""
        assert termios.tcgetattr(self._slave)[:4] == self._modes
        assert self.output.count(b"\x1b[?1049h") == self.output.count(b"\x1b[?1049l") == 1
        assert self.output.rfind(b"\x1b[?25h") > self.output.rfind(b"\x1b[?25l")

    def close(self) -> None:
        """End it, if it runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)
        os.close(self._slave)

    def _set_size(self, width: int, height: int) -> None:
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def read(self, timeout_s: float = 0.05) -> None:
        """Take in what the program has written, and answer as a terminal does."""
        if select.select([self._master], [], [], timeout_s)[0]:
            received = os.read(self._master, 65536)
            asked = (self.output[-3:] + received).count(b"\x1b[6n")
            self.output += received
            self.screen.feed(received)
            if asked:
                os.write(self._master, b"\x1b[5;7R" * asked)
