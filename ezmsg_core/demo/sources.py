"""The units that everything in the demo starts from: a synthetic amplifier, and the counters of this host."""

import asyncio
import math
import time
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

import ezmsg_core as ez
from ezmsg_core.demo.biosignal import Biosignal, Recipe
from ezmsg_core.demo.counters import HostCounters
from ezmsg_core.demo.fields import reading, setting
from ezmsg_core.demo.messages import HostLoad, SignalBlock
from ezmsg_core.demo.pacing import Schedule

SAMPLE_RATE_HZ = 500.0
CHANNELS = 32
BLOCK_SAMPLES = 10

_CATCH_UP = 25  # blocks; half a second of signal, which is what a real amplifier's buffer would hold
_REPORT_NS = 1_000_000_000  # lost blocks come in bursts: one report a second is enough


class BlinkSettings(ez.Settings):
    """Artefacts of the eyes."""

    per_minute: float = setting(12.0, "Blinks a minute, on average", ge=0.0, le=120.0, step=1.0)
    peak_uv: float = setting(120.0, "Height of a blink at the first channel", unit="µV", ge=0.0, le=500.0, step=5.0)


class AmplifierSettings(ez.Settings):
    """What the synthetic biosignal is made of."""

    rhythm_hz: float = setting(10.0, "Frequency of the alpha rhythm", unit="Hz", ge=1.0, le=60.0, step=0.5)
    rhythm_uv: float = setting(20.0, "Peak of the rhythm at its height", unit="µV", ge=0.0, le=200.0, step=1.0)
    mains_hz: Literal[50, 60] = setting(50, "Frequency of the mains", unit="Hz")
    mains_uv: float = setting(30.0, "Peak of the mains hum", unit="µV", ge=0.0, le=500.0, step=5.0)
    noise_uv: float = setting(6.0, "Standard deviation of the 1/f noise", unit="µV", ge=0.0, le=100.0, step=0.5)
    blinks: BlinkSettings = setting(BlinkSettings(), "Artefacts of the eyes")
    seed: int = setting(1, "Seed of everything random; another one starts the signal again", ge=0, le=2**31 - 1, step=1)
    late_blocks: int = reading(0, "Blocks sent a period or more after they were due")
    skipped_blocks: int = reading(0, "Blocks that were never sent because the amplifier was held up")

    @property
    def recipe(self) -> Recipe:
        """The same in the generator's terms."""
        return Recipe(
            rhythm_hz=self.rhythm_hz,
            rhythm_uv=self.rhythm_uv,
            mains_hz=float(self.mains_hz),
            mains_uv=self.mains_uv,
            noise_uv=self.noise_uv,
            blinks_per_minute=self.blinks.per_minute,
            blink_uv=self.blinks.peak_uv,
        )


class AmplifierState(ez.State):
    """What the amplifier remembers."""

    source: Biosignal
    schedule: Schedule


class Amplifier(ez.Unit):
    """Sends blocks of a synthetic biosignal at the pace of a real amplifier."""

    SETTINGS = AmplifierSettings
    STATE = AmplifierState

    INPUT_SETTINGS = ez.InputStream(AmplifierSettings)
    OUTPUT = ez.OutputStream(SignalBlock)

    def initialize(self) -> None:
        self.STATE.source = Biosignal(SAMPLE_RATE_HZ, CHANNELS, self.SETTINGS.seed)
        self.STATE.schedule = self._schedule()

    @ez.subscriber(INPUT_SETTINGS)
    async def on_settings(self, message: AmplifierSettings) -> None:
        if message.seed != self.SETTINGS.seed:
            self.STATE.source = Biosignal(SAMPLE_RATE_HZ, CHANNELS, message.seed)
        self.apply_settings(self._with_losses(message))

    @ez.publisher(OUTPUT)
    async def acquire(self) -> AsyncGenerator[Any, None]:
        self.STATE.schedule = schedule = self._schedule()  # the start of the graph took its time
        reported_ns = time.monotonic_ns()
        while True:
            await asyncio.sleep(schedule.wait_ns(time.monotonic_ns()) / 1e9)
            now_ns = time.monotonic_ns()
            self.STATE.source.skip(schedule.take(now_ns) * BLOCK_SAMPLES)
            position = self.STATE.source.position
            samples = self.STATE.source.next_block(BLOCK_SAMPLES, self.SETTINGS.recipe)
            yield self.OUTPUT, SignalBlock(samples, SAMPLE_RATE_HZ, position)
            if now_ns - reported_ns >= _REPORT_NS:
                reported_ns = now_ns
                current = self._with_losses(self.SETTINGS)
                if current != self.SETTINGS:
                    self.apply_settings(current)

    def _schedule(self) -> Schedule:
        return Schedule(SAMPLE_RATE_HZ / BLOCK_SAMPLES, time.monotonic_ns(), _CATCH_UP)

    def _with_losses(self, settings: AmplifierSettings) -> AmplifierSettings:
        schedule = self.STATE.schedule
        return replace(settings, late_blocks=schedule.late, skipped_blocks=schedule.skipped)


class HostSettings(ez.Settings):
    """How the host's counters are read."""

    rate_hz: float = setting(5.0, "Readings a second", unit="Hz", ge=0.5, le=20.0, step=0.5)
    smoothing_s: float = setting(
        0.4, "Time constant of the average; 0 does not smooth", unit="s", ge=0.0, le=10.0, step=0.1
    )


class HostState(ez.State):
    """What the reader of counters remembers."""

    counters: HostCounters
    values: NDArray[np.float64] | None = None


class Host(ez.Unit):
    """Sends live counters of this host: cores, memory, network, disks."""

    SETTINGS = HostSettings
    STATE = HostState

    INPUT_SETTINGS = ez.InputStream(HostSettings)
    OUTPUT = ez.OutputStream(HostLoad)

    def initialize(self) -> None:
        self.STATE.counters = HostCounters(time.monotonic())

    @ez.subscriber(INPUT_SETTINGS)
    async def on_settings(self, message: HostSettings) -> None:
        self.apply_settings(message)

    @ez.publisher(OUTPUT)
    async def read(self) -> AsyncGenerator[Any, None]:
        while True:
            rate_hz = self.SETTINGS.rate_hz
            # What a late reading would have shown is in the next one: nothing to catch up.
            schedule = Schedule(rate_hz, time.monotonic_ns() + round(1e9 / rate_hz), catch_up=0)
            while rate_hz == self.SETTINGS.rate_hz:
                await asyncio.sleep(schedule.wait_ns(time.monotonic_ns()) / 1e9)
                schedule.take(time.monotonic_ns())
                yield self.OUTPUT, self._reading()

    def _reading(self) -> HostLoad:
        counters = self.STATE.counters
        latest = np.array(counters.read(time.monotonic()))
        if self.STATE.values is not None and self.SETTINGS.smoothing_s > 0:
            kept = math.exp(-1.0 / (self.SETTINGS.rate_hz * self.SETTINGS.smoothing_s))
            latest += (self.STATE.values - latest) * kept
        self.STATE.values = latest
        return HostLoad(latest, counters.labels)


class Sources(ez.Collection):
    """Where the data comes from."""

    AMPLIFIER = Amplifier()
    HOST = Host()

    OUTPUT_SIGNAL = ez.OutputTopic(SignalBlock)
    OUTPUT_HOST = ez.OutputTopic(HostLoad)

    def network(self) -> ez.NetworkDefinition:
        return (
            (self.AMPLIFIER.OUTPUT, self.OUTPUT_SIGNAL),
            (self.HOST.OUTPUT, self.OUTPUT_HOST),
        )
