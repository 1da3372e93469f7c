"""What goes into the graph machine."""

from typing import NamedTuple

import msgspec

from ezmsg_core.model.roles import Role
from ezmsg_core.wire.frames import ClientFrame

LinkKey = int
"""How the shell calls a link; never used again after the link closed."""


class Now(NamedTuple):
    """The two clocks at the moment of a stimulus."""

    monotonic_s: float  # for deadlines
    wall_s: float  # seconds since the epoch, for people


class LinkOpened(msgspec.Struct, frozen=True):
    """A peer passed the handshake."""

    link: LinkKey
    role: Role
    is_remote: bool  # over TCP, where silence is judged; on a Unix socket only its end is
    peer: str  # address of the peer, for people


class FrameReceived(msgspec.Struct, frozen=True):
    """A frame came over a link."""

    link: LinkKey
    frame: ClientFrame


class LinkClosed(msgspec.Struct, frozen=True):
    """A link ended, whoever ended it."""

    link: LinkKey
    reason: str


class Ticked(msgspec.Struct, frozen=True):
    """Time passed; due when `GraphMachine.next_deadline` says so, harmless at any time."""


Stimulus = LinkOpened | FrameReceived | LinkClosed | Ticked
