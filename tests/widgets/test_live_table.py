"""A live table draws what changed, and keeps the cursor where the user put it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.message import Message
from textual.pilot import Pilot

from ezmsg_tui.present.table import Cell, Column, Row, Table
from ezmsg_tui.theme import MONOCHROME
from ezmsg_tui.widgets.live_table import LiveTable
from ezmsg_tui.widgets.paint import Paint
from tests.plugins.keyboard import press, settle

COLUMNS = (
    Column("name", "NAME", 12, is_flexible=True, priority=9, is_sortable=True),
    Column("rate", "RATE", 6, "right", priority=8, is_sortable=True),
    Column("note", "NOTE", 10, priority=1),
)


class SpyTable(LiveTable):
    """Remembers what it asked to be drawn again."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.asked: list[Region | None] = []

    def refresh(self, *regions: Region, **options: Any) -> "SpyTable":
        if hasattr(self, "asked"):
            self.asked.extend(regions or [None])
        return super().refresh(*regions, **options)


class TableApp(App[None]):
    def __init__(self, *, is_ascii: bool = False) -> None:
        super().__init__()
        self.now = 0.0
        self.table = SpyTable(clock=lambda: self.now)
        self.messages: list[Message] = []
        self.paint = Paint(MONOCHROME, is_ascii=is_ascii)

    def compose(self) -> ComposeResult:
        yield self.table

    def on_live_table_highlighted(self, message: LiveTable.Highlighted) -> None:
        self.messages.append(message)

    def on_live_table_chosen(self, message: LiveTable.Chosen) -> None:
        self.messages.append(message)

    def on_live_table_toggled(self, message: LiveTable.Toggled) -> None:
        self.messages.append(message)

    def on_live_table_sort_picked(self, message: LiveTable.SortPicked) -> None:
        self.messages.append(message)

    def lines(self) -> list[str]:
        return [self.table.render_line(y).text.rstrip() for y in range(self.table.size.height)]


@asynccontextmanager
async def running(
    width: int = 50, height: int = 10, *, is_ascii: bool = False
) -> AsyncGenerator[tuple[TableApp, Pilot[None]]]:
    app = TableApp(is_ascii=is_ascii)
    async with app.run_test(size=(width, height)) as pilot:
        app.table.focus()
        await settle(pilot)
        yield app, pilot


def row(key: str, rate: str = "1.0", note: str = "", depth: int = 0, is_open: bool | None = None) -> Row:
    return Row(key, (Cell(key), Cell(rate), Cell(note)), depth, is_open, f"SYS/{key}")


def table(*rows: Row, **more: Any) -> Table:
    return Table(COLUMNS, rows, total=len(rows), **more)


async def test_rows_stand_below_the_header_in_their_columns():
    async with running() as (app, pilot):
        app.table.show(table(row("alpha", "12.5", "first"), row("beta", "3.0", "second")))
        await settle(pilot)
        assert app.lines()[:3] == [
            " NAME                            RATE  NOTE",
            "▌alpha                           12.5  first",
            " beta                             3.0  second",
        ]


async def test_only_the_cells_that_differ_are_drawn_again():
    async with running() as (app, pilot):
        app.table.show(table(row("a"), row("b"), row("c")))
        await settle(pilot)
        app.table.asked.clear()
        app.table.show(table(row("a"), row("b", "2.0"), row("c")))
        rate = app.table.places[1]
        assert app.table.asked == [Region(rate.x, 2, rate.width, 1)]
        assert app.lines()[2].split() == ["b", "2.0"]


async def test_a_table_that_says_the_same_is_not_drawn_again():
    async with running() as (app, pilot):
        app.table.show(table(row("a"), row("b")))
        await settle(pilot)
        app.table.asked.clear()
        app.table.show(table(row("a"), row("b")))
        assert app.table.asked == []


async def test_rows_out_of_sight_cost_nothing():
    async with running(height=5) as (app, pilot):
        rows = [row(f"r{n:02d}") for n in range(50)]
        app.table.show(table(*rows))
        await settle(pilot)
        app.table.asked.clear()
        rows[40] = row("r40", "9.0")
        app.table.show(table(*rows))
        assert app.table.asked == []


async def test_the_cursor_is_kept_in_sight_and_stays_on_its_row():
    async with running(height=6) as (app, pilot):
        app.table.show(table(*(row(f"r{n:02d}") for n in range(30))))
        await settle(pilot)
        await press(pilot, "G")
        assert app.table.cursor_row == row("r29")
        assert app.lines()[-1].startswith("▌r29")
        await press(pilot, "g", "j", "j")
        assert app.lines()[3].startswith("▌r02")
        await press(pilot, "pagedown")
        assert app.table.cursor_row == row("r06")


async def test_the_row_under_the_cursor_stays_on_its_line_when_rows_come_and_go_above_it():
    async with running(height=6) as (app, pilot):
        some = [row(f"r{n:02d}", is_open=False) for n in range(30)]
        app.table.show(table(*some))
        await press(pilot, *("down",) * 8, "up")
        before = app.lines().index(next(line for line in app.lines() if line.startswith("▌")))
        app.table.show(table(row("new1", is_open=False), row("new2", is_open=False), *some[1:]))
        await settle(pilot)
        assert app.lines()[before].startswith("▌▸ r07")


async def test_rows_do_not_run_away_under_a_cursor_that_is_being_moved():
    async with running() as (app, pilot):
        app.table.show(table(row("a"), row("b"), row("c")))
        app.now = 10.0
        await press(pilot, "down")
        app.table.show(table(row("c"), row("b"), row("a")))
        assert app.table.row_keys == ["a", "b", "c"]
        app.now = 20.0
        app.table.show(table(row("c"), row("b"), row("a", "5.0")))
        assert app.table.row_keys == ["c", "b", "a"]
        assert app.table.cursor_row == row("b")


async def test_another_sort_takes_effect_at_once():
    async with running() as (app, pilot):
        app.table.show(table(row("a"), row("b")))
        await press(pilot, "down")
        app.table.show(table(row("b"), row("a"), sorted_by="rate", is_descending=True))
        assert app.table.row_keys == ["b", "a"]
        assert "RATE▼" in app.lines()[0]


async def test_the_sort_keys_go_through_the_sortable_columns_and_turn_the_order_round():
    async with running() as (app, pilot):
        app.table.show(table(row("a"), sorted_by="name"))
        await press(pilot, "s", "S", "i")
        picks = [m for m in app.messages if isinstance(m, LiveTable.SortPicked)]
        assert [(m.column_key, m.is_descending) for m in picks] == [("rate", True), ("rate", True), ("name", True)]


async def test_a_tree_is_drawn_with_expanders_and_folded_with_the_arrow_keys():
    async with running() as (app, pilot):
        app.table.show(table(row("p", is_open=True), row("u", depth=1, is_open=False), row("v", depth=1)))
        await settle(pilot)
        assert [line[:8].rstrip() for line in app.lines()[1:4]] == ["▌▾ p", "   ▸ u", "     v"]
        await press(pilot, "down", "right")
        toggled = [m for m in app.messages if isinstance(m, LiveTable.Toggled)]
        assert [m.row.key for m in toggled] == ["u"]
        await press(pilot, "left")
        assert app.table.cursor_row is not None
        assert app.table.cursor_row.key == "p"


async def test_choosing_and_moving_tell_the_row():
    async with running() as (app, pilot):
        app.table.show(table(row("a"), row("b")))
        await settle(pilot)
        await press(pilot, "down", "enter")
        seen = [(type(m).__name__, m.row.key) for m in app.messages if isinstance(m, LiveTable.RowMessage)]
        assert seen == [("Highlighted", "a"), ("Highlighted", "b"), ("Chosen", "b")]


async def test_the_mouse_moves_the_cursor_folds_and_sorts():
    async with running() as (app, pilot):
        app.table.show(table(row("p", is_open=True), row("u", depth=1, is_open=False)))
        await settle(pilot)
        await pilot.click(app.table, offset=(10, 2))
        assert app.table.cursor_row is not None
        assert app.table.cursor_row.key == "u"
        await pilot.click(app.table, offset=(3, 2))
        rate = app.table.places[1]
        await pilot.click(app.table, offset=(rate.x + 1, 0))
        assert [m.row.key for m in app.messages if isinstance(m, LiveTable.Toggled)] == ["u"]
        assert [m.column_key for m in app.messages if isinstance(m, LiveTable.SortPicked)] == ["rate"]


async def test_a_column_grows_with_its_text_and_does_not_shrink_back():
    async with running() as (app, pilot):
        app.table.show(table(row("a", "1.0")))
        await settle(pilot)
        app.table.show(table(row("a", "123456.78")))
        assert "123456.78" in app.lines()[1]
        width = app.table.places[1].width
        app.table.show(table(row("a", "1.0")))
        assert app.table.places[1].width == width


async def test_a_narrow_table_leaves_out_columns_and_a_wide_one_brings_them_back():
    async with running(width=30) as (app, pilot):
        app.table.show(table(row("a", "1.0", "note")))
        await settle(pilot)
        assert [place.column.key for place in app.table.places] == ["name", "rate"]
        await pilot.resize_terminal(60, 10)
        await settle(pilot)
        assert [place.column.key for place in app.table.places] == ["name", "rate", "note"]


async def test_an_empty_table_says_so_in_the_middle():
    async with running(height=5) as (app, pilot):
        app.table.show(Table(COLUMNS, (), empty_text="nothing\nhere"))
        await settle(pilot)
        assert [line.strip() for line in app.lines()] == ["", "nothing", "here", "", ""]
        app.table.show(table(row("a")))
        await settle(pilot)
        assert app.lines()[1].startswith("▌a")
        app.table.show(Table(COLUMNS, (), empty_text="gone"))
        await settle(pilot)
        assert "gone" in "".join(app.lines())
        await press(pilot, "down", "enter", "left", "G")


async def test_an_empty_table_that_stays_empty_is_not_drawn_again():
    async with running(height=5) as (app, pilot):
        app.table.show(Table(COLUMNS, (), empty_text="nothing"))
        await settle(pilot)
        app.table.asked.clear()
        app.table.show(Table(COLUMNS, (), footer="another", empty_text="nothing"))
        assert app.table.asked == []
        app.table.show(Table(COLUMNS, (), empty_text="still nothing"))
        await settle(pilot)
        assert "still nothing" in "".join(app.lines())


async def test_old_data_is_drawn_dim_and_without_its_meanings():
    async with running() as (app, pilot):
        app.table.show(Table(COLUMNS, (row("a"), Row("b", (Cell("b", "error"), Cell(""), Cell(""))))))
        await settle(pilot)
        assert any(segment.style is not None and segment.style.underline for segment in app.table.render_line(2))
        app.table.is_stale = True
        styles = [segment.style for segment in app.table.render_line(2)]
        assert all(style is not None and style.dim and not style.underline for style in styles)


async def test_ascii_spelling_keeps_every_width():
    async with running(is_ascii=True) as (app, pilot):
        app.table.show(table(row("p", "▁▃█", "● ok", is_open=True)))
        await settle(pilot)
        line = app.table.render_line(1)
        assert line.text.isascii()
        assert line.cell_length == app.table.size.width


async def test_an_address_is_found_on_its_row_or_the_one_above():
    async with running() as (app, pilot):
        app.table.show(table(row("a"), row("b")))
        await settle(pilot)
        assert app.table.select_address("SYS/b/OUT")
        assert app.table.cursor_row == row("b")
        assert not app.table.select_address("ELSEWHERE")
