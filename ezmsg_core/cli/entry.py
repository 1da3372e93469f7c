"""The way in: arguments, the sub-command that they name, its exit code."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ezmsg_core import __version__
from ezmsg_core.cli.exits import CommandError, Exit
from ezmsg_core.cli.foreground import serve
from ezmsg_core.cli.servers import list_servers, shut_down
from ezmsg_core.errors import EzmsgError

_EPILOG = "exit codes: 0 done, 2 usage, 3 cannot connect, 130 interrupted"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `ezmsg-core`; returns its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except CommandError as error:
        sys.stderr.write(f"ezmsg-core: {error.text}\n")
        return error.code
    except EzmsgError as error:
        sys.stderr.write(f"ezmsg-core: {error.text}\n")
        return Exit.NO_CONNECTION
    except KeyboardInterrupt:
        return Exit.INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ezmsg-core", description="Run graph servers, see which are running, and end them.", epilog=_EPILOG
    )
    parser.add_argument("--version", action="version", version=f"ezmsg-core {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("serve", help="run a graph server until it is told to end")
    command.add_argument("--address", metavar="HOST:PORT", help="where to listen (default: 127.0.0.1:25978)")
    command.add_argument("--connection-file", type=Path, metavar="FILE", help="write the connection file here too")
    command.add_argument(
        "--insecure", action="store_true", help="allow an address that other machines reach, without encryption"
    )
    command.set_defaults(run=serve)

    command = commands.add_parser("servers", help="list the running graph servers of this user")
    command.add_argument("--json", action="store_true", help="one JSON array")
    command.set_defaults(run=list_servers)

    command = commands.add_parser("shutdown", help="end a graph server")
    command.add_argument("--address", metavar="HOST:PORT", help="of the server (default: the one that is running)")
    command.add_argument("--connection-file", type=Path, metavar="FILE", help="of the server")
    command.set_defaults(run=shut_down)
    return parser
