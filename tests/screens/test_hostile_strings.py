"""Texts of a graph cannot do anything to the terminal, the layout or the application."""

import re

import pytest
from rich.cells import cell_len

from ezmsg_tui.app.inspector import InspectorApp
from ezmsg_tui.present.desk import LinkPhase
from ezmsg_tui.present.text import safe_text
from tests.plugins.fake_desk import FakeDesk
from tests.plugins.golden import screen_text
from tests.plugins.keyboard import press, settle

HOSTILE = {
    "markup": "[bold red]x[/bold red] [@click=app.exit]y[/] [/] [",
    "controls": "\x1b[2J\x1b[31mred\x1b]0;t\x07\x9b31m a\x00b\x7fc\x80 one\ntwo\r\nthree\x0bfour\u2028five user\u202etxt\u2066\u200f \ud800",
    "mebibyte": "long " * 209_716,
    "widths": "漢字かな" * 3 + "👩\u200d👩\u200d👧🏳️\u200d🌈" * 3 + "a" + "\u0301" * 500 + "漢字" * 30,
}
FORBIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@pytest.mark.parametrize("kind", HOSTILE)
async def test_a_hostile_text_is_only_text_in_every_view_even_if_nobody_made_it_harmless(kind: str):
    app = InspectorApp(FakeDesk(hostile=HOSTILE[kind]), view="settings", address="SYS/BAND", has_pulse=False)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        for view in "2341":
            await press(pilot, view, "down", "tab", "enter")
            await settle(pilot)
            drawn = screen_text(app)
            assert not FORBIDDEN.search(drawn)
            assert [cell_len(line) <= 100 for line in drawn.splitlines()] == [True] * 30
            drawn.encode()
            await press(pilot, "escape")


@pytest.mark.parametrize("phase", [LinkPhase.CONNECTING, LinkPhase.LOST, LinkPhase.ERROR])
@pytest.mark.parametrize("kind", ["markup", "controls", "widths"])
async def test_a_hostile_reason_is_only_text_in_every_bad_state(kind: str, phase: LinkPhase):
    reason = safe_text(HOSTILE[kind], 300)
    app = InspectorApp(FakeDesk(phase=phase, reason=reason, remedy=reason), has_pulse=False)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        text = screen_text(app)
    assert not FORBIDDEN.search(text)
    assert len(text.splitlines()) == 24


async def test_what_is_pasted_into_a_filter_is_only_text():
    app = InspectorApp(FakeDesk(), has_pulse=False)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "slash", *"[/b]")
        await settle(pilot)
        assert "/[/b]  0 of 13" in screen_text(app)
