"""Tables as plain lines of text, for outputs that are no screen."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

from ezmsg_tui.present.table import Cell, Column, Table
from ezmsg_tui.present.text import elided_addresses

GAP = "  "


def table_lines(table: Table, width: int = 0) -> list[str]:
    """A title, a line of column titles, and one line for each row.

    Args:
        table: whose rows are written, with the indentation of a tree.
        width: most columns of a line; 0: as long as they are. Flexible columns give way first.
    """
    lines = [f"{table.title}  ({table.footer})" if table.footer else table.title]
    if not table.rows:
        return [*lines, *(f"  {part}" for part in table.empty_text.split("\n") if part)]
    rows = [
        [
            replace(cell, text="  " * row.depth + cell.text, has_address=False) if index == 0 and row.depth else cell
            for index, cell in enumerate(row.cells)
        ]
        for row in table.rows
    ]
    texts = [[cell.text for cell in row] for row in rows]
    used = [i for i, column in enumerate(table.columns) if any(row[i].strip() for row in texts) or column.title]
    widths = {i: max(_width(table.columns[i].title), *(_width(row[i]) for row in texts)) for i in used}
    if width:
        _shrink(widths, table.columns, width - 2)
    header = [Cell(column.title) for column in table.columns]
    for row in (header, *rows):
        parts = [_fitted(row[i], widths[i], table.columns[i]) for i in used]
        lines.append(f"  {GAP.join(parts)}".rstrip())
    return lines


def _shrink(widths: dict[int, int], columns: tuple[Column, ...], room: int) -> None:
    def total() -> int:
        return sum(widths.values()) + len(GAP) * (len(widths) - 1)

    flexible = [i for i in widths if columns[i].is_flexible]
    while total() > room and any(widths[i] > columns[i].width for i in flexible):
        widest = max(flexible, key=lambda i: widths[i] - columns[i].width)
        widths[widest] -= 1


def _fitted(cell: Cell, width: int, column: Column) -> str:
    text = elided_addresses(cell.text, width, _width) if cell.has_address else cell.text
    while _width(text) > width:
        text = text[:-2] + "…" if len(text) > 1 else ""
    pad = " " * (width - _width(text))
    return pad + text if column.align == "right" else text + pad


def _width(text: str) -> int:
    """Cells of a terminal that a text takes."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    marks = sum(unicodedata.category(c) in ("Mn", "Me") for c in text)
    return len(text) + wide - marks
