"""The program in a real terminal: it leaves it as it found it, however it ends."""

import array
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
import tty
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from benchmarks import inspector_frames

DEADLINE_S = 20.0


class Terminal:
    """A pseudo-terminal with a program in it, and what the program wrote."""

    def __init__(self, *arguments: str, answers: bool = True, size: tuple[int, int] = (120, 40)) -> None:
        self.answers = answers
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self.before = termios.tcgetattr(self.slave)
        environment = {**os.environ, "TERM": "xterm-256color", "TEXTUAL_ANIMATIONS": "none"}
        environment.pop("TEXTUAL_FPS", None)
        command = [sys.executable, "-m", "tests.plugins.inspector_program", *arguments]
        self.program = subprocess.Popen(
            command, stdin=self.slave, stdout=self.slave, stderr=self.slave, env=environment, start_new_session=True
        )
        self.output = b""

    def pump(self, seconds: float) -> None:
        """Read what there is, and answer as a terminal does."""
        if select.select([self.master], [], [], seconds)[0]:
            data = os.read(self.master, 65536)
            asked = (self.output[-3:] + data).count(b"\x1b[6n")
            self.output += data
            if asked and self.answers:
                self.type(b"\x1b[5;7R" * asked)

    def type(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def wait_for(self, pattern: str) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not re.search(pattern.encode(), self.output):
            assert time.monotonic() < deadline, f"{pattern!r} was not drawn; the last was {self.output[-500:]!r}"
            assert self.program.poll() is None, f"ended with {self.program.returncode}: {self.output[-500:]!r}"
            self.pump(0.05)

    def wait_ended(self) -> int:
        deadline = time.monotonic() + DEADLINE_S
        while self.program.poll() is None:
            assert time.monotonic() < deadline, "the program did not end"
            self.pump(0.02)
        self.pump(0.0)
        return self.program.returncode

    @property
    def after_screen(self) -> str:
        """What was written after the views were taken away."""
        return self.output.rpartition(b"\x1b[?1049l")[2].decode()

    def assert_restored(self) -> None:
        assert termios.tcgetattr(self.slave)[:4] == self.before[:4]
        assert self.output.count(b"\x1b[?1049h") == self.output.count(b"\x1b[?1049l") == 1
        assert self.output.rfind(b"\x1b[?25h") > self.output.rfind(b"\x1b[?25l"), "the cursor is shown again"
        for mode in (1000, 1003, 1006, 2004, 1004):
            switches = re.findall(rf"\x1b\[\?{mode}([hl])".encode(), self.output)
            assert not switches or switches[-1] == b"l", f"mode {mode} is left on"
        tty.setraw(self.slave, termios.TCSANOW)  # in lines, only whole lines would be counted
        waiting = array.array("i", [0])
        fcntl.ioctl(self.slave, termios.FIONREAD, waiting)
        assert waiting[0] == 0, "an answer was left for the shell to read"

    def close(self) -> None:
        if self.program.poll() is None:
            self.program.kill()
        self.program.wait()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def terminals() -> Iterator[SimpleNamespace]:
    opened: list[Terminal] = []

    def start(*arguments: str, answers: bool = True) -> Terminal:
        opened.append(Terminal(*arguments, answers=answers))
        return opened[-1]

    yield SimpleNamespace(start=start)
    for terminal in opened:
        terminal.close()


def test_quitting_leaves_the_terminal_as_it_was(terminals: SimpleNamespace):
    terminal = terminals.start()
    terminal.wait_for("SYS/DECODE")
    terminal.wait_for("rtt")
    terminal.type(b"q")
    assert terminal.wait_ended() == 0
    terminal.assert_restored()
    assert "Traceback" not in terminal.after_screen


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_a_signal_ends_it_cleanly(terminals: SimpleNamespace, number: int, code: int):
    terminal = terminals.start()
    terminal.wait_for("SYS/DECODE")
    terminal.program.send_signal(number)
    assert terminal.wait_ended() == code
    terminal.assert_restored()


def test_ctrl_c_is_an_interrupt(terminals: SimpleNamespace):
    terminal = terminals.start()
    terminal.wait_for("SYS/DECODE")
    terminal.type(b"\x03")
    assert terminal.wait_ended() == 130
    terminal.assert_restored()


def test_a_crash_restores_the_terminal_and_says_its_cause_in_one_line(terminals: SimpleNamespace):
    terminal = terminals.start("crash")
    assert terminal.wait_ended() == 70
    terminal.assert_restored()
    said = [
        line for line in re.sub(r"\x1b\[[0-9;?<>]*[a-zA-Z]", "", terminal.after_screen).splitlines() if line.strip()
    ]
    assert len(said) == 1
    assert said[0].startswith("ezmsg-tui ended by a fault of its own: ZeroDivisionError: the wheel came off")
    assert "--debug shows more" in said[0]


def test_a_crash_shows_its_traceback_when_it_is_asked_for(terminals: SimpleNamespace):
    terminal = terminals.start("crash", "--debug")
    assert terminal.wait_ended() == 70
    assert "Traceback (most recent call last)" in terminal.after_screen


def test_an_answer_that_comes_while_it_is_leaving_is_not_left_for_the_shell(terminals: SimpleNamespace):
    terminal = terminals.start(answers=False)
    terminal.wait_for("SYS/DECODE")
    terminal.wait_for("\x1b\\[6n")
    terminal.type(b"q")
    terminal.wait_for("\x1b\\[\\?2004l")  # it has begun to give the terminal back
    late = time.monotonic() + 0.2  # later than input would be read and thrown away, were nothing waited for
    while time.monotonic() < late:
        terminal.pump(0.02)
    terminal.type(b"\x1b[5;7R")
    assert terminal.wait_ended() == 0
    terminal.assert_restored()


def test_a_terminal_that_never_answers_still_gets_frames_and_lets_go(terminals: SimpleNamespace):
    terminal = terminals.start(answers=False)
    terminal.wait_for("SYS/DECODE")
    terminal.type(b"3")
    terminal.wait_for("Publishers")
    terminal.type(b"q")
    assert terminal.wait_ended() == 0


def test_a_key_shows_at_once_on_a_slow_line_and_frames_stay_within_their_bytes():
    """A line of 60 kB/s with a buffer without end, behind a table of 500 rows of which a fifth changes in each frame."""
    figures = inspector_frames.run(
        SimpleNamespace(rows=500, share=0.2, size="120x40", line=60.0, seconds=2.0, settle=1.0, answers=True)  # type: ignore[arg-type]
    )
    assert figures.exit_code == 0
    assert figures.bytes_per_s <= inspector_frames.BYTES_BUDGET
    assert figures.frames_per_s >= 1
    assert figures.key_s is not None
    assert figures.key_s <= 0.5  # the budget is held to on a quiet machine; without pacing this is ten seconds
    assert figures.exit_s <= 2
