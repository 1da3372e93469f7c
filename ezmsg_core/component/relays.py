"""The hidden units behind relays on a collection's boundary."""

import copy
from collections.abc import AsyncIterator
from typing import Any

from ezmsg_core.component.collection import Collection
from ezmsg_core.component.settings import Settings
from ezmsg_core.component.stream import InputRelay, InputStream, OutputRelay, OutputStream
from ezmsg_core.component.tasks import publisher, subscriber
from ezmsg_core.component.unit import Unit
from ezmsg_core.errors import ConfigError

INPUT_PREFIX = "__relay_in_"
OUTPUT_PREFIX = "__relay_out_"


class RelaySettings(Settings):
    """How a relay forwards."""

    copy_on_forward: bool = True


class RelayUnit(Unit):
    """Forwards every message."""

    SETTINGS = RelaySettings

    INPUT = InputStream(Any)
    OUTPUT = OutputStream(Any)

    @subscriber(INPUT)
    @publisher(OUTPUT)
    async def forward(self, message: Any) -> AsyncIterator[tuple[OutputStream, Any]]:
        """Hand the message on, or a copy of it."""
        yield self.OUTPUT, copy.deepcopy(message) if self.SETTINGS.copy_on_forward else message


def add_relay_units(collection: Collection) -> None:
    """Give a collection the units of its relays.

    Raises:
        ConfigError: a component of the collection has the name of such a unit.
    """
    for name, stream in collection.streams.items():
        if not isinstance(stream, (InputRelay, OutputRelay)):
            continue
        prefix = INPUT_PREFIX if isinstance(stream, InputRelay) else OUTPUT_PREFIX
        if prefix + name in collection.components:
            raise ConfigError(
                f"{collection.address} has a component {prefix + name}, the name of its relay's unit. Rename it.",
                name="component",
                value=prefix + name,
            )
        collection.components[prefix + name] = RelayUnit()


def configure_relay_units(collection: Collection) -> None:
    """Pass the options of a collection's relays, which ``configure`` may have changed, on to their units."""
    for name, stream in collection.streams.items():
        if isinstance(stream, InputRelay):
            unit = collection.components[INPUT_PREFIX + name]
            assert isinstance(unit, RelayUnit)
            unit.apply_settings(RelaySettings(copy_on_forward=stream.copy_on_forward))
            unit.INPUT.leaky, unit.INPUT.max_queue = stream.leaky, stream.max_queue
            unit.INPUT.msg_type = unit.OUTPUT.msg_type = stream.msg_type
        elif isinstance(stream, OutputRelay):
            unit = collection.components[OUTPUT_PREFIX + name]
            assert isinstance(unit, RelayUnit)
            unit.apply_settings(RelaySettings(copy_on_forward=stream.copy_on_forward))
            output = unit.OUTPUT
            output.host, output.port, output.force_tcp = stream.host, stream.port, stream.force_tcp
            output.num_buffers, output.buf_size = stream.num_buffers, stream.buf_size
            unit.INPUT.msg_type = output.msg_type = stream.msg_type


def relayed_edges(collection: Collection, edges: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Edges led through the relays of a collection."""
    sources: dict[str, str] = {}
    targets: dict[str, str] = {}
    more: list[tuple[str, str]] = []
    for name, stream in collection.streams.items():
        if isinstance(stream, InputRelay):
            unit = collection.components[INPUT_PREFIX + name]
            sources[stream.address] = unit.streams["OUTPUT"].address
            more.append((stream.address, unit.streams["INPUT"].address))
        elif isinstance(stream, OutputRelay):
            unit = collection.components[OUTPUT_PREFIX + name]
            targets[stream.address] = unit.streams["INPUT"].address
            more.append((unit.streams["OUTPUT"].address, stream.address))
    return [(sources.get(source, source), targets.get(target, target)) for source, target in edges] + more
