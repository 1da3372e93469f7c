"""Units and systems that the tests of the runtime run. What units see, they note in a file that a test reads."""

import asyncio
import json
import os
import threading
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import ezmsg_core as ez
from ezmsg_core.runtime.ending_signals import SAME_WISH_S
from tests.runtime.notes import note


class CountSettings(ez.Settings):
    """How far to count."""

    number: int = 20
    notes: str = ""
    then: str = "complete"  # complete, terminate, raise, wait


class Counting(ez.Unit):
    """Publishes the numbers from 0, then ends as its settings say."""

    SETTINGS = CountSettings
    OUTPUT = ez.OutputStream(int)

    @ez.publisher(OUTPUT)
    async def count(self) -> AsyncGenerator[Any, None]:
        for number in range(self.SETTINGS.number):
            yield self.OUTPUT, number
        match self.SETTINGS.then:
            case "complete":
                raise ez.Complete
            case "terminate":
                raise ez.NormalTermination
            case "raise":
                raise RuntimeError("counted too far")
            case _:
                await asyncio.Event().wait()


class TakeSettings(ez.Settings):
    """When to stop."""

    notes: str = ""
    last: int | None = 19  # ends the graph
    refuses: int | None = None  # raises at this number


class Taking(ez.Unit):
    """Notes the numbers that come."""

    SETTINGS = TakeSettings
    INPUT = ez.InputStream(int)

    def initialize(self) -> None:
        self.numbers: list[int] = []

    @ez.subscriber(INPUT)
    async def take(self, message: int) -> None:
        self.numbers.append(message)
        if message == self.SETTINGS.refuses:
            raise RuntimeError(f"does not like {message}")
        if message == self.SETTINGS.last:
            raise ez.NormalTermination

    def shutdown(self) -> None:
        note(self.SETTINGS.notes, taken=self.numbers, pid=os.getpid())


class Pair(ez.Collection):
    """Counts, and takes what was counted."""

    SETTINGS = ez.Settings
    COUNT = Counting()
    TAKE = Taking()

    def __init__(self, notes: Path, *, apart: bool = False, **settings: Any) -> None:
        super().__init__()
        self.apart = apart
        count = {name: settings.pop(name) for name in ("number", "then") if name in settings}
        self.COUNT.apply_settings(CountSettings(notes=str(notes), **count))
        self.TAKE.apply_settings(TakeSettings(notes=str(notes), **settings))

    def network(self) -> ez.NetworkDefinition:
        return ((self.COUNT.OUTPUT, self.TAKE.INPUT),)

    def process_components(self) -> tuple[ez.Component, ...]:
        return (self.COUNT, self.TAKE) if self.apart else ()


class FateSettings(ez.Settings):
    """How a unit behaves, and where it notes what happens to it."""

    notes: str
    name: str
    initialize: str = "well"  # well, raise
    running: str = "wait"  # wait, deaf (takes no cancellation), block (the loop)
    shutdown: str = "well"  # well, raise, slow


class Fate(ez.Unit):
    """Behaves as it is told."""

    SETTINGS = FateSettings

    def initialize(self) -> None:
        note(self.SETTINGS.notes, event="initialize", name=self.SETTINGS.name, pid=os.getpid())
        if self.SETTINGS.initialize == "raise":
            raise ValueError("no amplifier is connected")

    @ez.task
    async def run(self) -> None:
        note(self.SETTINGS.notes, event="run", name=self.SETTINGS.name, pid=os.getpid())
        match self.SETTINGS.running:
            case "deaf":
                while True:
                    try:
                        await asyncio.Event().wait()
                    except asyncio.CancelledError:
                        continue
            case "block":
                threading.Event().wait(60.0)
            case _:
                try:
                    await asyncio.Event().wait()
                finally:
                    note(self.SETTINGS.notes, event="cancelled", name=self.SETTINGS.name, pid=os.getpid())

    async def shutdown(self) -> None:
        if self.SETTINGS.shutdown == "slow":
            await asyncio.sleep(2 * SAME_WISH_S)
        note(self.SETTINGS.notes, event="shutdown", name=self.SETTINGS.name, pid=os.getpid())
        if self.SETTINGS.shutdown == "raise":
            raise ValueError("the file is full")


def fates(notes: Path, **behaviours: dict[str, str]) -> dict[str, Fate]:
    """Units by name, each with its behaviour."""
    return {name: Fate(FateSettings(notes=str(notes), name=name, **how)) for name, how in behaviours.items()}


class Ticking(ez.Unit):
    """Its subscriber takes no message, and its task takes one, as programs have been seen to write them."""

    SETTINGS = TakeSettings
    INPUT = ez.InputStream(int)
    OUTPUT = ez.OutputStream(int)

    def initialize(self) -> None:
        self.ticks = 0

    @ez.publisher(OUTPUT)
    async def start(self, message: Any) -> AsyncGenerator[Any, None]:
        note(self.SETTINGS.notes, first=message)
        for number in range(3):
            yield self.OUTPUT, number

    @ez.subscriber(INPUT)
    async def tick(self) -> None:
        self.ticks += 1
        if self.ticks == 3:
            note(self.SETTINGS.notes, ticks=self.ticks)
            raise ez.NormalTermination


class Ordered(ez.Unit):
    """Publishes to somebody who never takes, and notes what of it ends first."""

    SETTINGS = TakeSettings
    INPUT = ez.InputStream(int)
    OUTPUT = ez.OutputStream(int, num_buffers=1)

    @ez.publisher(OUTPUT)
    async def publish(self) -> AsyncGenerator[Any, None]:
        try:
            for number in range(100):
                yield self.OUTPUT, number
        finally:
            note(self.SETTINGS.notes, event="publisher closed")

    @ez.subscriber(INPUT)
    async def hold(self, message: int) -> None:
        if message == 1:
            raise ez.NormalTermination
        await asyncio.sleep(0.05)

    def shutdown(self) -> None:
        note(self.SETTINGS.notes, event="shutdown")


class MainSettings(ez.Settings):
    """Where to note."""

    notes: str


class WithMain(ez.Unit):
    """Runs its main function on the main thread, and ends the graph."""

    SETTINGS = MainSettings

    def initialize(self) -> None:
        self.has_started = threading.Event()

    @ez.task
    async def start(self) -> None:
        self.has_started.set()

    @ez.main
    def dance(self) -> None:
        assert self.has_started.wait(10.0)
        is_main = threading.current_thread() is threading.main_thread()
        note(self.SETTINGS.notes, event="main", is_main=is_main, pid=os.getpid())
        raise ez.NormalTermination


def noted(path: Path) -> list[dict[str, Any]]:
    """What units have noted, in order."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
