"""The key table as bindings of the terminal library."""

from __future__ import annotations

from textual.binding import Binding

from ezmsg_tui.keys import keys_of


def bindings_of(scope: str) -> list[Binding]:
    """The bindings of one scope."""
    return [
        Binding(",".join(binding.keys), binding.action, binding.meaning, show=False, id=binding.name)
        for binding in keys_of(scope)
    ]
