"""Ends what hangs: each phase of a test (set-up, call, tear-down) has a minute, or what its `hang_guard` marker says.

A phase that takes longer fails, with the stacks of all threads and of the running loop's tasks. Where not even that
gets through, because the main thread is deep in foreign code, the whole run is ended.
"""

import asyncio
import faulthandler
import os
import re
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import CoroutineType, FrameType

import pytest

LIMIT_S = 60.0
REPEAT_S = 1.0  # an event loop swallows what is raised in a callback, so it is raised again
LAST_RESORT_S = 30.0
RUNNER = re.compile(r"/(_pytest|pluggy|pytest)/|<frozen runpy>")  # lines of no interest in a stack
_terminal = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_terminal] = os.dup(sys.stderr.fileno())  # later the standard error is a file of the test


def pytest_unconfigure(config: pytest.Config) -> None:
    os.close(config.stash[_terminal])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    with _limit(item):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    with _limit(item):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    with _limit(item):
        return (yield)


@contextmanager
def _limit(item: pytest.Item) -> Iterator[None]:
    if item.config.getoption("usepdb"):
        yield
        return
    marker = item.get_closest_marker("hang_guard")
    limit_s = float(marker.args[0]) if marker else LIMIT_S

    def fail(_number: int, _frame: FrameType | None) -> None:
        pytest.fail(f"hangs: takes longer than {limit_s:g} s\n{_stacks()}", pytrace=False)

    before = signal.signal(signal.SIGALRM, fail)
    signal.setitimer(signal.ITIMER_REAL, limit_s, REPEAT_S)
    faulthandler.dump_traceback_later(limit_s + LAST_RESORT_S, exit=True, file=item.config.stash[_terminal])
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _stacks() -> str:
    with tempfile.TemporaryFile("w+", encoding="utf-8") as threads:
        faulthandler.dump_traceback(threads)
        threads.seek(0)
        lines = [line.rstrip() for line in threads if not RUNNER.search(line)]
    with suppress(RuntimeError):  # no loop runs
        for task in asyncio.all_tasks():
            lines += [f"Task {task.get_name()} (most recent call last):", *_awaited(task)]
    return "\n".join(lines)


def _awaited(task: asyncio.Task[object]) -> Iterator[str]:
    waiting: object = task.get_coro()
    while isinstance(waiting, CoroutineType) and waiting.cr_frame:
        code = waiting.cr_code
        yield f'  File "{code.co_filename}", line {waiting.cr_frame.f_lineno} in {code.co_qualname}'
        waiting = waiting.cr_await
    yield f"  on {waiting!r}"
