"""Units whose settings the tests change while they run."""

import asyncio
import dataclasses
from collections.abc import AsyncGenerator
from typing import Any

import ezmsg_core as ez


class GainSettings(ez.Settings):
    """An amplification and what it is called."""

    gain: float = dataclasses.field(default=1.0, metadata={"ge": 0.0, "le": 10.0, "unit": "V/V"})
    label: str = "plain"
    serial: int = dataclasses.field(default=7, metadata={"read_only": True})

    def __post_init__(self) -> None:
        if self.label == "loud" and self.gain < 5.0:
            raise ValueError("loud needs a gain of 5 at least.")


class Amplifier(ez.Unit):
    """Takes what it is told."""

    SETTINGS = GainSettings
    INPUT_SETTINGS = ez.InputStream(GainSettings)
    OUTPUT = ez.OutputStream(float)

    @ez.subscriber(INPUT_SETTINGS)
    async def on_settings(self, message: GainSettings) -> None:
        self.apply_settings(message)

    @ez.publisher(OUTPUT)
    async def run(self) -> AsyncGenerator[Any, None]:
        while True:
            yield self.OUTPUT, self.SETTINGS.gain
            await asyncio.sleep(0.01)


class Limiter(ez.Unit):
    """Applies at most a gain of two."""

    SETTINGS = GainSettings
    INPUT_SETTINGS = ez.InputStream(GainSettings)

    @ez.subscriber(INPUT_SETTINGS)
    async def on_settings(self, message: GainSettings) -> None:
        self.apply_settings(dataclasses.replace(message, gain=min(message.gain, 2.0)))


class Refuser(ez.Unit):
    """Cannot deal with new settings."""

    SETTINGS = GainSettings
    INPUT_SETTINGS = ez.InputStream(GainSettings)

    @ez.subscriber(INPUT_SETTINGS)
    async def on_settings(self, message: GainSettings) -> None:
        raise OSError("the amplifier does not answer")


class Halfway(ez.Unit):
    """Applies new settings, and fails after that."""

    SETTINGS = GainSettings
    INPUT_SETTINGS = ez.InputStream(GainSettings)

    @ez.subscriber(INPUT_SETTINGS)
    async def on_settings(self, message: GainSettings) -> None:
        self.apply_settings(message)
        raise OSError("the amplifier does not answer")


class Once(ez.Unit):
    """Takes new settings once."""

    SETTINGS = GainSettings
    INPUT_SETTINGS = ez.InputStream(GainSettings)

    @ez.subscriber(INPUT_SETTINGS)
    async def on_settings(self, message: GainSettings) -> None:
        self.apply_settings(message)
        raise ez.Complete

    @ez.task
    async def stay(self) -> None:
        await asyncio.Event().wait()


class Sleeper(ez.Unit):
    """Never gets done with new settings."""

    SETTINGS = GainSettings
    INPUT_SETTINGS = ez.InputStream(GainSettings)

    @ez.subscriber(INPUT_SETTINGS)
    async def on_settings(self, message: GainSettings) -> None:
        await asyncio.Event().wait()


class Fixed(ez.Unit):
    """Takes no settings while it runs, and changes its own once."""

    SETTINGS = GainSettings

    @ez.task
    async def run(self) -> None:
        self.apply_settings(dataclasses.replace(self.SETTINGS, label="by itself"))
        await asyncio.Event().wait()


class Bench(ez.Collection):
    """One of each."""

    AMPLIFIER = Amplifier()
    LIMITER = Limiter()
    REFUSER = Refuser()
    HALFWAY = Halfway()
    ONCE = Once()
    SLEEPER = Sleeper()
    FIXED = Fixed()

    def process_components(self) -> tuple[ez.Component, ...]:
        return (self.AMPLIFIER,)
