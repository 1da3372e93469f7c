"""The inspector: attaches to a live graph, shows it as it changes, edits its settings."""

from ezmsg_core import __version__

__all__ = ["__version__"]
