"""Keys pressed in a running application, each followed by everything that it leads to.

The terminal library's own pilot waits until the process uses no processor time, which takes a tenth of a second a key
and means nothing on a busy machine. Here the end is known: no message waits, nothing is left to lay out or to draw.
"""

from __future__ import annotations

import asyncio
from typing import Any

from textual import events
from textual.pilot import Pilot

_MOST_ROUNDS = 500
_QUIET_ROUNDS = 2  # a message may be under way to the queue of a widget that has just been counted as idle
_ROUND_S = 0.005  # as long as a frame, see TEXTUAL_FPS in `golden`

_CHARACTERS = {"slash": "/", "question_mark": "?", "minus": "-", "space": " "}


async def settle(pilot: Pilot[Any]) -> None:
    """Wait until the application has nothing left to do."""
    quiet = 0
    for _ in range(_MOST_ROUNDS):
        await pilot._wait_for_screen()
        screen = pilot.app.screen
        has_keys = getattr(pilot.app, "is_busy_with_keys", False)
        is_busy = (
            has_keys
            or screen._dirty_widgets
            or screen._layout_required
            or screen._callbacks
            or screen._repaint_required
        )
        quiet = 0 if is_busy else quiet + 1
        if quiet > _QUIET_ROUNDS or not pilot.app._running or pilot.app._exit:
            return
        await asyncio.sleep(_ROUND_S if is_busy else 0)
    raise AssertionError("the application does not come to rest")


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys one after the other, as a terminal reports them."""
    for key in keys:
        character = _CHARACTERS.get(key, key if len(key) == 1 else None)
        pilot.app.post_message(events.Key(key, character))
        await settle(pilot)
