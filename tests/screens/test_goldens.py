"""What each view looks like in each state."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ezmsg_tui.app.inspector import InspectorApp
from ezmsg_tui.present.desk import InspectorDesk
from ezmsg_tui.present.form import FieldState
from ezmsg_tui.theme import MONOCHROME
from ezmsg_tui.widgets.paint import Paint
from tests.plugins.fake_desk import FakeDesk
from tests.plugins.golden import Snap
from tests.plugins.keyboard import press, settle
from tests.present.rig import BANDPASS, Rig

SIZES = {"80x24": (80, 24), "100x30": (100, 30), "120x40": (120, 40), "200x50": (200, 50)}
FIRST_SIZES = ("80x24", "120x40")
VIEWS = {  # the key of the view, and the keys that go to something worth a look in it
    "topology": ("1", "down", "down", "down", "down"),
    "settings": ("2", "enter", "down"),
    "profile": ("3", "down"),
    "events": ("4", "up"),
}
STATES: dict[str, Callable[[], Rig]] = {
    "live": lambda: Rig().run(),
    "edited": lambda: Rig().run().edit(),
    "empty": lambda: Rig().attach_empty(),
    "disconnected": lambda: Rig().run().lose_the_link(),
}


async def draw(
    snap: Snap,
    desk: InspectorDesk,
    size: str,
    *keys: str,
    view: str = "topology",
    address: str = "",
    paint: Paint | None = None,
) -> None:
    app = InspectorApp(desk, view=view, address=address, paint=paint, has_pulse=False)
    async with app.run_test(size=SIZES[size]) as pilot:
        await settle(pilot)
        await press(pilot, *keys)
        await snap(pilot)


@pytest.mark.parametrize("size", FIRST_SIZES)
@pytest.mark.parametrize("state", ["live", "empty", "disconnected"])
async def test_views(snap: Snap, state: str, size: str):
    app = InspectorApp(STATES[state]().desk, has_pulse=False)
    async with app.run_test(size=SIZES[size]) as pilot:
        await settle(pilot)
        for view, (key, *moves) in VIEWS.items():
            await press(pilot, key, *(moves if state == "live" else ()))
            await snap(pilot, view)


@pytest.mark.parametrize("size", ["100x30", "200x50"])
async def test_views_at_other_sizes(snap: Snap, size: str):
    app = InspectorApp(Rig().run().edit().desk, has_pulse=False)
    async with app.run_test(size=SIZES[size]) as pilot:
        await settle(pilot)
        for view, (key, *moves) in VIEWS.items():
            await press(pilot, key, *moves)
            await snap(pilot, view)


async def test_views_on_a_terminal_that_is_too_small(snap: Snap):
    for view in VIEWS:
        app = InspectorApp(Rig().run().desk, view=view, has_pulse=False)
        async with app.run_test(size=(59, 24)) as pilot:
            await snap(pilot, f"{view}-59x24")
            await pilot.resize_terminal(120, 15)
            await snap(pilot, f"{view}-120x15")


@pytest.mark.parametrize("size", FIRST_SIZES)
async def test_connecting(snap: Snap, size: str):
    await draw(snap, Rig().try_to_connect().desk, size)


@pytest.mark.parametrize("size", FIRST_SIZES)
async def test_refused(snap: Snap, size: str):
    await draw(snap, Rig().be_refused().desk, size)


async def test_syncing(snap: Snap):
    rig = Rig()
    rig.attach()
    await draw(snap, rig.desk, "120x40")


@pytest.mark.parametrize("size", FIRST_SIZES)
async def test_settings_with_edits(snap: Snap, size: str):
    await draw(snap, Rig().run().edit().desk, size, "enter", "down", "down", view="settings", address=BANDPASS)


async def test_settings_while_the_link_is_lost(snap: Snap):
    rig = Rig().run().edit().lose_the_link()
    await draw(snap, rig.desk, "80x24", view="settings", address=BANDPASS)


async def test_settings_that_may_only_be_looked_at(snap: Snap):
    await draw(snap, Rig(is_read_only=True).run().desk, "80x24", "enter", view="settings", address=BANDPASS)


async def test_frozen(snap: Snap):
    await draw(snap, Rig().run().desk, "80x24", "space")


async def test_help(snap: Snap):
    await draw(snap, Rig().run().desk, "80x24", "question_mark")


async def test_leaving_with_edits(snap: Snap):
    await draw(snap, Rig().run().edit().desk, "80x24", "q")


async def test_typing_a_filter(snap: Snap):
    await draw(snap, Rig().run().desk, "80x24", "slash", *"dec")


async def test_typing_a_value_that_is_refused(snap: Snap):
    await draw(
        snap, Rig().run().desk, "80x24", "enter", "down", "enter", "home", *"99", view="settings", address=BANDPASS
    )


async def test_every_state_of_a_field(snap: Snap):
    desk = FakeDesk()
    low = desk.fields["low"]
    desk.fields = {
        state.value: replace(low, path=state.value, label=state.value, state=state, note=f"the note of {state.value}")
        for state in FieldState
    }
    await draw(snap, desk, "120x40", "down", "down", "enter", *("down",) * 7, view="settings")


async def test_detail_in_place_of_edges_on_a_narrow_screen(snap: Snap):
    await draw(snap, Rig().run().desk, "80x24", "down", "x")


async def test_tree_by_component_with_an_open_unit(snap: Snap):
    await draw(snap, Rig().run().desk, "120x40", "v", *("down",) * 6, "right", "down")


async def test_subscribers_on_a_narrow_screen(snap: Snap):
    await draw(snap, Rig().run().desk, "80x24", "b", view="profile")


async def test_ascii(snap: Snap):
    await draw(snap, Rig().run().desk, "80x24", paint=Paint(is_ascii=True), view="profile")


async def test_monochrome(snap: Snap):
    await draw(snap, Rig().run().desk, "80x24", paint=Paint(MONOCHROME))
