"""What the inspector's frames cost: processor time, bytes to the terminal, and how soon a key shows on a slow line.

Runs the application in a pseudo-terminal, with a table whose rows change ten times a second, and plays the terminal:
it reads what is written, at once or as slowly as a line would, and answers when it is asked for its cursor.

    python benchmarks/inspector_frames.py                     # the budgets: exit code 1 if one is missed
    python benchmarks/inspector_frames.py --rows 5000 --share 1.0 --size 200x60
    python benchmarks/inspector_frames.py --line 60 --no-answer
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import random
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

CPU_BUDGET = 0.10
BYTES_BUDGET = 40 * 1024
KEY_BUDGET_S = 0.1

_ASKED = b"\x1b[6n"
_LATENCY_S = 0.05  # of a line that is not local
_MARK = re.compile("▌[^▌]{0,60}ROW-0001".encode())  # the cursor on the second row


@dataclass
class Figures:
    """What was measured in one run."""

    cpu_share: float = 0.0  # of one core, while running
    bytes_per_s: float = 0.0
    frames_per_s: float = 0.0  # questions for the cursor a second
    key_s: float | None = None  # from a key to its effect on the screen
    exit_s: float = 0.0  # from `q` to the end of what is drawn
    exit_code: int | None = None


class Line:
    """What lies between the program and the eye: a rate, and a buffer without end."""

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._queue: deque[tuple[float, bytes]] = deque()
        self._free_at = 0.0

    def put(self, now: float, data: bytes) -> None:
        """Send bytes on their way."""
        if self._rate is None:
            self._queue.append((now, data))
            return
        step = 1024
        for start in range(0, len(data), step):
            piece = data[start : start + step]
            self._free_at = max(self._free_at, now) + len(piece) / self._rate
            self._queue.append((self._free_at + _LATENCY_S, piece))

    def take(self, now: float) -> bytes:
        """What has arrived by now."""
        shown = bytearray()
        while self._queue and self._queue[0][0] <= now:
            shown += self._queue.popleft()[1]
        return bytes(shown)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is on its way."""
        return not self._queue


class Terminal:
    """A pseudo-terminal that shows what is written to it as fast as its line allows."""

    def __init__(self, args: argparse.Namespace) -> None:
        width, height = (int(part) for part in args.size.split("x"))
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        environment.pop("TEXTUAL_FPS", None)
        command = [sys.executable, __file__, "--child", "--rows", str(args.rows), "--share", str(args.share)]
        self.program = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
        )
        os.close(slave)
        self._line = Line(args.line * 1000 if args.line else None)
        self._answers = args.answers
        self.written = 0
        self.asked = 0
        self.shown = b""  # the end of it

    def pump(self) -> None:
        """Read, show and answer what there is."""
        if select.select([self._master], [], [], 0.005)[0]:
            try:
                data = os.read(self._master, 65536)
            except OSError:
                data = b""  # the program has closed its side
            self.written += len(data)
            self._line.put(time.monotonic(), data)
        shown = self._line.take(time.monotonic())
        asked = (self.shown[-len(_ASKED) + 1 :] + shown).count(_ASKED)
        self.shown = (self.shown + shown)[-4096:]
        self.asked += asked
        if asked and self._answers:
            os.write(self._master, b"\x1b[1;1R" * asked)

    def press(self, key: bytes) -> float:
        """Press a key; answers when."""
        self.shown = b""
        os.write(self._master, key)
        return time.monotonic()

    def pump_until(self, condition: Callable[[], object], limit_s: float) -> bool:
        """Go on until something is the case; whether it came to be in time."""
        deadline = time.monotonic() + limit_s
        while not condition():
            if time.monotonic() > deadline:
                return False
            self.pump()
        return True

    def close(self) -> None:
        """End what is still there."""
        if self.program.poll() is None:
            self.program.kill()
        self.program.wait()
        os.close(self._master)

    @property
    def is_dark(self) -> bool:
        """Whether the program has ended and nothing is on its way."""
        return self.program.poll() is not None and self._line.is_empty


def run(args: argparse.Namespace) -> Figures:
    """Start the program, play the terminal, press a key, and leave."""
    terminal = Terminal(args)
    try:
        terminal.pump_until(lambda: terminal.asked, 10)
        terminal.pump_until(lambda: False, args.settle)
        pid = terminal.program.pid
        begun, cpu_s, written, asked = time.monotonic(), _cpu_s(pid), terminal.written, terminal.asked
        terminal.pump_until(lambda: False, args.seconds)
        elapsed = time.monotonic() - begun
        figures = Figures(
            cpu_share=(_cpu_s(pid) - cpu_s) / elapsed,
            bytes_per_s=(terminal.written - written) / elapsed,
            frames_per_s=(terminal.asked - asked) / elapsed,
        )
        pressed_at = terminal.press(b"j")
        if terminal.pump_until(lambda: _MARK.search(terminal.shown), 60):
            figures.key_s = time.monotonic() - pressed_at
        left_at = terminal.press(b"q")
        terminal.pump_until(lambda: terminal.is_dark, 120)
        figures.exit_s = time.monotonic() - left_at
        figures.exit_code = terminal.program.poll()
        return figures
    finally:
        terminal.close()


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def child(args: argparse.Namespace) -> int:
    """The program under measurement."""
    sys.path.insert(0, str(ROOT))
    from ezmsg_tui.app.launch import run_inspector

    def make_app() -> object:
        from ezmsg_tui.app.inspector import InspectorApp
        from ezmsg_tui.present.table import Cell, Column, Query, Row, Table
        from tests.plugins.fake_desk import FakeDesk

        columns = (
            Column("name", "NAME", 14, is_flexible=True, priority=9),
            *(Column(f"c{index}", f"COLUMN {index}", 10, "right", priority=8 - index) for index in range(7)),
        )
        chance = random.Random(1)

        class BusyDesk(FakeDesk):
            def __init__(self) -> None:
                super().__init__(fields={})
                self._rows = [self._row(index) for index in range(args.rows)]

            def _row(self, index: int) -> Row:
                figures = (
                    Cell(f"{chance.random() * 1000:.1f}", "warning" if column == 3 else "") for column in range(7)
                )
                return Row(f"r{index}", (Cell(f"ROW-{index:04d}"), *figures))

            def poll(self) -> int:
                for index in chance.sample(range(args.rows), int(args.rows * args.share)):
                    old = self._rows[index]
                    column = chance.randrange(1, 8) if args.share < 1 else None
                    new = self._row(index)
                    if column is not None:
                        new = Row(old.key, (*old.cells[:column], new.cells[column], *old.cells[column + 1 :]))
                    self._rows[index] = new
                self.touch()
                return self.revision

            def topology_table(self, query: Query) -> Table:  # noqa: ARG002 # the protocol's
                return Table(columns, tuple(self._rows), "Busy", total=args.rows)

            def edges_table(self, key: str, query: Query) -> Table:  # noqa: ARG002 # the protocol's
                return Table(columns, (), "Edges", empty_text="none")

        return InspectorApp(BusyDesk())

    return run_inspector(make_app)  # type: ignore[arg-type]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument(
        "--share", type=float, default=0.2, help="of the rows that change in each frame; below 1.0 one cell each"
    )
    parser.add_argument("--size", default="120x40")
    parser.add_argument("--line", type=float, default=0, help="kB/s that the line takes; 0 is no limit")
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--settle", type=float, default=2)
    parser.add_argument(
        "--no-answer", dest="answers", action="store_false", help="a terminal that never tells its cursor"
    )
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        return child(args)
    runs = [args] if len(sys.argv) > 1 else [args, argparse.Namespace(**{**vars(args), "line": 60})]
    has_missed = False
    for one in runs:
        figures = run(one)
        line = f"{one.line:.0f} kB/s" if one.line else "local"
        key = "never" if figures.key_s is None else f"{figures.key_s * 1000:.0f} ms"
        print(
            f"{one.rows} rows × 8, {one.share:.0%} change, {one.size}, {line}: "
            f"{figures.cpu_share:.1%} of a core, {figures.bytes_per_s / 1024:.1f} KiB/s, "
            f"{figures.frames_per_s:.1f} frames/s, key to screen {key}, gone after {figures.exit_s:.2f} s, exit {figures.exit_code}"
        )
        is_slow = figures.key_s is None or figures.key_s > KEY_BUDGET_S + (2 * _LATENCY_S if one.line else 0)
        has_missed |= (
            figures.cpu_share > CPU_BUDGET or figures.bytes_per_s > BYTES_BUDGET or is_slow or figures.exit_code != 0
        )
    if len(sys.argv) == 1 and has_missed:
        print(
            f"a budget was missed: {CPU_BUDGET:.0%} of a core, {BYTES_BUDGET // 1024} KiB/s, "
            f"{KEY_BUDGET_S * 1000:.0f} ms from key to screen"
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
