"""The machine in its shell: frames become stimuli, effects become bytes, deadlines become a timer."""

import asyncio
import itertools
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable
from typing import assert_never

from ezmsg_core.config import LinkLimits
from ezmsg_core.errors import WireError
from ezmsg_core.graph.effects import CloseLink, Effect, EndServer, IssueTicket, Note, Send
from ezmsg_core.graph.machine import GraphMachine
from ezmsg_core.graph.stimuli import FrameReceived, LinkClosed, LinkKey, LinkOpened, Now, Stimulus, Ticked
from ezmsg_core.model.roles import Role
from ezmsg_core.server.paced_log import PacedLog
from ezmsg_core.server.peer_connection import PeerConnection
from ezmsg_core.wire.answers import Ticket
from ezmsg_core.wire.frames import Admitted, Answered, Ask, ClientFrame
from ezmsg_core.wire.tickets import SECRET_BYTES, TICKET_ID_BYTES

logger = logging.getLogger("ezmsg.server")
TICK_AGAIN_S = 1.0  # after a tick that failed; its deadline may still be in the past


class Shell:
    """Receives connections for a machine. Lives on one event loop; nothing in it waits.

    Stimuli are dealt with one after another: what an effect brings about, such as the end of a link, waits until the
    effects before it are carried out, so that everybody hears of things in the order in which they happened.

    Args:
        machine: the server's state.
        keys: the key of each role.
        limits: bounds of the connections.
        on_end: called when the machine ends the server.
    """

    def __init__(
        self, machine: GraphMachine, keys: dict[Role, bytes], limits: LinkLimits, on_end: Callable[[], None]
    ) -> None:
        self.machine = machine
        self.keys = keys
        self.limits = limits
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._log = PacedLog(logger, limits.log_lines_per_s)
        self._connections: set[PeerConnection] = set()
        self._strangers: dict[PeerConnection, None] = {}  # without proof, in order of arrival
        self._links: dict[LinkKey, PeerConnection] = {}
        self._numbers = itertools.count(1)
        self._due: deque[Stimulus] = deque()
        self._is_busy = False
        self._timer: asyncio.TimerHandle | None = None
        self._is_deserted = asyncio.Event()

    def arrived(self, connection: PeerConnection) -> None:
        """A connection was accepted; the oldest one without proof makes room for it."""
        self._connections.add(connection)
        self._is_deserted.clear()
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

    def received(self, connection: PeerConnection, frame: ClientFrame) -> None:
        """A frame came over a link."""
        if connection.link in self._links:
            self._handle(FrameReceived(connection.link, frame))

    def parting(self, connection: PeerConnection, reason: str) -> None:
        """A link is over, whether or not its peer has heard of it yet."""
        if self._links.pop(connection.link, None) is not None:
            self._say(logging.WARNING, connection.host, f"The link of {connection.address} is closed: {reason}")
            self._handle(LinkClosed(connection.link, reason))

    def departed(self, connection: PeerConnection, reason: str) -> None:
        """A connection is over."""
        self._strangers.pop(connection, None)
        self._connections.discard(connection)
        if self._links.pop(connection.link, None) is not None:
            self._handle(LinkClosed(connection.link, reason))
        elif connection.link == 0:
            text = f"A connection from {connection.address} ended without a link: {reason}"
            self._say(logging.DEBUG, "strangers", text)  # whoever looks for servers knocks like this
        if not self._connections:
            self._is_deserted.set()

    async def end(self, text: str) -> None:
        """Say farewell to everybody; returns when they have gone, which is soon."""
        self._links.clear()  # nobody needs to hear of the others' end: what they saw last was the graph
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for connection in list(self._connections):
            if connection.link:
                connection.say_farewell("STOPPED", text)
            else:
                connection.cut(text)
        if self._connections:
            await self._is_deserted.wait()

    def _handle(self, stimulus: Stimulus) -> None:
        self._due.append(stimulus)
        if self._is_busy:
            return
        self._is_busy = True
        try:
            while self._due:
                stimulus = self._due.popleft()
                try:
                    self._deal_with(stimulus)
                except Exception as error:
                    if not isinstance(stimulus, FrameReceived):
                        raise
                    self._let_go_after(error, stimulus)
        finally:
            self._is_busy = False
            self._set_timer()

    def _let_go_after(self, error: Exception, stimulus: FrameReceived) -> None:
        """A frame that the server fails at ends the link that it came over, and no other."""
        connection = self._links.get(stimulus.link)
        if connection is None:
            logger.error("The server failed at a frame of a link that is gone", exc_info=error)
            return
        frame = stimulus.frame
        name = type(frame.command if isinstance(frame, Ask) else frame).__name__
        text = f"The server failed at {name} from {connection.address}; please report this"
        self._log.write(logging.ERROR, connection.host, text, self._loop.time(), exc_info=error)
        connection.say_farewell("INTERNAL", f"The server failed at {name}, and its log says why; please report that.")

    def _deal_with(self, stimulus: Stimulus) -> None:
        for effect in self.machine.handle(stimulus, Now(self._loop.time(), time.time())):
            self._carry_out(effect)

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Send(link, frame):
                self._send(link, frame)
            case IssueTicket():
                self._issue_ticket(effect)
            case CloseLink(link, code, text):
                connection = self._links.get(link)
                if connection is not None:
                    connection.say_farewell(code, text)
            case EndServer(text):
                logger.info("%s", text)
                self._on_end()
            case Note(text):
                self._say(logging.DEBUG, "notes", text)
            case _:
                assert_never(effect)

    def _send(self, link: LinkKey, frame: object) -> None:
        connection = self._links.get(link)
        if connection is None:
            return
        try:
            connection.send(frame)
        except WireError as error:  # others must not miss their frames for it
            connection.say_farewell(error.code, error.text)

    def _issue_ticket(self, effect: IssueTicket) -> None:
        ticket_id, secret = secrets.token_bytes(TICKET_ID_BYTES), secrets.token_bytes(SECRET_BYTES)
        publisher_id = effect.publisher.endpoint_id
        self._send(effect.publisher_link, Admitted(publisher_id, effect.subscriber_id, ticket_id, secret))
        self._send(effect.subscriber_link, Answered(effect.ask_id, Ticket(effect.publisher, ticket_id, secret)))

    def _say(self, level: int, peer: str, text: str) -> None:
        self._log.write(level, peer, text, self._loop.time())

    def _set_timer(self) -> None:
        due = self.machine.next_deadline()
        if self._timer is not None:
            if due is not None and self._timer.when() == due:
                return
            self._timer.cancel()
            self._timer = None
        if due is not None:
            self._timer = self._loop.call_at(due, self._tick)

    def _tick(self) -> None:
        self._timer = None
        for connection in list(self._links.values()):
            connection.flush()
        try:
            self._handle(Ticked())
        except Exception:
            logger.exception("The server could not judge the time")
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_later(TICK_AGAIN_S, self._tick)
