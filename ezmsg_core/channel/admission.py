"""Both sides of the handshake that a data connection begins with; nothing is unpickled before it is over."""

import asyncio
import secrets
import socket
import time
from typing import NamedTuple

from ezmsg_core.errors import AccessDeniedError, ForeignServerError, WireError
from ezmsg_core.flow import frames
from ezmsg_core.flow.frames import DownKind, UpDecoder, UpFrame, UpKind
from ezmsg_core.flow.path import TCP_PREFIX, UNIX_PREFIX
from ezmsg_core.model.address import Address
from ezmsg_core.transport.fork_guard import keep_from_children
from ezmsg_core.wire import tickets
from ezmsg_core.wire.answers import Ticket
from ezmsg_core.wire.frames import Admitted

TICKET_S = 10.0  # from the server's word to the subscriber's arrival; a healthy one takes a millisecond
MAX_TICKETS = 1024  # of one process; the oldest gives way


class TicketBook:
    """Tickets that the server announced and nobody has used yet. Used on one event loop.

    Args:
        limit: most tickets kept; the oldest gives way.
        lifetime_s: for how long a ticket can be used.
    """

    def __init__(self, limit: int = MAX_TICKETS, lifetime_s: float = TICKET_S) -> None:
        self._limit = limit
        self._lifetime_s = lifetime_s
        self._tickets: dict[bytes, tuple[float, Admitted]] = {}
        self._awaited: dict[bytes, asyncio.Future[None]] = {}

    def __len__(self) -> int:
        return len(self._tickets)

    def add(self, ticket: Admitted) -> None:
        """The server announced a ticket."""
        now_s = time.monotonic()
        for ticket_id in [key for key, (until_s, _) in self._tickets.items() if until_s < now_s]:
            del self._tickets[ticket_id]
        while len(self._tickets) >= self._limit:
            del self._tickets[next(iter(self._tickets))]
        self._tickets[ticket.ticket_id] = (now_s + self._lifetime_s, ticket)
        awaited = self._awaited.pop(ticket.ticket_id, None)
        if awaited is not None and not awaited.done():
            awaited.set_result(None)

    async def use(self, ticket_id: bytes) -> Admitted:
        """Take a ticket, which is void then; wait for one that is on its way.

        Raises:
            AccessDeniedError: somebody else waits for it or took it, or it gave way or is too old.
        """
        if ticket_id not in self._tickets:
            if ticket_id in self._awaited:
                raise AccessDeniedError("Two connections brought the same ticket.", role="subscriber")
            future = self._awaited[ticket_id] = asyncio.get_running_loop().create_future()
            try:
                await future
            finally:
                if self._awaited.get(ticket_id) is future:
                    del self._awaited[ticket_id]
        found = self._tickets.pop(ticket_id, None)
        if found is None:  # since it came, and before this had its turn
            raise AccessDeniedError("The ticket of a connection was taken or gave way to others.", role="subscriber")
        until_s, ticket = found
        if until_s < time.monotonic():
            raise AccessDeniedError("The ticket of a connection is too old.", role="subscriber")
        return ticket


class Visitor(NamedTuple):
    """A subscriber's process that has proved its ticket."""

    sock: socket.socket
    publisher_id: str
    attach: UpFrame


async def receive_visitor(sock: socket.socket, book: TicketBook) -> Visitor:
    """The publisher's side.

    Raises:
        EzmsgError: the peer does not follow the protocol, or cannot prove a ticket.
        OSError: the connection broke.
    """
    loop = asyncio.get_running_loop()
    greeting = await _read(sock, tickets.GREETING_BYTES)
    ticket = await book.use(tickets.ticket_id_of(greeting))
    nonce = secrets.token_bytes(tickets.NONCE_BYTES)
    await loop.sock_sendall(sock, tickets.publisher_proof(ticket.secret, greeting, nonce))
    proof = await _read(sock, tickets.SUBSCRIBER_PROOF_BYTES)
    tickets.check_subscriber(ticket.secret, greeting, nonce, proof)
    decoder = UpDecoder()
    head = await _read(sock, frames.UP_HEAD_BYTES)
    received = decoder.feed(head)
    if not received:
        received = decoder.feed(await _read(sock, frames.UP_HEAD.unpack(head)[2]))
    attach = received[0]
    if attach.kind != UpKind.ATTACH or attach.name != ticket.subscriber_id:
        raise AccessDeniedError("A connection was made for another subscriber than its ticket.", role="subscriber")
    return Visitor(sock, ticket.publisher_id, attach)


async def visit(address: str, ticket: Ticket, attach: bytes) -> tuple[socket.socket, int]:
    """The subscriber's side.

    Args:
        address: unix:PATH or tcp:HOST:PORT.
        ticket: unused.
        attach: the frame that asks for the messages.

    Returns:
        The connection, and the number of its first message.

    Raises:
        EzmsgError: the peer does not follow the protocol, or cannot prove the ticket.
        OSError: the connection could not be made, or broke.

    Cancellation: the connection is closed.
    """
    loop = asyncio.get_running_loop()
    sock, target = _socket_for(address)
    try:
        sock.setblocking(False)
        await loop.sock_connect(sock, target)
        greeting = tickets.greeting(ticket.ticket_id, secrets.token_bytes(tickets.NONCE_BYTES))
        await loop.sock_sendall(sock, greeting)
        received = await _read(sock, tickets.PUBLISHER_PROOF_BYTES)
        proof = tickets.subscriber_proof(ticket.secret, greeting, received)
        await loop.sock_sendall(sock, proof + attach)
        first = frames.parse_notice(await _read(sock, frames.HEAD_BYTES))
        if first.kind != DownKind.ATTACHED:
            raise WireError(f"A publisher answered with the notice {first.kind} when a subscriber came.")
        return sock, first.seq
    except BaseException:
        sock.close()
        raise


def _socket_for(address: str) -> tuple[socket.socket, str | tuple[str, int]]:
    if address.startswith(UNIX_PREFIX):
        return keep_from_children(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)), address[len(UNIX_PREFIX) :]
    if address.startswith(TCP_PREFIX):
        host, port = Address.from_string(address[len(TCP_PREFIX) :])
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return keep_from_children(socket.socket(family, socket.SOCK_STREAM)), (host, port)
    raise ForeignServerError(f"{address[:80]!r} is not an address of a publisher.", speaks=address[:80])


async def _read(sock: socket.socket, size: int) -> bytes:
    loop = asyncio.get_running_loop()
    received = b""
    while len(received) < size:
        chunk = await loop.sock_recv(sock, size - len(received))
        if not chunk:
            raise ConnectionResetError("the other side closed the connection during the handshake")
        received += chunk
    return received
