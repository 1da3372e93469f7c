"""A program in a pseudo-terminal that answers as terminals do, and what it wrote."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time

DEADLINE_S = 30.0


class PtyProgram:
    """`ezmsg-tui` with some arguments; to be closed."""

    def __init__(self, *arguments: str, size: tuple[int, int] = (120, 40)) -> None:
        self._master, self._slave = pty.openpty()
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "TEXTUAL_ANIMATIONS": "none"}
        self._ends = (self._slave, self._slave, self._slave)
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
            self._read(0.15)  # a terminal sends one key at a time; several at once read as an escape sequence

    def press_until(self, key: str, pattern: str) -> None:
        """Type a key and wait for what it leads to."""
        seen = len(self.output)
        self.press(key)
        self.wait_for(pattern, since=seen)

    def wait_for(self, pattern: str, *, since: int = 0) -> None:
        """Wait until the program has written something that matches, after so many bytes."""
        deadline = time.monotonic() + DEADLINE_S
        while not re.search(pattern.encode(), self.output[since:]):
            assert time.monotonic() < deadline, f"{pattern!r} was not drawn; the last was {self.output[-800:]!r}"
            assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.output[-800:]!r}"
            self._read(0.05)

    def wait_ended(self) -> int:
        """Wait for the end; answers the exit code."""
        deadline = time.monotonic() + DEADLINE_S
        while self.process.poll() is None:
            assert time.monotonic() < deadline, "the program did not end"
            self._read(0.02)
        self._read(0.0)
        return self.process.returncode

    @property
    def after_screen(self) -> str:
        """What was written after the screen was taken away."""
        return self.output.rpartition(b"\x1b[?1049l")[2].decode()

    def close(self) -> None:
        """End it, if it runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)
        os.close(self._slave)

    def _read(self, timeout_s: float) -> None:
        if select.select([self._master], [], [], timeout_s)[0]:
            received = os.read(self._master, 65536)
            asked = (self.output[-3:] + received).count(b"\x1b[6n")
            self.output += received
            if asked:
                os.write(self._master, b"\x1b[5;7R" * asked)
