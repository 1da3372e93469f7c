"""What meanings look like: one ink for each, in sixteen colours by default, and the ASCII spelling of every glyph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "": "plain text",
        "dim": "of less weight: units, separators, what is idle",
        "label": "the name of a figure",
        "title": "the name of a thing, in its own row or sheet",
        "accent": "what the eye is to find first",
        "ok": "as it should be",
        "live": "connected, running",
        "warning": "worth a look",
        "error": "wrong, refused or blocked",
        "changed": "edited here and not in force yet",
        "pending": "sent, not acknowledged",
        "stale": "old: the last that was known",
        "rate": "messages a second",
        "link": "an address that leads to another row",
        "local": "a path inside one process",
        "shm": "a path through shared memory",
        "tcp": "a path through a socket",
        "spark": "a figure over time",
    }
)
"""Every meaning a cell may carry, and what it is for."""


@dataclass(frozen=True, slots=True)
class Ink:
    """How text of one meaning is drawn."""

    color: str = ""  # a name of the sixteen, or `#rrggbb`; empty is the terminal's own
    is_bold: bool = False
    is_dim: bool = False
    is_reversed: bool = False
    is_underlined: bool = False


@dataclass(frozen=True, slots=True)
class Palette:
    """One ink for each meaning; a meaning without one is drawn plain."""

    name: str
    inks: Mapping[str, Ink]

    def ink(self, meaning: str) -> Ink:
        """The ink of a meaning; plain for one that is not known."""
        return self.inks.get(meaning, _PLAIN)


_PLAIN = Ink()

SIXTEEN = Palette(
    "sixteen",
    MappingProxyType(
        {
            "dim": Ink(is_dim=True),
            "label": Ink("cyan"),
            "title": Ink(is_bold=True),
            "accent": Ink("bright_cyan", is_bold=True),
            "ok": Ink("green"),
            "live": Ink("green", is_bold=True),
            "warning": Ink("yellow", is_bold=True),
            "error": Ink("bright_red", is_bold=True),
            "changed": Ink("bright_magenta", is_bold=True),
            "pending": Ink("bright_blue", is_bold=True),
            "stale": Ink(is_dim=True),
            "rate": Ink(),
            "link": Ink("cyan"),
            "local": Ink("green"),
            "shm": Ink("cyan"),
            "tcp": Ink("magenta"),
            "spark": Ink("cyan"),
        }
    ),
)
"""The terminal's own sixteen colours: few bytes, and legible on any background the user has chosen."""

COLOR_BLIND = Palette(
    "color-blind",
    MappingProxyType(
        {
            **SIXTEEN.inks,
            "ok": Ink("#0072b2"),
            "live": Ink("#56b4e9", is_bold=True),
            "warning": Ink("#e69f00", is_bold=True),
            "error": Ink("#d55e00", is_bold=True),
            "changed": Ink("#cc79a7", is_bold=True),
            "pending": Ink("#f0e442", is_bold=True),
        }
    ),
)
"""The colours of Okabe and Ito, which the common forms of colour blindness keep apart."""

MONOCHROME = Palette(
    "monochrome",
    MappingProxyType(
        {
            meaning: Ink(is_bold=ink.is_bold, is_dim=ink.is_dim, is_underlined=meaning == "error")
            for meaning, ink in SIXTEEN.inks.items()
        }
    ),
)
"""No colour at all; glyphs and weight carry the meaning."""

PALETTES: Mapping[str, Palette] = MappingProxyType(
    {palette.name: palette for palette in (SIXTEEN, COLOR_BLIND, MONOCHROME)}
)

ASCII_SPELLING: Mapping[int, int] = MappingProxyType(
    str.maketrans(
        "●○◌◐▲✖✓⊘⟳≠→←↑↓▶◀▼▾▸◂…·│─┃━┄┌┐└┘├┤┬┴┼┏┓┗┛✝❚∞±µ▏▎▍▌▋▊▉█▁▂▃▄▅▆▇‹›◆⏎Δ×▐",
        "*o.o!Xv-~#><^v><vv><..|-|=-+++++++++++++X|8+u.::||###_.--==#<>*<dx|",
    )
)
"""One ASCII character for each glyph, so that widths do not change."""
