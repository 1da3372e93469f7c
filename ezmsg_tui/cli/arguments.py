"""The arguments of `ezmsg-tui`, and what they mean."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Sequence
from pathlib import Path

VIEWS = ("topology", "settings", "profile", "events")
STREAMS = ("all", "topology", "settings", "profiling")
PARTS = ("topology", "settings", "profiles")

_SUFFIXES = {"ms": 1e-3, "s": 1.0, "m": 60.0, "": 1.0}
_LONGEST_WINDOW_S = 3600.0

_EPILOG = """commands, given as the first word:
  snapshot     the graph, its settings and its rates, once, as text or as one JSON document
  watch        what happens, line by line, until it is interrupted
  get          a component's settings
  set          change settings, and wait for the owner's acknowledgement
`ezmsg-tui COMMAND --help` has the options of each.

Without an address the running server of this user is taken; with several of them you are asked.
Without a terminal the inspector prints `snapshot`.

exit codes: 0 done, 1 rejected, 2 usage, 3 cannot connect, 4 timed out, 70 a fault of this program, 130 interrupted"""


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """What the user asked for; `command` names it, and is `inspect` without a command.

    Raises:
        SystemExit: help was asked for, or the arguments make no sense; the reason is on standard error.
    """
    if arguments and arguments[0] in _PARSERS:
        parser = _PARSERS[arguments[0]]()
        options = parser.parse_args(arguments[1:])
        options.command = arguments[0]
    else:
        parser = _inspect_parser()
        options = parser.parse_args(arguments)
        options.command = "inspect"
        if options.address in _PARSERS:
            parser.error(f"{options.address} is a command: write it first, `ezmsg-tui {options.address} …`")
        if options.address and ":" not in options.address:
            parser.error(_neither_command_nor_address(options.address))
    _settle_address(parser, options)
    if options.address and options.connection_file is not None:
        parser.error("give an address or a connection file, not both")
    if options.demo and (options.address or options.connection_file is not None):
        parser.error("--demo starts a graph of its own: it takes no address and no connection file")
    return options


def _neither_command_nor_address(word: str) -> str:
    close = difflib.get_close_matches(word, _PARSERS, n=1)
    hint = f" Did you mean `{close[0]}`?" if close else ""
    return (
        f"{word!r} is neither a command nor an address.{hint} Commands are {', '.join(_PARSERS)}; "
        "an address is HOST:PORT, for example 127.0.0.1:25978."
    )


def _settle_address(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Take the address from where it was given, as an argument or as an option, and see that it is one."""
    if options.address and options.address_option:
        parser.error("give one address, not two")
    options.address = options.address or options.address_option
    if options.address:
        from ezmsg_core.errors import ConfigError
        from ezmsg_core.model.address import as_address

        try:
            options.address = str(as_address(options.address))
        except ConfigError as error:
            parser.error(str(error))


def _inspect_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ezmsg-tui",
        description="Look into a running graph: its topology, settings and rates, live.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_address(parser)
    _add_server_options(parser)
    parser.add_argument("--view", choices=VIEWS, default=VIEWS[0], help="the view to begin with")
    parser.add_argument("--select", metavar="ADDRESS", default="", help="component or stream to select first")
    parser.add_argument("--filter", metavar="WORDS", default="", help="show only rows that contain all these words")
    parser.add_argument("--read-only", action="store_true", help="look only: settings cannot be edited")
    parser.add_argument("--fps", type=_frames, default=10.0, metavar="N", help="most frames a second (default: 10)")
    parser.add_argument("--ascii", action="store_true", help="draw with ASCII characters only")
    parser.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    return parser


def _snapshot_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ezmsg-tui snapshot",
        description="Write the graph, its settings and its rates once, to standard output.",
    )
    _add_address(parser)
    _add_server_options(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON document; docs/snapshot.schema.json describes it")
    form.add_argument("--table", action="store_true", help="tables as text (the default)")
    parser.add_argument(
        "--window", type=_duration, default=2.0, metavar="TIME", help="how long to measure rates (default: 2s)"
    )
    parser.add_argument(
        "--only", type=_parts, default=frozenset(PARTS), metavar="PARTS", help=f"some of {','.join(PARTS)}"
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write there instead of standard output")
    return parser


def _watch_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ezmsg-tui watch", description="Write what happens, line by line, until it is interrupted."
    )
    parser.add_argument("stream", nargs="?", choices=STREAMS, default="all", help="what to watch (default: all)")
    _add_address_option(parser)
    _add_server_options(parser)
    parser.add_argument("--jsonl", action="store_true", help="one JSON object a line: every item of the stream")
    parser.add_argument("--timeout", type=_duration, default=None, metavar="TIME", help="end after so long")
    return parser


def _get_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ezmsg-tui get", description="Write a component's settings in force.")
    parser.add_argument("what", metavar="COMPONENT[.FIELD]", help="for example SYS/BAND or SYS/BAND.low")
    _add_address_option(parser)
    _add_server_options(parser)
    parser.add_argument("--json", action="store_true", help="as JSON")
    return parser


def _set_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ezmsg-tui set",
        description="Change settings of a component, all of them or none, and wait for its owner to acknowledge.",
    )
    parser.add_argument("component", metavar="COMPONENT", help="for example SYS/BAND")
    parser.add_argument("fields", metavar="FIELD=VALUE", nargs="+", type=_assignment, help="for example low=8.0")
    _add_address_option(parser)
    _add_server_options(parser)
    parser.add_argument("--dry-run", action="store_true", help="check the values and send nothing")
    return parser


_PARSERS = {"snapshot": _snapshot_parser, "watch": _watch_parser, "get": _get_parser, "set": _set_parser}


def _add_address(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("address", metavar="ADDRESS", nargs="?", default="", help="of the graph server: HOST:PORT")
    parser.add_argument("--address", dest="address_option", default="", help=argparse.SUPPRESS)


def _add_address_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--address", dest="address_option", metavar="ADDRESS", default="", help="of the graph server: HOST:PORT"
    )
    parser.set_defaults(address="")


def _add_server_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--connection-file", type=Path, metavar="FILE", help="that the graph server wrote")
    parser.add_argument("--demo", action="store_true", help="start the demo graph, and end it at the end")
    parser.add_argument("--debug", action="store_true", help="show the traceback of a fault of this program")


def _duration(text: str) -> float:
    """Seconds of `2`, `2s`, `500ms` or `1m`."""
    digits = text.strip().rstrip("ms")
    suffix = text.strip()[len(digits) :]
    try:
        seconds = float(digits) * _SUFFIXES[suffix]
    except (ValueError, KeyError):
        raise argparse.ArgumentTypeError(f"{text!r} is not a time; write 2s or 500ms") from None
    if not 0 < seconds <= _LONGEST_WINDOW_S:
        raise argparse.ArgumentTypeError(f"{text!r} is not between 0 and an hour")
    return seconds


def _frames(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0.5 <= rate <= 60:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of frames from 0.5 to 60")
    return rate


def _parts(text: str) -> frozenset[str]:
    named = frozenset(part.strip() for part in text.split(",") if part.strip())
    if not named or not named <= frozenset(PARTS):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of {', '.join(PARTS)}")
    return named


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not FIELD=VALUE")
    return name.strip(), value
