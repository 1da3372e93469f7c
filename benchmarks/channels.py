"""Throughput and latency of channels, beside those of an ezmsg that is installed elsewhere.

    python benchmarks/channels.py                                  this project alone
    python benchmarks/channels.py --against /path/to/python        beside the ezmsg of that interpreter
    python benchmarks/channels.py --only '1→4' --rounds 5          some scenes, more often

Every end is a process of its own, except in the scenes named LOCAL, and runs this same file with the interpreter of
the implementation that it measures. Figures of one run can be compared, figures of two runs cannot: the peer's rounds
lie between ours, and medians are printed. In the column of ratios more than 1 is always better.

Where we take a Unix socket, ezmsg takes shared memory.
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
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
OURS, PEER = "ours", "peer"
SIZES = {"64 B": 64, "64 KiB": 64 << 10, "1 MiB": 1 << 20}
PATHS = ("LOCAL", "UNIX", "TCP")
MESSAGES = {64: 20_000, 64 << 10: 8_000, 1 << 20: 800}  # of a run; about half a second for the slower side
PACE_HZ = 1000.0
PACED_MESSAGES = 600
MIN_MESSAGES = 50
TOPIC = "bench"


class Scene(NamedTuple):
    """One line of the table."""

    path: str
    size: int
    writers: int
    readers: int
    messages: int  # of each writer
    is_paced: bool = False

    @property
    def name(self) -> str:
        """How the table calls it."""
        size = next(label for label, size in SIZES.items() if size == self.size)
        what = "paced 1 kHz" if self.is_paced else f"{self.writers}→{self.readers}"
        return f"{self.path:6}{size:>7}  {what}"


def scenes(scale: float) -> list[Scene]:
    found: list[Scene] = []
    for path in PATHS:
        for size in SIZES.values():
            count = max(MIN_MESSAGES, int(MESSAGES[size] * (4 if path == "LOCAL" else 1) * scale))
            found += [Scene(path, size, 1, 1, count), Scene(path, size, 1, 4, count)]
            if path != "LOCAL":
                found.append(Scene(path, size, 4, 1, max(MIN_MESSAGES, count // 4)))
            found.append(Scene(path, size, 1, 1, max(MIN_MESSAGES, int(PACED_MESSAGES * scale)), is_paced=True))
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


def publisher_options(path: str) -> dict[str, Any]:
    return {"force_tcp": True} if path == "TCP" else {"force_tcp": False, "allow_local": path == "LOCAL"}


async def read(subscriber: Any, scene: Scene) -> dict[str, Any]:
    """Receive everything; throughput from the first to the last message, latency of each."""
    latencies: list[int] = []
    began_ns = 0
    total = scene.messages * scene.writers
    for number in range(total):
        async with subscriber.recv_zero_copy() as message:
            if not number:
                began_ns = time.perf_counter_ns()
            if scene.is_paced:
                latencies.append(time.perf_counter_ns() - int(message[:8].view(np.int64)[0]))
    elapsed_ns = time.perf_counter_ns() - began_ns
    result: dict[str, Any] = {"rate": (total - 1) * 1e9 / elapsed_ns}
    if latencies:
        latencies.sort()
        result["p50"] = latencies[len(latencies) // 2] / 1e3
        result["p99"] = latencies[len(latencies) * 99 // 100] / 1e3
    return result


async def write(publisher: Any, scene: Scene) -> None:
    message = np.zeros(scene.size, dtype=np.uint8)
    if not scene.is_paced:
        for _ in range(scene.messages):
            await publisher.broadcast(message)
        return
    due_s = time.perf_counter()
    for _ in range(scene.messages):
        due_s += 1.0 / PACE_HZ
        await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
        stamped = message.copy()
        stamped[:8].view(np.int64)[0] = time.perf_counter_ns()
        await publisher.broadcast(stamped)


async def run_local(implementation: str, scene: Scene, address: tuple[str, int]) -> list[dict[str, Any]]:
    publisher_class, subscriber_class, _ = api(implementation)
    publisher = await publisher_class.create(TOPIC, address, **publisher_options(scene.path))
    subscribers = [await subscriber_class.create(TOPIC, address) for _ in range(scene.readers)]
    readers = [asyncio.create_task(read(subscriber, scene)) for subscriber in subscribers]
    await asyncio.sleep(0.05)
    await write(publisher, scene)
    results = await asyncio.gather(*readers)
    await close(publisher, *subscribers)
    return list(results)


async def run_reader(implementation: str, scene: Scene, address: tuple[str, int]) -> list[dict[str, Any]]:
    _, subscriber_class, _ = api(implementation)
    subscriber = await subscriber_class.create(TOPIC, address)
    say("ready")
    result = await read(subscriber, scene)
    say(json.dumps([result]))
    await close(subscriber)
    return []


async def run_writer(implementation: str, scene: Scene, address: tuple[str, int]) -> list[dict[str, Any]]:
    publisher_class, _, _ = api(implementation)
    publisher = await publisher_class.create(TOPIC, address, **publisher_options(scene.path))
    await asyncio.sleep(0.3)  # the peer attaches in the background
    say("ready")
    await heard()
    await write(publisher, scene)
    await heard()  # everybody has read
    await close(publisher)
    return []


async def close(*endpoints: Any) -> None:
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


async def heard() -> None:
    """Wait for a word of the conductor."""
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


def play_role(role: str, implementation: str, scene_text: str, address_text: str) -> None:
    if role == "serve":
        serve(implementation)
        return
    scene = Scene(*json.loads(scene_text))
    host, port = json.loads(address_text)
    ends = {"local": run_local, "reader": run_reader, "writer": run_writer}
    results = asyncio.run(ends[role](implementation, scene, (host, port)))
    if results:
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
            raise RuntimeError(f"{' '.join(map(str, self.process.args))} ended without a word")  # type: ignore[arg-type]
        return line.strip()

    def tell(self) -> None:
        """Let it go on."""
        assert self.process.stdin is not None
        with suppress(OSError):
            self.process.stdin.write("\n")
            self.process.stdin.flush()

    def end(self) -> None:
        """Let it end, and wait for that."""
        self.tell()
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(10.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def measure(python: str, implementation: str, scene: Scene) -> dict[str, float]:
    """One run of a scene: the slowest reader's figures."""
    server = End(python, "serve", implementation)
    ends: list[End] = [server]
    try:
        arguments = ["--scene", json.dumps(scene), "--address", server.hear()]
        if scene.path == "LOCAL":
            ends.append(End(python, "local", implementation, *arguments))
            results = json.loads(ends[-1].hear())
        else:
            readers = [End(python, "reader", implementation, *arguments) for _ in range(scene.readers)]
            ends += readers
            for reader in readers:
                reader.hear()
            writers = [End(python, "writer", implementation, *arguments) for _ in range(scene.writers)]
            ends += writers
            for writer in writers:
                writer.hear()
            for writer in writers:
                writer.tell()
            results = [json.loads(reader.hear())[0] for reader in readers]
        return min(results, key=lambda result: result["rate"])
    finally:
        for child in reversed(ends):
            child.end()


def row(scene: Scene, figure: str, runs: dict[str, list[dict[str, float]]]) -> str:
    medians = {name: statistics.median(run[figure] for run in found) for name, found in runs.items()}
    spread = max(run[figure] for run in runs[OURS]) / min(run[figure] for run in runs[OURS])
    unit = "msg/s" if figure == "rate" else f"µs {figure}"
    line = f"{scene.name:28}" + "".join(f"{median:>12,.0f} {unit:6}" for median in medians.values())
    if PEER in medians:
        ratio = medians[OURS] / medians[PEER]
        line += f"{ratio if figure == 'rate' else 1 / ratio:>8.1f} ×"
    return line + f"{spread:>9.2f}"


def table(chosen: list[Scene], pythons: dict[str, str], rounds: int) -> None:
    titles = {OURS: "ours", PEER: "against"}
    ratio = f"{'ratio':>10}" if PEER in pythons else ""
    print(f"{'':28}" + "".join(f"{titles[name]:>12}{'':7}" for name in pythons) + ratio + f"{'spread':>9}")
    for scene in chosen:
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in pythons}
        for _ in range(rounds):
            for name, python in pythons.items():
                runs[name].append(measure(python, name, scene))
        for figure in ("p50", "p99") if scene.is_paced else ("rate",):
            print(row(scene, figure, runs), flush=True)


def has_ezmsg(python: str) -> bool:
    return subprocess.run([python, "-c", "import ezmsg.core, numpy"], capture_output=True, check=False).returncode == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", metavar="PYTHON", help="an interpreter that has ezmsg installed")
    parser.add_argument("--rounds", type=int, default=3, help="of each scene; the medians are printed (3)")
    parser.add_argument("--scale", type=float, default=1.0, help="factor on the number of messages (1.0)")
    parser.add_argument("--only", default="", help="part of the names of the scenes to run")
    for name, default in (("--role", ""), ("--implementation", OURS), ("--scene", "[]"), ("--address", "[]")):
        parser.add_argument(name, default=default, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.role:
        play_role(given.role, given.implementation, given.scene, given.address)
        return
    pythons = {OURS: sys.executable}
    if given.against:
        if not has_ezmsg(given.against):
            parser.error(f"{given.against} cannot import ezmsg.core and numpy")
        pythons[PEER] = given.against
    chosen = [scene for scene in scenes(given.scale) if given.only in scene.name]
    if not chosen:
        parser.error(f"no scene is called {given.only!r}; there are LOCAL, UNIX and TCP with {', '.join(SIZES)}")
    with tempfile.TemporaryDirectory(prefix="ezbench") as folder:
        os.environ["EZMSG_RUNTIME_DIR"] = str(Path(folder) / "r")
        table(chosen, pythons, given.rounds)


if __name__ == "__main__":
    main()
