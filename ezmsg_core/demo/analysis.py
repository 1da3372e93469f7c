"""The units that look into the signal: spectrum, power in a band, decision."""

import math
from collections.abc import AsyncGenerator
from typing import Any, Literal

import ezmsg_core as ez
from ezmsg_core.demo.decoding import Decoding
from ezmsg_core.demo.fields import setting
from ezmsg_core.demo.messages import Decision, Feature, SignalBlock, Spectrum
from ezmsg_core.demo.spectra import RunningSpectrum, WindowShape, band_power


class SpectrumSettings(ez.Settings):
    """How the spectrum is computed."""

    window_s: float = setting(1.0, "Length of the window", unit="s", ge=0.25, le=4.0, step=0.25)
    overlap: float = setting(0.9, "Share of the window that the next one has again", ge=0.0, le=0.95, step=0.05)
    shape: WindowShape = setting(WindowShape.HANN, "Shape of the window")


class SpectrumState(ez.State):
    """A running spectrum and what it was made for."""

    spectrum: RunningSpectrum | None = None  # None until the first block after a change of settings
    layout: tuple[float, int] | None = None
    hop_s: float = 0.0


class RollingSpectrum(ez.Unit):
    """Computes power spectra of overlapping windows."""

    SETTINGS = SpectrumSettings
    STATE = SpectrumState

    INPUT_SETTINGS = ez.InputStream(SpectrumSettings)
    INPUT = ez.InputStream(SignalBlock)
    OUTPUT = ez.OutputStream(Spectrum)

    @ez.subscriber(INPUT_SETTINGS)
    async def on_settings(self, message: SpectrumSettings) -> None:
        self.apply_settings(message)
        self.STATE.spectrum = None

    @ez.subscriber(INPUT)
    @ez.publisher(OUTPUT)
    async def on_block(self, block: SignalBlock) -> AsyncGenerator[Any, None]:
        if self.STATE.spectrum is None or self.STATE.layout != block.layout:
            length = max(2, round(self.SETTINGS.window_s * block.rate_hz))
            hop = max(1, round(length * (1 - self.SETTINGS.overlap)))
            self.STATE.spectrum = RunningSpectrum(length, hop, *block.layout, self.SETTINGS.shape)
            self.STATE.layout = block.layout
            self.STATE.hop_s = hop / block.rate_hz
        for density in self.STATE.spectrum.process(block.samples):
            yield self.OUTPUT, Spectrum(density, self.STATE.spectrum.resolution_hz, self.STATE.hop_s)


class BandPowerSettings(ez.Settings):
    """Which power makes the feature.

    Raises:
        ValueError: the lower edge is not below the upper one.
    """

    low_hz: float = setting(8.0, "Lower edge", unit="Hz", ge=0.5, le=120.0, step=0.5)
    high_hz: float = setting(13.0, "Upper edge", unit="Hz", ge=1.0, le=125.0, step=0.5)
    region: Literal["all", "front", "back"] = setting("all", "Channels that the value is the mean of")
    scale: Literal["power", "decibel"] = setting("power", "Value in µV², or in dB above 1 µV²")

    def __post_init__(self) -> None:
        if not self.low_hz < self.high_hz:
            raise ValueError(f"low_hz must be below high_hz, and {self.low_hz:g} Hz is not below {self.high_hz:g} Hz.")


class BandPower(ez.Unit):
    """Sums the spectrum over a band."""

    SETTINGS = BandPowerSettings

    INPUT_SETTINGS = ez.InputStream(BandPowerSettings)
    INPUT = ez.InputStream(Spectrum)
    OUTPUT = ez.OutputStream(Feature)

    @ez.subscriber(INPUT_SETTINGS)
    async def on_settings(self, message: BandPowerSettings) -> None:
        self.apply_settings(message)

    @ez.subscriber(INPUT)
    @ez.publisher(OUTPUT)
    async def on_spectrum(self, message: Spectrum) -> AsyncGenerator[Any, None]:
        settings = self.SETTINGS
        powers = band_power(message.density, message.resolution_hz, settings.low_hz, settings.high_hz)
        half = len(powers) // 2
        chosen = {"all": powers, "front": powers[:half], "back": powers[half:]}[settings.region]
        value = float(chosen.mean())
        if settings.scale == "decibel":
            value = 10 * math.log10(max(value, 1e-12))  # silence must have a value
        yield self.OUTPUT, Feature(powers.astype("float32"), value, message.interval_s)


class DecoderSettings(ez.Settings):
    """How the feature becomes a state."""

    smoothing_s: float = setting(1.0, "Time constant; 0 does not smooth", unit="s", ge=0.0, le=30.0, step=0.1)
    threshold: float | None = setting(
        None, "Level above which the state is active; none: the average of the last minute", ge=-200.0, le=1e6, step=1.0
    )
    hysteresis: float = setting(
        0.2, "Zone round the threshold where the state stays, as a share of it", ge=0.0, le=1.0, step=0.05
    )


class DecoderState(ez.State):
    """Where the decoder stands."""

    decoding: Decoding = Decoding()


class Decoder(ez.Unit):
    """Decides between rest and activity."""

    SETTINGS = DecoderSettings
    STATE = DecoderState

    INPUT_SETTINGS = ez.InputStream(DecoderSettings)
    INPUT = ez.InputStream(Feature)
    OUTPUT = ez.OutputStream(Decision)

    @ez.subscriber(INPUT_SETTINGS)
    async def on_settings(self, message: DecoderSettings) -> None:
        self.apply_settings(message)

    @ez.subscriber(INPUT)
    @ez.publisher(OUTPUT)
    async def on_feature(self, message: Feature) -> AsyncGenerator[Any, None]:
        settings = self.SETTINGS
        decoding = self.STATE.decoding.advanced(
            message.value,
            message.interval_s,
            smoothing_s=settings.smoothing_s,
            threshold=settings.threshold,
            hysteresis=settings.hysteresis,
        )
        self.STATE.decoding = decoding
        yield self.OUTPUT, Decision(decoding.state, decoding.level, decoding.threshold)


class Analysis(ez.Collection):
    """From a clean signal to a decision."""

    SPECTRUM = RollingSpectrum()
    BAND_POWER = BandPower()
    DECODER = Decoder()

    INPUT = ez.InputTopic(SignalBlock)
    OUTPUT_FEATURE = ez.OutputTopic(Feature)
    OUTPUT_DECISION = ez.OutputTopic(Decision)

    def network(self) -> ez.NetworkDefinition:
        return (
            (self.INPUT, self.SPECTRUM.INPUT),
            (self.SPECTRUM.OUTPUT, self.BAND_POWER.INPUT),
            (self.BAND_POWER.OUTPUT, self.OUTPUT_FEATURE),
            (self.BAND_POWER.OUTPUT, self.DECODER.INPUT),
            (self.DECODER.OUTPUT, self.OUTPUT_DECISION),
        )
