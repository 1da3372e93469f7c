"""The demo as the inspector runs it: a child process with a live graph, seen and set by a client."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

import ezmsg_core as ez
from ezmsg_core.demo import CONFIGURED_RATES
from ezmsg_core.errors import EzmsgError

BANDPASS = "DEMO/PIPELINE/CONDITIONING/BANDPASS"
READOUT = "DEMO/DISPLAY/READOUT"
DEADLINE_S = 20.0


class RunningDemo:
    """A demo process and where its graph server is."""

    def __init__(self, runtime_dir: Path, *arguments: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address: tuple[str, int] = probe.getsockname()
        command = [sys.executable, "-m", "ezmsg_core.demo", "--address", f"127.0.0.1:{self.address[1]}", *arguments]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "EZMSG_RUNTIME_DIR": str(runtime_dir)},
            start_new_session=True,  # so that nothing of it can outlive the test
        )
        assert self.process.stdout is not None
        self.connection_file = Path(json.loads(self.process.stdout.readline())["connection_file"])
        self.workers = psutil.Process(self.process.pid).children(recursive=True)

    def ended(self) -> int:
        """The exit code, once everything it has started is gone as well."""
        code = self.process.wait(DEADLINE_S)
        _, alive = psutil.wait_procs(self.workers, DEADLINE_S)
        assert not alive
        return code

    def close(self) -> None:
        """End it, whatever state it is in."""
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(DEADLINE_S)  # the end of its standard input ends it
        for process in (psutil.Process(self.process.pid), *self.workers) if self.process.poll() is None else ():
            process.kill()
        self.process.wait()


@pytest.fixture
def runtime_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EZMSG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def start_demo(runtime_dir: Path) -> Iterator[Callable[..., RunningDemo]]:
    started: list[RunningDemo] = []

    def start(*arguments: str) -> RunningDemo:
        started.append(RunningDemo(runtime_dir, *arguments))
        return started[-1]

    yield start
    for demo in started:
        demo.close()


async def published_totals(context: ez.GraphContext) -> dict[str, tuple[int, float]]:
    """Messages published and the time of the count, by topic."""
    profiles = await context.profiling_snapshot_all()
    return {
        publisher.topic: (publisher.messages_published_total, publisher.timestamp)
        for profile in profiles.values()
        for publisher in profile.publishers.values()
    }


async def test_the_publishers_have_their_configured_rates(start_demo: Callable[..., RunningDemo]) -> None:
    demo = start_demo("--wait-stdin")
    async with ez.GraphContext(demo.address) as context:
        snapshot = await context.snapshot()
        assert len(snapshot.processes) >= 4
        assert sum(len(process.units) for process in snapshot.processes.values()) >= 10
        before: dict[str, tuple[int, float]] = {}
        while not all(before.get(topic, (0, 0.0))[0] for topic in CONFIGURED_RATES):  # a spectrum takes a second first
            await asyncio.sleep(0.1)
            before = await published_totals(context)
        await asyncio.sleep(8.0)  # what is measured is a rate
        after = await published_totals(context)
    for topic, rate_hz in CONFIGURED_RATES.items():
        count, seconds = (end - start for start, end in zip(before[topic], after[topic], strict=True))
        assert count / seconds == pytest.approx(rate_hz, rel=0.05), topic


async def test_a_filter_that_is_set_moves_the_feature_that_is_reported(start_demo: Callable[..., RunningDemo]) -> None:
    demo = start_demo("--wait-stdin")
    async with ez.GraphContext(demo.address) as context:

        async def band_power_until(is_reached: Callable[[float], bool]) -> None:
            async with asyncio.timeout(DEADLINE_S):
                async for event in context.subscribe_settings_events():
                    value = event.value.structured_value or {}
                    if event.component_address == READOUT and is_reached(value["band_power"]):
                        return

        await context.update_setting("DEMO/SOURCES/AMPLIFIER", "rhythm_uv", 200.0)
        await band_power_until(lambda power: power > 100.0)
        applied = await context.update_setting(BANDPASS, "low_hz", 20.0)
        assert applied.revision == 2
        await band_power_until(lambda power: power < 10.0)

        for field_path, refused in (("low_hz", 0.1), ("low_hz", 50.0), ("order", 3), ("gain", "much")):
            with pytest.raises(EzmsgError, match=field_path):
                await context.update_setting(BANDPASS, field_path, refused)
        with pytest.raises(EzmsgError, match="band_power"):
            await context.update_setting(READOUT, "band_power", 1.0)
        values = await context.settings_snapshot()
        assert values[BANDPASS].revision == 2
        assert values[BANDPASS].structured_value == {"low_hz": 20.0, "high_hz": 40.0, "order": 4, "gain": 1.0}


@pytest.mark.parametrize("how", ["end of standard input", "SIGINT", "SIGTERM", "SIGINT to all", "time"])
def test_it_ends_with_nothing_left(start_demo: Callable[..., RunningDemo], runtime_dir: Path, how: str) -> None:
    demo = start_demo(*(["--seconds", "1"] if how == "time" else ["--wait-stdin"]))
    assert demo.connection_file.exists()
    assert len(demo.workers) >= 4
    match how:
        case "end of standard input":
            assert demo.process.stdin is not None
            demo.process.stdin.close()
        case "SIGINT" | "SIGTERM":
            demo.process.send_signal(getattr(signal, how))
        case "SIGINT to all":
            os.killpg(demo.process.pid, signal.SIGINT)
        case _:
            pass
    assert demo.ended() == 0
    assert not list(runtime_dir.rglob("*"))


async def test_it_fails_when_a_worker_dies(start_demo: Callable[..., RunningDemo]) -> None:
    demo = start_demo("--wait-stdin")
    async with ez.GraphContext(demo.address) as context:
        snapshot = await context.snapshot()
    (worker,) = (process for process in snapshot.processes.values() if "DEMO/STORAGE/ARCHIVE" in process.units)
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)
    assert demo.ended() == 1


def test_an_address_that_is_none_is_refused_in_a_sentence(runtime_dir: Path) -> None:
    command = [sys.executable, "-m", "ezmsg_core.demo", "--address", "nowhere"]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=DEADLINE_S)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "'nowhere' is not an address" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not list(runtime_dir.rglob("*"))
