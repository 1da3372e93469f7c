"""The units at the end: a leaky viewer, a monitor of the host's load, and a readout of the latest results."""

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

import ezmsg_core as ez
from ezmsg_core.demo.counters import RATE_LABELS
from ezmsg_core.demo.decoding import MentalState
from ezmsg_core.demo.fields import reading, setting
from ezmsg_core.demo.messages import Decision, Feature, HostLoad, Receipt, SignalBlock, Status

_REPORT_S = 0.5  # as often as a person reads a number


class ScopeSettings(ez.Settings):
    """What the viewer draws.

    Raises:
        ValueError: a channel is negative.
    """

    frame_ms: float = setting(100.0, "Time that drawing a frame takes", unit="ms", ge=5.0, le=1000.0, step=5.0)
    channels: tuple[int, ...] = setting(
        (0, 8, 16, 24), "Channels that are drawn; those that are not there are left out"
    )
    is_frozen: bool = setting(False, "Keep the picture as it is")

    def __post_init__(self) -> None:
        if min(self.channels, default=0) < 0:
            raise ValueError(f"channels must not be negative, and {min(self.channels)} is.")


class ScopeState(ez.State):
    """The picture."""

    envelope: NDArray[np.float32] | None = None  # (lowest and highest, channel)


class Scope(ez.Unit):
    """Draws what it can and drops the rest: the leaky viewer of the demo."""

    SETTINGS = ScopeSettings
    STATE = ScopeState

    INPUT_SETTINGS = ez.InputStream(ScopeSettings)
    INPUT = ez.InputStream(SignalBlock, leaky=True, max_queue=2)

    @ez.subscriber(INPUT_SETTINGS)
    async def on_settings(self, message: ScopeSettings) -> None:
        self.apply_settings(message)

    @ez.subscriber(INPUT)
    async def on_block(self, block: SignalBlock) -> None:
        if not self.SETTINGS.is_frozen:
            drawn = [channel for channel in self.SETTINGS.channels if channel < block.samples.shape[1]]
            shown = block.samples[:, drawn]
            self.STATE.envelope = np.stack([shown.min(axis=0), shown.max(axis=0)])
        await asyncio.sleep(self.SETTINGS.frame_ms / 1000)


class LoadMonitorSettings(ez.Settings):
    """When the host counts as overloaded."""

    limit_percent: float = setting(90.0, "Highest load of a core", unit="%", ge=1.0, le=100.0, step=1.0)


class LoadMonitorState(ez.State):
    """The latest decision."""

    decision: Decision | None = None


class LoadMonitor(ez.Unit):
    """Joins each reading of the host's counters with the latest decision."""

    SETTINGS = LoadMonitorSettings
    STATE = LoadMonitorState

    INPUT_SETTINGS = ez.InputStream(LoadMonitorSettings)
    INPUT_DECISION = ez.InputStream(Decision)
    INPUT_HOST = ez.InputStream(HostLoad)
    OUTPUT = ez.OutputStream(Status)

    @ez.subscriber(INPUT_SETTINGS)
    async def on_settings(self, message: LoadMonitorSettings) -> None:
        self.apply_settings(message)

    @ez.subscriber(INPUT_DECISION)
    async def on_decision(self, message: Decision) -> None:
        self.STATE.decision = message

    @ez.subscriber(INPUT_HOST)
    @ez.publisher(OUTPUT)
    async def on_host(self, message: HostLoad) -> AsyncGenerator[Any, None]:
        percents = message.values[: -len(RATE_LABELS)]
        busiest = float(percents[:-1].max())
        yield (
            self.OUTPUT,
            Status(self.STATE.decision, busiest, float(percents[-1]), busiest > self.SETTINGS.limit_percent),
        )


class ReadoutSettings(ez.Settings):
    """The latest results. The unit reports them; there is nothing to set."""

    band_power: float = reading(0.0, "Value of the feature, in the scale of BAND_POWER")
    level: float = reading(0.0, "The feature, smoothed")
    threshold: float = reading(0.0, "Level above which the state is active")
    state: MentalState = reading("rest", "What the decoder decided")
    busiest_core_percent: float = reading(0.0, "Load of the busiest core", unit="%")
    memory_percent: float = reading(0.0, "Memory in use", unit="%")
    is_overloaded: bool = reading(False, "The busiest core is above the limit of LOAD_MONITOR")
    archived_kib: float = reading(0.0, "What ARCHIVE holds", unit="KiB")
    compression_ratio: float = reading(0.0, "Original by stored size of the latest segment")


class ReadoutState(ez.State):
    """The results that are not yet reported."""

    latest: ReadoutSettings
    reported_s: float = 0.0


class Readout(ez.Unit):
    """Reports the latest results as its settings, twice a second."""

    SETTINGS = ReadoutSettings
    STATE = ReadoutState

    INPUT_FEATURE = ez.InputStream(Feature)
    INPUT_STATUS = ez.InputStream(Status)
    INPUT_RECEIPT = ez.InputStream(Receipt)

    def initialize(self) -> None:
        self.STATE.latest = ReadoutSettings()

    @ez.subscriber(INPUT_FEATURE)
    async def on_feature(self, message: Feature) -> None:
        self._take(band_power=message.value)

    @ez.subscriber(INPUT_STATUS)
    async def on_status(self, message: Status) -> None:
        self._take(
            busiest_core_percent=message.busiest_core_percent,
            memory_percent=message.memory_percent,
            is_overloaded=message.is_overloaded,
        )
        if message.decision is not None:
            decision = message.decision
            self._take(level=decision.level, threshold=decision.threshold, state=decision.state)

    @ez.subscriber(INPUT_RECEIPT)
    async def on_receipt(self, message: Receipt) -> None:
        self._take(archived_kib=message.stored_bytes / 1024, compression_ratio=message.ratio)

    def _take(self, **results: float | str) -> None:
        rounded = {name: round(item, 3) if isinstance(item, float) else item for name, item in results.items()}
        self.STATE.latest = replace(self.STATE.latest, **rounded)
        now_s = time.monotonic()
        if now_s - self.STATE.reported_s >= _REPORT_S:
            self.STATE.reported_s = now_s
            self.apply_settings(self.STATE.latest)


class Display(ez.Collection):
    """Shows what came out."""

    SCOPE = Scope()
    LOAD_MONITOR = LoadMonitor()
    READOUT = Readout()

    INPUT_SIGNAL = ez.InputTopic(SignalBlock)
    INPUT_FEATURE = ez.InputTopic(Feature)
    INPUT_DECISION = ez.InputTopic(Decision)
    INPUT_HOST = ez.InputTopic(HostLoad)
    INPUT_RECEIPT = ez.InputTopic(Receipt)

    def network(self) -> ez.NetworkDefinition:
        return (
            (self.INPUT_SIGNAL, self.SCOPE.INPUT),
            (self.INPUT_DECISION, self.LOAD_MONITOR.INPUT_DECISION),
            (self.INPUT_HOST, self.LOAD_MONITOR.INPUT_HOST),
            (self.LOAD_MONITOR.OUTPUT, self.READOUT.INPUT_STATUS),
            (self.INPUT_FEATURE, self.READOUT.INPUT_FEATURE),
            (self.INPUT_RECEIPT, self.READOUT.INPUT_RECEIPT),
        )
