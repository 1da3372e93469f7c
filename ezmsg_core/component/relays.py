"""The hidden units behind relays on the boundary of a collection."""

import copy
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

from ezmsg_core.component.collection import Collection
from ezmsg_core.component.settings import Settings
from ezmsg_core.component.stream import (
    DEFAULT_BUF_SIZE,
    DEFAULT_NUM_BUFFERS,
    InputRelay,
    InputStream,
    OutputRelay,
    OutputStream,
)
from ezmsg_core.component.tasks import publisher, subscriber
from ezmsg_core.component.unit import Unit
from ezmsg_core.errors import ConfigError

INPUT_PREFIX = "__relay_in_"
OUTPUT_PREFIX = "__relay_out_"

Relay = InputRelay | OutputRelay


class RelaySettings(Settings):
    """How a relay takes messages and passes them on; see `InputRelay` and `OutputRelay`."""

    leaky: bool = False
    max_queue: int | None = None
    host: str | None = None
    port: int | None = None
    num_buffers: int = DEFAULT_NUM_BUFFERS
    buf_size: int = DEFAULT_BUF_SIZE
    force_tcp: bool | None = None
    copy_on_forward: bool = True


class RelayUnit(Unit):
    """Passes every message on."""

    SETTINGS = RelaySettings

    INPUT = InputStream(Any)
    OUTPUT = OutputStream(Any)

    @subscriber(INPUT)
    @publisher(OUTPUT)
    async def forward(self, message: Any) -> AsyncIterator[tuple[OutputStream, Any]]:
        """Hand the message on, or a copy of it; a leaky input hands out copies by itself."""
        is_shared = self.SETTINGS.copy_on_forward and not self.INPUT.leaky
        yield self.OUTPUT, copy.deepcopy(message) if is_shared else message

    def follow(self, relay: Relay) -> None:
        """Take settings, and the options of both streams, from the relay that the unit stands for."""
        settings = _settings_of(relay)
        self.apply_settings(settings)
        self.INPUT.msg_type = self.OUTPUT.msg_type = relay.msg_type
        for stream in (self.INPUT, self.OUTPUT):
            for option in vars(stream).keys() & vars(settings).keys():
                setattr(stream, option, getattr(settings, option))


def _settings_of(relay: Relay) -> RelaySettings:
    options = {name: value for name, value in vars(relay).items() if name in RelaySettings.__dataclass_fields__}
    return RelaySettings(**options)


def add_relay_units(collection: Collection) -> None:
    """Give a collection the units of its relays, as components of its own.

    Raises:
        ConfigError: a component has the name of such a unit; nothing was added.
    """
    relays = dict(_relays(collection))
    for name in relays.keys() & collection.components.keys():
        raise ConfigError(
            f"{type(collection).__name__} has a component {name}, and needs that name for the unit of a relay. "
            "Rename the component.",
            name="components",
            value=name,
        )
    collection.components.update({name: RelayUnit() for name in relays})


def remove_relay_units(collection: Collection) -> None:
    """Take the units of relays away from a collection again."""
    for name, _ in _relays(collection):
        collection.components.pop(name, None)


def configure_relay_units(collection: Collection) -> None:
    """Have the units follow the collection's relays, whose options ``configure`` may have changed."""
    for relay, unit in _units(collection):
        unit.follow(relay)


def relayed_edges(collections: Iterable[Collection], edges: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The edges, led through the units of all relays.

    What leaves an input relay leaves its unit instead; what reaches an output relay reaches its unit instead.
    """
    sources: dict[str, str] = {}
    targets: dict[str, str] = {}
    joints: list[tuple[str, str]] = []
    for collection in collections:
        for relay, unit in _units(collection):
            if isinstance(relay, InputRelay):
                sources[relay.address] = unit.OUTPUT.address
                joints.append((relay.address, unit.INPUT.address))
            else:
                targets[relay.address] = unit.INPUT.address
                joints.append((unit.OUTPUT.address, relay.address))
    return [(sources.get(source, source), targets.get(target, target)) for source, target in edges] + joints


def _relays(collection: Collection) -> Iterator[tuple[str, Relay]]:
    """Relays with the names of their units."""
    for name, stream in collection.streams.items():
        if isinstance(stream, InputRelay):
            yield INPUT_PREFIX + name, stream
        elif isinstance(stream, OutputRelay):
            yield OUTPUT_PREFIX + name, stream


def _units(collection: Collection) -> Iterator[tuple[Relay, RelayUnit]]:
    for name, relay in _relays(collection):
        unit = collection.components[name]
        assert isinstance(unit, RelayUnit)
        yield relay, unit
