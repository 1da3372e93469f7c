"""The command `ezmsg-tui`: what the user asked for, from the arguments to the exit code; no screen of its own."""

from ezmsg_tui.cli.entry import main

__all__ = ["main"]
