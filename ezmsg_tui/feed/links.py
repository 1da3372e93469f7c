"""What the feed needs of a link to a server: the part of `ezmsg_core.client` that it uses, as protocols."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from ezmsg_core.model.watching import StreamName, WatchItem
from ezmsg_tui.store.change_book import Submission
from ezmsg_tui.store.facts import ServerFacts


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an owner said when it accepted a patch."""

    revision: int | None = None  # that the value was given


class StreamWatch(Protocol):
    """A watch that stands."""

    def __aiter__(self) -> AsyncIterator[WatchItem]: ...

    async def aclose(self) -> None:
        """End the watch."""
        ...


class InspectorLink(Protocol):
    """A link that stands."""

    @property
    def address(self) -> str:
        """How the server was reached, for people."""
        ...

    @property
    def server(self) -> ServerFacts:
        """What the server said of itself."""
        ...

    async def watch(self, stream: StreamName, *, after_seq: int | None, epoch: str, interval_s: float) -> StreamWatch:
        """Follow a stream."""
        ...

    async def patch(self, submission: Submission, *, timeout_s: float) -> Receipt:
        """Ask the owner of a component to change it.

        Raises:
            SettingsError, CallError: it refused; nothing was applied.
            RequestTimeoutError, LinkLostError: whether it was applied is unknown.
        """
        ...

    async def wait_lost(self) -> str:
        """Wait for the end of the link; answers the reason."""
        ...

    async def aclose(self) -> None:
        """End the link."""
        ...


Connect = Callable[[], Awaitable[InspectorLink]]
"""Reaches the server anew each time it is called; raises what stood in the way."""
