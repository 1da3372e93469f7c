"""A line of a sheet cuts what can be spared."""

from ezmsg_tui.present.sheet import SheetLine
from ezmsg_tui.present.table import Cell
from ezmsg_tui.widgets.paint import Paint
from ezmsg_tui.widgets.sheet_view import draw_sheet_line


def drawn(width: int, *cells: Cell) -> str:
    strip = draw_sheet_line(SheetLine("label", cells), 5, width, Paint(), is_stale=False)
    assert strip.cell_length == width
    return strip.text[8:].rstrip()


def test_an_address_gives_way_to_what_follows_it():
    cells = Cell("▶"), Cell("DEMO/STORAGE/ARCHIVE/INPUT", has_address=True), Cell("TCP")
    assert drawn(60, *cells) == "▶ DEMO/STORAGE/ARCHIVE/INPUT TCP"
    assert drawn(35, *cells) == "▶ …/ARCHIVE/INPUT TCP"
    assert drawn(26, *cells) == "▶ …/INPUT TCP"


def test_of_a_history_the_newest_stays():
    assert drawn(19, Cell("5.0/s"), Cell("▁▂▃▄▅▆▇█", "spark")) == "5.0/s ▅▆▇█"


def test_a_cell_without_text_takes_no_room():
    assert drawn(30, Cell("one"), Cell(""), Cell("two")) == "one two"
