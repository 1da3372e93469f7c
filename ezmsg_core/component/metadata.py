"""What a graph declares to the server: its components as records."""

from collections.abc import Callable, Mapping
from typing import Any

from ezmsg_core.component.collection import Collection
from ezmsg_core.component.component import Component
from ezmsg_core.component.schema import schema_of
from ezmsg_core.component.stream import (
    InputRelay,
    InputStream,
    InputTopic,
    OutputRelay,
    OutputStream,
    OutputTopic,
    Stream,
    type_name,
)
from ezmsg_core.component.structured import structured_of
from ezmsg_core.component.tasks import PUBLISHES_ATTR, SUBSCRIBES_ATTR
from ezmsg_core.component.unit import Unit
from ezmsg_core.model.components import (
    CollectionMetadata,
    DynamicSettingsMetadata,
    GraphMetadata,
    InputRelayMetadata,
    InputStreamMetadata,
    InputTopicMetadata,
    OutputRelayMetadata,
    OutputStreamMetadata,
    OutputTopicMetadata,
    RelayMetadataType,
    StreamMetadata,
    StreamMetadataType,
    TaskMetadata,
    TopicMetadata,
    TopicMetadataType,
    UnitMetadata,
)

SCHEMA_VERSION = 1
SETTINGS_INPUT = "INPUT_SETTINGS"


def graph_metadata(
    root_name: str | None,
    units: Mapping[str, Unit],
    collections: Mapping[str, Collection],
    children: Mapping[str, list[str]],
) -> GraphMetadata:
    """Everything that a graph declares, by address."""
    records: dict[str, Any] = {address: unit_metadata(unit) for address, unit in units.items()}
    records |= {a: collection_metadata(c, children.get(a, [])) for a, c in collections.items()}
    return GraphMetadata(SCHEMA_VERSION, root_name, {address: records[address] for address in sorted(records)})


def unit_metadata(unit: Unit) -> UnitMetadata:
    """A unit as a record."""
    return UnitMetadata(
        **_common(unit),
        streams={name: _stream(name, stream) for name, stream in unit.streams.items()},
        tasks=[_task(unit, name, function) for name, function in unit.tasks.items()],
        main=unit.main.__name__ if unit.main is not None else None,
        threads=list(unit.threads),
    )


def collection_metadata(collection: Collection, children: list[str]) -> CollectionMetadata:
    """A collection as a record."""
    relays = {n: _relay(n, s) for n, s in collection.streams.items() if isinstance(s, (InputRelay, OutputRelay))}
    topics = {n: _topic(n, s) for n, s in collection.streams.items() if n not in relays}
    return CollectionMetadata(**_common(collection), topics=topics, relays=relays, children=list(children))


def _common(component: Component) -> dict[str, Any]:
    settings: Any = getattr(component, "SETTINGS", None)
    kind = type(component).__settings_type__
    settings_input = component.streams.get(SETTINGS_INPUT)
    is_dynamic = isinstance(settings_input, InputStream)
    _, shown = structured_of(settings)
    return {
        "address": component.address,
        "name": component.name,
        "component_type": type_name(type(component)),
        "settings_type": type_name(kind),
        "initial_settings": (None, shown),
        "dynamic_settings": DynamicSettingsMetadata(
            enabled=is_dynamic,
            input_topic=settings_input.address if is_dynamic else None,
            settings_type=type_name(kind) if is_dynamic else None,
        ),
        "settings_schema": schema_of(settings if settings is not None else kind),
    }


def _stream(name: str, stream: Stream) -> StreamMetadataType:
    base = (name, stream.address, type_name(stream.msg_type))
    if isinstance(stream, InputStream):
        return InputStreamMetadata(*base, leaky=stream.leaky, max_queue=stream.max_queue)
    if isinstance(stream, OutputStream):
        return OutputStreamMetadata(
            *base, stream.host, stream.port, stream.num_buffers, stream.buf_size, stream.force_tcp
        )
    return StreamMetadata(*base)


def _topic(name: str, stream: Stream) -> TopicMetadataType:
    base = (name, stream.address, type_name(stream.msg_type))
    if isinstance(stream, (InputTopic, InputStream)):
        return InputTopicMetadata(*base)
    if isinstance(stream, (OutputTopic, OutputStream)):
        return OutputTopicMetadata(*base)
    return TopicMetadata(*base)


def _relay(name: str, stream: InputRelay | OutputRelay) -> RelayMetadataType:
    base = (name, stream.address, type_name(stream.msg_type))
    if isinstance(stream, InputRelay):
        return InputRelayMetadata(*base, stream.leaky, stream.max_queue, stream.copy_on_forward)
    return OutputRelayMetadata(
        *base,
        stream.host,
        stream.port,
        stream.num_buffers,
        stream.buf_size,
        stream.force_tcp,
        stream.copy_on_forward,
    )


def _task(unit: Unit, name: str, function: Callable[..., Any]) -> TaskMetadata:
    source: Stream | None = getattr(function, SUBSCRIBES_ATTR, None)
    outputs: list[Stream] = getattr(function, PUBLISHES_ATTR, [])
    return TaskMetadata(
        name,
        unit.streams[source.name].address if source is not None else None,
        [unit.streams[output.name].address for output in outputs],
    )
