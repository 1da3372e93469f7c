"""What can happen to an inspector: one record for each thing that a feed reports.

`at_s` is the feed's monotonic clock, for ages and deadlines; `wall_s` is seconds since the epoch, for people.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any

from ezmsg_core.model.watching import StreamName, WatchItem


@dataclass(frozen=True, slots=True)
class AttemptStarted:
    """A try to reach the server begins."""

    at_s: float
    wall_s: float
    address: str  # as the user would type it
    attempt: int  # from 1; starts again after each success


@dataclass(frozen=True, slots=True)
class AttemptFailed:
    """A try to reach the server failed."""

    at_s: float
    wall_s: float
    reason: str  # one sentence
    remedy: str  # one sentence; may be empty
    retry_at_s: float | None  # when the next try begins; None: never by itself


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """The server as its welcome describes it."""

    graph_id: str
    epoch: str  # another one after a restart
    pid: int
    host: str
    role: str  # that the link was given
    capabilities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attached:
    """A link stands; the watches are being opened."""

    at_s: float
    wall_s: float
    address: str
    server: ServerFacts


@dataclass(frozen=True, slots=True)
class LinkWent:
    """The link ended without the user's doing."""

    at_s: float
    wall_s: float
    reason: str
    retry_at_s: float | None


@dataclass(frozen=True, slots=True)
class FeedClosed:
    """The feed ended, by the user's doing."""

    at_s: float
    wall_s: float


@dataclass(frozen=True, slots=True)
class ItemCame:
    """A watch delivered an item."""

    at_s: float
    wall_s: float
    stream: StreamName
    item: WatchItem


@dataclass(frozen=True, slots=True)
class StreamFailed:
    """One watch ended though the link stands."""

    at_s: float
    wall_s: float
    stream: StreamName
    reason: str


@dataclass(frozen=True, slots=True)
class SamplesDropped:
    """Profiles that the feed let go because nobody took them."""

    at_s: float
    wall_s: float
    count: int


class Verdict(enum.StrEnum):
    """How a patch ended."""

    ACCEPTED = "accepted"  # the owner has it in force
    REFUSED = "refused"  # nothing was applied
    OUTDATED = "outdated"  # refused because the value in force has another revision
    UNSENT = "unsent"  # there was no link to send it over
    UNKNOWN = "unknown"  # no answer: it may or may not be in force


@dataclass(frozen=True, slots=True)
class PatchSent:
    """A patch left for the server."""

    at_s: float
    wall_s: float
    patch_id: int


@dataclass(frozen=True, slots=True)
class PatchEnded:
    """A patch was answered, or will not be."""

    at_s: float
    wall_s: float
    patch_id: int
    verdict: Verdict
    text: str = ""  # the reason, where it was not accepted
    revision: int | None = None  # that the owner gave the value
    parts: dict[str, Any] = field(default_factory=dict[str, Any])  # of the refusal: field_path, rule …


Fact = (
    AttemptStarted
    | AttemptFailed
    | Attached
    | LinkWent
    | FeedClosed
    | ItemCame
    | StreamFailed
    | SamplesDropped
    | PatchSent
    | PatchEnded
)
