"""Every test leaves nothing behind: no task, thread, descriptor, process, shared memory or file in its room.

What a test starts may take a moment to end; what is still there after `GRACE_S` is a leak and fails the test, and a
process among it is killed. What an event loop could only log, an exception that nobody awaited or one that came out
of a callback, fails the test as well.
"""

import asyncio
import logging
import multiprocessing.forkserver
import multiprocessing.resource_tracker
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from ezmsg_core.transport.event_loops import new_event_loop
from tests.plugins.room import RUNTIME_VARIABLE

GRACE_S = 5.0
LOOK_AGAIN_S = 0.02
SEGMENTS = Path("/dev/shm")
SEGMENT_PREFIXES = ("ez", "psm_", "sem.mp-")


def pytest_configure() -> None:
    multiprocessing.resource_tracker.ensure_running()  # it lives as long as the run, whichever test needs it first
    new_event_loop().close()  # uvloop's first loop opens a pipe that the process keeps


@pytest.fixture(autouse=True)
def no_leaks(runtime_dir: Path) -> Iterator[None]:
    """Set up before anything of the test's own, so it looks when all of that has been torn down."""
    before = _Belongings(runtime_dir)
    complaints = _Complaints()
    logging.getLogger("asyncio").addHandler(complaints)
    yield
    left = _left_behind(before, runtime_dir)
    logging.getLogger("asyncio").removeHandler(complaints)
    for thing in left:
        if isinstance(thing, _Process):
            with suppress(ProcessLookupError):
                os.kill(thing, signal.SIGKILL)
    if left:
        pytest.fail("left behind: " + "; ".join(sorted(left.values())), pytrace=False)
    if complaints.texts:
        pytest.fail("the event loop complained: " + "; ".join(complaints.texts), pytrace=False)


@pytest.fixture(autouse=True)
def no_leaked_tasks(no_leaks: None, request: pytest.FixtureRequest) -> None:
    """Looks at the tasks before their loop is closed, which would cancel them, and after all of the test's fixtures."""
    if request.node.get_closest_marker("asyncio"):
        request.getfixturevalue("_no_leaked_tasks")


@pytest.fixture
async def _no_leaked_tasks() -> AsyncIterator[None]:
    yield
    others = asyncio.all_tasks() - {asyncio.current_task()}
    pending = (await asyncio.wait(others, timeout=GRACE_S))[1] if others else set()
    if pending:
        pytest.fail("left behind: " + "; ".join(sorted(f"task {task!r}" for task in pending)), pytrace=False)


class _Process(int):
    """A process's number, to be told from a descriptor's."""


class _Segment(str):
    """A shared memory's name."""

    __slots__ = ()


class _Complaints(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(self.format(record))


class _Belongings:
    """What this process has at one moment that it could leave behind: what it is, and its name for people."""

    def __init__(self, room: Path) -> None:
        self.all_processes = {int(name) for name in os.listdir("/proc") if name.isdecimal()}
        self.things: dict[object, str] = {
            **{thread: f"thread {thread.name}" for thread in _threads()},
            **_descriptors(),
            **{path: f"file {path.name}" for path in room.glob("*")},
            **{
                _Segment(name): f"shared memory {name}"
                for name in os.listdir(SEGMENTS)
                if name.startswith(SEGMENT_PREFIXES)
            },
        }


def _left_behind(before: _Belongings, room: Path) -> Mapping[object, str]:
    deadline = time.monotonic() + GRACE_S
    pause = threading.Event()
    while True:
        now = _Belongings(room)
        left = {thing: name for thing, name in now.things.items() if thing not in before.things}
        left |= _of_this_test(now.all_processes - before.all_processes, room)
        left = {thing: name for thing, name in left.items() if not (isinstance(thing, _Segment) and _is_foreign(thing))}
        if not left or time.monotonic() > deadline:
            return left
        pause.wait(LOOK_AGAIN_S)


def _threads() -> list[threading.Thread]:
    # A dummy stands for a thread that Python did not start, for as long as the process lives.
    return [thread for thread in threading.enumerate() if not isinstance(thread, threading._DummyThread)]


def _fork_server(name: str) -> object:
    """Of the fork server, which lives as long as the run: an attribute, by a name that is not in its public interface."""
    return vars(multiprocessing.forkserver._forkserver)[name]


def _descriptors() -> dict[object, str]:
    lasting = _fork_server("_forkserver_alive_fd")
    found: dict[object, str] = {}
    for number in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):  # the listing's own
            target = os.readlink(f"/proc/self/fd/{number}")
            if int(number) != lasting:
                found[number, target] = f"descriptor {number} of {target}"
    return found


def _of_this_test(processes: set[int], room: Path) -> dict[object, str]:
    """Those among the new processes of the machine that descend from this one or know the test's room.

    The room tells the orphans, whose parent has ended.
    """
    lasting = _fork_server("_forkserver_pid")
    mark = f"{RUNTIME_VARIABLE}={room}".encode()
    found: dict[object, str] = {}
    for process in processes - {lasting}:
        with suppress(OSError):  # it has ended meanwhile, or is another user's
            if _descends(process) or mark in Path(f"/proc/{process}/environ").read_bytes().split(b"\0"):
                command = Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                found[_Process(process)] = f"process {process} {command.strip()[:100] or '(ended, not waited for)'}"
    return found


def _is_foreign(segment: str) -> bool:
    """Whether a process that this one did not start uses the shared memory: then another run made it."""
    line = f" {SEGMENTS}/{segment}\n"
    for name in os.listdir("/proc"):
        with suppress(OSError, ValueError):
            if line in Path(f"/proc/{int(name)}/maps").read_text(encoding="utf-8") and not _descends(int(name)):
                return True
    return False


def _descends(process: int) -> bool:
    """Whether this process is an ancestor of the other."""
    while process > 1:
        if process == os.getpid():
            return True
        status = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
        process = int(status.rpartition(")")[2].split()[1])
    return False
