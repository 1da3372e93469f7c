"""What a program declared goes at once when the program is killed, and every watcher is told in one step."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ezmsg_core.client import Link, ServerEntry, Watch
from ezmsg_core.graph.limits import GraphLimits
from ezmsg_core.model.roles import Role
from ezmsg_core.model.topology import (
    EdgeChanged,
    OwnedEdge,
    ProcessGone,
    PublisherGone,
    SessionGone,
    TopologyChangedEvent,
    TopologyEventType,
)
from ezmsg_core.model.watching import StreamName, TopologyEvent, TopologyListed
from ezmsg_core.server import Serving
from ezmsg_core.transport.connection_file import write_entry
from ezmsg_core.wire.answers import SessionOpened, TopologyAnswer
from ezmsg_core.wire.commands import ConnectEdge, GetTopology, OpenSession

PROGRAM = Path(__file__).with_name("doomed_program.py")
GONE = {
    TopologyEventType.PROCESS_CHANGED: [ProcessGone],
    TopologyEventType.SESSION_CHANGED: [SessionGone],
    TopologyEventType.ENDPOINT_CHANGED: [PublisherGone],
    TopologyEventType.GRAPH_CHANGED: [EdgeChanged] * 10,
}
AT_ONCE_S = GraphLimits().silence_s / 2  # silence is judged later than this


@contextlib.contextmanager
def doomed(entry: ServerEntry, folder: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program that has declared a graph; nothing is left of it."""
    file = folder / "graph.json"
    write_entry(file, entry)
    command = [sys.executable, str(PROGRAM), str(file), *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process
        finally:
            process.kill()
            process.stdin.close()
            process.stdout.read()  # its child has ended, too


async def declared(process: subprocess.Popen[bytes]) -> None:
    """Wait until the program has declared its graph."""
    assert process.stdout is not None
    line = await asyncio.to_thread(process.stdout.readline)
    assert line == b"declared\n"


@pytest.fixture
async def serving() -> AsyncIterator[Serving]:
    serving = await Serving.start()
    yield serving
    await serving.stop()


async def next_events(watch: Watch, count: int) -> list[TopologyChangedEvent]:
    events: list[TopologyChangedEvent] = []
    async with asyncio.timeout(AT_ONCE_S):
        async for item in watch:
            if isinstance(item, TopologyEvent):
                events.append(item.event)
                if len(events) == count:
                    return events
    raise AssertionError


@pytest.mark.parametrize("arguments", [[], ["forks"]], ids=["alone", "with a child that stays"])
@pytest.mark.parametrize("is_remote", [False, True], ids=["unix", "tcp"])
async def test_all_that_a_killed_program_declared_goes_in_one_step(
    serving: Serving, tmp_path: Path, is_remote: bool, arguments: list[str]
):
    entry = replace(serving.entry, unix=None) if is_remote else serving.entry
    watchers = [await Link.open(entry, Role.OBSERVE) for _ in range(3)]
    with doomed(entry, tmp_path, *arguments) as program:
        await declared(program)
        watches = [await watcher.watch(StreamName.TOPOLOGY) for watcher in watchers]
        for watch in watches:
            first = await anext(watch)
            assert isinstance(first, TopologyListed)
            assert (len(first.state.edges), len(first.state.sessions), len(first.state.publishers)) == (10, 1, 1)
            assert [process.units for process in first.state.processes] == [["DOOMED/UNIT"]]
        program.kill()
        told = [await next_events(watch, len(GONE)) for watch in watches]
        assert told == [told[0]] * 3
        assert {event.event_type: [type(change) for change in event.changes] for event in told[0]} == GONE
        assert len({event.timestamp for event in told[0]}) == 1
        answer = await watchers[0].ask(GetTopology())
        assert isinstance(answer, TopologyAnswer)
        state = answer.state
        assert (state.edges, state.sessions, state.processes, state.publishers) == ([], [], [], [])
        assert state.revision == told[0][-1].seq == told[0][0].seq + len(GONE) - 1
    for watcher in watchers:
        await watcher.aclose()


async def test_what_others_declared_stays(serving: Serving, tmp_path: Path):
    other = await Link.open(serving.entry, Role.PARTICIPATE)
    session = await other.ask(OpenSession())
    assert isinstance(session, SessionOpened)
    watch = await other.watch(StreamName.TOPOLOGY)
    with doomed(serving.entry, tmp_path) as program:
        await declared(program)
        await other.ask(ConnectEdge("DOOMED/0", "DOOMED/1", session.session_id))
        program.kill()
        async with asyncio.timeout(AT_ONCE_S):
            async for item in watch:
                if isinstance(item, TopologyEvent) and type(item.event.changes[0]) is SessionGone:
                    break
    answer = await other.ask(GetTopology())
    assert isinstance(answer, TopologyAnswer)
    assert answer.state.edges == [OwnedEdge("DOOMED/0", "DOOMED/1", [session.session_id])]
    await other.aclose()
