"""Keys that come in one go act in the order in which they were pressed."""

from textual import events
from textual.app import App, ComposeResult

from ezmsg_tui.widgets.ordered_input import OrderedInput
from tests.plugins.keyboard import settle


class OneInput(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.submitted: list[str] = []

    def compose(self) -> ComposeResult:
        yield OrderedInput("1.0")

    def on_input_submitted(self, message: OrderedInput.Submitted) -> None:
        self.submitted.append(message.value)


async def typed(*keys: str) -> tuple[str, list[str]]:
    """The text and what was entered, after keys that were read from the terminal at once."""
    app = OneInput()
    async with app.run_test() as pilot:
        await settle(pilot)
        for key in keys:
            app.post_message(events.Key(key, key if len(key) == 1 else None))
        await settle(pilot)
        return app.query_one(OrderedInput).value, app.submitted


async def test_what_is_typed_after_deleting_is_not_deleted():
    assert await typed("backspace", "backspace", "backspace", "8", "left", "4", "end", "5") == ("485", [])


async def test_what_is_typed_after_entering_is_not_entered():
    assert await typed("ctrl+u", "9", "enter", "7") == ("97", ["9"])
