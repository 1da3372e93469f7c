"""Tables as plain lines of text, for outputs that are no screen."""

from __future__ import annotations

import unicodedata

from ezmsg_tui.present.table import Column, Table

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
    texts = [
        ["  " * row.depth + cell.text if index == 0 else cell.text for index, cell in enumerate(row.cells)]
        for row in table.rows
    ]
    used = [i for i, column in enumerate(table.columns) if any(row[i].strip() for row in texts) or column.title]
    widths = {i: max(_width(table.columns[i].title), *(_width(row[i]) for row in texts)) for i in used}
    if width:
        _shrink(widths, table.columns, width - 2)
    header = [table.columns[i].title for i in used]
    for row in (header, *([row[i] for i in used] for row in texts)):
        cells = [_fitted(text, widths[i], table.columns[i]) for i, text in zip(used, row, strict=True)]
        lines.append(f"  {GAP.join(cells)}".rstrip())
    return lines


def _shrink(widths: dict[int, int], columns: tuple[Column, ...], room: int) -> None:
    def total() -> int:
        return sum(widths.values()) + len(GAP) * (len(widths) - 1)

    flexible = [i for i in widths if columns[i].is_flexible]
    while total() > room and any(widths[i] > columns[i].width for i in flexible):
        widest = max(flexible, key=lambda i: widths[i] - columns[i].width)
        widths[widest] -= 1


def _fitted(text: str, width: int, column: Column) -> str:
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
