"""Whoever comes to a publisher's door without a valid ticket gets nothing, and nothing of it is unpickled."""

import asyncio
import contextlib
import os
import pickle
import secrets
import socket
from pathlib import Path

import pytest

from ezmsg_core.channel import listener
from ezmsg_core.channel.admission import TicketBook, receive_visitor, visit
from ezmsg_core.channel.exchange import enter_exchange, leave_exchange
from ezmsg_core.errors import AccessDeniedError, EzmsgError, ForeignServerError
from ezmsg_core.flow import frames
from ezmsg_core.model.topology import PublisherRecord
from ezmsg_core.wire import tickets
from ezmsg_core.wire.answers import Ticket
from ezmsg_core.wire.commands import GetTicket
from ezmsg_core.wire.frames import Admitted
from tests.channel.stage import Stage, soon, take, until


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.path),)


async def door(stage: Stage) -> str:
    """An address of the near process's listener, on the path of the stage."""
    (record,) = (await stage.topology()).publishers
    return next(address for address in record.addresses if address.startswith(stage.path))


async def knock(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if address.startswith("unix:"):
        return await asyncio.open_unix_connection(address.removeprefix("unix:"))
    host, _, port = address.removeprefix("tcp:").rpartition(":")
    return await asyncio.open_connection(host, int(port))


async def gone(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """What comes until the other side closes."""
    received = b""
    try:
        received = await soon(reader.read())
    except ConnectionError:
        pass
    writer.close()
    return received


@pytest.mark.parametrize(
    "words",
    [
        b"GET / HTTP/1.1\r\n\r\n" + bytes(60),
        tickets.greeting(bytes(16), bytes(32))[:4] + bytes(60),
        bytes(1000),
        secrets.token_bytes(200),
    ],
)
async def test_a_peer_that_speaks_something_else_is_shown_the_door(stream_stage: Stage, words: bytes) -> None:
    await stream_stage.publisher()
    reader, writer = await knock(await door(stream_stage))
    writer.write(words)
    assert await gone(reader, writer) == b""


async def test_a_peer_without_a_ticket_is_sent_away_after_a_while_and_one_with_a_ticket_does_not_wait_for_it(
    stream_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "HANDSHAKE_S", 0.3)
    publisher = await stream_stage.publisher()
    address = await door(stream_stage)
    silent = await knock(address)
    stranger = await knock(address)
    stranger[1].write(tickets.greeting(secrets.token_bytes(16), bytes(32)))
    subscriber = await soon(stream_stage.subscriber(), 0.2)
    await publisher.broadcast(1)
    assert await take(subscriber, 1) == [1]
    assert await gone(*silent) == b""
    assert await gone(*stranger) == b""


async def test_a_crafted_pickle_is_never_unpickled_at_any_stage(
    stream_stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "HANDSHAKE_S", 0.3)
    publisher = await stream_stage.publisher()
    address = await door(stream_stage)
    bomb = pickle.dumps(Bomb(tmp_path / "exploded"))
    greeting = tickets.greeting(secrets.token_bytes(16), bytes(32))
    for words in (
        bomb,
        greeting + bomb,
        greeting + bytes(32) + bomb,
        greeting + bytes(32) + frames.attach(1, "x", max_queue=None) + bomb,
    ):
        reader, writer = await knock(address)
        writer.write(words + bytes(200))
        with contextlib.suppress(OSError):  # the door may be shut already
            writer.write_eof()
        await gone(reader, writer)
    assert list(tmp_path.iterdir()) == []
    subscriber = await stream_stage.subscriber()
    await publisher.broadcast(1)
    assert await take(subscriber, 1) == [1]


async def ticket_for(stage: Stage, publisher_id: str, subscriber_id: str) -> Ticket:
    answer = await stage.far.ask(GetTicket(publisher_id, subscriber_id))
    assert isinstance(answer, Ticket)
    return answer


async def test_a_ticket_opens_the_door_once_and_for_its_subscriber_only(stream_stage: Stage) -> None:
    publisher = await stream_stage.publisher()
    subscriber = await stream_stage.subscriber()
    address = await door(stream_stage)

    ticket = await ticket_for(stream_stage, publisher.endpoint_id, subscriber.endpoint_id)
    hello = frames.attach(1, subscriber.endpoint_id, max_queue=None)
    sock, first_seq = await soon(visit(address, ticket, hello))
    assert first_seq == 0
    sock.close()
    with pytest.raises((TimeoutError, OSError, EzmsgError)):
        await soon(visit(address, ticket, hello), 0.3)

    ticket = await ticket_for(stream_stage, publisher.endpoint_id, subscriber.endpoint_id)
    with pytest.raises((OSError, EzmsgError)):
        await soon(visit(address, ticket, frames.attach(1, "somebody:else", max_queue=None)))

    ticket = await ticket_for(stream_stage, publisher.endpoint_id, subscriber.endpoint_id)
    forged = Ticket(ticket.publisher, ticket.ticket_id, secrets.token_bytes(32))
    with pytest.raises(AccessDeniedError):
        await soon(visit(address, forged, hello))
    await until(lambda: len(publisher.dispatch.outlets) == 1)


async def test_many_silent_peers_do_not_keep_a_subscriber_out(stream_stage: Stage) -> None:
    publisher = await stream_stage.publisher()
    address = await door(stream_stage)
    crowd = [await knock(address) for _ in range(3 * listener.MAX_PENDING)]
    subscriber = await soon(stream_stage.subscriber(), 1.5)
    await publisher.broadcast(1)
    assert await take(subscriber, 1) == [1]
    for _, writer in crowd:
        writer.close()


async def test_a_receiver_that_claims_what_was_never_sent_is_dropped(stream_stage: Stage) -> None:
    publisher = await stream_stage.publisher(num_buffers=1)
    subscriber = await stream_stage.subscriber()
    ticket = await ticket_for(stream_stage, publisher.endpoint_id, subscriber.endpoint_id)
    hello = frames.attach(1, subscriber.endpoint_id, max_queue=None)
    liar, _ = await soon(visit(await door(stream_stage), ticket, hello))
    assert len(publisher.dispatch.outlets) == 2
    liar.send(frames.ack(1_000_000, 1))
    await until(lambda: len(publisher.dispatch.outlets) == 1)
    liar.close()

    ticket = await ticket_for(stream_stage, publisher.endpoint_id, subscriber.endpoint_id)
    babbler, _ = await soon(visit(await door(stream_stage), ticket, hello))
    babbler.send(bytes(100))
    await until(lambda: len(publisher.dispatch.outlets) == 1)
    babbler.close()
    await soon(publisher.broadcast(1))
    assert await take(subscriber, 1) == [1]


@pytest.mark.parametrize(
    "answer",
    [bytes(64), secrets.token_bytes(64), b"", bytes(10)],
)
async def test_a_subscriber_gives_nothing_away_to_a_door_that_is_not_the_publishers(
    answer: bytes, runtime_dir: Path
) -> None:
    runtime_dir.mkdir()
    heard: list[bytes] = []

    async def impostor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(1000))
        writer.write(answer)
        writer.write_eof()
        heard.append(await reader.read(1000))
        writer.close()

    path = runtime_dir / "door.sock"
    server = await asyncio.start_unix_server(impostor, path)
    secret = secrets.token_bytes(32)
    record = PublisherRecord("t:1", "t", __import__("uuid").uuid4(), 1, "h", 4)
    with pytest.raises((AccessDeniedError, ConnectionResetError)):
        await soon(visit(f"unix:{path}", Ticket(record, bytes(16), secret), frames.attach(1, "s", max_queue=None)))
    server.close()
    await server.wait_closed()
    await until(lambda: len(heard) == 2)
    assert len(heard[0]) == tickets.GREETING_BYTES
    assert heard[1] == b""
    assert secret not in heard[0]
    path.unlink(missing_ok=True)


async def test_an_address_of_no_known_kind_is_refused() -> None:
    record = PublisherRecord("t:1", "t", __import__("uuid").uuid4(), 1, "h", 4)
    with pytest.raises(ForeignServerError, match="carrier:pigeon"):
        await visit("carrier:pigeon", Ticket(record, bytes(16), bytes(32)), b"")


async def test_a_ticket_that_comes_after_its_subscriber_is_waited_for() -> None:
    book = TicketBook()
    waiting = asyncio.create_task(book.use(b"a" * 16))
    await asyncio.sleep(0)
    with pytest.raises(AccessDeniedError, match="same ticket"):
        await book.use(b"a" * 16)
    ticket = Admitted("p", "s", b"a" * 16, bytes(32))
    book.add(ticket)
    assert await soon(waiting) == ticket
    assert len(book) == 0


async def test_a_ticket_that_is_gone_before_its_subscriber_has_its_turn_is_refused() -> None:
    book = TicketBook(limit=1)
    waiting = asyncio.create_task(book.use(b"a" * 16))
    await asyncio.sleep(0)
    book.add(Admitted("p", "s", b"a" * 16, bytes(32)))
    book.add(Admitted("p", "s", b"b" * 16, bytes(32)))
    with pytest.raises(AccessDeniedError, match="gave way"):
        await soon(waiting)
    late = Admitted("p", "s", b"c" * 16, bytes(32))
    waiting = asyncio.create_task(book.use(b"c" * 16))
    await asyncio.sleep(0)
    next_one = asyncio.create_task(book.use(b"c" * 16))
    book.add(late)
    assert await book.use(b"c" * 16) is late
    with pytest.raises(AccessDeniedError, match="taken"):
        await soon(waiting)
    book.add(late)
    assert await soon(next_one) is late


async def test_tickets_grow_old_and_the_oldest_gives_way() -> None:
    book = TicketBook(limit=2, lifetime_s=-1.0)
    book.add(Admitted("p", "s", b"a" * 16, bytes(32)))
    with pytest.raises(AccessDeniedError, match="too old"):
        await book.use(b"a" * 16)
    book = TicketBook(limit=2)
    for letter in b"abc":
        book.add(Admitted("p", "s", bytes([letter]) * 16, bytes(32)))
    assert len(book) == 2
    assert (await book.use(b"c" * 16)).ticket_id == b"c" * 16


@pytest.mark.parametrize("cut", [0, 1, 59, 60, 61, 91, 92, 100, 107, 108, 110])
async def test_a_visitor_may_leave_at_any_byte(cut: int) -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    book = TicketBook()
    book.add(Admitted("p", "sub", b"a" * 16, b"k" * 32))
    receiving = asyncio.create_task(receive_visitor(ours, book))
    loop = asyncio.get_running_loop()
    greeting = tickets.greeting(b"a" * 16, bytes(32))
    await loop.sock_sendall(theirs, greeting[:cut])
    if cut >= len(greeting):
        proof = tickets.subscriber_proof(b"k" * 32, greeting, await loop.sock_recv(theirs, 64))
        await loop.sock_sendall(theirs, (proof + frames.attach(1, "sub", max_queue=None))[: cut - len(greeting)])
    theirs.close()
    with pytest.raises(ConnectionResetError):
        await soon(receiving)
    ours.close()


async def test_the_exchange_of_a_link_is_one_for_all_who_use_it(local_stage: Stage) -> None:
    first, second = enter_exchange(local_stage.near), enter_exchange(local_stage.near)
    assert first is second
    leave_exchange(local_stage.near)
    leave_exchange(local_stage.near)
