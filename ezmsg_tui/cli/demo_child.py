"""The demo graph as a child process: started, found, and ended whatever happens."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from pathlib import Path
from typing import IO

from ezmsg_tui.cli.exits import CommandError, Exit

START_S = 30.0  # six interpreters on a slow machine, with a busy disk
END_S = 8.0  # workers end within two seconds
KILL_S = 2.0
_MODULE = "ezmsg_core.demo"
_LAST_LINES = 5  # of what the demo complained about


@contextlib.contextmanager
def demo_graph() -> Generator[Path]:
    """Run the demo graph for the length of the block; answers its connection file.

    The child leads a session of its own, so that Ctrl-C reaches this program alone, and ends with its standard input,
    so that it also goes when this program is killed.

    Raises:
        CommandError: it did not start.
    """
    sys.stderr.write("starting the demo graph …\n")
    with tempfile.TemporaryFile() as complaints:
        child = subprocess.Popen(  # noqa: S603 - this interpreter and a module of this distribution
            [sys.executable, "-m", _MODULE, "--wait-stdin"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            start_new_session=True,
        )
        try:
            yield _connection_file(child, complaints)
        finally:
            end_child(child)


def _connection_file(child: subprocess.Popen[bytes], complaints: IO[bytes]) -> Path:
    line = _first_line(child, time.monotonic() + START_S)
    try:
        return Path(str(json.loads(line)["connection_file"]))
    except (ValueError, KeyError, TypeError):
        what = "did not start" if line or _has_ended(child, 1.0) else f"did not start within {START_S:g} s"
        end_child(child)
        why = _last_words(complaints) or "it said nothing."
        raise CommandError(f"the demo graph {what}: {why}", Exit.NO_CONNECTION) from None


def _first_line(child: subprocess.Popen[bytes], deadline_s: float) -> bytes:
    assert child.stdout is not None
    received = b""
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while b"\n" not in received:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0 or not selector.select(left_s):
                return b""
            chunk = os.read(child.stdout.fileno(), 4096)
            if not chunk:
                return received
            received += chunk
    return received.partition(b"\n")[0]


def _last_words(complaints: IO[bytes]) -> str:
    complaints.seek(0, os.SEEK_END)
    complaints.seek(max(0, complaints.tell() - 4096))
    lines = complaints.read().decode(errors="replace").strip().splitlines()
    return "\n".join(lines[-_LAST_LINES:])


def end_child(child: subprocess.Popen[bytes]) -> None:
    """Ask the child to end, then tell it to, then make it; a second Ctrl-C goes straight to the last."""
    try:
        if child.stdin is not None:
            with contextlib.suppress(OSError):
                child.stdin.close()
        if not _has_ended(child, END_S):
            child.terminate()
            _has_ended(child, KILL_S)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        if child.stdout is not None:
            child.stdout.close()


def _has_ended(child: subprocess.Popen[bytes], timeout_s: float) -> bool:
    try:
        child.wait(timeout_s)
    except subprocess.TimeoutExpired:
        return False
    return True
