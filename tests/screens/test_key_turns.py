"""Keys that come in one go mean what they mean one by one."""

from textual import events

from ezmsg_tui.app.inspector import InspectorApp
from ezmsg_tui.app.key_turns import MAX_WAITING, PATIENCE_S, KeyTurns
from tests.plugins.golden import screen_text
from tests.plugins.keyboard import settle
from tests.present.stage import Stage

NAMES = {"/": "slash", "?": "question_mark", ".": "full_stop"}


def key(name: str) -> events.Key:
    return events.Key(NAMES.get(name, name), name if len(name) == 1 else None)


async def typed_at_once(*names: str, view: str = "topology") -> tuple[str, Stage, bool]:
    """What is on the screen, the graph behind it, and whether the user has left."""
    stage = Stage().go_live()
    app = InspectorApp(stage.desk, view=view, address="SYS/BAND", has_pulse=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        for name in names:
            app.post_message(key(name))
        await settle(pilot)
        return screen_text(app), stage, app._exit


async def test_letters_behind_the_key_of_the_filter_are_no_commands():
    text, stage, has_left = await typed_at_once("/", *"qa4space", "enter", view="settings")
    assert "/qa4space" in text
    assert not has_left
    assert not stage.desk.store.changes.live
    assert stage.source.sent == []


async def test_a_value_is_typed_over_and_staged():
    _, stage, _ = await typed_at_once(
        "enter", "down", "enter", "ctrl+u", "1", "2", "backspace", ".", "5", "enter", view="settings"
    )
    assert [(edit.path, edit.edit.text) for edit in stage.desk.store.changes.live.values()] == [("low", "1.5")]


async def test_a_key_behind_the_one_that_closes_a_page_is_for_what_is_under_it():
    text, _, _ = await typed_at_once("?", "escape", "3")
    assert "▌3 Profile▐" in text
    assert "Keys" not in text


def test_a_key_waits_for_the_one_before_it_but_not_for_ever():
    turns = KeyTurns()
    assert turns.begin(0.0) is None and not turns.is_taken
    first, second, third = (key(name) for name in "abc")
    for one in (first, second, third):
        turns.put(one)
    assert turns.begin(0.0) is first
    assert turns.begin(0.1) is None
    turns.end()
    assert turns.begin(0.2) is second
    assert turns.begin(0.21 + PATIENCE_S) is third, "what should have ended its turn is gone"
    turns.end()
    assert not turns.is_taken


def test_keys_that_nobody_takes_are_refused_and_counted():
    turns = KeyTurns()
    for _ in range(MAX_WAITING + 3):
        turns.put(key("a"))
    assert turns.refused_total == 3
