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
import signal
import struct
import sys
import termios
import time
from collections import deque
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
    exit_code: int = 0


class Line:
    """What lies between the program and the eye: a rate, and a buffer without end."""

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._queue: deque[tuple[float, bytes]] = deque()
        self._free_at = 0.0

    def put(self, now: float, data: bytes) -> None:
        if self._rate is None:
            self._queue.append((now, data))
            return
        step = 1024
        for start in range(0, len(data), step):
            piece = data[start : start + step]
            self._free_at = max(self._free_at, now) + len(piece) / self._rate
            self._queue.append((self._free_at + _LATENCY_S, piece))

    def take(self, now: float) -> bytes:
        shown = bytearray()
        while self._queue and self._queue[0][0] <= now:
            shown += self._queue.popleft()[1]
        return bytes(shown)

    @property
    def is_empty(self) -> bool:
        return not self._queue


def run(args: argparse.Namespace) -> Figures:
    """Start the program, play the terminal, press a key, and leave."""
    width, height = (int(part) for part in args.size.split("x"))
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", COLUMNS=str(width), LINES=str(height))
        command = [sys.executable, __file__, "--child", "--rows", str(args.rows), "--share", str(args.share)]
        os.execv(sys.executable, command)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    figures = Figures()
    line = Line(args.line * 1000 if args.line else None)
    begun = time.monotonic()
    measure_from, key_at, leave_at = (
        begun + args.settle,
        begun + args.settle + args.seconds,
        begun + args.settle + args.seconds + 2,
    )
    written = frames = 0
    cpu_before: float | None = None
    pressed_at: float | None = None
    has_left = False
    tail = b""
    while True:
        now = time.monotonic()
        readable, _, _ = select.select([terminal], [], [], 0.005)
        if readable:
            try:
                data = os.read(terminal, 65536)
            except OSError:
                data = b""
            if not data:
                break
            line.put(now, data)
            if cpu_before is not None and pressed_at is None:
                written += len(data)
        now = time.monotonic()
        shown = line.take(now)
        tail = (tail + shown)[-4096:]
        asked = (tail[-len(shown) - 3 :] if shown else b"").count(_ASKED)
        if asked and args.answers:
            frames += asked if cpu_before is not None and pressed_at is None else 0
            os.write(terminal, b"\x1b[1;1R" * asked)
        if cpu_before is None and now >= measure_from:
            cpu_before = _cpu_s(pid)
        if pressed_at is None and now >= key_at:
            assert cpu_before is not None
            figures.cpu_share = (_cpu_s(pid) - cpu_before) / (now - measure_from)
            figures.bytes_per_s = written / (now - measure_from)
            figures.frames_per_s = frames / (now - measure_from)
            os.write(terminal, b"j")
            pressed_at, tail = now, b""
        elif pressed_at is not None and figures.key_s is None and _MARK.search(tail):
            figures.key_s = now - pressed_at
        if not has_left and now >= leave_at + (30 if args.line and figures.key_s is None else 0):
            os.write(terminal, b"q")
            has_left, leave_at = True, now
        if now > begun + args.settle + args.seconds + 120:
            os.kill(pid, signal.SIGKILL)
            break
    while not line.is_empty:
        line.take(time.monotonic())
        time.sleep(0.005)
    figures.exit_s = time.monotonic() - leave_at
    _, status = os.waitpid(pid, 0)
    figures.exit_code = os.waitstatus_to_exitcode(status)
    os.close(terminal)
    return figures


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

            def topology_table(self, query: Query) -> Table:
                return Table(columns, tuple(self._rows), "Busy", total=args.rows)

            def edges_table(self, key: str, query: Query) -> Table:
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
            f"{figures.cpu_share:.1%} of a core, {figures.bytes_per_s / 1024:.1f} KiB/s, {figures.frames_per_s:.1f} frames/s, "
            f"key to screen {key}, gone after {figures.exit_s:.2f} s, exit {figures.exit_code}"
        )
        is_slow = figures.key_s is None or figures.key_s > KEY_BUDGET_S + (2 * _LATENCY_S if one.line else 0)
        has_missed |= (
            figures.cpu_share > CPU_BUDGET or figures.bytes_per_s > BYTES_BUDGET or is_slow or figures.exit_code != 0
        )
    if len(sys.argv) == 1 and has_missed:
        print(
            f"a budget was missed: {CPU_BUDGET:.0%} of a core, {BYTES_BUDGET // 1024} KiB/s, {KEY_BUDGET_S * 1000:.0f} ms from key to screen"
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
