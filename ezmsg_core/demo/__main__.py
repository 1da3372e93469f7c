"""``python -m ezmsg_core.demo``: the demo graph with a graph server of its own, until it is told to end."""

import argparse
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import wait
from pathlib import Path

import ezmsg_core as ez
from ezmsg_core.demo import ROOT
from ezmsg_core.demo.system import DemoSystem
from ezmsg_core.errors import EzmsgError, WorkerError
from ezmsg_core.model.address import as_address
from ezmsg_core.runtime.ending_signals import EndingSignals


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo graph until a signal, the end of standard input, or the end of the time.

    One line goes to standard output once the graph runs: ``{"connection_file": PATH}``.

    Returns:
        The exit code: 0 if the graph was told to end, 1 if one of its processes ended by itself, 2 if it did not
        start.
    """
    parser = argparse.ArgumentParser(prog="python -m ezmsg_core.demo", description="Run the demo graph.")
    parser.add_argument("--connection-file", type=Path, metavar="PATH", help="where clients find the graph server")
    parser.add_argument("--address", metavar="HOST:PORT", help="address of the graph server (default: a free port)")
    parser.add_argument("--seconds", type=float, metavar="N", help="end after so many seconds")
    parser.add_argument("--wait-stdin", action="store_true", help="end when standard input does")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a start that is interrupted must clean up as well
    try:
        with (
            _running_graph(options.address, options.connection_file) as (path, processes),
            _announced_signals() as signals,
        ):
            sys.stdout.write(json.dumps({"connection_file": str(path)}) + "\n")
            sys.stdout.flush()
            return _wait_for_end(signals, processes, options.seconds, has_parent=options.wait_stdin)
    except KeyboardInterrupt:
        return 0
    except EzmsgError as error:
        sys.stderr.write(f"The demo graph did not run. {error}\n")
        return 2


@contextmanager
def _running_graph(address: str | None, connection_file: Path | None) -> Generator[tuple[Path, list[int]]]:
    """A graph server and the demo graph on it.

    Yields:
        The server's connection file, and a sentinel of each worker process.
    """
    runner = ez.GraphRunner(
        {ROOT: DemoSystem()},
        graph_address=None if address is None else as_address(address),
        starts_server=True,
        connection_file=connection_file,
    )
    runner.start()
    try:
        assert runner.connection_file is not None
        yield runner.connection_file, [process.sentinel for process in runner.processes]
    finally:
        with suppress(WorkerError):  # its process is gone, which the exit code tells
            runner.stop()


def _wait_for_end(signals: socket.socket, processes: list[int], seconds: float | None, *, has_parent: bool) -> int:
    """Wait until there is a reason to end; returns the exit code that goes with it."""
    deadline = None if seconds is None else time.monotonic() + seconds
    standard_input = sys.stdin.fileno() if has_parent else None
    sources = [signals, *processes, *([] if standard_input is None else [standard_input])]
    while True:
        ready = wait(sources, None if deadline is None else max(0.0, deadline - time.monotonic()))
        if not ready or signals in ready:
            return 0
        if standard_input in ready and not os.read(standard_input, 4096):  # what the parent writes means nothing
            return 0
        if any(process in ready for process in processes):
            return 1


@contextmanager
def _announced_signals() -> Generator[socket.socket]:
    """Ending signals as bytes to read, so that they are waited for together with everything else.

    Another one ends this process at once; its workers then end by themselves.
    """
    receiver, sender = socket.socketpair()

    def announce(_number: signal.Signals) -> None:
        with suppress(OSError):  # closed: the end has begun already
            sender.send(b"!")

    with receiver, sender, EndingSignals(announce, lambda: os.kill(os.getpid(), signal.SIGKILL)):
        yield receiver


if __name__ == "__main__":
    sys.exit(main())
