"""Every way of ending a graph ends all of it, in bounded time, and leaves nothing."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from ezmsg_core.runtime.ending_signals import SAME_WISH_S
from ezmsg_core.runtime.launch import STOP_S
from tests.runtime.units import noted

DEADLINE_S = 20.0
BOUND_S = 5.0  # from the signal to the end of the last process


class Program:
    """A program that runs a graph, seen by what its units note."""

    def __init__(self, notes: Path, behaviours: dict[str, dict[str, str]], *, apart: bool) -> None:
        self.notes = notes
        self.names = {*behaviours, "HERE"} if apart else set(behaviours)
        place = "apart" if apart else "together"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.runtime.program", str(notes), json.dumps(behaviours), place],
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a group of its own, as a shell gives to a job
        )

    def wait_for(self, event: str) -> dict[str, int]:
        """Wait until every unit has noted something; the processes that noted it, by unit."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            pids = {line["name"]: line["pid"] for line in noted(self.notes) if line["event"] == event}
            if set(pids) == self.names:
                return pids
            assert time.monotonic() < deadline, f"only {sorted(pids)} came to {event}"
            assert self.process.poll() is None or event == "shutdown", self.errors()

    def ended(self, pids: dict[str, int]) -> int:
        """The exit code, after everything that it had started is gone as well."""
        code = self.process.wait(DEADLINE_S)
        workers = [psutil.Process(pid) for pid in set(pids.values()) if psutil.pid_exists(pid)]
        _, alive = psutil.wait_procs(workers, DEADLINE_S)
        assert not alive
        return code

    def wait_for_words(self, words: str) -> None:
        """Wait until the program has written something to standard error."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if words in line:
                return
        raise AssertionError(f"the program ended without saying {words!r}")

    def errors(self) -> str:
        """What the program wrote to standard error."""
        assert self.process.stderr is not None
        return self.process.stderr.read()

    def close(self) -> None:
        """End what is left, whatever state it is in."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        assert self.process.stderr is not None
        self.process.stderr.close()


Start = Callable[..., Program]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    programs: list[Program] = []

    def start(*, apart: bool = True, **behaviours: dict[str, str]) -> Program:
        programs.append(Program(tmp_path / "notes", behaviours, apart=apart))
        return programs[-1]

    yield start
    for program in programs:
        program.close()


def names_that(notes: Path, event: str) -> set[Any]:
    return {line["name"] for line in noted(notes) if line["event"] == event}


@pytest.mark.parametrize("apart", [True, False])
@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "SIGINT to all", "SIGINT to it and to all"])
def test_a_signal_shuts_every_unit_down(start: Start, how: str, apart: bool, runtime_dir: Path) -> None:
    program = start(apart=apart, A={}, B={}, C={"shutdown": "slow"})
    pids = program.wait_for("run")
    if how.startswith("SIGINT to it") or how in {"SIGINT", "SIGTERM"}:
        program.process.send_signal(getattr(signal, how.split(maxsplit=1)[0]))
    if how.endswith("to all"):  # as from the keyboard
        os.killpg(program.process.pid, signal.SIGINT)
    assert program.ended(pids) == 0
    assert names_that(program.notes, "shutdown") == program.names
    assert not list(runtime_dir.rglob("*"))


def test_a_signal_to_a_worker_ends_the_graph_as_well(start: Start) -> None:
    program = start(A={}, B={})
    pids = program.wait_for("run")
    os.kill(pids["A"], signal.SIGTERM)
    assert program.ended(pids) == 0
    assert names_that(program.notes, "shutdown") == program.names


@pytest.mark.parametrize(("apart", "running"), [(True, "deaf"), (True, "block"), (False, "deaf"), (False, "block")])
def test_a_unit_that_does_not_end_holds_the_end_up_for_a_bounded_time(start: Start, apart: bool, running: str) -> None:
    program = start(apart=apart, BAD={"running": running})
    pids = program.wait_for("run")
    told = time.monotonic()
    program.process.send_signal(signal.SIGINT)
    program.ended(pids)
    took_s = time.monotonic() - told
    assert took_s < BOUND_S
    assert ("HERE" in names_that(program.notes, "shutdown")) == apart
    assert "BAD" in program.errors()


def test_a_second_signal_ends_without_waiting(start: Start) -> None:
    program = start(BAD={"running": "block"})
    pids = program.wait_for("run")
    program.process.send_signal(signal.SIGINT)
    program.wait_for_words("Once more ends it without waiting")
    threading.Event().wait(2 * SAME_WISH_S)
    told = time.monotonic()
    program.process.send_signal(signal.SIGINT)
    assert program.ended(pids) == 1
    assert time.monotonic() - told < STOP_S  # it would have been waited for longer
    assert "was not waited for" in program.errors()


def test_a_unit_that_raises_in_shutdown_leaves_the_others_theirs(start: Start) -> None:
    program = start(apart=False, A={"shutdown": "raise"}, B={})
    pids = program.wait_for("run")
    program.process.send_signal(signal.SIGINT)
    program.ended(pids)
    assert names_that(program.notes, "shutdown") == {"A", "B"}
    assert "A failed in shutdown" in program.errors()


def test_a_worker_that_is_killed_ends_the_graph_with_its_name(start: Start, runtime_dir: Path) -> None:
    program = start(A={}, B={})
    pids = program.wait_for("run")
    os.kill(pids["A"], signal.SIGKILL)
    assert program.ended(pids) == 1
    assert names_that(program.notes, "shutdown") == {"B", "HERE"}
    assert "was ended by SIGKILL, and with it A" in program.errors()
    assert not list(runtime_dir.rglob("*"))


def test_workers_whose_launcher_is_killed_shut_down_by_themselves(start: Start) -> None:
    program = start(A={}, B={})
    pids = program.wait_for("run")
    program.process.kill()
    program.ended(pids)
    for name in ("A", "B"):
        events = [line["event"] for line in noted(program.notes) if line["name"] == name]
        assert events == ["initialize", "run", "cancelled", "shutdown"]


PROGRAM_THAT_LEAVES = """
import sys
from pathlib import Path
import ezmsg_core as ez
from tests.runtime.units import fates

if __name__ == "__main__":
    runner = ez.GraphRunner(fates(Path(sys.argv[1]), A={}, B={}))
    runner.start()
    raise SystemExit(3)
"""


def test_a_program_that_leaves_without_stopping_its_graph_ends_it(tmp_path: Path, runtime_dir: Path) -> None:
    program, notes = tmp_path / "program.py", tmp_path / "notes"
    program.write_text(PROGRAM_THAT_LEAVES)
    ended = subprocess.run([sys.executable, str(program), str(notes)], check=False, timeout=DEADLINE_S)
    assert ended.returncode == 3
    assert names_that(notes, "shutdown") == {"A", "B"}
    assert not list(runtime_dir.rglob("*"))


PROGRAM_WITH_A_THREAD = """
import sys, threading, warnings
import ezmsg_core as ez
from tests.runtime.notes import note

warnings.simplefilter("ignore", DeprecationWarning)

class Endless(ez.Unit):
    @ez.thread
    def run(self):
        note(sys.argv[1], event="run", name="THREAD", pid=0)
        threading.Event().wait()

if __name__ == "__main__":
    ez.run({"ENDLESS": Endless()})
"""


def test_a_thread_that_never_ends_does_not_keep_its_program(tmp_path: Path) -> None:
    path, notes = tmp_path / "program.py", tmp_path / "notes"
    path.write_text(PROGRAM_WITH_A_THREAD)
    with subprocess.Popen([sys.executable, str(path), str(notes)], stderr=subprocess.DEVNULL) as program:
        deadline = time.monotonic() + DEADLINE_S
        while not noted(notes):
            assert time.monotonic() < deadline
        program.send_signal(signal.SIGINT)
        assert program.wait(DEADLINE_S) == 0
