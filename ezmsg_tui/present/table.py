"""The table as a view model: columns, keyed rows, and cells that carry a meaning instead of a colour."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Cell:
    """One field of one row."""

    text: str  # harmless to a terminal: formatted here or passed through `safe_text`
    meaning: str = ""  # a name in `theme.MEANINGS`, never a colour; empty is plain
    has_address: bool = False  # which gives way at its front where there is little room: its last part is the name


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table."""

    key: str  # unique in its table, the same from one update to the next
    cells: tuple[Cell, ...]  # one for each column, in the order of the columns
    depth: int = 0  # steps of indentation of the first column
    is_open: bool | None = None  # None is a leaf; otherwise whether the rows below it are shown
    address: str = ""  # what the row stands for, if that has an address: it is copied and carried to other views


@dataclass(frozen=True, slots=True)
class Column:
    """How one column is laid out."""

    key: str
    title: str
    width: int  # character cells; of a flexible column, the least
    align: Literal["left", "right"] = "left"
    is_flexible: bool = False  # takes the room that is left over
    most: int = 0  # of a flexible column: no wider than this, so that figures stay beside the names; 0 is no limit
    priority: int = 0  # when the table is narrow, columns of the lowest priority vanish first
    is_sortable: bool = False  # offered by the sort keys


@dataclass(frozen=True, slots=True)
class Table:
    """Rows as they are to be shown."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    title: str = ""
    footer: str = ""
    empty_text: str = ""  # shown in place of rows; line breaks are kept
    total: int = 0  # how many rows there are before the filter
    matched: int = -1  # how many of them pass the filter; -1 means as many as there are rows
    sorted_by: str = ""  # key of the column that decides the order
    is_descending: bool = False
    subject: str = ""  # what the rows are about, where that changes: with another one the cursor begins at the top


@dataclass(frozen=True, slots=True)
class Query:
    """What a view asks for."""

    filter_text: str = ""  # words that must all occur; empty lets everything through
    arrangement: str = ""  # how rows are grouped, where a view knows several: "process" or "component"
    toggled: frozenset[str] = field(
        default_factory=frozenset[str]
    )  # keys of rows whose expander is not as it is by default
    sorted_by: str = ""  # key of a sortable column; empty is the view's own order
    is_descending: bool = False
