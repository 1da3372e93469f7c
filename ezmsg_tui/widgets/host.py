"""The application that a widget or screen belongs to, as a type that a checker knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from textual.app import App
    from textual.message_pump import MessagePump


def app_of(pump: MessagePump) -> App[object]:
    """The running application."""
    return cast("App[object]", pump.app)  # pyright: ignore[reportUnknownMemberType] # the library leaves its result open
