"""The machine in its shell: frames become stimuli, effects become bytes, deadlines become a timer."""

import asyncio
import itertools
import logging
import secrets
import time
from collections.abc import Callable
from typing import assert_never

from ezmsg_core.config import LinkLimits
from ezmsg_core.graph.effects import CloseLink, Effect, EndServer, IssueTicket, Note, Send
from ezmsg_core.graph.machine import GraphMachine
from ezmsg_core.graph.stimuli import FrameReceived, LinkClosed, LinkOpened, Now, Stimulus, Ticked
from ezmsg_core.model.roles import Role
from ezmsg_core.server.peer_connection import PeerConnection
from ezmsg_core.wire.answers import Ticket
from ezmsg_core.wire.frames import Admitted, Answered, ClientFrame
from ezmsg_core.wire.tickets import SECRET_BYTES, TICKET_ID_BYTES

logger = logging.getLogger("ezmsg.server")


class Shell:
    """Receives connections for a machine. Lives on one event loop; nothing in it waits.

    Args:
        machine: the server's state.
        keys: the key of each role.
        limits: bounds of the connections.
        on_end: called once when the machine ends the server.
    """

    def __init__(
        self, machine: GraphMachine, keys: dict[Role, bytes], limits: LinkLimits, on_end: Callable[[], None]
    ) -> None:
        self.machine = machine
        self.keys = keys
        self.limits = limits
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._strangers: dict[PeerConnection, None] = {}  # in order of arrival
        self._links: dict[int, PeerConnection] = {}
        self._numbers = itertools.count(1)
        self._timer: asyncio.TimerHandle | None = None

    def arrived(self, connection: PeerConnection) -> None:
        """A connection was accepted; the oldest one without proof makes room for it."""
        self._strangers[connection] = None
        if len(self._strangers) > self.limits.pending_handshakes:
            oldest = next(iter(self._strangers))
            del self._strangers[oldest]
            oldest.cut("too many connections had not proved themselves")

    def is_full(self) -> bool:
        """Whether there are as many links as there may be."""
        return len(self._links) >= self.limits.connections

    def proved(self, connection: PeerConnection, role: Role) -> None:
        """A connection is a link now."""
        self._strangers.pop(connection, None)
        connection.link = next(self._numbers)
        self._links[connection.link] = connection
        self._handle(LinkOpened(connection.link, role, connection.is_remote, connection.address))

    def received(self, connection: PeerConnection, frames: list[ClientFrame]) -> None:
        """Frames came over a link."""
        for frame in frames:
            if connection.link not in self._links:
                return
            self._handle(FrameReceived(connection.link, frame))

    def departed(self, connection: PeerConnection, reason: str) -> None:
        """A connection is over."""
        self._strangers.pop(connection, None)
        if self._links.pop(connection.link, None) is not None:
            self._handle(LinkClosed(connection.link, reason))
        elif connection.link == 0:
            logger.debug("A connection from %s ended without a link: %s", connection.address, reason)

    def end(self, text: str) -> None:
        """Say farewell to everybody."""
        if self._timer is not None:
            self._timer.cancel()
        for connection in list(self._links.values()):
            connection.say_farewell("STOPPED", text)
        for connection in list(self._strangers):
            connection.cut(text)

    @property
    def connections(self) -> int:
        """How many connections there are, proved or not."""
        return len(self._links) + len(self._strangers)

    def _handle(self, stimulus: Stimulus) -> None:
        for effect in self.machine.handle(stimulus, Now(self._loop.time(), time.time())):
            self._carry_out(effect)
        self._set_timer()

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Send(link, frame):
                connection = self._links.get(link)
                if connection is not None:
                    connection.send(frame)
            case IssueTicket():
                self._issue_ticket(effect)
            case CloseLink(link, code, text):
                connection = self._links.pop(link, None)
                if connection is not None:
                    logger.warning("The link of %s is closed: %s", connection.address, text)
                    connection.say_farewell(code, text)
                    self._handle(LinkClosed(link, text))
            case EndServer(text):
                logger.info("%s", text)
                self._on_end()
            case Note(text):
                logger.debug("%s", text)
            case _:
                assert_never(effect)

    def _issue_ticket(self, effect: IssueTicket) -> None:
        publisher, subscriber = self._links.get(effect.publisher_link), self._links.get(effect.subscriber_link)
        if publisher is None or subscriber is None:
            return
        ticket_id, secret = secrets.token_bytes(TICKET_ID_BYTES), secrets.token_bytes(SECRET_BYTES)
        publisher.send(Admitted(effect.publisher.endpoint_id, effect.subscriber_id, ticket_id, secret))
        subscriber.send(Answered(effect.ask_id, Ticket(effect.publisher, ticket_id, secret)))

    def _set_timer(self) -> None:
        due = self.machine.next_deadline()
        if self._timer is not None:
            if due is not None and self._timer.when() == due and not self._timer.cancelled():
                return
            self._timer.cancel()
            self._timer = None
        if due is not None:
            self._timer = self._loop.call_at(due, self._tick)

    def _tick(self) -> None:
        self._timer = None
        for connection in list(self._links.values()):
            connection.flush()
        self._handle(Ticked())
