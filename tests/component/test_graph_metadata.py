"""What a graph declares to the server: its components as records that travel."""

from collections.abc import Iterable
from dataclasses import field
from typing import Any

import msgspec
import pytest

from ezmsg_core.component.blueprint import flatten
from ezmsg_core.component.collection import Collection
from ezmsg_core.component.component import Component
from ezmsg_core.component.metadata import SCHEMA_VERSION, graph_metadata
from ezmsg_core.component.schema import schema_of
from ezmsg_core.component.settings import Settings
from ezmsg_core.component.stream import (
    InputRelay,
    InputStream,
    InputTopic,
    OutputRelay,
    OutputStream,
    OutputTopic,
    Stream,
    Topic,
    type_name,
)
from ezmsg_core.component.tasks import main, publisher, subscriber, task, thread
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
    StreamMetadata,
    TaskMetadata,
    TopicMetadata,
    UnitMetadata,
)
from ezmsg_core.wire.codec import FrameDecoder, encode
from ezmsg_core.wire.commands import RegisterMetadata
from ezmsg_core.wire.frames import Ask, ClientFrame

HERE = __name__


class Gain(Settings):
    factor: float = field(default=1.0, metadata={"ge": 0, "description": "times"})


class Rate(Settings):
    rate: float


with pytest.warns(DeprecationWarning, match="@thread"):

    class Amplifier(Unit):
        SETTINGS = Gain
        INPUT_SETTINGS = InputStream(Gain)
        INPUT = InputStream(int, leaky=True, max_queue=5)
        OUTPUT = OutputStream(list[int], port=5000, num_buffers=2, force_tcp=True)
        OTHER = OutputStream("text")
        BARE = Stream(Any)

        @subscriber(INPUT_SETTINGS)
        async def on_settings(self, message: Gain) -> None: ...

        @subscriber(INPUT)
        @publisher(OUTPUT)
        @publisher(OTHER)
        async def on_message(self, message: int) -> Any: ...

        @task
        async def tick(self) -> None: ...

        @thread
        def count(self) -> None: ...

        @main
        def show(self) -> None: ...


class Plain(Unit):
    SETTINGS = Rate


with pytest.warns(FutureWarning, match="deprecated"):

    class System(Collection):
        IN = InputTopic(int)
        OUT = OutputTopic(float)
        ANY = Topic(str)
        OLD_IN = InputStream(int)
        OLD_OUT = OutputStream(int)
        RELAY_IN = InputRelay(int, leaky=True, max_queue=3, copy_on_forward=False)
        RELAY_OUT = OutputRelay(str, host="127.0.0.1", num_buffers=4, buf_size=100)
        AMP = Amplifier()
        PLAIN = Plain()

        def configure(self) -> None:
            self.AMP.apply_settings(Gain(3.0))


def declared(components: dict[str, Component], root_name: str | None = None) -> GraphMetadata:
    blueprint = flatten(components, root_name=root_name)
    return graph_metadata(blueprint.root_name, blueprint.units, blueprint.collections, blueprint.children)


def the_unit(metadata: GraphMetadata, address: str) -> UnitMetadata:
    record = metadata.components[address]
    assert isinstance(record, UnitMetadata)
    return record


def test_a_unit_is_declared_whole():
    metadata = declared({"SYS": System()}, "LAB")
    at = "LAB/SYS/AMP"
    assert the_unit(metadata, at) == UnitMetadata(
        address=at,
        name="AMP",
        component_type=f"{HERE}.Amplifier",
        settings_type=f"{HERE}.Gain",
        initial_settings=(None, {"factor": 3.0}),
        dynamic_settings=DynamicSettingsMetadata(True, f"{at}/INPUT_SETTINGS", f"{HERE}.Gain"),
        settings_schema=schema_of(Gain),
        streams={
            "INPUT_SETTINGS": InputStreamMetadata("INPUT_SETTINGS", f"{at}/INPUT_SETTINGS", f"{HERE}.Gain"),
            "INPUT": InputStreamMetadata("INPUT", f"{at}/INPUT", "builtins.int", leaky=True, max_queue=5),
            "OUTPUT": OutputStreamMetadata("OUTPUT", f"{at}/OUTPUT", "list[int]", None, 5000, 2, 65536, True),
            "OTHER": OutputStreamMetadata("OTHER", f"{at}/OTHER", "text", None, None, 32, 65536, None),
            "BARE": StreamMetadata("BARE", f"{at}/BARE", "typing.Any"),
        },
        tasks=[
            TaskMetadata("on_settings", f"{at}/INPUT_SETTINGS", []),
            TaskMetadata("on_message", f"{at}/INPUT", [f"{at}/OTHER", f"{at}/OUTPUT"]),
            TaskMetadata("tick", None, []),
        ],
        main="show",
        threads=["count"],
    )


def test_a_collection_is_declared_with_its_boundary_and_its_children():
    metadata = declared({"SYS": System()})
    assert (metadata.schema_version, metadata.root_name) == (SCHEMA_VERSION, None) == (1, None)
    assert metadata.components["SYS"] == CollectionMetadata(
        address="SYS",
        name="SYS",
        component_type=f"{HERE}.System",
        settings_type="ezmsg_core.component.settings.Settings",
        initial_settings=(None, {}),
        dynamic_settings=DynamicSettingsMetadata(False, None, None),
        settings_schema=schema_of(Settings),
        topics={
            "IN": InputTopicMetadata("IN", "SYS/IN", "builtins.int"),
            "OUT": OutputTopicMetadata("OUT", "SYS/OUT", "builtins.float"),
            "ANY": TopicMetadata("ANY", "SYS/ANY", "builtins.str"),
            "OLD_IN": InputTopicMetadata("OLD_IN", "SYS/OLD_IN", "builtins.int"),
            "OLD_OUT": OutputTopicMetadata("OLD_OUT", "SYS/OLD_OUT", "builtins.int"),
        },
        relays={
            "RELAY_IN": InputRelayMetadata("RELAY_IN", "SYS/RELAY_IN", "builtins.int", True, 3, False),
            "RELAY_OUT": OutputRelayMetadata(
                "RELAY_OUT", "SYS/RELAY_OUT", "builtins.str", "127.0.0.1", None, 4, 100, False, True
            ),
        },
        children=["SYS/AMP", "SYS/PLAIN", "SYS/__relay_in_RELAY_IN", "SYS/__relay_out_RELAY_OUT"],
    )


def test_components_are_declared_in_order_of_their_addresses_relays_units_too():
    metadata = declared({"SYS": System(), "A": Amplifier()})
    assert list(metadata.components) == [
        "A",
        "SYS",
        "SYS/AMP",
        "SYS/PLAIN",
        "SYS/__relay_in_RELAY_IN",
        "SYS/__relay_out_RELAY_OUT",
    ]


def test_a_unit_that_still_has_no_settings_is_declared_with_their_schema():
    record = the_unit(declared({"P": Plain()}), "P")
    assert record.initial_settings == (None, "None")
    assert record.settings_schema == schema_of(Rate) and record.main is None
    assert record.dynamic_settings == DynamicSettingsMetadata(False, None, None)


def test_an_output_with_the_name_of_the_settings_input_takes_no_settings():
    class Misnamed(Unit):
        INPUT_SETTINGS = OutputStream(int)

    assert not the_unit(declared({"X": Misnamed()}), "X").dynamic_settings.enabled


def test_the_schema_is_that_of_the_value_where_it_is_of_a_derived_class():
    class Fine(Gain):
        step: float = 0.1

    record = the_unit(declared({"A": Amplifier(Fine())}), "A")
    assert record.initial_settings == (None, {"factor": 1.0, "step": 0.1})
    assert record.settings_type == f"{HERE}.Gain"
    assert [each.name for each in record.settings_schema.fields] == ["factor", "step"]


@pytest.mark.parametrize(
    ("kind", "text"),
    [(int, "builtins.int"), (Gain, f"{HERE}.Gain"), (list[int], "list[int]"), (None, "None"), ("Later", "Later")],
)
def test_types_are_named_by_module_and_class(kind: Any, text: str):
    assert type_name(kind) == text


class Hostile(Settings):
    content: Any = None


class Odd(Unit):
    SETTINGS = Hostile


def test_what_a_graph_declares_travels():
    class Deep(Collection):
        SYS = System()
        ODD = Odd(Hostile([object(), "\ud800", {1: 2}, 1 << 80, float("nan")]))

        def network(self) -> Iterable[Any]:
            return ((self.SYS.OUT, "X"),)

    metadata = declared({"DEEP": Deep()}, "LAB")
    frame = Ask(1, RegisterMetadata("session", metadata))
    sent = encode(frame)
    [received] = FrameDecoder[Any](ClientFrame, max_frame_bytes=1 << 20).feed(sent)
    assert encode(received) == sent
    assert msgspec.to_builtins(received.command.metadata.components["LAB/DEEP/SYS"]) == msgspec.to_builtins(
        metadata.components["LAB/DEEP/SYS"]
    )
