"""What comes out of the graph machine, for the shell to carry out in order."""

import msgspec

from ezmsg_core.graph.stimuli import LinkKey
from ezmsg_core.model.topology import PublisherRecord
from ezmsg_core.wire.frames import PushedRaw, ServerFrame


class Send(msgspec.Struct, frozen=True):
    """Queue a frame in the link's outbox."""

    link: LinkKey
    frame: ServerFrame | PushedRaw


class IssueTicket(msgspec.Struct, frozen=True):
    """Make a ticket and its secret; send `Admitted` to the publisher's link, then `Ticket` as the answer.

    The secret is made by the shell, so that no secret is ever part of the machine's state.
    """

    publisher_link: LinkKey
    subscriber_link: LinkKey
    ask_id: int  # of the subscriber's `GetTicket`
    publisher: PublisherRecord
    subscriber_id: str


class CloseLink(msgspec.Struct, frozen=True):
    """Send what is queued and a `Farewell`, then close."""

    link: LinkKey
    code: str
    text: str


class EndServer(msgspec.Struct, frozen=True):
    """Send what is queued on every link, then end the server."""

    text: str


class Note(msgspec.Struct, frozen=True):
    """A line for the log."""

    text: str


Effect = Send | IssueTicket | CloseLink | EndServer | Note
