"""`ezmsg-core servers` and `ezmsg-core shutdown`: the graph servers that are running."""

import argparse
import asyncio
import json
import sys

from ezmsg_core import config
from ezmsg_core.cli.exits import CommandError, Exit
from ezmsg_core.client import Link, ServerEntry, find_server, find_servers
from ezmsg_core.errors import ConfigError, ServerUnreachableError
from ezmsg_core.model.address import as_address
from ezmsg_core.model.roles import Role
from ezmsg_core.wire.commands import StopServer


def list_servers(options: argparse.Namespace) -> int:
    """Write one line for each server; returns the exit code."""
    found = find_servers()
    if options.json:
        rows = [
            {"address": entry.label, "pid": entry.pid, "host": entry.host, "connection_file": str(entry.path)}
            for entry in found
        ]
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
    else:
        sys.stdout.writelines(f"{_line(entry)}\n" for entry in found)
        if not found:
            sys.stderr.write("no graph server of yours is running.\n")
    return Exit.OK


def shut_down(options: argparse.Namespace) -> int:
    """End a server; one that is not running is no error. Returns the exit code.

    Raises:
        CommandError: it cannot be told which server is meant.
        LinkError: the server does not let us in.
    """
    try:
        entry = _meant(options)
        asyncio.run(_stop(entry))
    except ServerUnreachableError as error:
        sys.stderr.write(f"nothing to end: {error.text}\n")
    else:
        sys.stdout.write(f"ended {entry.label}\n")
    return Exit.OK


def _meant(options: argparse.Namespace) -> ServerEntry:
    if options.address or options.connection_file is not None:
        try:
            address = as_address(options.address) if options.address else None
        except ConfigError as error:
            raise CommandError(error.text, Exit.USAGE) from error
        return find_server(address, connection_file=options.connection_file)
    if config.server_address() is not None or config.connection_file() is not None:
        return find_server()
    found = find_servers()
    if len(found) > 1:
        listing = "\n".join(f"  {_line(entry)}" for entry in found)
        text = f"{len(found)} graph servers are running; name one of them with --address:\n{listing}"
        raise CommandError(text, Exit.USAGE)
    return found[0] if found else find_server()


async def _stop(entry: ServerEntry) -> None:
    link = await Link.open(entry, Role.CONTROL)
    try:
        await link.ask(StopServer())
        await link.wait_lost()
    finally:
        await link.aclose()


def _line(entry: ServerEntry) -> str:
    return f"{entry.label}  pid {entry.pid} on {entry.host}  {entry.path}"
