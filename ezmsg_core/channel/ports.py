"""What channels ask of the link to the graph server; `ezmsg_core.client` has it, and so may a test."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from ezmsg_core.wire.answers import Answer
from ezmsg_core.wire.commands import Command
from ezmsg_core.wire.frames import Admitted, ClientFrame, Routed, Steered, Welcome


class EndpointDeskPort(Protocol):
    """Where endpoints hear of what concerns them; callbacks may come on any thread and must not block."""

    def add_subscriber(self, endpoint_id: str, on_routed: Callable[[Routed], None], /) -> None:
        """Pass on the routes of a subscriber."""
        ...

    def add_publisher(
        self,
        endpoint_id: str,
        on_admitted: Callable[[Admitted], None],
        on_steered: Callable[[Steered, Callable[[], None]], None],
        /,
    ) -> None:
        """Pass on tickets and steering of a publisher."""
        ...

    def remove(self, endpoint_id: str, /) -> None:
        """Pass on nothing more."""
        ...


class LinkPort(Protocol):
    """One process's link to one graph server."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """Where the link lives; it answers even while units keep their loops busy."""
        ...

    @property
    def welcome(self) -> Welcome:
        """What the server said first."""
        ...

    @property
    def endpoints(self) -> EndpointDeskPort:
        """Where endpoints register."""
        ...

    @property
    def is_lost(self) -> bool:
        """Whether the server is gone."""
        ...

    async def ask(self, command: Command, *, timeout_s: float | None = 10.0) -> Answer:
        """The answer to a command; from any event loop."""
        ...

    def send(self, frame: ClientFrame, /) -> None:
        """Send a frame; from any thread."""
        ...
