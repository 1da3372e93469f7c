"""The units that clean the signal: mains notch, band-pass, decimation."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any, Literal

import ezmsg_core as ez
from ezmsg_core.demo.biquads import BlockFilter, Decimator, bandpass, notch
from ezmsg_core.demo.fields import setting
from ezmsg_core.demo.messages import SignalBlock


class NotchSettings(ez.Settings):
    """What is removed."""

    is_enabled: bool = setting(True, "Remove the mains hum; otherwise pass the signal through")
    mains_hz: Literal[50, 60] = setting(50, "Frequency of the mains", unit="Hz")
    harmonics: int = setting(3, "Multiples that are removed, the first one included", ge=1, le=4, step=1)
    width_hz: float = setting(2.0, "Distance of the -3 dB points", unit="Hz", ge=0.2, le=10.0, step=0.2)


class FilterState(ez.State):
    """A running filter and what it was made for."""

    filter: BlockFilter | None = None  # None until the first block after a change of settings
    layout: tuple[float, int] | None = None


class Notch(ez.Unit):
    """Removes the mains hum."""

    SETTINGS = NotchSettings
    STATE = FilterState

    INPUT_SETTINGS = ez.InputStream(NotchSettings)
    INPUT = ez.InputStream(SignalBlock)
    OUTPUT = ez.OutputStream(SignalBlock)

    @ez.subscriber(INPUT_SETTINGS)
    async def on_settings(self, message: NotchSettings) -> None:
        self.apply_settings(message)
        self.STATE.filter = None  # the state of another design means nothing: the new one starts at rest

    @ez.subscriber(INPUT)
    @ez.publisher(OUTPUT)
    async def on_block(self, block: SignalBlock) -> AsyncGenerator[Any, None]:
        settings = self.SETTINGS
        if self.STATE.filter is None or self.STATE.layout != block.layout:
            multiples = settings.harmonics if settings.is_enabled else 0
            sections = notch(settings.mains_hz, settings.width_hz, block.rate_hz, multiples)
            self.STATE.filter = BlockFilter(sections, block.samples.shape[1])
            self.STATE.layout = block.layout
        yield self.OUTPUT, replace(block, samples=self.STATE.filter.process(block.samples))


class BandpassSettings(ez.Settings):
    """What passes. The edges are at -3 dB.

    Raises:
        ValueError: the lower edge is not below the upper one.
    """

    low_hz: float = setting(1.0, "Lower edge", unit="Hz", ge=0.5, le=200.0, step=0.5)
    high_hz: float = setting(40.0, "Upper edge", unit="Hz", ge=1.0, le=240.0, step=0.5)
    order: Literal[2, 4, 6, 8] = setting(4, "Order of each edge: 6 dB an octave for each")
    gain: float = setting(1.0, "Factor that the signal leaves with", ge=0.0, le=100.0, step=0.1)

    def __post_init__(self) -> None:
        if not self.low_hz < self.high_hz:
            raise ValueError(f"low_hz must be below high_hz, and {self.low_hz:g} Hz is not below {self.high_hz:g} Hz.")


class Bandpass(ez.Unit):
    """Keeps a band of frequencies."""

    SETTINGS = BandpassSettings
    STATE = FilterState

    INPUT_SETTINGS = ez.InputStream(BandpassSettings)
    INPUT = ez.InputStream(SignalBlock)
    OUTPUT = ez.OutputStream(SignalBlock)

    @ez.subscriber(INPUT_SETTINGS)
    async def on_settings(self, message: BandpassSettings) -> None:
        has_design_changed = replace(message, gain=self.SETTINGS.gain) != self.SETTINGS
        self.apply_settings(message)
        if has_design_changed:
            self.STATE.filter = None

    @ez.subscriber(INPUT)
    @ez.publisher(OUTPUT)
    async def on_block(self, block: SignalBlock) -> AsyncGenerator[Any, None]:
        settings = self.SETTINGS
        if self.STATE.filter is None or self.STATE.layout != block.layout:
            sections = bandpass(settings.order, settings.low_hz, settings.high_hz, block.rate_hz)
            self.STATE.filter = BlockFilter(sections, block.samples.shape[1])
            self.STATE.layout = block.layout
        samples = self.STATE.filter.process(block.samples)
        samples *= settings.gain
        yield self.OUTPUT, replace(block, samples=samples)


class DecimateSettings(ez.Settings):
    """How many samples remain."""

    factor: Literal[1, 2, 5, 10] = setting(2, "One sample of so many remains, after a low-pass")


class DecimateState(ez.State):
    """A running decimator and what it was made for."""

    decimator: Decimator | None = None
    layout: tuple[float, int] | None = None


class Decimate(ez.Unit):
    """Lowers the sample rate."""

    SETTINGS = DecimateSettings
    STATE = DecimateState

    INPUT_SETTINGS = ez.InputStream(DecimateSettings)
    INPUT = ez.InputStream(SignalBlock)
    OUTPUT = ez.OutputStream(SignalBlock)

    @ez.subscriber(INPUT_SETTINGS)
    async def on_settings(self, message: DecimateSettings) -> None:
        self.apply_settings(message)
        self.STATE.decimator = None

    @ez.subscriber(INPUT)
    @ez.publisher(OUTPUT)
    async def on_block(self, block: SignalBlock) -> AsyncGenerator[Any, None]:
        factor = self.SETTINGS.factor
        if self.STATE.decimator is None or self.STATE.layout != block.layout:
            self.STATE.decimator = Decimator(factor, *block.layout)
            self.STATE.layout = block.layout
        samples = self.STATE.decimator.process(block.samples)
        if len(samples):
            yield self.OUTPUT, SignalBlock(samples, block.rate_hz / factor, block.position // factor)


class Conditioning(ez.Collection):
    """From the raw signal to a clean and slower one."""

    NOTCH = Notch()
    BANDPASS = Bandpass()
    DECIMATE = Decimate()

    INPUT = ez.InputTopic(SignalBlock)
    OUTPUT_FULL = ez.OutputTopic(SignalBlock)
    OUTPUT_SLOW = ez.OutputTopic(SignalBlock)

    def network(self) -> ez.NetworkDefinition:
        return (
            (self.INPUT, self.NOTCH.INPUT),
            (self.NOTCH.OUTPUT, self.BANDPASS.INPUT),
            (self.BANDPASS.OUTPUT, self.OUTPUT_FULL),
            (self.BANDPASS.OUTPUT, self.DECIMATE.INPUT),
            (self.DECIMATE.OUTPUT, self.OUTPUT_SLOW),
        )
