"""A far end as the test sees it: a process that does as it is told."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from ezmsg_core.model.address import Address
from tests.channel.stage import soon

FAR_END = Path(__file__).with_name("far_end.py")


class Process:
    """A far end, and what it says."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid

    async def do(self, name: str, **options: Any) -> Any:
        """Tell it to do something; its result."""
        self.tell(name, **options)
        return await self.heard()

    def tell(self, name: str, **options: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([name, options]).encode() + b"\n")

    async def heard(self) -> Any:
        assert self._process.stdout is not None
        line = await soon(self._process.stdout.readline(), 10.0)
        assert line, "the process ended without a word"
        return json.loads(line)

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    async def end(self) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):  # killed a moment ago
                os.kill(self.pid, signal.SIGCONT)
            assert self._process.stdin is not None
            self._process.stdin.close()
            try:
                await soon(self._process.wait(), 10.0)
            except TimeoutError:
                self._process.kill()
        await self._process.wait()
        self._process._transport.close()  # type: ignore[attr-defined]


Launch = Callable[[], Awaitable[Process]]


async def start_process(address: Address) -> Process:
    """A far end that knows the server."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(FAR_END),
        address.host,
        str(address.port),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    return Process(process)
