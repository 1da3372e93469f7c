"""A link under what a server may do: answer late, never, all at once, or go."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from ezmsg_core.client import Link, Watch
from ezmsg_core.client.process_agent import ProcessAgent
from ezmsg_core.config import LinkLimits
from ezmsg_core.errors import LinkLostError, NotPermittedError, RequestTimeoutError
from ezmsg_core.graph.limits import GraphLimits
from ezmsg_core.model.control import ProcessControlErrorCode, ProcessControlRequest, ProcessControlResponse
from ezmsg_core.model.roles import Role
from ezmsg_core.model.watching import Bookmark, StreamName
from ezmsg_core.server import Serving, ServingOptions
from ezmsg_core.wire import commands
from ezmsg_core.wire.answers import CallEnded, Done, EdgeHeld, PublisherPlaced, WatchOpened
from ezmsg_core.wire.frames import Answered, Ask, Farewell, Faulted, Pushed, ServerFrame
from tests.client.listener import Last
from tests.client.scripted_server import ScriptedServer

LIMITS = LinkLimits()


def done(ask: Ask) -> list[ServerFrame]:
    return [Answered(ask.id, Done())]


def silent(_: Ask) -> list[ServerFrame]:
    return []


async def until_asked(server: ScriptedServer, count: int) -> None:
    async with asyncio.timeout(10.0):
        while len(server.asked) < count:  # noqa: ASYNC110 - it lives on a thread
            await asyncio.sleep(0.005)


# Watches.


async def test_items_that_come_in_the_same_bytes_as_the_answer_are_not_lost():
    def reply(ask: Ask) -> list[ServerFrame]:
        return [Answered(ask.id, WatchOpened(5)), *(Pushed(5, Bookmark(number)) for number in range(3))]

    with ScriptedServer(reply) as server:
        link = await Link.open(server.server_entry, Role.OBSERVE)
        watch = await link.watch(StreamName.TOPOLOGY)
        assert [await anext(watch) for _ in range(3)] == [Bookmark(number) for number in range(3)]
        await link.aclose()


async def test_items_of_a_watch_that_was_closed_take_no_room_from_others():
    def reply(ask: Ask) -> list[ServerFrame]:
        late = [Pushed(4, Bookmark(number)) for number in range(2 * LIMITS.kept_frames)]
        return [*late, Answered(ask.id, WatchOpened(5)), Pushed(5, Bookmark(7))]

    with ScriptedServer(reply) as server:
        link = await Link.open(server.server_entry, Role.OBSERVE)
        watch = await link.watch(StreamName.TOPOLOGY)
        assert await anext(watch) == Bookmark(7)
        await link.aclose()


async def test_a_watch_that_opens_when_nobody_waits_any_longer_is_closed_again():
    def reply(ask: Ask) -> list[ServerFrame]:
        match ask.command:
            case commands.OpenWatch():
                return []
            case commands.GetTopology():
                return [Answered(server.asked[0].id, WatchOpened(5)), Faulted(ask.id, "GRAPH", "no")]
            case _:
                return done(ask)

    with ScriptedServer(reply) as server:
        link = await Link.open(server.server_entry, Role.OBSERVE)
        link._limits = replace(LIMITS, ask_timeout_s=0.05)
        with pytest.raises(RequestTimeoutError, match=r"did not answer OpenWatch within 0\.05 s\. Whether it was done"):
            await link.watch(StreamName.TOPOLOGY)
        with pytest.raises(Exception, match="no"):
            await link.ask(commands.GetTopology())
        await until_asked(server, 3)
        assert server.asked[2].command == commands.CloseWatch(5)
        await link.aclose()


@pytest.mark.parametrize("is_elsewhere", [False, True], ids=["on its loop", "from another loop"])
async def test_watches_that_are_cancelled_at_any_moment_are_closed_again(is_elsewhere: bool):
    serving = await Serving.start(ServingOptions(graph_limits=GraphLimits(watches_per_link=4)))
    link = await Link.open(serving.entry, Role.OBSERVE)

    async def give_up() -> None:
        for rounds in range(60):
            opening = asyncio.create_task(link.watch(StreamName.TOPOLOGY))
            for _ in range(rounds % 20):
                await asyncio.sleep(0)
            opening.cancel()
            (watch,) = await asyncio.gather(opening, return_exceptions=True)
            if isinstance(watch, Watch):
                await watch.aclose()
            else:
                assert isinstance(watch, asyncio.CancelledError)
            await link.ask(commands.GetTopology())  # by then, what was given up is closed

    await (asyncio.to_thread(asyncio.run, give_up()) if is_elsewhere else give_up())
    for _ in range(4):
        await link.watch(StreamName.TOPOLOGY)
    await link.aclose()
    await serving.stop()


async def test_a_watch_that_was_open_when_its_caller_was_cancelled_is_closed_again():
    def reply(ask: Ask) -> list[ServerFrame]:
        return [Answered(ask.id, WatchOpened(5))] if isinstance(ask.command, commands.OpenWatch) else done(ask)

    with ScriptedServer(reply) as server:
        link = await Link.open(server.server_entry, Role.OBSERVE)
        opening = asyncio.create_task(link.watch(StreamName.TOPOLOGY))
        async with asyncio.timeout(10.0):
            while not link._watches:  # noqa: ASYNC110 - the answer came, its caller has not run since
                await asyncio.sleep(0)
        opening.cancel()
        await asyncio.wait([opening])
        assert opening.cancelled()
        await until_asked(server, 2)
        assert server.asked[1].command == commands.CloseWatch(5)
        await link.aclose()


# Turns and deadlines.


async def test_waiting_for_a_turn_counts_within_the_deadline_and_tickets_have_turns_of_their_own():
    with ScriptedServer(silent) as server:
        link = await Link.open(server.server_entry, Role.PARTICIPATE)
        turns = LIMITS.asks_in_flight - LIMITS.ticket_asks
        waiting = [asyncio.create_task(link.ask(commands.GetTopology(), timeout_s=None)) for _ in range(turns)]
        await until_asked(server, turns)
        with pytest.raises(RequestTimeoutError, match=r"GetSettings was not sent within 0\.05 s: .* Nothing was done"):
            await link.ask(commands.GetSettings(), timeout_s=0.05)
        with pytest.raises(RequestTimeoutError, match=r"did not answer GetTicket within 0\.05 s"):
            await link.ask(commands.GetTicket("p", "s"), timeout_s=0.05)
        assert [type(ask.command) for ask in server.asked[turns:]] == [commands.GetTicket]
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
        with pytest.raises(RequestTimeoutError, match="did not answer GetSettings"):
            await link.ask(commands.GetSettings(), timeout_s=0.05)
        await link.aclose()


async def test_an_answer_that_comes_too_late_is_nobody_s():
    def reply(ask: Ask) -> list[ServerFrame]:
        return [] if ask.id == 1 else [Answered(1, EdgeHeld(True)), Answered(ask.id, Done()), Answered(99, Done())]

    with ScriptedServer(reply) as server:
        link = await Link.open(server.server_entry, Role.OBSERVE)
        with pytest.raises(RequestTimeoutError):
            await link.ask(commands.GetTopology(), timeout_s=0.05)
        assert await link.ask(commands.GetTopology()) == Done()
        await link.aclose()


async def test_a_refusal_that_is_itself_a_timeout_is_told_as_it_is():
    fault = Faulted(1, "REQUEST_TIMEOUT", "The others took too long.", {"timeout_s": 3.0})
    with ScriptedServer(lambda _: [fault]) as server:
        link = await Link.open(server.server_entry, Role.OBSERVE)
        with pytest.raises(RequestTimeoutError, match=r"^The others took too long\.$") as caught:
            await link.ask(commands.GetTopology())
        assert caught.value.timeout_s == 3.0
        await link.aclose()


async def test_more_commands_than_the_server_takes_at_once_take_turns():
    serving = await Serving.start()
    link = await Link.open(serving.entry, Role.CONTROL)
    count = 5 * LIMITS.asks_in_flight
    answers = await asyncio.gather(*(link.ask(commands.ConnectEdge(f"{n}", "end")) for n in range(count)))
    assert answers == [EdgeHeld(True)] * count
    await link.aclose()
    await serving.stop()


async def test_commands_that_nobody_waits_for_any_longer_do_not_use_up_the_link():
    serving = await Serving.start()
    owner = await Link.open(serving.entry, Role.PARTICIPATE)
    placed = await owner.ask(commands.AdvertisePublisher("t", 4, []))
    assert isinstance(placed, PublisherPlaced)
    owner.endpoints.add_publisher(placed.endpoint_id, lambda _: None, lambda _, __: None)  # obeys never
    link = await Link.open(serving.entry, Role.CONTROL)
    for _ in range(LIMITS.asks_in_flight + 1):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(link.ask(commands.SteerPublishers("sync"), timeout_s=None), 0.005)
    assert await link.ask(commands.ConnectEdge("a", "b")) == EdgeHeld(True)
    for each in (link, owner):
        await each.aclose()
    await serving.stop()


async def test_a_link_is_used_from_several_threads_at_once():
    serving = await Serving.start()
    link = await Link.open(serving.entry, Role.CONTROL)

    async def work(name: str) -> list[object]:
        return [await link.ask(commands.ConnectEdge(f"{name}/{n}", "end")) for n in range(50)]

    results = await asyncio.gather(*(asyncio.to_thread(asyncio.run, work(f"{n}")) for n in range(4)))
    assert results == [[EdgeHeld(True)] * 50] * 4
    await link.aclose()
    await serving.stop()


# The end.


async def test_commands_in_flight_and_later_ones_are_told_apart_when_the_server_goes():
    farewell = Farewell("STOPPED", "The server stops.")

    class Parting(ScriptedServer):
        def _say(self, heard: bytes) -> bytes:
            said = super()._say(heard)
            return Last(said) if self.asked else said

    with Parting(lambda _: [farewell]) as server:
        link = await Link.open(server.server_entry, Role.OBSERVE)
        where = f"The link to the graph server at {server.address} is gone: The server stops"
        with pytest.raises(LinkLostError) as caught:
            await link.ask(commands.GetTopology())
        assert (
            str(caught.value) == f"{where}. Whether the command was carried out is unknown; open a new link and look."
        )
        with pytest.raises(LinkLostError) as caught:
            await link.ask(commands.GetTopology())
        assert str(caught.value) == f"{where}. The command was not sent; open a new link and look."
        assert link.is_lost
        assert await link.wait_lost() == "The server stops."
        await link.aclose()


async def test_a_server_on_tcp_that_says_nothing_for_long_is_given_up():
    with ScriptedServer(silent, heartbeat_s=0.05) as server:
        link = await Link.open(server.server_entry, Role.OBSERVE)
        link._limits = replace(LIMITS, silence_s=0.3)
        async with asyncio.timeout(10.0):
            assert await link.wait_lost() == "the server said nothing for 0.3 s"
        await link.aclose()


async def test_a_server_on_a_unix_socket_may_say_nothing(runtime_dir: Path):
    runtime_dir.mkdir()
    with ScriptedServer(silent, heartbeat_s=0.01, path=runtime_dir / "s") as server:
        link = await Link.open(server.server_entry, Role.OBSERVE)
        link._limits = replace(LIMITS, silence_s=0.05)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await link.wait_lost()
        await link.aclose()
    (runtime_dir / "s").unlink()


async def test_silence_while_this_side_did_not_listen_is_not_the_server_s():
    serving = await Serving.start()
    link = await Link.open(replace(serving.entry, unix=None), Role.OBSERVE)
    link._limits = replace(LIMITS, silence_s=0.3)
    link._heartbeat.cancel()
    link._heartbeat = asyncio.get_running_loop().call_later(0.05, link._beat)
    threading.Event().wait(0.5)  # as a call into C that holds the interpreter does
    assert await link.ask(commands.GetTopology())
    assert not link.is_lost
    await link.aclose()
    await serving.stop()


# Calls.


async def test_a_process_that_answers_as_many_calls_as_it_can_refuses_one_more():
    serving = await Serving.start()
    owner = await Link.open(serving.entry, Role.PARTICIPATE)
    owner._limits = replace(LIMITS, calls_in_flight=2)
    caller = await Link.open(serving.entry, Role.CONTROL)
    agent = await ProcessAgent.open(owner)
    go_on, begun = asyncio.Event(), asyncio.Semaphore(0)

    async def handle(request: ProcessControlRequest) -> ProcessControlResponse:
        begun.release()
        await go_on.wait()
        return ProcessControlResponse(request.request_id, ok=True)

    agent.set_handler(handle)
    call = commands.CallUnit("WORK", 10.0, process_id=agent.process_id)
    calls = [asyncio.create_task(caller.ask(call)) for _ in range(2)]
    for _ in calls:
        await begun.acquire()
    refused = await caller.ask(call)
    assert isinstance(refused, CallEnded)
    assert (refused.response.ok, refused.response.error_code) == (False, ProcessControlErrorCode.HANDLER_ERROR)
    assert refused.response.error == "The process is busy with 2 calls, as many as it takes; call again later."
    go_on.set()
    for end in await asyncio.gather(*calls):
        assert isinstance(end, CallEnded)
        assert end.response.ok
    for link in (caller, owner):
        await link.aclose()
    await serving.stop()


async def test_what_a_role_may_not_do_is_refused_by_name():
    serving = await Serving.start()
    link = await Link.open(serving.entry, Role.OBSERVE)
    with pytest.raises(
        NotPermittedError, match="the role observe may not use ConnectEdge; that needs the role control"
    ):
        await link.ask(commands.ConnectEdge("a", "b"))
    await link.aclose()
    await serving.stop()
