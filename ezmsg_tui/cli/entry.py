"""From the arguments to the exit code: carries out a command, and says in one line what stood in its way."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType
from typing import TYPE_CHECKING

from ezmsg_tui.cli.arguments import parse_arguments
from ezmsg_tui.cli.exits import CommandError, Exit

if TYPE_CHECKING:
    import argparse

_TERMINATED = 128 + signal.SIGTERM
_LONGEST_CAUSE = 300  # characters of one line


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `ezmsg-tui`.

    Args:
        arguments: without the program's name; None: those of this process.

    Returns:
        The exit code, one of `Exit`; 143 after SIGTERM.
    """
    options = parse_arguments(sys.argv[1:] if arguments is None else arguments)
    before = signal.signal(signal.SIGTERM, _end_by_signal)
    try:
        return int(_carry_out(options))
    except CommandError as error:
        _say(error.text)
        return int(error.code)
    except KeyboardInterrupt:
        return int(Exit.INTERRUPTED)
    except _Terminated:
        return _TERMINATED
    except BrokenPipeError:
        _forget_output()
        return int(Exit.OK)
    except Exception as error:  # noqa: BLE001 # whatever it is, it ends in a sentence
        cause = " ".join(str(error).split())[:_LONGEST_CAUSE]
        _say(f"a fault of this program: {type(error).__name__}: {cause}; --debug shows more")
        if options.debug:
            traceback.print_exc()
        return int(Exit.BUG)
    finally:
        signal.signal(signal.SIGTERM, before)


class _Terminated(BaseException):
    """SIGTERM came: everything that was started is ended on the way out."""


def _end_by_signal(_number: int, _frame: FrameType | None) -> None:
    raise _Terminated


def _carry_out(options: argparse.Namespace) -> int:
    match options.command:
        case "snapshot":
            from ezmsg_tui.cli.snapshots import take_snapshot

            return take_snapshot(options)
        case "watch":
            from ezmsg_tui.cli.watching import watch_graph

            return watch_graph(options)
        case "get" | "set":
            from ezmsg_tui.cli.settings import get_settings, set_settings

            return get_settings(options) if options.command == "get" else set_settings(options)
        case _:
            from ezmsg_tui.cli.inspecting import inspect_graph

            return inspect_graph(options)


def _say(text: str) -> None:
    sys.stderr.write(f"ezmsg-tui: {text}\n")


def _forget_output() -> None:
    """The reader of standard output has gone; nothing more is flushed to it at the end."""
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - it lives as long as the process
