"""A server with options of the test's choice, on a thread of its own, for tests that block."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from ezmsg_core.server import Serving, ServingOptions
from ezmsg_core.transport.connection_file import ServerEntry

DEADLINE_S = 10.0


@contextlib.contextmanager
def serving(options: ServingOptions) -> Iterator[ServerEntry]:
    """Serve while the block runs; what the connection file says."""
    loop = asyncio.new_event_loop()
    with ThreadPoolExecutor(1, "serving") as threads:
        running = threads.submit(loop.run_forever)
        server = asyncio.run_coroutine_threadsafe(Serving.start(options), loop).result(DEADLINE_S)
        try:
            yield server.entry
        finally:
            asyncio.run_coroutine_threadsafe(server.stop(), loop).result(DEADLINE_S)
            loop.call_soon_threadsafe(loop.stop)
            running.result(DEADLINE_S)
            loop.close()
