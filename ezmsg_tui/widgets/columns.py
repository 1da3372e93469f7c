"""Which columns of a table are shown at a width, and where; pure arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ezmsg_tui.present.table import Column

GAP = 2
"""Cells between columns: one is read as a space inside a text."""

MARGIN = 1
"""Cells kept free at the right edge, so that text and frame do not touch."""

MOST_GROWTH = 12
"""Cells that a column may grow beyond its own width before its text is cut."""


@dataclass(frozen=True, slots=True)
class Place:
    """One visible column."""

    index: int  # in the table's columns, and in the cells of a row
    column: Column
    x: int  # of its first character
    width: int


def fit_columns(
    columns: tuple[Column, ...], width: int, grown: Mapping[str, int], *, left: int = 0
) -> tuple[Place, ...]:
    """Lay columns out in `width` cells.

    Columns of the lowest priority are left out until the rest fits (of equals, the rightmost), and flexible ones
    share what is left over.

    Args:
        columns: Those of the table.
        width: Of the whole area.
        grown: Widths that columns have reached before, by key; a column is never narrower than that.
        left: Cells kept free at the left edge.
    """
    shown = list(range(len(columns)))
    room = width - left - MARGIN

    def wanted(index: int) -> int:
        column = columns[index]
        heading = len(column.title) + 1 if column.is_sortable else 0  # with the arrow of the order
        return max(column.width, heading, grown.get(column.key, 0))

    def total() -> int:
        return sum(wanted(index) for index in shown) + GAP * (len(shown) - 1)

    while len(shown) > 1 and total() > room:
        shown.remove(min(shown, key=lambda index: (columns[index].priority, -index)))
    spare = max(0, room - total())
    flexible = [index for index in shown if columns[index].is_flexible]
    places: list[Place] = []
    x = left
    for index in shown:
        size = wanted(index)
        if index in flexible:
            extra = spare // len(flexible) + (1 if index == flexible[0] else 0) * (spare % len(flexible))
            size += extra
        size = min(size, max(0, width - MARGIN - x))
        places.append(Place(index, columns[index], x, size))
        x += size + GAP
    return tuple(places)


def grow_columns(columns: tuple[Column, ...], lengths: Mapping[str, int], grown: dict[str, int]) -> bool:
    """Widen columns to the longest text seen, within limits; answers whether one grew.

    Widths never shrink while a table is shown, so that its columns do not dance.
    """
    has_grown = False
    for column in columns:
        if column.is_flexible:
            continue
        longest = min(lengths.get(column.key, 0), column.width + MOST_GROWTH)
        if longest > max(column.width, grown.get(column.key, 0)):
            grown[column.key] = longest
            has_grown = True
    return has_grown
