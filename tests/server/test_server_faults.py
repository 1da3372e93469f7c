"""A mistake in the server itself ends the link whose frame it failed at, tells both sides, and goes no further."""

from __future__ import annotations

import asyncio
import logging

import pytest

from ezmsg_core.client import Link
from ezmsg_core.errors import LinkLostError
from ezmsg_core.graph.effects import Effect
from ezmsg_core.graph.stimuli import FrameReceived, Now, Stimulus
from ezmsg_core.model.roles import Role
from ezmsg_core.model.topology import SessionGone
from ezmsg_core.model.watching import StreamName, TopologyEvent
from ezmsg_core.server import Serving
from ezmsg_core.wire import commands
from ezmsg_core.wire.answers import TopologyAnswer
from ezmsg_core.wire.frames import Ask


async def test_a_command_that_the_server_fails_at_ends_its_link_alone(caplog: pytest.LogCaptureFixture):
    serving = await Serving.start()
    handle = serving.machine.handle

    def fail_at_settings(stimulus: Stimulus, now: Now) -> list[Effect]:
        match stimulus:
            case FrameReceived(frame=Ask(command=commands.GetSettings())):
                raise ZeroDivisionError("a mistake")
            case _:
                return handle(stimulus, now)

    serving.machine.handle = fail_at_settings  # type: ignore[method-assign]
    unlucky, other = [await Link.open(serving.entry, Role.PARTICIPATE) for _ in range(2)]
    watch = await other.watch(StreamName.TOPOLOGY)
    await unlucky.ask(commands.OpenSession())
    with pytest.raises(
        LinkLostError, match="The server failed at GetSettings, and its log says why; please report that"
    ):
        await unlucky.ask(commands.GetSettings())
    async with asyncio.timeout(10.0):
        async for item in watch:  # the session that it had is gone
            if isinstance(item, TopologyEvent) and isinstance(item.event.changes[0], SessionGone):
                break
    assert isinstance(await other.ask(commands.GetTopology()), TopologyAnswer)
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.getMessage() == "The server failed at GetSettings from unix; please report this"
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError
    for link in (unlucky, other):
        await link.aclose()
    await serving.stop()
