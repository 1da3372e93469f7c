"""Draws the pictures of this folder from a real run: the demo graph in its processes, the inspector attached to it.

    make screenshots

Everything that is shown was measured while the picture was made, so two runs differ in their figures.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from ezmsg_core.model.roles import Role
from ezmsg_tui.app.inspector import InspectorApp
from ezmsg_tui.cli.demo_child import demo_graph
from ezmsg_tui.feed.clocks import Clocks
from ezmsg_tui.feed.connecting import ServerChoice, connect_to
from ezmsg_tui.feed.running import Feed
from ezmsg_tui.present.live_desk import LiveDesk

HERE = Path(__file__).parent
SIZE = (120, 36)
BANDPASS = "DEMO/PIPELINE/CONDITIONING/BANDPASS"
HISTORY_S = 20.0  # so that sparklines have something to show
DEADLINE_S = 30.0


class Seat:
    """Somebody who looks at the inspector and presses keys."""

    def __init__(self, app: InspectorApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    def text(self) -> str:
        """What is on the screen."""
        return re.sub(r"&#160;", " ", re.sub(r"<[^>]*>", "", self.app.export_screenshot(simplify=True)))

    async def see(self, words: str) -> None:
        """Wait until some words are on the screen.

        Raises:
            TimeoutError: they do not come.
        """
        await self.when(lambda: words in self.text())

    async def when(self, is_so: Callable[[], bool]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(DEADLINE_S):
            while not is_so():
                await self.pilot.pause(0.1)

    async def press(self, *keys: str) -> None:
        """Press keys as a person does, one after the other."""
        for key in keys:
            await self.pilot.press(key)
            await self.pilot.pause(0.05)

    def take(self, name: str) -> None:
        """Write the picture."""
        path = HERE / f"{name}.svg"
        path.write_text(self.app.export_screenshot(title="ezmsg-tui --demo", simplify=True), encoding="utf-8")
        sys.stdout.write(f"{path.relative_to(HERE.parent)}\n")


@asynccontextmanager
async def seat_at(choice: ServerChoice, view: str, select: str) -> AsyncGenerator[Seat]:
    """The inspector on a server, showing a view."""
    clocks = Clocks()
    feed = Feed(lambda: connect_to(choice, Role.CONTROL), choice.label, clocks=clocks)
    app = InspectorApp(LiveDesk(feed, clocks, is_read_only=False), view=view, address=select)
    feed.start()
    try:
        async with app.run_test(size=SIZE) as pilot:
            seat = Seat(app, pilot)
            await seat.see("LIVE")
            yield seat
    finally:
        feed.close()


async def draw(choice: ServerChoice) -> None:
    """Draw all pictures."""
    async with seat_at(choice, "topology", BANDPASS) as seat:
        await asyncio.sleep(HISTORY_S)
        await seat.press("2")
        await seat.see("high_hz")
        await seat.press("tab", "down", "enter", *["backspace"] * 4, *"25", "enter")
        await seat.see("staged")
        await seat.press("a")
        await seat.see("applied")
        seat.take("settings")
        await seat.press("1")
        await seat.see("BANDPASS")
        seat.take("topology")
        await seat.press("3")
        await seat.press("home")
        await seat.see("Who holds DEMO/STORAGE/SEGMENTS/OUTPUT")
        seat.take("profile")
        await seat.press("4")
        await seat.see("following")
        seat.take("events")


def main() -> None:
    """Run the demo graph, and draw."""
    with demo_graph() as path:
        asyncio.run(draw(ServerChoice(connection_file=path)))


if __name__ == "__main__":
    main()
