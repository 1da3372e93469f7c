"""The sheet as a view model: labelled lines about one thing."""

from __future__ import annotations

from dataclasses import dataclass

from ezmsg_tui.present.table import Cell


@dataclass(frozen=True, slots=True)
class SheetLine:
    """One line: a label, then cells with one space between them."""

    label: str  # empty continues the line above; with no cells, a blank line
    cells: tuple[Cell, ...] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is known of one thing."""

    title: str = ""
    lines: tuple[SheetLine, ...] = ()
    footer: str = ""
    empty_text: str = ""  # shown in place of lines
    address: str = ""  # of the thing, if it has one
