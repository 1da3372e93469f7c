"""The links of a process: one for each server and role, closed with their last user, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
import os
import threading

import pytest

from ezmsg_core.client.link_sharing import ControlThread, control_thread
from ezmsg_core.errors import LinkLostError, ServerUnreachableError
from ezmsg_core.model.roles import Role
from ezmsg_core.server import GraphServer, Serving
from ezmsg_core.wire.answers import TopologyAnswer
from ezmsg_core.wire.commands import GetTopology
from tests.client.listener import Listener
from tests.client.scripted_server import ScriptedServer


def control_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "ezmsg-control"]


async def until_no_thread() -> None:
    for thread in control_threads():
        await asyncio.to_thread(thread.join, 10.0)
    assert not control_threads()


async def test_who_asks_for_the_same_gets_the_same_until_the_last_one_gives_it_back():
    control, serving = ControlThread(), await Serving.start()
    first, second = await asyncio.gather(*(control.acquire(serving.entry, Role.CONTROL) for _ in range(2)))
    other = await control.acquire(serving.entry, Role.OBSERVE)
    assert first is second
    assert other is not first
    await control.release(first)
    assert isinstance(await second.ask(GetTopology()), TopologyAnswer)
    await control.release(second)
    with pytest.raises(LinkLostError):
        await second.ask(GetTopology())
    assert isinstance(await other.ask(GetTopology()), TopologyAnswer)
    await control.release(other)
    await until_no_thread()
    await control.release(other)  # once too often harms nobody
    again = await control.acquire(serving.entry, Role.CONTROL)
    assert isinstance(await again.ask(GetTopology()), TopologyAnswer)
    await control.release(again)
    await serving.stop()


async def test_a_link_that_is_lost_is_not_handed_out_again():
    control, serving = ControlThread(), await Serving.start()
    first = await control.acquire(serving.entry, Role.CONTROL)
    entry = serving.entry
    await serving.stop()
    await first.wait_lost()
    with pytest.raises(ServerUnreachableError):
        await control.acquire(entry, Role.CONTROL)
    serving = await Serving.start()
    second = await control.acquire(serving.entry, Role.CONTROL)
    assert second is not first
    for link in (first, second):
        await control.release(link)
    await serving.stop()
    await until_no_thread()


async def test_a_failure_and_a_cancellation_leave_no_thread():
    control = ControlThread()
    with Listener(lambda _: None) as closing:
        entry = closing.entry()
        with pytest.raises(ConnectionError, match="without a word"):
            await control.acquire(entry, Role.CONTROL)
    with Listener(lambda _: b"") as silent:
        waiting = asyncio.create_task(control.acquire(silent.entry(), Role.CONTROL))
        async with asyncio.timeout(10.0):
            while not silent.heard:  # noqa: ASYNC110 - it lives on a thread
                await asyncio.sleep(0.005)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled()
        await until_no_thread()


async def test_one_of_two_that_wait_may_give_up():
    control = ControlThread()
    go_on = threading.Event()

    class Late(ScriptedServer):
        def _say(self, heard: bytes) -> bytes:
            if heard:
                go_on.wait(10.0)
            return super()._say(heard)

    with Late(lambda _: []) as server:
        entry = server.server_entry
        patient, hasty = (asyncio.create_task(control.acquire(entry, Role.OBSERVE)) for _ in range(2))
        async with asyncio.timeout(10.0):
            while not server.heard:  # noqa: ASYNC110 - it lives on a thread
                await asyncio.sleep(0.005)
        hasty.cancel()
        await asyncio.wait([hasty])
        go_on.set()
        link = await patient
        assert not link.is_lost
        await control.release(link)
        await until_no_thread()
    assert len(server.heard) == 1


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")  # as programs do
def test_a_forked_child_has_links_of_its_own():
    server = GraphServer()
    server.start()

    async def ask() -> bool:
        link = await control_thread().acquire(server.entry, Role.OBSERVE)
        answer = await link.ask(GetTopology())
        await control_thread().release(link)
        return isinstance(answer, TopologyAnswer)

    async def main() -> int:
        link = await control_thread().acquire(server.entry, Role.OBSERVE)
        child = os.fork()
        if child == 0:
            is_well = False
            try:
                asyncio.events._set_running_loop(None)
                is_well = asyncio.run(ask())
            finally:
                os._exit(0 if is_well else 1)
        _, status = await asyncio.to_thread(os.waitpid, child, 0)
        assert isinstance(await link.ask(GetTopology()), TopologyAnswer)
        await control_thread().release(link)
        return os.waitstatus_to_exitcode(status)

    assert asyncio.run(main()) == 0
    server.stop()


async def test_acquisitions_that_are_cancelled_at_any_moment_harm_nobody_else():
    control, serving = ControlThread(), await Serving.start()
    for number in range(120):
        acquiring = asyncio.create_task(control.acquire(serving.entry, Role.OBSERVE))
        await asyncio.sleep(number % 12 * 0.0005)
        acquiring.cancel()
        (ended,) = await asyncio.gather(acquiring, return_exceptions=True)
        if not isinstance(ended, BaseException):
            await control.release(ended)
        link = await control.acquire(serving.entry, Role.OBSERVE)
        assert isinstance(await link.ask(GetTopology()), TopologyAnswer)
        await control.release(link)
    await until_no_thread()
    await serving.stop()
