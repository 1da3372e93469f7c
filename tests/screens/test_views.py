"""Keys, and what the views ask of the desk."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from ezmsg_tui.app.inspector import InspectorApp
from ezmsg_tui.keys import KEYS, SCOPES, keys_of
from ezmsg_tui.present.desk import LinkPhase
from ezmsg_tui.present.form import FieldState
from ezmsg_tui.screens.help import HelpScreen, help_sheet
from ezmsg_tui.screens.leaving import LeaveScreen
from ezmsg_tui.screens.main import MainScreen
from ezmsg_tui.widgets.form_view import FieldTable, FormView
from ezmsg_tui.widgets.live_table import LiveTable
from tests.plugins.fake_desk import FakeDesk
from tests.plugins.golden import screen_text
from tests.plugins.keyboard import press, settle


class Stage:
    """A running application, and shortcuts for looking at it."""

    def __init__(self, app: InspectorApp, pilot: Pilot[None], desk: FakeDesk) -> None:
        self.app = app
        self.pilot = pilot
        self.desk = desk

    @property
    def main(self) -> MainScreen:
        return self.app.main

    @property
    def text(self) -> str:
        return screen_text(self.app)

    def table(self, name: str) -> LiveTable:
        return self.main.query_one(f"#{name}", LiveTable)

    async def press(self, *keys: str) -> None:
        await press(self.pilot, *keys)


@asynccontextmanager
async def running(
    desk: FakeDesk | None = None, size: tuple[int, int] = (120, 40), **options: object
) -> AsyncGenerator[Stage]:
    desk = desk or FakeDesk()
    app = InspectorApp(desk, has_pulse=False, **options)  # type: ignore[arg-type]
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        yield Stage(app, pilot, desk)


def commands(desk: FakeDesk) -> list[tuple[str, ...]]:
    return [call for call in desk.calls if call[0] != "check"]


def test_every_key_has_a_name_a_scope_and_a_line_of_help():
    assert len({binding.name for binding in KEYS}) == len(KEYS)
    assert {binding.scope for binding in KEYS} == set(SCOPES)
    meanings = {cell.text for line in help_sheet().lines for cell in line.cells}
    assert {binding.meaning for binding in KEYS} <= meanings


@pytest.mark.parametrize("scope", SCOPES)
def test_no_key_means_two_things_in_one_scope(scope: str):
    keys = [key for binding in keys_of(scope) for key in binding.keys]
    assert len(keys) == len(set(keys))


async def test_the_number_keys_show_the_views_and_minus_returns():
    async with running() as stage:
        for key, view in (("2", "settings"), ("3", "profile"), ("4", "events"), ("1", "topology"), ("minus", "events")):
            await stage.press(key)
            assert stage.main.view == view
            assert [pane.id for pane in stage.main.query("Pane") if pane.display] == [view]


async def test_only_the_view_in_sight_is_asked_for_and_only_when_something_changed():
    desk = FakeDesk()
    asked: list[str] = []
    topology_table, events_table = desk.topology_table, desk.events_table
    desk.topology_table = lambda query: (asked.append("topology"), topology_table(query))[1]  # type: ignore[method-assign]
    desk.events_table = lambda query: (asked.append("events"), events_table(query))[1]  # type: ignore[method-assign]
    async with running(desk) as stage:
        asked.clear()
        stage.app.pulse()
        assert asked == []
        desk.touch()
        stage.main.advance()
        assert asked == ["topology"]


async def test_the_selection_is_carried_from_view_to_view():
    async with running() as stage:
        await stage.press("down", "down", "down")
        assert stage.table("tree").cursor_row.address == "SYS/BAND"  # type: ignore[union-attr]
        await stage.press("2")
        assert stage.table("components").cursor_row.address == "SYS/BAND"  # type: ignore[union-attr]
        await stage.press("3")
        assert stage.table("publishers").cursor_row.address == "SYS/BAND/OUT"  # type: ignore[union-attr]


async def test_a_view_and_an_address_can_be_given_at_the_start():
    async with running(view="settings", address="SYS/DECODE") as stage:
        assert stage.main.view == "settings"
        assert stage.table("components").cursor_row.address == "SYS/DECODE"  # type: ignore[union-attr]


async def test_v_arranges_the_tree_by_component_and_keeps_the_selection():
    async with running() as stage:
        await stage.press("down", "down", "v")
        assert "Topology by component" in stage.text
        assert stage.table("tree").cursor_row.address == "SYS/NOTCH"  # type: ignore[union-attr]


async def test_opening_a_unit_shows_its_streams_and_choosing_one_leads_to_its_figures():
    async with running() as stage:
        await stage.press("down", "right", "right", "down")
        assert stage.table("tree").cursor_row.address == "SYS/LSL/OUT"  # type: ignore[union-attr]
        await stage.press("enter")
        assert stage.main.view == "profile"
        assert stage.table("publishers").cursor_row.address == "SYS/LSL/OUT"  # type: ignore[union-attr]


async def test_the_filter_narrows_as_it_is_typed_and_escape_clears_it():
    async with running() as stage:
        await stage.press("slash", *"deco")
        assert stage.table("tree").row_keys == ["SYS/DECODE"]
        assert "/deco  1 of 13" in stage.text
        await stage.press("enter")
        assert stage.main.focused is stage.table("tree")
        await stage.press("escape")
        assert len(stage.table("tree").row_keys) == 13


async def test_space_freezes_and_lets_run():
    async with running() as stage:
        await stage.press("space")
        assert "FROZEN 34 s" in stage.text
        await stage.press("space")
        assert commands(stage.desk) == [("freeze", "True"), ("freeze", "False")]


async def test_space_on_a_field_that_is_no_switch_freezes_as_everywhere():
    async with running(view="settings", address="SYS/BAND") as stage:
        await stage.press("tab", "space")
        assert commands(stage.desk) == [("freeze", "True")]


async def test_a_field_is_typed_checked_and_staged():
    async with running(view="settings", address="SYS/BAND") as stage:
        await stage.press("tab", "down", "down", "enter")
        assert isinstance(stage.main.focused, Input)
        await stage.press("home", "9")
        assert "✖ 9450.0 is above the maximum 250" in stage.text
        assert commands(stage.desk) == []
        await stage.press("enter")
        assert commands(stage.desk) == [("stage", "SYS/BAND", "high", "9450.0")]
        assert isinstance(stage.main.focused, FieldTable)


async def test_escape_leaves_a_field_as_it_was():
    async with running(view="settings", address="SYS/BAND") as stage:
        await stage.press("tab", "enter", "9", "escape")
        assert commands(stage.desk) == []
        assert isinstance(stage.main.focused, FieldTable)


async def test_a_remote_change_does_not_touch_the_text_being_typed():
    async with running(view="settings", address="SYS/BAND") as stage:
        await stage.press("tab", "enter", "7")
        stage.desk.fields["order"] = (
            FakeDesk()
            .fields["order"]
            .__class__(
                "order",
                "order",
                stage.desk.fields["order"].editor,
                "6",
                running_label="6",
                state=FieldState.CONFLICT,
                note="now 6",
            )
        )
        stage.desk.touch()
        stage.main.advance()
        await settle(stage.pilot)
        assert stage.main.query_one("FieldInput", Input).value == "47"


async def test_letters_typed_into_a_value_are_no_commands():
    async with running(view="settings", address="SYS/BAND") as stage:
        await stage.press("tab", "enter", *"qa1u?")
        assert stage.main.query_one("FieldInput", Input).value == "4qa1u?"
        assert stage.app.screen is stage.main
        assert commands(stage.desk) == []


@pytest.mark.parametrize(
    ("keys", "call"),
    [
        (("down",) * 4 + ("space",), ("stage", "SYS/BAND", "enabled", "false")),
        (("down",) * 4 + ("enter",), ("stage", "SYS/BAND", "enabled", "false")),
        (("right",), ("step", "SYS/BAND", "order", "1")),
        (("H",), ("step", "SYS/BAND", "order", "-10")),
        (("down",) * 3 + ("left",), ("step", "SYS/BAND", "kind", "-1")),
        (("down",) * 5 + ("n",), ("stage_none", "SYS/BAND", "window")),
        (("down", "u"), ("revert", "SYS/BAND", "low")),
        (("U",), ("revert", "SYS/BAND", "")),
        (("a",), ("apply", "SYS/BAND")),
        (("A",), ("apply", "")),
        (("m",), ("keep_mine", "SYS/BAND", "order")),
        (("t",), ("take_theirs", "SYS/BAND", "order")),
    ],
)
async def test_a_key_on_a_field_is_one_command(keys: tuple[str, ...], call: tuple[str, ...]):
    async with running(view="settings", address="SYS/BAND") as stage:
        await stage.press("tab", *keys)
        assert commands(stage.desk) == [call]


@pytest.mark.parametrize("keys", [("down",) * 6 + ("enter",), ("G", "enter"), ("G", "right"), ("G", "n")])
async def test_groups_and_read_only_fields_are_not_edited(keys: tuple[str, ...]):
    async with running(view="settings", address="SYS/BAND") as stage:
        await stage.press("tab", *keys)
        assert commands(stage.desk) == []
        assert not stage.main.query_one(FormView).is_editing


async def test_a_read_only_form_says_why_and_takes_no_edit():
    async with running(FakeDesk(is_read_only=True), view="settings", address="SYS/BAND") as stage:
        await stage.press("tab", "enter", "right")
        assert commands(stage.desk) == []
        assert "read-only: started with --read-only" in stage.text


async def test_a_change_leads_to_its_field():
    async with running(view="settings") as stage:
        stage.table("changes").focus()
        await stage.press("down", "enter")
        assert stage.table("components").cursor_row.address == "SYS/BAND"  # type: ignore[union-attr]
        assert stage.main.query_one(FormView).field.path == "high"  # type: ignore[union-attr]


async def test_the_holder_of_a_publisher_leads_to_the_subscriber():
    async with running(view="profile", address="SYS/FEAT/OUT") as stage:
        assert "Who holds SYS/FEAT/OUT" in stage.text
        stage.table("holders").focus()
        await stage.press("enter")
        assert stage.main.focused is stage.table("subscribers")
        assert stage.table("subscribers").cursor_row.address == "SYS/DECODE/IN"  # type: ignore[union-attr]


async def test_sorting_asks_the_desk_for_another_order():
    async with running(view="profile") as stage:
        await stage.press("s")
        assert stage.table("publishers").table.sorted_by == "total"
        assert stage.table("publishers").row_keys[0] == "SYS/LOG/OUT"
        await stage.press("i")
        assert stage.table("publishers").row_keys[-1] == "SYS/LOG/OUT"


async def test_events_are_followed_until_the_user_goes_up():
    async with running(FakeDesk(extra_events=60), view="events", size=(80, 24)) as stage:
        assert "following" in stage.text
        assert stage.table("events-list").cursor_row.key == "e64"  # type: ignore[union-attr]
        await stage.press("up")
        assert "stopped, f follows" in stage.text
        stage.desk.extra_events += 5
        stage.desk.touch()
        stage.main.advance()
        await settle(stage.pilot)
        assert stage.table("events-list").cursor_row.key == "e63"  # type: ignore[union-attr]
        await stage.press("f")
        assert stage.table("events-list").cursor_row.key == "e69"  # type: ignore[union-attr]


async def test_copying_takes_the_address_of_the_selected_row():
    async with running() as stage:
        await stage.press("down", "y")
        assert stage.app.clipboard == "SYS/LSL"
        assert "copied SYS/LSL" in stage.text
        await stage.press("2", "down", "down", "tab", "down", "y")
        assert stage.app.clipboard == "SYS/BAND.low"


async def test_leaving_asks_only_when_there_are_edits_that_were_not_sent():
    async with running() as stage:
        await stage.press("q")
        assert isinstance(stage.app.screen, LeaveScreen)
        await stage.press("n")
        assert stage.app.screen is stage.main
        await stage.press("q", "y")
        assert not stage.app.is_running or stage.app._exit
    async with running(FakeDesk(fields={})) as stage:
        await stage.press("q")
        assert stage.app._exit


async def test_help_opens_scrolls_and_closes():
    async with running(size=(80, 24)) as stage:
        await stage.press("question_mark")
        assert isinstance(stage.app.screen, HelpScreen)
        await stage.press("j", "j", "down", "pagedown", "escape")
        assert stage.app.screen is stage.main


async def test_reconnecting_is_a_key_in_every_state():
    for phase in (LinkPhase.LIVE, LinkPhase.LOST, LinkPhase.ERROR, LinkPhase.CONNECTING):
        async with running(FakeDesk(phase=phase)) as stage:
            await stage.press("ctrl+r")
            assert ("reconnect_now",) in stage.desk.calls


async def test_a_lost_link_dims_the_views_and_a_recovered_one_brings_them_back():
    async with running() as stage:
        stage.desk.phase = LinkPhase.LOST
        stage.main.advance()
        await settle(stage.pilot)
        assert stage.table("tree").is_stale
        assert "Topology by process · 10 s old" in stage.text
        assert "retry 3 in 2.4 s" in stage.text
        stage.desk.phase = LinkPhase.LIVE
        stage.main.advance()
        await settle(stage.pilot)
        assert not stage.table("tree").is_stale
        assert "s old" not in stage.text


async def test_a_view_comes_when_the_first_connection_is_made():
    desk = FakeDesk(phase=LinkPhase.CONNECTING)
    async with running(desk) as stage:
        assert "connecting to 127.0.0.1:25978" in stage.text
        await stage.press("2", "slash", "a")
        assert stage.main.view == "topology"
        desk.phase = LinkPhase.LIVE
        desk.touch()
        stage.main.advance()
        await settle(stage.pilot)
        assert "Topology by process" in stage.text
        assert stage.main.focused is stage.table("tree")


async def test_a_terminal_that_becomes_too_small_keeps_what_was_typed_and_selected():
    async with running(size=(80, 24)) as stage:
        await stage.press("down", "down")
        await stage.pilot.resize_terminal(50, 12)
        await settle(stage.pilot)
        assert "50×12 is too small" in stage.text
        await stage.pilot.resize_terminal(80, 24)
        await settle(stage.pilot)
        assert stage.table("tree").cursor_row.address == "SYS/NOTCH"  # type: ignore[union-attr]
        assert "too small" not in stage.text


async def test_an_undecided_pane_key_does_nothing_on_a_message_page():
    async with running(FakeDesk(phase=LinkPhase.ERROR)) as stage:
        await stage.press("tab", "a", "v", "x", "s", "enter", "y", "space", "escape")
        assert commands(stage.desk) in ([], [("freeze", "True")])
