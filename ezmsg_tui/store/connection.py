"""How the inspector stands with its server."""

from __future__ import annotations

import enum

from ezmsg_core.model.watching import StreamName
from ezmsg_tui.store.facts import (
    Attached,
    AttemptFailed,
    AttemptStarted,
    FeedClosed,
    LinkWent,
    ServerFacts,
)

LinkFact = AttemptStarted | AttemptFailed | Attached | LinkWent | FeedClosed


class Standing(enum.StrEnum):
    """Where the connection has got to."""

    CONNECTING = "connecting"  # never attached so far
    ATTACHED = "attached"
    LOST = "lost"  # was attached; trying again
    REFUSED = "refused"  # no retry helps by itself
    CLOSED = "closed"  # ended by the user


class ConnectionSlice:
    """The connection's state, as its facts left it. Not thread-safe."""

    def __init__(self) -> None:
        self.revision = 0
        self.standing = Standing.CONNECTING
        self.address = ""
        self.server: ServerFacts | None = None  # the last one attached to
        self.since_s: float | None = None  # start of the standing
        self.attempt = 0
        self.retry_at_s: float | None = None
        self.reason = ""
        self.remedy = ""
        self.heard_s: float | None = None  # arrival of the newest item
        self.listed: set[StreamName] = set()  # streams whose state came over this link
        self.failed: dict[StreamName, str] = {}  # streams that ended, with the reason
        self.attached_total = 0  # how often a link came about
        self.lost_total = 0
        self.is_new_server = False  # this server is another one than the link before had

    def take(self, fact: LinkFact) -> None:
        """Reduce a fact about the link."""
        self.revision += 1
        match fact:
            case AttemptStarted():
                self.address, self.attempt, self.retry_at_s = fact.address, fact.attempt, None
                if self.standing in (Standing.REFUSED, Standing.CLOSED):
                    self._stand(Standing.LOST if self.attached_total else Standing.CONNECTING, fact.at_s)
                elif self.since_s is None:
                    self.since_s = fact.at_s
            case AttemptFailed():
                self.reason, self.remedy, self.retry_at_s = fact.reason, fact.remedy, fact.retry_at_s
                if fact.retry_at_s is None:
                    self._stand(Standing.REFUSED, fact.at_s)
            case Attached():
                before = self.server
                self.is_new_server = before is not None and before.epoch != fact.server.epoch
                self.address, self.server, self.attempt = fact.address, fact.server, 0
                self.reason = self.remedy = ""
                self.retry_at_s = None
                self.listed, self.failed = set(), {}
                self.heard_s = fact.at_s
                self.attached_total += 1
                self._stand(Standing.ATTACHED, fact.at_s)
            case LinkWent():
                self.reason, self.remedy, self.retry_at_s = fact.reason, "", fact.retry_at_s
                self.lost_total += 1
                self._stand(Standing.LOST, fact.at_s)
            case FeedClosed():
                self.retry_at_s = None
                self._stand(Standing.CLOSED, fact.at_s)

    def hear(self, at_s: float) -> None:
        """An item came: the server is alive. Not a change that needs drawing."""
        self.heard_s = at_s

    def mark_listed(self, stream: StreamName) -> None:
        """A stream's state came."""
        if stream not in self.listed:
            self.listed.add(stream)
            self.revision += 1

    def mark_failed(self, stream: StreamName, reason: str) -> None:
        """A stream ended while the link stands."""
        self.failed[stream] = reason
        self.revision += 1

    @property
    def is_synced(self) -> bool:
        """Whether every stream has delivered its state over this link, or failed."""
        return len(self.listed | self.failed.keys()) == len(StreamName)

    def copy(self) -> ConnectionSlice:
        """The same state, apart from this."""
        twin = ConnectionSlice()
        twin.__dict__.update(self.__dict__)
        twin.listed, twin.failed = set(self.listed), dict(self.failed)
        return twin

    def _stand(self, standing: Standing, at_s: float) -> None:
        if standing is not self.standing or self.since_s is None:
            self.standing, self.since_s = standing, at_s
