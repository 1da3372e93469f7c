"""The units that keep the signal: one that cuts it into segments, and a slow archive."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from typing import Any, Literal

import numpy as np

import ezmsg_core as ez
from ezmsg_core.demo.fields import setting
from ezmsg_core.demo.messages import Receipt, Segment, SignalBlock
from ezmsg_core.demo.packing import packed_samples


class SegmentSettings(ez.Settings):
    """How the signal is cut."""

    duration_s: float = setting(0.2, "Length of a segment", unit="s", ge=0.1, le=2.0, step=0.1)
    groups: Literal[1, 2, 4, 8] = setting(4, "Groups of channels, each a segment of its own")


class SegmentState(ez.State):
    """The blocks of the segment that is not yet full."""

    blocks: list[SignalBlock]


class Segments(ez.Unit):
    """Cuts the signal into segments and hands them over one at a time, all groups of channels in a row."""

    SETTINGS = SegmentSettings
    STATE = SegmentState

    INPUT_SETTINGS = ez.InputStream(SegmentSettings)
    INPUT = ez.InputStream(SignalBlock)
    # One in flight: the archive is to have each segment before it is offered the next.
    OUTPUT = ez.OutputStream(Segment, num_buffers=1)

    def initialize(self) -> None:
        self.STATE.blocks = []

    @ez.subscriber(INPUT_SETTINGS)
    async def on_settings(self, message: SegmentSettings) -> None:
        self.apply_settings(message)

    @ez.subscriber(INPUT)
    @ez.publisher(OUTPUT)
    async def on_block(self, block: SignalBlock) -> AsyncGenerator[Any, None]:
        self.STATE.blocks.append(SignalBlock(block.samples.copy(), block.rate_hz, block.position))
        collected = sum(len(one.samples) for one in self.STATE.blocks)
        if collected < round(self.SETTINGS.duration_s * block.rate_hz):
            return
        samples = np.concatenate([one.samples for one in self.STATE.blocks])
        position = self.STATE.blocks[0].position
        self.STATE.blocks = []
        first_channel = 0
        for part in np.array_split(samples, self.SETTINGS.groups, axis=1):
            yield self.OUTPUT, Segment(np.ascontiguousarray(part), first_channel, position)
            first_channel += part.shape[1]


class ArchiveSettings(ez.Settings):
    """How the archive works."""

    work_ms: float = setting(25.0, "Time that writing a segment takes", unit="ms", ge=0.0, le=500.0, step=5.0)
    compression: int = setting(1, "Effort to make segments small; 0 does not try", ge=0, le=9, step=1)
    capacity_kib: int = setting(2048, "Beyond it the oldest segments go", unit="KiB", ge=64, le=65536, step=64)
    label: str = setting("demo", "Name of the recording")


class ArchiveState(ez.State):
    """What is stored."""

    stored: deque[bytes]
    stored_bytes: int = 0


class Archive(ez.Unit):
    """Keeps the latest segments in memory, with the leisure of a slow disk: the slow subscriber of the demo."""

    SETTINGS = ArchiveSettings
    STATE = ArchiveState

    INPUT_SETTINGS = ez.InputStream(ArchiveSettings)
    INPUT = ez.InputStream(Segment)
    OUTPUT = ez.OutputStream(Receipt)

    def initialize(self) -> None:
        self.STATE.stored = deque()

    @ez.subscriber(INPUT_SETTINGS)
    async def on_settings(self, message: ArchiveSettings) -> None:
        self.apply_settings(message)

    @ez.subscriber(INPUT)
    @ez.publisher(OUTPUT)
    async def on_segment(self, segment: Segment) -> AsyncGenerator[Any, None]:
        packed = packed_samples(segment.samples, self.SETTINGS.compression)
        await asyncio.sleep(self.SETTINGS.work_ms / 1000)
        state = self.STATE
        state.stored.append(packed)
        state.stored_bytes += len(packed)
        while state.stored_bytes > self.SETTINGS.capacity_kib * 1024:
            state.stored_bytes -= len(state.stored.popleft())
        yield self.OUTPUT, Receipt(state.stored_bytes, segment.samples.nbytes / len(packed))


class Storage(ez.Collection):
    """Keeps the signal."""

    SEGMENTS = Segments()
    ARCHIVE = Archive()

    INPUT = ez.InputTopic(SignalBlock)
    OUTPUT = ez.OutputTopic(Receipt)

    def network(self) -> ez.NetworkDefinition:
        return (
            (self.INPUT, self.SEGMENTS.INPUT),
            (self.SEGMENTS.OUTPUT, self.ARCHIVE.INPUT),
            (self.ARCHIVE.OUTPUT, self.OUTPUT),
        )

    def process_components(self) -> tuple[ez.Component, ...]:
        return (self.ARCHIVE,)
