"""What a query keeps of a table's rows, and their order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from ezmsg_tui.present.table import Column, Query, Row, Table

SortValue = float | int | str | None


@dataclass(frozen=True, slots=True)
class SortableRow:
    """A row with the values that its columns are sorted by."""

    row: Row
    values: dict[str, SortValue] = field(default_factory=dict[str, SortValue])  # by column key; others sort by text


def matches(row: Row, filter_text: str) -> bool:
    """Whether all words of a filter occur in a row, whatever their case."""
    if not filter_text:
        return True
    text = " ".join((row.address, *(cell.text for cell in row.cells))).lower()
    return all(word in text for word in filter_text.lower().split())


def rounded(value: float | None) -> float | None:
    """A figure with two digits, so that rows that are nearly equal do not change places with every sample."""
    return None if value is None else float(f"{value:.1e}")


def filled(
    frame: Table,
    rows: Iterable[SortableRow],
    query: Query,
    *,
    default_sort: str = "",
    is_default_descending: bool = False,
) -> Table:
    """The frame with the rows that pass the filter, in the order that the query or else the view asks for.

    Args:
        frame: columns and texts.
        rows: in the order that equal ones keep.
        query: what the view asks for.
        default_sort: key of the column that decides when the query names none; empty keeps the order.
        is_default_descending: the direction that belongs to it.
    """
    everything = list(rows)
    kept = [item for item in everything if matches(item.row, query.filter_text)]
    is_asked = any(column.key == query.sorted_by and column.is_sortable for column in frame.columns)
    sorted_by = query.sorted_by if is_asked else default_sort
    is_descending = query.is_descending if is_asked else is_default_descending
    if sorted_by:
        kept = _sorted(kept, frame.columns, sorted_by, is_descending=is_descending)
    is_filtered_out = bool(query.filter_text and everything and not kept)
    return replace(
        frame,
        rows=tuple(item.row for item in kept),
        empty_text="nothing matches the filter" if is_filtered_out else frame.empty_text,
        total=len(everything),
        matched=len(kept),
        sorted_by=sorted_by,
        is_descending=is_descending,
    )


def _sorted(items: list[SortableRow], columns: Sequence[Column], key: str, *, is_descending: bool) -> list[SortableRow]:
    """Sorted with unknown values last, whatever the direction."""
    index = next(i for i, column in enumerate(columns) if column.key == key)

    def value(item: SortableRow) -> SortValue:
        return item.values[key] if key in item.values else item.row.cells[index].text.lower()

    known = [item for item in items if value(item) is not None]
    unknown = [item for item in items if value(item) is None]
    known.sort(key=lambda item: _rank(value(item)), reverse=is_descending)
    return known + unknown


def _rank(value: SortValue) -> tuple[int, float, str]:
    if isinstance(value, str):
        return 1, 0.0, value
    return 0, float(value or 0), ""
