"""Reaching the server that the user means, anew for each try, and what the feed asks of it."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ezmsg_core.client import Link, ServerEntry, find_server, find_servers, patch_settings
from ezmsg_core.errors import CallError, EzmsgError, RequestTimeoutError
from ezmsg_core.model.address import as_address
from ezmsg_core.model.control import ProcessControlErrorCode
from ezmsg_core.model.plain import from_plain
from ezmsg_core.model.roles import Role
from ezmsg_core.model.watching import StreamName
from ezmsg_tui.feed.links import Receipt, StreamWatch
from ezmsg_tui.store.change_book import Submission
from ezmsg_tui.store.facts import ServerFacts

_UNANSWERED = frozenset({ProcessControlErrorCode.TIMEOUT.value, ProcessControlErrorCode.PROCESS_DISCONNECTED.value})
"""Ends of a call that leave open whether it was done."""


@dataclass(frozen=True, slots=True)
class ServerChoice:
    """Which server the user means; looked up anew for each try, because a restarted one has another file."""

    address: str = ""  # HOST:PORT; empty: the file, or else the environment
    connection_file: Path | None = None
    was_named: bool = True  # by the user; otherwise the only other server will do when this one is gone

    @property
    def label(self) -> str:
        """The server as the user would type it."""
        return self.address or (str(self.connection_file) if self.connection_file is not None else "")

    def find(self) -> ServerEntry:
        """Where the server is and what lets us in.

        Raises:
            EzmsgError: it cannot be found, and why.
        """
        if self.connection_file is not None:
            return find_server(connection_file=self.connection_file)
        try:
            return find_server(as_address(self.address) if self.address else None)
        except EzmsgError:
            others = [] if self.was_named else find_servers()
            if len(others) != 1:
                raise
            return others[0]


class ServerLink:
    """A link to a graph server, as the feed uses it."""

    def __init__(self, link: Link, label: str) -> None:
        self._link = link
        self.address = label
        welcome = link.welcome
        self.server = ServerFacts(
            welcome.graph_id, welcome.epoch, welcome.pid, welcome.host, str(link.role), tuple(welcome.capabilities)
        )

    async def watch(self, stream: StreamName, *, after_seq: int | None, epoch: str, interval_s: float) -> StreamWatch:
        """Follow a stream."""
        return await self._link.watch(stream, after_seq=after_seq, epoch=epoch, interval_s=interval_s)

    async def patch(self, submission: Submission, *, timeout_s: float) -> Receipt:
        """Ask the owner of a component to change it."""
        fields: dict[str, Any] = {path: from_plain(value) for path, value in submission.fields.items()}
        try:
            value = await patch_settings(
                self._link,
                submission.address,
                fields,
                expected_revision=submission.expected_revision,
                timeout_s=timeout_s,
            )
        except CallError as error:
            if error.parts.get("error_code") in _UNANSWERED:
                raise RequestTimeoutError(str(error), timeout_s=timeout_s) from error
            raise
        return Receipt(value.revision)

    async def wait_lost(self) -> str:
        """Wait for the end of the link; answers the reason."""
        return await self._link.wait_lost()

    async def aclose(self) -> None:
        """End the link."""
        await self._link.aclose()


async def connect_to(choice: ServerChoice, role: Role) -> ServerLink:
    """Find the server and enter.

    Raises:
        EzmsgError: what stood in the way.
    """
    entry = choice.find()
    return ServerLink(await Link.open(entry, role, label=own_label()), entry.label)


def own_label() -> str:
    """How the inspector calls itself to others: tui@host."""
    return f"tui@{platform.node() or 'localhost'}"
