"""Latency of the control plane, interleaved with a peer.

    python benchmarks/control_plane.py                                   this project alone
    python benchmarks/control_plane.py --peer-python /path/to/python     against the ezmsg installed there

Only ratios of one run mean something: rounds of the two lie between each other, and medians are printed. Each round is
this same file, run with the interpreter of the implementation that it measures: the server in one process, its clients
in another, on both sides.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
OURS, PEER = "ours", "peer"
STOP_S = 300.0
UNITS = 1000
CHAIN = 2000
SESSIONS = 500
UNITS_OF_SESSION = 20
CALLS = 300
REPORTS = 300

Measured = dict[str, float]


class Api:
    """What is measured of an implementation, which has the same names on both sides."""

    def __init__(self, implementation: str) -> None:
        self.implementation = implementation
        if implementation == OURS:
            sys.path.insert(0, str(ROOT))
            import ezmsg_core as core
            from ezmsg_core.context import ProcessControlClient
            from ezmsg_core.model import components, settings

            self.GraphMetadata = components.GraphMetadata
            self.UnitMetadata = components.UnitMetadata
            self.Dynamic = components.DynamicSettingsMetadata
            self.Value = settings.SettingsSnapshotValue
        else:
            from ezmsg import core  # type: ignore[import-not-found]
            from ezmsg.core import graphmeta  # type: ignore[import-not-found]
            from ezmsg.core.processclient import ProcessControlClient  # type: ignore[import-not-found]

            self.GraphMetadata = graphmeta.GraphMetadata
            self.UnitMetadata = graphmeta.UnitMetadata
            self.Dynamic = graphmeta.DynamicSettingsMetadata
            self.Value = graphmeta.SettingsSnapshotValue
        self.GraphServer: Any = core.GraphServer
        self.GraphContext: Any = core.GraphContext
        self.ProcessControlClient: Any = ProcessControlClient

    def metadata(self, prefix: str, count: int) -> Any:
        """What a session declares that has so many units."""
        return self.GraphMetadata(
            1, prefix, {f"{prefix}/U{n:04}": self._unit(f"{prefix}/U{n:04}") for n in range(count)}
        )

    def value(self, gain: float) -> Any:
        """A settings value."""
        return self.Value(None, {"gain": gain}, {"gain": gain, "label": "plain"})

    def _unit(self, address: str) -> Any:
        return self.UnitMetadata(
            address=address,
            name=address.rpartition("/")[2],
            component_type="bench.Unit",
            settings_type="bench.Settings",
            initial_settings=(None, {"gain": 1.0, "label": "plain", "bands": [1.0, 2.0, 4.0]}),
            dynamic_settings=self.Dynamic(
                enabled=True, input_topic=f"{address}/INPUT_SETTINGS", settings_type="bench.Settings"
            ),
            settings_schema=None,
            streams={},
            tasks=[],
            main=None,
            threads=[],
        )


async def timed(work: Callable[[], Awaitable[Any]]) -> float:
    """Seconds that something takes."""
    started = time.perf_counter()
    await work()
    return time.perf_counter() - started


async def measure(api: Api, scale: float) -> Measured:
    """All figures of one round, in seconds."""
    server = subprocess.Popen(  # noqa: ASYNC220 - it starts at once
        [sys.executable, __file__, "--serve", api.implementation],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        host, port = json.loads(server.stdout.readline())
        address = (host, port)
        found: Measured = {}
        async with api.GraphContext(address) as context:
            await _edges(context, found, int(CHAIN * scale))
        async with api.GraphContext(address) as context:
            await _components(api, context, found, int(UNITS * scale))
            await _calls(api, context, found)
        await _crowd(api, address, found, int(SESSIONS * scale))
        return found
    finally:
        server.stdin.close()
        server.wait(STOP_S)


def serve(api: Api) -> None:
    """Serve until standard input ends."""
    server = api.GraphServer()
    server.start(("127.0.0.1", 0))
    print(json.dumps(list(server.address)), flush=True)
    sys.stdin.read()
    server.stop()


async def _edges(context: Any, found: Measured, count: int) -> None:
    async def chain() -> None:
        for number in range(count):
            await context.connect(f"t{number}", f"t{number + 1}")

    found[f"add {count} chained edges"] = await timed(chain)


async def _components(api: Api, context: Any, found: Measured, count: int) -> None:
    metadata = api.metadata("BENCH", count)
    found[f"register {count} components"] = await timed(lambda: context.register_metadata(metadata))
    await context.snapshot()
    found[f"snapshot of {count} components"] = statistics.median([await timed(context.snapshot) for _ in range(20)])
    found[f"settings of {count} components"] = statistics.median(
        [await timed(context.settings_snapshot) for _ in range(10)]
    )


async def _calls(api: Api, context: Any, found: Measured) -> None:
    process = api.ProcessControlClient(context.graph_address)
    await process.connect()
    await process.register(["BENCH/U0000"])
    await context.process_ping("BENCH/U0000")
    found["call round trip"] = statistics.median(
        [await timed(lambda: context.process_ping("BENCH/U0000")) for _ in range(CALLS)]
    )
    found["settings report"] = statistics.median(
        [
            await timed(lambda gain=gain: process.report_settings_update("BENCH/U0000", api.value(gain)))
            for gain in range(REPORTS)
        ]
    )
    await process.close()


async def _crowd(api: Api, address: Any, found: Measured, count: int) -> None:
    contexts = [api.GraphContext(address) for _ in range(count)]
    for context in contexts:
        await context.__aenter__()
    try:
        for number, context in enumerate(contexts):
            await context.register_metadata(api.metadata(f"S{number:03}", UNITS_OF_SESSION))
        found[f"{count} snapshots at once"] = await timed(
            lambda: asyncio.gather(*(context.snapshot() for context in contexts))
        )
    finally:
        for context in contexts:
            await context.__aexit__(None, None, None)


# ---------------------------------------------------------------------------------------------- the comparison


def one_round(python: str, implementation: str, scale: float) -> Measured:
    """Figures of one implementation, from a process of its own."""
    with tempfile.TemporaryDirectory(prefix="ez", dir="/tmp") as room:
        environment = {**os.environ, "EZMSG_RUNTIME_DIR": room, "EZMSG_LOGLEVEL": "ERROR"}
        command = [python, __file__, "--measure", implementation, "--scale", str(scale)]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=STOP_S, check=False)
    if ended.returncode:
        sys.exit(f"{implementation} did not end well:\n{ended.stderr[-2000:]}")
    return json.loads(ended.stdout.splitlines()[-1])


def compare(peer_python: str | None, rounds: int, scale: float) -> None:
    """Print medians of all rounds, and their ratio."""
    ours: list[Measured] = []
    peers: list[Measured] = []
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
        ours.append(one_round(sys.executable, OURS, scale))
        if peer_python is not None:
            peers.append(one_round(peer_python, PEER, scale))
    print(f"{'':34} {'ours ms':>10} {'peer ms':>10} {'ratio':>8}")
    for name in ours[0]:
        here = statistics.median(found[name] for found in ours)
        if peers:
            there = statistics.median(found[name] for found in peers)
            print(f"{name:34} {here * 1e3:10.2f} {there * 1e3:10.2f} {here / there:8.3f}")
        else:
            print(f"{name:34} {here * 1e3:10.2f}")


def main() -> None:
    """Compare, or be one side of a comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", metavar="PYTHON", help="interpreter with ezmsg installed")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full counts")
    parser.add_argument("--measure", choices=(OURS, PEER), help=argparse.SUPPRESS)
    parser.add_argument("--serve", choices=(OURS, PEER), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(Api(options.serve))
    elif options.measure:
        print(json.dumps(asyncio.run(measure(Api(options.measure), options.scale))))
    else:
        compare(options.peer_python, options.rounds, options.scale)


if __name__ == "__main__":
    main()
