"""The views on the desk that presents a store: from a key to what is sent, and from what is heard to what is drawn."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from ezmsg_tui.app.inspector import InspectorApp
from ezmsg_tui.store.facts import LinkWent, Verdict
from tests.plugins.golden import screen_text
from tests.plugins.keyboard import press, settle
from tests.present.stage import Stage


class Seat:
    """A user before a running application."""

    def __init__(self, app: InspectorApp, pilot: Pilot[None], stage: Stage) -> None:
        self.app = app
        self.pilot = pilot
        self.stage = stage

    async def see(self) -> str:
        self.app.main.advance()
        await settle(self.pilot)
        return screen_text(self.app)

    async def press(self, *keys: str) -> None:
        await press(self.pilot, *keys)


@asynccontextmanager
async def seated(stage: Stage, view: str = "topology", address: str = "") -> AsyncGenerator[Seat]:
    app = InspectorApp(stage.desk, view=view, address=address, has_pulse=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        yield Seat(app, pilot, stage)


async def test_the_first_facts_bring_the_views():
    stage = Stage()
    async with seated(stage) as seat:
        assert "connecting" in await seat.see()
        stage.go_live()
        text = await seat.see()
        assert "● LIVE" in text
        assert "SYS/BAND" in text


async def test_an_edit_is_staged_sent_and_shown_as_applied_when_the_owner_says_so():
    stage = Stage().go_live()
    async with seated(stage, "settings", "SYS/BAND") as seat:
        await seat.press("tab", "down", "enter", "backspace", "backspace", "backspace", *"8.5", "enter")
        assert "8.5 Hz" in await seat.see()
        assert "● staged" in await seat.see()
        assert stage.source.sent == []
        await seat.press("a")
        assert [(sent.address, sent.fields) for sent in stage.source.sent] == [("SYS/BAND", {"low": 8.5})]
        stage.hear_settings("tui@rig", low=8.5)
        stage.answer(Verdict.ACCEPTED, revision=stage.revision)
        text = await seat.see()
        assert "✓ applied" in text
        assert f"revision {stage.revision}" in text
        assert "● staged" not in text


async def test_a_key_that_sends_nothing_says_why():
    stage = Stage().go_live()
    async with seated(stage, "settings", "SYS/BAND") as seat:
        await seat.press("a")
        assert "nothing to send: no field is edited" in await seat.see()
        await seat.press("tab", "down", "enter", "ctrl+u", *"999", "enter", "a")
        assert "nothing was sent: 1 edit to correct first" in await seat.see()
        await seat.press("u", "right", "a", "a")
        assert "nothing was sent: the owner has not answered yet" in await seat.see()
        stage.tell(LinkWent(stage.now_s, 0.0, "connection reset by peer", stage.now_s + 1))
        await seat.press("A")
        assert "nothing was sent: there is no connection" in await seat.see()


async def test_what_is_to_be_selected_first_and_is_not_there_is_named():
    stage = Stage()
    async with seated(stage, "profile", "SYS/NONE") as seat:
        assert "SYS/NONE" not in await seat.see()
        stage.go_live()
        assert "SYS/NONE is not in this graph" in await seat.see()
    stage = Stage().go_live()
    async with seated(stage, "profile", "SYS/SINK") as seat:
        assert "not in this graph" not in await seat.see()


async def test_a_refusal_stands_at_the_field_with_its_reason():
    stage = Stage().go_live()
    async with seated(stage, "settings", "SYS/BAND") as seat:
        await seat.press("tab", "right", "a")
        stage.answer(Verdict.REFUSED, "order 5 is not for this sampling rate")
        text = await seat.see()
        assert "✖ rejected" in text
        assert "order 5 is not for this sampling rate" in text
        await seat.press("u")
        assert "✖ rejected  order" not in await seat.see()


async def test_an_event_about_settings_leads_to_them():
    stage = Stage().go_live()
    stage.hear_settings("other@rig", low=2.0)
    async with seated(stage, "events") as seat:
        assert "SYS/BAND low 1.0 → 2.0" in await seat.see()
        await seat.press("enter")
        assert "▌2 Settings▐" in await seat.see()
        assert seat.app.main.pane.copy_text == "SYS/BAND"


async def test_a_lost_link_keeps_the_edits_and_the_last_that_was_known():
    stage = Stage().go_live()
    async with seated(stage, "settings", "SYS/BAND") as seat:
        await seat.press("tab", "right")
        stage.tell(LinkWent(stage.now_s, 0.0, "connection reset by peer", stage.now_s + 1))
        text = await seat.see()
        assert "○ LOST" in text
        assert "● staged" in text
        assert "SYS/BAND" in text
        await seat.press("ctrl+r")
        assert stage.source.reconnects == 1


async def test_a_frozen_view_refuses_edits_and_says_why():
    stage = Stage().go_live()
    async with seated(stage, "settings", "SYS/BAND") as seat:
        await seat.press("space", "tab", "right")
        text = await seat.see()
        assert "FROZEN" in text
        assert "staged" not in text
        await seat.press("space")
        assert "FROZEN" not in await seat.see()
        await seat.press("right")
        assert "● staged" in await seat.see()
