"""What each view looks like in each state."""

from dataclasses import replace

import pytest

from ezmsg_tui.app.inspector import InspectorApp
from ezmsg_tui.present.desk import LinkPhase
from ezmsg_tui.present.form import FieldState
from ezmsg_tui.theme import MONOCHROME
from ezmsg_tui.widgets.paint import Paint
from tests.plugins.fake_desk import FakeDesk
from tests.plugins.golden import Snap
from tests.plugins.keyboard import press, settle

SIZES = {"80x24": (80, 24), "120x40": (120, 40)}
VIEWS = {  # the key of the view, and the keys that go to something worth a look in it
    "topology": ("1", "down", "down", "down"),
    "settings": ("2", "enter"),
    "profile": ("3", "G", "up", "up"),
    "events": ("4", "up"),
}
STATES = {
    "live": {},
    "empty": {"is_empty": True},
    "disconnected": {"phase": LinkPhase.LOST, "reason": "connection reset by peer"},
}


async def draw(
    snap: Snap, desk: FakeDesk, size: tuple[int, int], *keys: str, view: str = "topology", paint: Paint | None = None
) -> None:
    app = InspectorApp(desk, view=view, paint=paint, has_pulse=False)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        await press(pilot, *keys)
        await snap(pilot)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("state", STATES)
async def test_views(snap: Snap, state: str, size: str):
    app = InspectorApp(FakeDesk(**STATES[state]), has_pulse=False)
    async with app.run_test(size=SIZES[size]) as pilot:
        for view, (key, *moves) in VIEWS.items():
            await press(pilot, key, *(moves if state == "live" else ()))
            await snap(pilot, view)


async def test_views_on_a_terminal_that_is_too_small(snap: Snap):
    for view in VIEWS:
        app = InspectorApp(FakeDesk(), view=view, has_pulse=False)
        async with app.run_test(size=(59, 24)) as pilot:
            await snap(pilot, f"{view}-59x24")
            await pilot.resize_terminal(120, 15)
            await snap(pilot, f"{view}-120x15")


@pytest.mark.parametrize("size", SIZES)
async def test_connecting(snap: Snap, size: str):
    await draw(snap, FakeDesk(phase=LinkPhase.CONNECTING, reason="connection refused", fields={}), SIZES[size])


@pytest.mark.parametrize("size", SIZES)
async def test_refused(snap: Snap, size: str):
    desk = FakeDesk(
        phase=LinkPhase.ERROR,
        fields={},
        reason="Connected to 127.0.0.1:25978, but an ezmsg 3.x server answered, which this inspector cannot speak to.",
        remedy="Start the graph with ezmsg_core, or give the address of a server that was.",
    )
    await draw(snap, desk, SIZES[size])


async def test_syncing(snap: Snap):
    await draw(snap, FakeDesk(phase=LinkPhase.SYNCING), (120, 40))


async def test_frozen(snap: Snap):
    await draw(snap, FakeDesk(), (80, 24), "space")


async def test_help(snap: Snap):
    await draw(snap, FakeDesk(), (80, 24), "question_mark")


async def test_leaving_with_edits(snap: Snap):
    await draw(snap, FakeDesk(), (80, 24), "q")


async def test_typing_a_filter(snap: Snap):
    await draw(snap, FakeDesk(), (80, 24), "slash", *"dec")


async def test_typing_a_value_that_is_refused(snap: Snap):
    await draw(snap, FakeDesk(), (80, 24), "down", "down", "enter", "down", "enter", "home", "9", "9", view="settings")


async def test_every_state_of_a_field(snap: Snap):
    desk = FakeDesk()
    low = desk.fields["low"]
    desk.fields = {
        state.value: replace(low, path=state.value, label=state.value, state=state, note=f"the note of {state.value}")
        for state in FieldState
    }
    await draw(snap, desk, (120, 40), "down", "down", "enter", *("down",) * 7, view="settings")


async def test_detail_in_place_of_edges_on_a_narrow_screen(snap: Snap):
    await draw(snap, FakeDesk(), (80, 24), "down", "x")


async def test_tree_by_component_with_an_open_unit(snap: Snap):
    await draw(snap, FakeDesk(), (120, 40), "v", "down", "down", "right")


async def test_subscribers_on_a_narrow_screen(snap: Snap):
    await draw(snap, FakeDesk(), (80, 24), "b", view="profile")


async def test_large_screen(snap: Snap):
    await draw(snap, FakeDesk(), (200, 60), view="profile")


async def test_ascii(snap: Snap):
    await draw(snap, FakeDesk(), (80, 24), paint=Paint(is_ascii=True), view="profile")


async def test_monochrome(snap: Snap):
    await draw(snap, FakeDesk(), (80, 24), paint=Paint(MONOCHROME))
