"""A worker as its launcher sees it: started, told, heard, and ended if need be."""

import contextlib
import itertools
import multiprocessing.context
import signal
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, cast

from ezmsg_core.component.unit import Unit
from ezmsg_core.runtime.orders import Notice, Order, notice_of, packed
from ezmsg_core.runtime.worker import work

Context = multiprocessing.context.BaseContext


def common_address(addresses: list[str]) -> str:
    """The address of the innermost component that holds all of these, or is the only one; empty: there is none."""
    parts = [address.split("/") for address in addresses]
    shared = itertools.takewhile(lambda level: len(set(level)) == 1, zip(*parts, strict=False))
    return "/".join(level[0] for level in shared)


class WorkerProcess:
    """One worker process.

    Args:
        context: with the start method.
        number: counted from 1.
        units: to run in it.
        others: launcher's ends of the pipes of workers started before.
    """

    def __init__(self, context: Context, number: int, units: list[Unit], others: list[Connection]) -> None:
        self.name = f"worker {number}"
        self.addresses = [unit.address for unit in units]
        self.pipe, far_end = context.Pipe()
        is_forked = context.get_start_method() == "fork"
        inherited = [*others, self.pipe] if is_forked else []
        make_process: Any = cast("Any", context).Process  # every kind of context has one
        name = common_address(self.addresses) or self.name
        self.process: BaseProcess = make_process(target=work, args=(far_end, units, inherited), name=name)
        try:
            self.process.start()
        finally:
            far_end.close()

    def order(self, order: Order) -> None:
        """Tell the worker; nothing if it is gone."""
        with contextlib.suppress(OSError):
            self.pipe.send_bytes(packed(order))

    def notice(self) -> Notice | None:
        """What the worker says; None when it is gone."""
        try:
            return notice_of(self.pipe.recv_bytes())
        except (EOFError, OSError):
            return None

    def kill(self) -> None:
        """End the process at once, stopped or not."""
        if self.process.is_alive():
            self.process.kill()

    def close(self) -> None:
        """Wait for the end of the process, and close the pipe."""
        self.process.join()
        self.pipe.close()

    @property
    def end(self) -> str:
        """How the process ended, for a sentence."""
        code = self.process.exitcode
        if code is None:
            return "is running"
        if code < 0:
            return f"was ended by {signal.Signals(-code).name}"
        return f"ended with exit code {code}"
