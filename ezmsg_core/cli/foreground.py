"""`ezmsg-core serve`: a graph server in the foreground."""

import argparse
import asyncio
import signal
import sys

from ezmsg_core.cli.exits import CommandError, Exit
from ezmsg_core.config import default_server_address
from ezmsg_core.errors import EzmsgError
from ezmsg_core.model.address import as_address
from ezmsg_core.server import Serving, ServingOptions


def serve(options: argparse.Namespace) -> int:
    """Serve until a signal or a client ends it; returns the exit code.

    Raises:
        CommandError: it cannot serve there.
    """
    try:
        address = as_address(options.address) if options.address else default_server_address()
    except EzmsgError as error:
        raise CommandError(error.text, Exit.USAGE) from error
    asyncio.run(
        _serve(
            ServingOptions(address=address, connection_file=options.connection_file, is_insecure=bool(options.insecure))
        )
    )
    return Exit.OK


async def _serve(options: ServingOptions) -> None:
    try:
        serving = await Serving.start(options)
    except EzmsgError as error:
        raise CommandError(error.text, Exit.USAGE) from error
    except OSError as error:
        raise CommandError(f"The connection file cannot be written: {error}.", Exit.USAGE) from error
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, serving.end)
    try:
        sys.stdout.write(f"serving at {serving.address}, connection file {serving.files[-1]}\n")
        sys.stdout.flush()
        await serving.wait_ended()
    finally:
        await serving.stop()
