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

MOST_FLEXIBLE = 80
"""Cells that the texts of a flexible column may ask for; longer ones are cut."""


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

    Columns of the lowest priority are left out until the rest fits (of equals, the rightmost). What is left over goes
    to columns that have grown, by priority, then to flexible ones: to each what its texts need or an equal part,
    whatever is less, and the rest to the last of them, so that figures stay beside the names they belong to.

    Args:
        columns: Those of the table.
        width: Of the whole area.
        grown: Widths that the texts of columns have reached, by key.
        left: Cells kept free at the left edge.
    """
    room = width - left - MARGIN
    sizes = {index: _least(column) for index, column in enumerate(columns)}

    def spare() -> int:
        return room - sum(sizes.values()) - GAP * (len(sizes) - 1)

    def rank(index: int) -> tuple[int, int]:
        return (columns[index].priority, -index)

    while len(sizes) > 1 and spare() < 0:
        del sizes[min(sizes, key=rank)]

    def growth(index: int) -> int:
        return max(0, grown.get(columns[index].key, 0) - sizes[index])

    for index in sorted((index for index in sizes if not columns[index].is_flexible), key=rank, reverse=True):
        sizes[index] += max(0, min(growth(index), spare()))
    flexible = [index for index in sizes if columns[index].is_flexible]
    for position, index in enumerate(sorted(flexible, key=growth)):  # what the modest ones leave goes to the others
        sizes[index] += max(0, min(growth(index), spare() // (len(flexible) - position)))
    if flexible:
        last = flexible[-1]
        sizes[last] = min(sizes[last] + max(0, spare()), columns[last].most or width)
    places: list[Place] = []
    x = left
    for index, size in sizes.items():
        fitting = min(size, max(0, width - MARGIN - x))
        places.append(Place(index, columns[index], x, fitting))
        x += fitting + GAP
    return tuple(places)


def _least(column: Column) -> int:
    heading = len(column.title) + 1 if column.is_sortable else 0  # with the arrow of the order
    return max(column.width, heading)


def grow_columns(columns: tuple[Column, ...], lengths: Mapping[str, int], grown: dict[str, int]) -> bool:
    """Widen columns to the longest text seen, within limits; answers whether one grew.

    Widths never shrink while a table is shown, so that its columns do not dance. Of flexible columns, several share
    what is left over, and only then it matters what they need.
    """
    has_grown = False
    flexible_count = sum(column.is_flexible for column in columns)
    for column in columns:
        if column.is_flexible and flexible_count < 2:
            continue
        most = MOST_FLEXIBLE if column.is_flexible else column.width + MOST_GROWTH
        longest = min(lengths.get(column.key, 0), most)
        if longest > max(column.width, grown.get(column.key, 0)):
            grown[column.key] = longest
            has_grown = True
    return has_grown
