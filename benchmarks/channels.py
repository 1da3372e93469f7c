"""Throughput and latency of channels, each end in a process of its own, interleaved with a peer.

    python benchmarks/channels.py                                   this project alone
    python benchmarks/channels.py --peer-python /path/to/python     against the ezmsg installed there

Only ratios of one run mean something: the peer's rounds lie between ours, and medians are printed. Every end is this
same file, run with the interpreter of the implementation that it measures.
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
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
OURS, PEER = "ours", "peer"
SIZES = {"64 B": 64, "64 KiB": 64 << 10, "1 MiB": 1 << 20}
STOP_S = 120.0


class Scene(NamedTuple):
    """One line of the table."""

    name: str
    path: str  # local, auto (the fastest that leaves the process), unix or tcp
    size: int
    readers: int
    messages: int
    pace_hz: float = 0.0  # 0: as fast as it goes


def scenes(scale: float) -> list[Scene]:
    """The scenes, longest last."""
    found: list[Scene] = []
    for label, size in SIZES.items():
        for path, readers in (("local", 1), ("local", 4), ("auto", 1), ("auto", 4), ("tcp", 1), ("tcp", 4)):
            rate = {64: 20_000, 64 << 10: 8_000, 1 << 20: 800}[size] * (4 if path == "local" else 1)
            found.append(Scene(f"{path} 1→{readers} {label}", path, size, readers, max(50, int(rate * scale))))
    paced = max(50, int(600 * scale))
    for label, size in SIZES.items():
        found += [Scene(f"{path} paced {label}", path, size, 1, paced, pace_hz=1000.0) for path in ("auto", "tcp")]
    return found


# ---------------------------------------------------------------------------------------------- the measured ends


def api(implementation: str) -> tuple[Any, Any, Any]:
    """Publisher, Subscriber and GraphServer, which have the same names and signatures on both sides."""
    if implementation == OURS:
        sys.path.insert(0, str(ROOT))
        from ezmsg_core.channel import Publisher, Subscriber
        from ezmsg_core.server import GraphServer
    else:
        from ezmsg.core.graphserver import GraphServer  # pyright: ignore[reportMissingImports]
        from ezmsg.core.pubclient import Publisher  # pyright: ignore[reportMissingImports]
        from ezmsg.core.subclient import Subscriber  # pyright: ignore[reportMissingImports]
    return Publisher, Subscriber, GraphServer


def options(path: str) -> dict[str, Any]:
    return {"force_tcp": True} if path == "tcp" else {"force_tcp": False, "allow_local": path == "local"}


async def read(subscriber: Any, scene: Scene) -> dict[str, Any]:
    """Receive everything; throughput from the first to the last message, latency of each."""
    latencies: list[int] = []
    began_ns = 0
    for number in range(scene.messages):
        async with subscriber.recv_zero_copy() as message:
            if not number:
                began_ns = time.perf_counter_ns()
            if scene.pace_hz:
                latencies.append(time.perf_counter_ns() - int(message[:8].view(np.int64)[0]))
    elapsed_ns = time.perf_counter_ns() - began_ns
    latencies.sort()
    result: dict[str, Any] = {"rate": (scene.messages - 1) * 1e9 / elapsed_ns}
    if latencies:
        result["p50_us"] = latencies[len(latencies) // 2] / 1e3
        result["p99_us"] = latencies[len(latencies) * 99 // 100] / 1e3
    return result


async def write(publisher: Any, scene: Scene) -> None:
    message = np.zeros(scene.size, dtype=np.uint8)
    if not scene.pace_hz:
        for _ in range(scene.messages):
            await publisher.broadcast(message)
        return
    due_s = time.perf_counter()
    for _ in range(scene.messages):
        due_s += 1.0 / scene.pace_hz
        await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
        stamped = message.copy()
        stamped[:8].view(np.int64)[0] = time.perf_counter_ns()
        await publisher.broadcast(stamped)


async def run_local(implementation: str, scene: Scene, address: tuple[str, int]) -> list[dict[str, Any]]:
    publisher_class, subscriber_class, _ = api(implementation)
    publisher = await publisher_class.create("bench", address, **options(scene.path))
    subscribers = [await subscriber_class.create("bench", address) for _ in range(scene.readers)]
    readers = [asyncio.create_task(read(subscriber, scene)) for subscriber in subscribers]
    await asyncio.sleep(0.05)
    await write(publisher, scene)
    results = await asyncio.gather(*readers)
    await end(publisher, *subscribers)
    return list(results)


async def run_reader(implementation: str, scene: Scene, address: tuple[str, int]) -> list[dict[str, Any]]:
    _, subscriber_class, _ = api(implementation)
    subscriber = await subscriber_class.create("bench", address)
    say("ready")
    result = await read(subscriber, scene)
    await end(subscriber)
    return [result]


async def run_writer(implementation: str, scene: Scene, address: tuple[str, int]) -> list[dict[str, Any]]:
    publisher_class, _, _ = api(implementation)
    publisher = await publisher_class.create("bench", address, **options(scene.path))
    await asyncio.sleep(0.3)  # the peer attaches in the background
    await write(publisher, scene)
    say("written")
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)  # until everybody has read
    await end(publisher)
    return []


async def end(*endpoints: Any) -> None:
    for endpoint in endpoints:
        endpoint.close()
        await endpoint.wait_closed()


def serve(implementation: str) -> None:
    _, _, server_class = api(implementation)
    server = server_class()
    server.start(("127.0.0.1", 0))
    address = server.address
    say(json.dumps([address[0], address[1]]))
    sys.stdin.readline()
    server.stop()


def say(text: str) -> None:
    print(text, flush=True)


def play_role(role: str, implementation: str, scene_text: str, address_text: str) -> None:
    if role == "serve":
        serve(implementation)
        return
    scene = Scene(*json.loads(scene_text))
    host, port = json.loads(address_text)
    ends = {"local": run_local, "reader": run_reader, "writer": run_writer}
    results = asyncio.run(ends[role](implementation, scene, (host, port)))
    say(json.dumps(results))


# ------------------------------------------------------------------------------------------------ the conductor


class End:
    """One child process."""

    def __init__(self, python: str, role: str, implementation: str, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [python, __file__, "--role", role, "--implementation", implementation, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def hear(self) -> str:
        """The next line that it says."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args} ended without a word")
        return line.strip()

    def end(self) -> None:
        """Let it end, and wait for that."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write("\n")
            self.process.stdin.close()
        except OSError:
            pass
        try:
            self.process.wait(10.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def measure(python: str, implementation: str, scene: Scene) -> dict[str, float]:
    """One run of a scene: the slowest reader's figures."""
    server = End(python, "serve", implementation)
    ends: list[End] = [server]
    try:
        arguments = ["--scene", json.dumps(scene), "--address", server.hear()]
        if scene.path == "local":
            ends.append(End(python, "local", implementation, *arguments))
            results = json.loads(ends[-1].hear())
        else:
            readers = [End(python, "reader", implementation, *arguments) for _ in range(scene.readers)]
            ends += readers
            for reader in readers:
                assert reader.hear() == "ready"
            writer = End(python, "writer", implementation, *arguments)
            ends.append(writer)
            results = [json.loads(reader.hear())[0] for reader in readers]
        return min(results, key=lambda result: result["rate"])
    finally:
        for child in reversed(ends):
            child.end()


def table(chosen: list[Scene], pythons: dict[str, str], rounds: int) -> None:
    print(f"{'':24}" + "".join(f"{name:>14}" for name in pythons) + f"{'ratio':>10}")
    for scene in chosen:
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in pythons}
        for _ in range(rounds):
            for name, python in pythons.items():
                runs[name].append(measure(python, name, scene))
        for figure in ("p50_us", "p99_us") if scene.pace_hz else ("rate",):
            medians = {name: statistics.median(run[figure] for run in found) for name, found in runs.items()}
            unit = "msg/s" if figure == "rate" else f"µs {figure[:3]}"
            line = f"{scene.name + (' ' + figure[:3] if scene.pace_hz else ''):24}"
            line += "".join(f"{medians[name]:>8,.0f} {unit:>5}" for name in pythons)
            if PEER in medians:
                line += f"{medians[OURS] / medians[PEER]:>9.2f}×"
            print(line, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", help="an interpreter that has ezmsg installed")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="factor on the number of messages")
    parser.add_argument("--only", default="", help="part of a scene's name")
    parser.add_argument("--role", help=argparse.SUPPRESS)
    parser.add_argument("--implementation", default=OURS, help=argparse.SUPPRESS)
    parser.add_argument("--scene", default="[]", help=argparse.SUPPRESS)
    parser.add_argument("--address", default="[]", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.role:
        play_role(given.role, given.implementation, given.scene, given.address)
        return
    with tempfile.TemporaryDirectory(prefix="ezbench") as folder:
        os.environ["EZMSG_RUNTIME_DIR"] = str(Path(folder) / "r")
        pythons = {OURS: sys.executable}
        if given.peer_python:
            pythons[PEER] = given.peer_python
        chosen = [scene for scene in scenes(given.scale) if given.only in scene.name]
        table(chosen, pythons, given.rounds)


if __name__ == "__main__":
    main()
