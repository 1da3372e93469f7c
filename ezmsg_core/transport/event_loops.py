"""Event loops for the threads of the runtime: uvloop's where it is installed, which the extra `fast` does."""

import asyncio
from typing import Any


def new_event_loop() -> asyncio.AbstractEventLoop:
    """An event loop that does not run yet."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    module: Any = uvloop
    return module.new_event_loop()
