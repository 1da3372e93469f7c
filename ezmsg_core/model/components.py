"""What a session declares about its components: units, collections, streams, topics, relays, tasks."""

from typing import Any

from ezmsg_core.model.record import Record
from ezmsg_core.model.settings import SettingsSchemaMetadata

SettingsReprType = dict[str, Any] | str
SerializedSettingsType = bytes | None
InitialSettingsType = tuple[SerializedSettingsType, SettingsReprType]


class DynamicSettingsMetadata(Record, frozen=True):
    """Whether and where a component takes new settings while it runs."""

    enabled: bool  # the unit has an input stream named INPUT_SETTINGS
    input_topic: str | None  # address of that stream
    settings_type: str | None  # module.qualname of the settings class


class StreamMetadata(Record, frozen=True, tag_field="kind", tag="stream"):
    """A unit's declared input or output."""

    name: str  # attribute name in the class
    address: str  # topic: ROOT/UNIT/STREAM
    msg_type: str  # module.qualname; a hint, not enforced


class InputStreamMetadata(StreamMetadata, frozen=True, tag="input_stream"):
    """A unit's input."""

    leaky: bool = False  # drops old messages instead of holding the publisher up
    max_queue: int | None = None  # messages kept when leaky; None: the default


class OutputStreamMetadata(StreamMetadata, frozen=True, tag="output_stream"):
    """A unit's output."""

    host: str | None = None  # interface that the publisher listens on; None: loopback
    port: int | None = None  # its TCP port; None: the first free one
    num_buffers: int | None = None  # messages in flight before the publisher waits
    buf_size: int | None = None  # bytes a buffer has at first
    force_tcp: bool | None = None  # never by shared memory or in process; None: the environment decides


class TopicMetadata(Record, frozen=True, tag_field="kind", tag="topic"):
    """A name on a collection's boundary, without transport of its own."""

    name: str
    address: str
    msg_type: str


class InputTopicMetadata(TopicMetadata, frozen=True, tag="input_topic"):
    """A collection's input name."""


class OutputTopicMetadata(TopicMetadata, frozen=True, tag="output_topic"):
    """A collection's output name."""


class InputRelayMetadata(InputTopicMetadata, frozen=True, tag="input_relay"):
    """A collection's input with a hidden forwarding unit."""

    leaky: bool = False
    max_queue: int | None = None
    copy_on_forward: bool = True


class OutputRelayMetadata(OutputTopicMetadata, frozen=True, tag="output_relay"):
    """A collection's output with a hidden forwarding unit."""

    host: str | None = None
    port: int | None = None
    num_buffers: int | None = None
    buf_size: int | None = None
    force_tcp: bool | None = None
    copy_on_forward: bool = True


class TaskMetadata(Record, frozen=True):
    """A function of a unit that the runtime drives."""

    name: str
    subscribes: str | None = None  # address of the stream it reads
    publishes: list[str] = []  # addresses of the streams it may publish to


StreamMetadataType = StreamMetadata | InputStreamMetadata | OutputStreamMetadata
TopicMetadataType = TopicMetadata | InputTopicMetadata | OutputTopicMetadata
RelayMetadataType = InputRelayMetadata | OutputRelayMetadata


class ComponentMetadata(Record, frozen=True, tag_field="kind", tag="component"):
    """What units and collections have in common."""

    address: str  # ROOT/COLLECTION/UNIT
    name: str  # last part of the address
    component_type: str  # module.qualname of the class
    settings_type: str  # module.qualname of the settings class
    initial_settings: InitialSettingsType  # (None, value as plain data or its text)
    dynamic_settings: DynamicSettingsMetadata
    settings_schema: SettingsSchemaMetadata | None


class CollectionMetadata(ComponentMetadata, frozen=True, tag="collection"):
    """A component made of components."""

    topics: dict[str, TopicMetadataType]
    relays: dict[str, RelayMetadataType]
    children: list[str]  # addresses of its direct components


class UnitMetadata(ComponentMetadata, frozen=True, tag="unit"):
    """A component that runs in one process."""

    streams: dict[str, StreamMetadataType]
    tasks: list[TaskMetadata]
    main: str | None  # name of its main function
    threads: list[str]  # names of its thread functions


ComponentMetadataType = ComponentMetadata | CollectionMetadata | UnitMetadata


class GraphMetadata(Record, frozen=True):
    """Everything that one session declares."""

    schema_version: int  # of this record; 1
    root_name: str | None
    components: dict[str, ComponentMetadataType]  # by address
