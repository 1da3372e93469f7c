"""The command `ezmsg-core`: graph servers from the command line."""

from ezmsg_core.cli.entry import main

__all__ = ["main"]
