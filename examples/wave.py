"""A wave, and how large it is: three units in three processes, with settings to turn while they run."""

import asyncio
import dataclasses
import math
import time

import ezmsg_core as ez


class WaveSettings(ez.Settings):
    frequency_hz: float = dataclasses.field(default=0.5, metadata={"ge": 0.1, "le": 5.0, "unit": "Hz"})
    amplitude: float = dataclasses.field(default=1.0, metadata={"ge": 0.0, "le": 10.0})


class Wave(ez.Unit):
    SETTINGS = WaveSettings
    INPUT_SETTINGS = ez.InputStream(WaveSettings)
    OUTPUT = ez.OutputStream(float)

    @ez.subscriber(INPUT_SETTINGS)
    async def on_settings(self, message: WaveSettings) -> None:
        self.apply_settings(message)

    @ez.publisher(OUTPUT)
    async def oscillate(self):
        while True:
            phase = 2 * math.pi * self.SETTINGS.frequency_hz * time.monotonic()
            yield self.OUTPUT, self.SETTINGS.amplitude * math.sin(phase)
            await asyncio.sleep(0.01)


class Level(ez.Unit):
    INPUT = ez.InputStream(float)
    OUTPUT = ez.OutputStream(float)

    def initialize(self) -> None:
        self.level = 0.0

    @ez.subscriber(INPUT)
    @ez.publisher(OUTPUT)
    async def follow(self, message: float):
        self.level += 0.02 * (abs(message) - self.level)
        yield self.OUTPUT, self.level


class Meter(ez.Unit):
    INPUT = ez.InputStream(float, leaky=True)  # looks at the latest, and holds nobody up

    @ez.subscriber(INPUT)
    async def show(self, message: float) -> None:
        print(f"\rlevel {message:.2f}", end="", flush=True)
        await asyncio.sleep(0.1)


class System(ez.Collection):
    WAVE = Wave()
    LEVEL = Level()
    METER = Meter()

    def network(self) -> ez.NetworkDefinition:
        return ((self.WAVE.OUTPUT, self.LEVEL.INPUT), (self.LEVEL.OUTPUT, self.METER.INPUT))

    def process_components(self):
        return (self.WAVE, self.LEVEL)


if __name__ == "__main__":
    ez.run(SYSTEM=System())
