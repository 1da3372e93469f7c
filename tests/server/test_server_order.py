"""Everybody hears of things in the order in which they happened, whatever ends meanwhile."""

import asyncio
from dataclasses import replace

from ezmsg_core.client import Link
from ezmsg_core.graph.limits import GraphLimits
from ezmsg_core.model.roles import Role
from ezmsg_core.model.topology import ProcessChanged, ProcessGone
from ezmsg_core.model.watching import StreamName, TopologyEvent
from ezmsg_core.server import Serving, ServingOptions
from ezmsg_core.wire import commands
from tests.server.raw_peer import RawPeer


def _join_silently(serving: Serving, *, is_remote: bool) -> RawPeer:
    peer = RawPeer(serving.entry, is_remote=is_remote)
    peer.enter(Role.PARTICIPATE)
    peer.ask(commands.OpenProcess(1, "test"))
    return peer


async def test_the_end_of_a_silent_peer_is_told_after_what_the_same_beat_found_out_before():
    # One beat finds the TCP peer gone, which ends its link, and the Unix peer unresponsive.
    options = ServingOptions(graph_limits=GraphLimits(heartbeat_s=0.1, silence_s=0.3))
    serving = await Serving.start(options)
    watcher = await Link.open(serving.entry, Role.OBSERVE)
    watch = await watcher.watch(StreamName.TOPOLOGY)
    with (
        await asyncio.to_thread(_join_silently, serving, is_remote=True),
        await asyncio.to_thread(_join_silently, serving, is_remote=False),
    ):
        seqs: list[int] = []
        changes: list[object] = []
        async for item in watch:
            if isinstance(item, TopologyEvent):
                seqs.append(item.event.seq)
                changes += item.event.changes
                if any(isinstance(change, ProcessGone) for change in item.event.changes):
                    break
        assert seqs == sorted(seqs)
        assert [type(change) for change in changes][-2:] == [ProcessChanged, ProcessGone]
    await watcher.aclose()
    await serving.stop()


async def test_a_stopping_server_tells_nobody_that_the_others_left():
    serving = await Serving.start()
    program = await Link.open(serving.entry, Role.PARTICIPATE)
    await program.ask(commands.OpenProcess(1, "test"))
    watcher = await Link.open(replace(serving.entry, unix=None), Role.OBSERVE)
    watch = await watcher.watch(StreamName.TOPOLOGY)
    await anext(watch)
    await serving.stop()
    assert await watcher.wait_lost() == "The server stops."
    items = [item async for item in _until_lost(watch)]
    assert not [item for item in items if isinstance(item, TopologyEvent)]


async def _until_lost(watch):
    try:
        async for item in watch:
            yield item
    except ConnectionResetError:
        pass
