"""The frames of the two directions: one tagged union each."""

from typing import Any
from uuid import UUID

import msgspec

from ezmsg_core.model.control import ProcessControlResponse
from ezmsg_core.model.profiles import ProcessProfile, ProfileChannelType
from ezmsg_core.model.topology import PublisherRecord
from ezmsg_core.model.watching import WatchItem
from ezmsg_core.wire.answers import Answer
from ezmsg_core.wire.commands import Command


class ClientFrameBase(msgspec.Struct, frozen=True, tag_field="frame", forbid_unknown_fields=True):
    """Base of what clients send."""


class Hello(ClientFrameBase, frozen=True, tag="hello"):
    """The client's first frame: who it says it is."""

    label: str  # program@host, shown to people
    pid: int
    host: str


class Ask(ClientFrameBase, frozen=True, tag="ask"):
    """A command with an id of the client's choice; ids in flight are distinct."""

    id: int
    command: Command


class Forget(ClientFrameBase, frozen=True, tag="forget"):
    """Nobody waits for the answer to an ask any longer. The command is not undone; its answer may still come."""

    id: int


class CallReply(ClientFrameBase, frozen=True, tag="call_reply"):
    """The owner's reply to an `Invoked` call."""

    call_id: int
    response: ProcessControlResponse


class RouteTaken(ClientFrameBase, frozen=True, tag="route_taken"):
    """The subscriber is attached to the publishers of a `Routed` frame, or has tried."""

    route_id: int


class SteerTaken(ClientFrameBase, frozen=True, tag="steer_taken"):
    """All publishers of the link obeyed a `Steered` frame."""

    steer_id: int


class ProfileReport(ClientFrameBase, frozen=True, tag="profile_report"):
    """The counters of this process, sent while the server asks for them."""

    profile: ProcessProfile


class ChannelReport(ClientFrameBase, frozen=True, tag="channel_report"):
    """A subscriber of this link got or lost (``path`` None) its channel to a publisher."""

    publisher_id: str
    subscriber_id: str
    path: ProfileChannelType | None
    reason: str = ""


class CreditGranted(ClientFrameBase, frozen=True, tag="credit"):
    """The consumer of a watch has room for so many more items."""

    watch_id: int
    items: int


class Alive(ClientFrameBase, frozen=True, tag="alive"):
    """Heartbeat of the control thread."""

    loop_lag_ns: int = 0  # how late the event loop of the units runs; 0 where it has none


Notice = Hello | Forget | CallReply | RouteTaken | SteerTaken | ProfileReport | ChannelReport | CreditGranted | Alive
ClientFrame = Ask | Notice


class ServerFrameBase(msgspec.Struct, frozen=True, tag_field="frame"):
    """Base of what the server sends."""


class Welcome(ServerFrameBase, frozen=True, tag="welcome"):
    """The server's first frame."""

    link_id: UUID
    graph_id: str
    epoch: str  # of this server's state; another one after a restart
    pid: int
    host: str
    role: str
    heartbeat_s: float  # how often both sides say that they are alive
    capabilities: list[str] = []


class Answered(ServerFrameBase, frozen=True, tag="answered"):
    """The command with this id succeeded."""

    id: int
    answer: Answer


class Faulted(ServerFrameBase, frozen=True, tag="faulted"):
    """The command with this id was refused; nothing has changed."""

    id: int
    code: str
    text: str
    parts: dict[str, Any] = {}


class Pushed(ServerFrameBase, frozen=True, tag="pushed"):
    """An item of a watch; costs one credit."""

    watch_id: int
    item: WatchItem


class PushedRaw(ServerFrameBase, frozen=True, tag="pushed"):
    """`Pushed` with an item that is encoded already; for sending only."""

    watch_id: int
    item: msgspec.Raw


class Routed(ServerFrameBase, frozen=True, tag="routed"):
    """All publishers that reach a subscriber of this link, from now on."""

    route_id: int
    subscriber_id: str
    publishers: list[PublisherRecord]


class Admitted(ServerFrameBase, frozen=True, tag="admitted"):
    """A subscriber will come to a publisher of this link with this ticket, within seconds."""

    publisher_id: str
    subscriber_id: str
    ticket_id: bytes
    secret: bytes


class Steered(ServerFrameBase, frozen=True, tag="steered"):
    """All publishers of this link pause, resume or sync."""

    steer_id: int
    action: str


class Invoked(ServerFrameBase, frozen=True, tag="invoked"):
    """A call for a process of this link."""

    call_id: int
    process_id: UUID
    unit: str
    operation: str
    data: Any
    actor: str
    timeout_s: float


class Sampling(ServerFrameBase, frozen=True, tag="sampling"):
    """Report profiles this often; 0.0: nobody watches, stop."""

    interval_s: float


class ServerAlive(ServerFrameBase, frozen=True, tag="alive"):
    """Heartbeat of the server."""


class Farewell(ServerFrameBase, frozen=True, tag="farewell"):
    """The server ends the link, with the reason."""

    code: str
    text: str


ServerFrame = (
    Welcome | Answered | Faulted | Pushed | Routed | Admitted | Steered | Invoked | Sampling | ServerAlive | Farewell
)
