"""Which server a command is about: the one that was named, the only one, the one that was picked, or the demo's."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ezmsg_tui.cli.demo_child import demo_graph
from ezmsg_tui.cli.exits import CommandError, Exit

if TYPE_CHECKING:
    from ezmsg_core.client import ServerEntry
    from ezmsg_tui.feed.connecting import ServerChoice

_NAMING_VARIABLES = ("EZMSG_CONNECTION_FILE", "EZMSG_GRAPHSERVER_ADDR")
_NO_SERVER = (
    "no graph server of yours is running. Start a graph, name a server with HOST:PORT, or try `ezmsg-tui --demo`."
)


@contextlib.contextmanager
def chosen_server(options: argparse.Namespace) -> Generator[ServerChoice]:
    """The server that the arguments mean; a demo graph lives as long as the block.

    Raises:
        CommandError: there is none, or it cannot be told which.
    """
    from ezmsg_tui.feed.connecting import ServerChoice

    if options.demo:
        with demo_graph() as path:
            yield ServerChoice(connection_file=path)
        return
    if options.connection_file is not None:
        yield ServerChoice(connection_file=checked_file(options.connection_file))
    elif options.address:
        yield ServerChoice(options.address)
    elif any(os.environ.get(name) for name in _NAMING_VARIABLES):
        yield ServerChoice(label_of_environment())
    else:
        yield _only_server()


def label_of_environment() -> str:
    """The address of the server that the environment names; empty if it names a connection file."""
    return "" if os.environ.get(_NAMING_VARIABLES[0]) else os.environ[_NAMING_VARIABLES[1]]


def checked_file(path: Path) -> Path:
    """The connection file, which can be read.

    Raises:
        CommandError: it cannot.
    """
    from ezmsg_core.client import find_server
    from ezmsg_core.errors import EzmsgError

    try:
        find_server(connection_file=path)
    except EzmsgError as error:
        raise CommandError(str(error), Exit.NO_CONNECTION) from error
    return path


def _only_server() -> ServerChoice:
    from ezmsg_core.client import find_servers
    from ezmsg_tui.feed.connecting import ServerChoice

    servers = find_servers()
    if not servers:
        raise CommandError(_NO_SERVER, Exit.NO_CONNECTION)
    entry = servers[0] if len(servers) == 1 else _picked(servers)
    if entry.tcp is None:
        return ServerChoice(connection_file=entry.path, was_named=False)
    return ServerChoice(str(entry.tcp), was_named=False)


def _picked(servers: Sequence[ServerEntry]) -> ServerEntry:
    """The one that the user picks by its number."""
    lines = [f"  {number}  {entry.label}  pid {entry.pid} on {entry.host}" for number, entry in enumerate(servers, 1)]
    listing = "\n".join(lines)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        text = f"{len(servers)} graph servers are running; name one of them:\n{listing}"
        raise CommandError(text, Exit.USAGE)
    sys.stderr.write(f"{len(servers)} graph servers are running:\n{listing}\n")
    while True:
        sys.stderr.write(f"which one, 1 to {len(servers)}? ")
        sys.stderr.flush()
        answer = sys.stdin.readline()
        if not answer:
            raise CommandError("no server was picked.", Exit.USAGE)
        if answer.strip().isdigit() and 1 <= int(answer) <= len(servers):
            return servers[int(answer) - 1]
