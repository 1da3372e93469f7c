"""The pace of one peer, of one that floods and of one that does not read, touches no other."""

from __future__ import annotations

import asyncio
import socket

import pytest

from ezmsg_core.client import Link
from ezmsg_core.config import LinkLimits
from ezmsg_core.graph.limits import GraphLimits
from ezmsg_core.model.control import ProcessControlErrorCode
from ezmsg_core.model.roles import Role
from ezmsg_core.model.topology import SessionGone, TopologyState
from ezmsg_core.model.watching import StreamName, TopologyEvent
from ezmsg_core.server import Serving, ServingOptions
from ezmsg_core.wire import commands
from ezmsg_core.wire.answers import CallEnded, ProcessOpened, TopologyAnswer
from ezmsg_core.wire.codec import encode
from ezmsg_core.wire.frames import Answered, Ask
from tests.server.raw_peer import RawPeer

TRANSPORTS = pytest.mark.parametrize("is_remote", [False, True], ids=["unix", "tcp"])
SOFT = 64 << 10
LARGE_GRAPH = 200  # edges, each with a kilobyte of names
KERNEL_BYTES = 12 << 20  # more than the system's buffers between two sockets hold


async def entered(serving: Serving, role: Role, *, is_remote: bool) -> RawPeer:
    def enter() -> RawPeer:
        peer = RawPeer(serving.entry, is_remote=is_remote, receive_buffer=4096)
        peer.enter(role)
        return peer

    return await asyncio.to_thread(enter)


async def topology(link: Link) -> TopologyState:
    answer = await link.ask(commands.GetTopology())
    assert isinstance(answer, TopologyAnswer)
    return answer.state


def connect(number: int) -> commands.ConnectEdge:
    return commands.ConnectEdge(f"{number:0500}", f"{number:0500}'")


@TRANSPORTS
async def test_a_flood_of_commands_is_dealt_with_in_turns(is_remote: bool):
    # The test holds the loop that the server runs on, so both peers' bytes are there before it reads either.
    serving = await Serving.start()
    flood = await entered(serving, Role.CONTROL, is_remote=is_remote)
    other = await entered(serving, Role.OBSERVE, is_remote=is_remote)
    count = 1000
    flood.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    flood.sock.sendall(b"".join(encode(Ask(n, commands.ConnectEdge(f"flood-{n}", "end"))) for n in range(1, count + 1)))
    other.send(Ask(1, commands.GetTopology()))
    with flood, other:
        answer = await asyncio.to_thread(other.next_frame)
        assert isinstance(answer, Answered)
        assert isinstance(answer.answer, TopologyAnswer)
        assert len(answer.answer.state.edges) < count / 2
        answers = await asyncio.to_thread(lambda: [flood.next_frame() for _ in range(count)])
        assert [frame.id for frame in answers if isinstance(frame, Answered)] == list(range(1, count + 1))
        await serving.stop()


@TRANSPORTS
async def test_of_a_peer_that_does_not_read_no_more_is_done_than_its_outbox_holds(is_remote: bool):
    serving = await Serving.start(ServingOptions(link_limits=LinkLimits(outbox_soft_bytes=SOFT)))
    link = await Link.open(serving.entry, Role.CONTROL)
    for number in range(LARGE_GRAPH):
        await link.ask(connect(number))
    answer_bytes = len(encode(Answered(1, await link.ask(commands.GetTopology()))))
    count = KERNEL_BYTES // answer_bytes + 10
    deaf = await entered(serving, Role.OBSERVE, is_remote=is_remote)
    with deaf:
        deaf.sock.sendall(b"".join(encode(Ask(number, commands.GetTopology())) for number in range(count)))
        for _ in range(100):
            await link.ask(commands.GetSettings())
        unread = [connection.unread_bytes for connection in serving._shell._connections]
        assert SOFT < max(unread) <= SOFT + answer_bytes + 1000
        answers = await asyncio.to_thread(lambda: [deaf.next_frame() for _ in range(count)])
        assert [frame.id for frame in answers if isinstance(frame, Answered)] == list(range(count))
        await link.aclose()
        await serving.stop()


@TRANSPORTS
async def test_a_peer_that_leaves_much_unread_for_long_is_let_go(is_remote: bool):
    limits = LinkLimits(outbox_soft_bytes=SOFT, outbox_soft_s=0.2)
    serving = await Serving.start(
        ServingOptions(link_limits=limits, graph_limits=GraphLimits(heartbeat_s=0.05, silence_s=60.0))
    )
    link = await Link.open(serving.entry, Role.CONTROL)
    for number in range(LARGE_GRAPH):
        await link.ask(connect(number))
    deaf = await entered(serving, Role.PARTICIPATE, is_remote=is_remote)
    with deaf:
        await asyncio.to_thread(deaf.ask, commands.OpenSession())
        assert len((await topology(link)).sessions) == 1
        watch = await link.watch(StreamName.TOPOLOGY)
        count = KERNEL_BYTES // (LARGE_GRAPH * 1000)
        deaf.sock.sendall(b"".join(encode(Ask(number, commands.GetTopology())) for number in range(count)))
        async with asyncio.timeout(10.0):
            async for item in watch:
                if isinstance(item, TopologyEvent):
                    assert [type(change) for change in item.event.changes] == [SessionGone]
                    break
        assert (await topology(link)).sessions == []
        assert len(await asyncio.to_thread(deaf.frames_until_end)) < count
    await link.aclose()
    await serving.stop()


@TRANSPORTS
async def test_a_process_that_leaves_too_many_calls_unread_is_let_go_and_its_callers_are_told(is_remote: bool):
    serving = await Serving.start(ServingOptions(link_limits=LinkLimits(outbox_hard_bytes=1 << 20)))
    link = await Link.open(serving.entry, Role.PARTICIPATE)
    deaf = await entered(serving, Role.PARTICIPATE, is_remote=is_remote)
    with deaf:
        process = await asyncio.to_thread(deaf.ask, commands.OpenProcess(1, "test"))
        assert isinstance(process, ProcessOpened)
        call = commands.CallUnit("TAKE", 60.0, process_id=process.process_id, data=bytes(1 << 20))
        async with asyncio.timeout(20.0):
            ends = await asyncio.gather(*(link.ask(call, timeout_s=60.0) for _ in range(KERNEL_BYTES >> 20)))
        codes = {end.response.error_code for end in ends if isinstance(end, CallEnded)}
        assert codes <= {ProcessControlErrorCode.PROCESS_DISCONNECTED, ProcessControlErrorCode.UNROUTABLE_UNIT}
        assert ProcessControlErrorCode.PROCESS_DISCONNECTED in codes
        assert (await topology(link)).processes == []
        assert len(await asyncio.to_thread(deaf.frames_until_end)) < len(ends)
    await link.aclose()
    await serving.stop()
