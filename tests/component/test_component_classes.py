"""What class bodies of units and collections mean, alone and by inheritance."""
# ruff: noqa: SIM300 - SETTINGS is no constant

import copy
import enum
import pickle
import warnings
from abc import ABC, abstractmethod
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace
from typing import Any, Generic, TypeVar

import pytest

from ezmsg_core.component.collection import Collection
from ezmsg_core.component.component import Component
from ezmsg_core.component.ending import Complete, NormalTermination
from ezmsg_core.component.settings import Settings, SettingsMeta
from ezmsg_core.component.state import State
from ezmsg_core.component.stream import (
    InputRelay,
    InputStream,
    InputTopic,
    OutputRelay,
    OutputStream,
    OutputTopic,
    Stream,
    Topic,
)
from ezmsg_core.component.tasks import main, publisher, subscriber, task
from ezmsg_core.component.unit import Unit, UnitMeta
from ezmsg_core.errors import EzmsgError

SettingsT = TypeVar("SettingsT", bound=Settings)
MessageT = TypeVar("MessageT")


class Gain(Settings):
    factor: float = 1.0
    name: str = "gain"


class FineGain(Gain):
    step: float = 0.1


class Required(Settings):
    rate: float


class Counted(State):
    count: int
    seen: list[int] = field(default_factory=list)
    limit: int = 5


class Amplifier(Unit):
    SETTINGS = Gain
    STATE = Counted

    INPUT = InputStream(int)
    OUTPUT = OutputStream(int)

    def initialize(self) -> None:
        self.STATE.count = 0

    @subscriber(INPUT)
    @publisher(OUTPUT)
    async def on_message(self, message: int) -> Any:
        yield self.OUTPUT, message


def made(name: str, bases: tuple[type, ...], body: dict[str, Any]) -> Any:
    """The class that a body would give."""
    return UnitMeta(name, bases, body)


class Source(Unit):
    SETTINGS = Required
    OUTPUT = OutputStream(int)


# ---------------------------------------------------------------- settings and state


def test_settings_are_frozen_dataclasses_by_inheritance_alone():
    value = FineGain(2.0, step=0.5)
    assert (value.factor, value.name, value.step) == (2.0, "gain", 0.5)
    assert [f.name for f in fields(value)] == ["factor", "name", "step"]
    assert replace(value, name="x") != value and hash(Gain()) == hash(Gain())
    with pytest.raises(FrozenInstanceError):
        value.factor = 3.0  # type: ignore[misc]
    assert isinstance(Gain, SettingsMeta)


def test_settings_classes_take_generics_keyword_only_and_abstract_bases():
    class Box(Settings, Generic[MessageT]):
        content: MessageT

    class IntBox(Box[int], ABC):
        size: int = 1

    assert IntBox(5) == IntBox(content=5, size=1)
    with pytest.raises(TypeError, match="default argument"):

        class Wrong(Settings):  # pyright: ignore[reportUnusedClass]
            first: int = 1
            second: int  # type: ignore[misc]


def test_a_state_is_made_empty_and_mutable():
    state = Counted()
    assert vars(state) == {} and state.limit == 5
    state.count = 3
    assert state.count == 3
    with pytest.raises(TypeError):
        Counted(3)  # type: ignore[call-arg]


# ---------------------------------------------------------------- streams


@pytest.mark.parametrize("kind", [InputStream, InputRelay])
@pytest.mark.parametrize("max_queue", [0, -1])
def test_a_queue_of_no_length_is_refused(kind: type[Any], max_queue: int):
    with pytest.raises(ValueError, match="must be positive"):
        kind(int, leaky=True, max_queue=max_queue)
    assert kind(int, max_queue=1).max_queue == 1


def test_endpoints_have_the_defaults_that_programs_know():
    output = vars(OutputStream(int))
    relay = vars(OutputRelay(int))
    expected = {"msg_type": int, "host": None, "port": None, "num_buffers": 32, "buf_size": 65536}
    assert expected | {"force_tcp": None, "allow_local": None} == {k: v for k, v in output.items() if k[0] != "_"}
    assert expected | {"force_tcp": False, "copy_on_forward": True} == {k: v for k, v in relay.items() if k[0] != "_"}
    assert vars(InputRelay(int))["copy_on_forward"] is True


def test_an_instance_has_its_own_copy_of_each_stream():
    first, second = Amplifier(), Amplifier()
    assert first.INPUT is first.streams["INPUT"] and first.INPUT is not second.INPUT is not Amplifier.INPUT
    first.OUTPUT.num_buffers = 5
    assert (second.OUTPUT.num_buffers, Amplifier.OUTPUT.num_buffers) == (32, 32)
    assert Amplifier.INPUT.name == "INPUT"
    assert not first.INPUT.is_placed


def test_one_stream_object_has_one_name():
    with pytest.raises(TypeError, match="declared as A and as B"):

        class Twice(Unit):  # pyright: ignore[reportUnusedClass]
            A = B = InputStream(int)

    class Same(Amplifier):
        INPUT = Amplifier.INPUT

    assert list(Same().streams) == ["INPUT", "OUTPUT"]


def test_an_address_exists_only_in_a_graph():
    unit = Amplifier()
    for what in ("name", "location", "address"):
        with pytest.raises(AssertionError, match="before the graph"):
            getattr(unit, what)
    with pytest.raises(AssertionError):
        _ = unit.INPUT.address
    assert "no address yet" in repr(unit.INPUT)
    unit.place("AMP", ["ROOT", "SYS"])
    assert (unit.name, unit.location, unit.address) == ("AMP", ["ROOT", "SYS"], "ROOT/SYS/AMP")
    with pytest.raises(AssertionError, match=r"ROOT/SYS/AMP cannot also be OTHER"):
        unit.place("OTHER", [])
    assert unit.address == "ROOT/SYS/AMP"


@pytest.mark.parametrize("kind", [Topic, InputTopic, OutputTopic, InputRelay, OutputRelay])
def test_a_unit_declares_streams_only(kind: type[Topic]):
    with pytest.raises(TypeError, match=r"Units may only declare InputStream.*Bad\.X"):
        made("Bad", (Unit,), {"X": kind(int)})


@pytest.mark.parametrize("kind", [InputStream, OutputStream])
def test_a_stream_on_a_collection_is_deprecated_at_the_line_of_the_class(kind: type[Stream]):
    with pytest.warns(FutureWarning, match="deprecated") as caught:

        class Old(Collection):
            X = kind(int)

    assert [warning.filename for warning in caught] == [__file__]
    assert list(Old().streams) == ["X"]


# ---------------------------------------------------------------- settings of a component


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (Amplifier, Gain()),
        (lambda: Amplifier(settings=Gain(2.0)), Gain(2.0)),
        (lambda: Amplifier(Gain(2.0)), Gain(2.0)),
        (lambda: Amplifier(Gain(2.0), 7, name="ignored"), Gain(2.0)),
        (lambda: Amplifier(Gain(2.0), settings=Gain(3.0)), Gain(3.0)),
        (lambda: Amplifier(FineGain(2.0)), FineGain(2.0)),
        (lambda: Amplifier(2.0), Gain(2.0)),
        (lambda: Amplifier(2.0, name="x"), Gain(2.0, "x")),
        (lambda: Amplifier(None), Gain(None)),  # type: ignore[arg-type]
        (lambda: Amplifier(settings=None), Gain()),
        (lambda: Source(5.0), Required(5.0)),
        (Source, None),
        (Unit, Settings()),
        (Collection, Settings()),
    ],
)
def test_settings_come_from_the_keyword_the_first_argument_or_all_arguments(make: Any, expected: Any):
    component: Component = make()
    assert component.SETTINGS == expected
    assert component.has_settings is (expected is not None)


@pytest.mark.parametrize("arguments", [{"wrong": 1}, {"factor": 1, "wrong": 1}])
def test_arguments_that_do_not_fit_the_settings_raise(arguments: dict[str, Any]):
    with pytest.raises(TypeError, match="wrong"):
        Amplifier(**arguments)
    with pytest.raises(TypeError):
        Unit(5)


def test_settings_applied_later_count_and_tell_who_listens():
    unit = Source()
    told: list[Any] = []
    unit.on_settings_applied = told.append
    unit.apply_settings(Required(3.0))
    assert unit.SETTINGS == Required(3.0) and told == [Required(3.0)] and unit.has_settings


def test_the_nearest_declaration_of_settings_and_state_counts():
    class Other(Settings):
        b: int = 1

    class A(Unit):
        SETTINGS = Gain

    class B(Unit):
        SETTINGS = FineGain

    class Child(A): ...

    class First(A, Unit): ...

    class Both(A, B): ...

    class BothFine(B, A): ...

    class Bare(Unit): ...

    class FromSecond(Bare, A): ...

    class Deeper(Child):
        SETTINGS = FineGain

    class Diamond(Child, First): ...

    kinds = [kind.__settings_type__ for kind in (Child, First, Both, BothFine, FromSecond, Deeper, Diamond)]
    assert kinds == [Gain, Gain, Gain, FineGain, Gain, FineGain, Gain]
    assert Bare.__settings_type__ is Settings and Bare.__state_type__ is State
    assert not hasattr(Bare, "SETTINGS")
    with pytest.warns(UserWarning, match=r"functions of A expect Gain") as caught:

        class Odd(A):
            SETTINGS = Other  # type: ignore[assignment]

    assert Odd().SETTINGS == Other()  # doubtful, but it works
    assert caught[0].filename == __file__


def test_declarations_may_be_annotations():
    class Annotated(Unit):
        SETTINGS: Gain
        STATE: Counted

    assert (Annotated.__settings_type__, Annotated.__state_type__) == (Gain, Counted)
    assert Annotated(3.0).SETTINGS == Gain(3.0)

    texts = made("Texts", (Unit,), {"__annotations__": {"SETTINGS": "Gain"}, "__module__": __name__})
    assert texts.__settings_type__ is Gain
    with pytest.raises(TypeError, match="Write SETTINGS = Nowhere"):
        made("Lost", (Unit,), {"__annotations__": {"SETTINGS": "Nowhere"}, "__module__": __name__})

    class Hints(Unit, Generic[SettingsT]):
        SETTINGS: SettingsT  # type: ignore[assignment]

    assert Hints.__settings_type__ is Settings


@pytest.mark.parametrize("declared", [None, Gain(), "Gain", 5])
def test_settings_that_are_no_class_are_refused_with_a_remedy(declared: Any):
    with pytest.raises(TypeError, match="has to be a class"):
        made("Wrong", (Unit,), {"SETTINGS": declared})


def test_a_settings_class_of_another_kind_works_but_is_doubted_unless_its_fields_are_known():
    @dataclass
    class Plain:
        a: int = 1

    class Own(Unit):
        SETTINGS = Plain

    assert Own(a=2).SETTINGS == Plain(2)
    with pytest.warns(UserWarning, match="whose fields are unknown. Derive it from Settings"):

        class Number(Unit):
            SETTINGS = int

    assert Number(5).SETTINGS == 5
    with pytest.raises(TypeError, match="Derive it from State"):
        made("Wrong", (Unit,), {"STATE": int})


# ---------------------------------------------------------------- inheritance of parts


class BaseUnit(Unit, ABC, Generic[SettingsT, MessageT]):
    """As extension packages write theirs."""

    INPUT_SETTINGS = InputStream(SettingsT)
    INPUT = InputStream(MessageT)

    async def initialize(self) -> None:
        self.create()

    @abstractmethod
    def create(self) -> None: ...

    @subscriber(INPUT_SETTINGS)
    async def on_settings(self, message: SettingsT) -> None:
        self.apply_settings(message)


class BaseTransformer(BaseUnit[SettingsT, MessageT], ABC, Generic[SettingsT, MessageT]):
    OUTPUT = OutputStream(MessageT)

    @subscriber(BaseUnit.INPUT)
    @publisher(OUTPUT)
    async def on_message(self, message: MessageT) -> Any:
        yield self.OUTPUT, message


class Transformer(BaseTransformer[Gain, float]):
    SETTINGS = Gain

    def create(self) -> None:
        self.created = True


def test_generic_abstract_bases_hand_everything_down():
    with pytest.raises(TypeError, match="abstract"):
        BaseTransformer()  # type: ignore[abstract]
    unit = Transformer(3.0)
    assert list(unit.streams) == ["INPUT_SETTINGS", "INPUT", "OUTPUT"]
    assert list(unit.tasks) == ["on_settings", "on_message"]
    assert unit.SETTINGS == Gain(3.0)
    assert unit.INPUT.msg_type is MessageT


def test_a_subclass_replaces_what_it_declares_again():
    class Loud(Transformer):
        INPUT = InputStream(str, leaky=True)

        @subscriber(INPUT)
        async def on_message(self, message: str) -> None: ...  # type: ignore[override]

    assert Loud().INPUT.leaky and Loud().tasks["on_message"] is Loud.on_message
    assert list(Loud().streams) == ["INPUT_SETTINGS", "INPUT", "OUTPUT"]

    class Undecorated(Transformer):
        async def on_message(self, message: float) -> Any: ...

        INPUT = None  # type: ignore[assignment]

    unit = Undecorated()
    assert unit.tasks["on_message"] is Transformer.on_message  # as programs know it
    assert isinstance(unit.INPUT, InputStream)


def test_of_two_bases_the_one_that_python_finds_first_counts():
    class Base(Unit):
        IN = InputStream(int)

        @task
        async def run(self) -> None: ...

    class Left(Base):
        IN = InputStream(str)

        @task
        async def run(self) -> None: ...

    class Right(Base): ...

    class Bottom(Right, Left): ...

    assert Bottom().IN.msg_type is str
    assert Bottom().tasks["run"] is Left.run is Bottom.run


def test_a_main_is_inherited_through_bases_without_one():
    class WithMain(Unit):
        @main
        def show(self) -> None: ...

    class Without(Unit): ...

    class A(WithMain, Without): ...

    class B(Without, WithMain): ...

    class Left(WithMain): ...

    class Right(WithMain): ...

    class Diamond(Left, Right): ...

    class Own(WithMain):
        @main
        def other(self) -> None: ...

    class Mixed(Left, Without): ...

    class Narrowed(Right, Own): ...

    assert {k.__main__ for k in (A, B, Diamond, Mixed)} == {WithMain.show}
    assert Own().main is Own.other and Narrowed.__main__ is Own.other
    assert Unit().main is None


def test_two_mains_that_have_nothing_to_do_with_each_other_are_refused():
    class A(Unit):
        @main
        def a(self) -> None: ...

    class B(Unit):
        @main
        def b(self) -> None: ...

    with pytest.raises(TypeError, match="from A and one from B"):

        class Both(A, B): ...  # pyright: ignore[reportUnusedClass]

    with pytest.raises(TypeError, match="2 main functions, one and two"):

        class Two(Unit):  # pyright: ignore[reportUnusedClass]
            @main
            def one(self) -> None: ...

            @main
            def two(self) -> None: ...


def test_the_hook_of_subclasses_is_called_and_class_arguments_pass_through():
    made: list[str] = []

    class Registered(Unit):
        def __init_subclass__(cls, label: str = "", **kwargs: Any) -> None:
            super().__init_subclass__(**kwargs)
            made.append(label)

    class One(Registered, label="one"):
        IN = InputStream(int)

    assert made == ["one"] and list(One().streams) == ["IN"]


# ---------------------------------------------------------------- collections


class Pair(Collection):
    SETTINGS = Gain
    INPUT = InputTopic(int)
    FIRST = Amplifier(Gain(2.0))
    SECOND = Amplifier()


class Nested(Collection):
    LEFT = Pair()
    RIGHT = Pair()


def test_components_of_a_class_are_prototypes_of_an_instances_own():
    first, second = Nested(), Nested()
    assert list(first.components) == ["LEFT", "RIGHT"] and first.LEFT is first.components["LEFT"]
    assert first.LEFT is not Nested.LEFT and first.LEFT.FIRST is not second.LEFT.FIRST
    assert first.LEFT.FIRST.SETTINGS == Gain(2.0)
    first.LEFT.FIRST.apply_settings(Gain(9.0))
    first.LEFT.FIRST.OUTPUT.num_buffers = 1
    assert second.LEFT.FIRST.SETTINGS == Nested.LEFT.FIRST.SETTINGS == Gain(2.0)
    assert second.LEFT.FIRST.OUTPUT.num_buffers == 32
    assert first.LEFT.FIRST.INPUT is first.LEFT.FIRST.streams["INPUT"]
    assert (first.LEFT.name, Nested.LEFT.FIRST.name) == ("LEFT", "FIRST")


def test_a_subclass_of_a_collection_adds_and_replaces_components():
    class More(Pair):
        SECOND = Source(1.0)  # type: ignore[assignment]
        THIRD = Amplifier()

    assert list(More().components) == ["FIRST", "SECOND", "THIRD"] and isinstance(More().SECOND, Source)
    assert More.__settings_type__ is Gain


def test_a_collection_answers_the_questions_of_a_component():
    pair = Pair()
    assert (pair.tasks, pair.threads, pair.main, pair.STATE) == ({}, {}, None, None)
    assert tuple(pair.network()) == () and tuple(pair.process_components()) == (pair,)
    assert pair.configure() is None  # type: ignore[func-returns-value]
    unit = Amplifier()
    assert unit.components == {} and unit.threads == {}


def test_instances_can_be_copied_and_pickled_whole():
    system = Nested()
    system.LEFT.FIRST.apply_settings(Gain(7.0))
    for twin in (copy.deepcopy(system), pickle.loads(pickle.dumps(system))):
        assert twin.LEFT.FIRST.SETTINGS == Gain(7.0)
        assert twin.LEFT is twin.components["LEFT"] and twin.LEFT is not system.LEFT
        assert twin.LEFT.FIRST.OUTPUT is twin.LEFT.FIRST.streams["OUTPUT"]
        assert twin.LEFT.FIRST.tasks["on_message"] is Amplifier.on_message


def test_a_prototype_that_is_used_twice_gives_two_components():
    shared = Amplifier(Gain(4.0))

    class One(Collection):
        AMP = shared

    class Two(Collection):
        AMP = shared

    assert One().AMP is not Two().AMP


# ---------------------------------------------------------------- setup


async def test_setup_makes_the_state_then_initializes():
    unit = Amplifier()
    assert vars(unit)["STATE"] is None
    await unit.setup()
    assert vars(unit.STATE) == {"seen": [], "count": 0}
    other = Amplifier()
    other.prepare_state()
    assert other.STATE.seen is not unit.STATE.seen

    class Async(Amplifier):
        async def initialize(self) -> None:  # type: ignore[override]
            await super(Amplifier, self).initialize()
            self.STATE.count = 7

    unit = Async()
    await unit.setup()
    assert unit.STATE.count == 7
    await unit.shutdown()


async def test_a_unit_without_settings_does_not_start():
    unit = Source()
    unit.place("SOURCE", ["ROOT"])
    with pytest.raises(ValueError, match=r"ROOT/SOURCE \(Source\) has no settings.*Required.*'rate'") as caught:
        await unit.setup()
    assert caught.value.component == "ROOT/SOURCE"  # type: ignore[attr-defined]


async def test_a_state_field_left_out_is_named():
    class Forgetful(Amplifier):
        def initialize(self) -> None: ...

    with pytest.raises(AttributeError, match=r"Forgetful has no value for STATE\.count after initialize") as caught:
        await Forgetful().setup()
    assert caught.value.name == "count"


def test_classes_are_made_without_a_warning_where_nothing_is_doubtful():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")

        class Colour(enum.Enum):
            RED = 1

        class Fine(Transformer):
            SETTINGS = FineGain
            COLOUR = Colour.RED

        Fine()
    assert caught == []


# ---------------------------------------------------------------- ends


@pytest.mark.parametrize("kind", [Complete, NormalTermination])
def test_to_end_is_no_error_and_travels(kind: type[Exception]):
    assert not issubclass(kind, EzmsgError)
    assert type(pickle.loads(pickle.dumps(kind("done")))) is kind


async def test_what_a_unit_need_not_have_may_be_awaited_or_not():
    class Plain(Unit):
        def initialize(self) -> None:
            super().initialize()

        async def shutdown(self) -> None:
            await super().shutdown()

    unit = Plain()
    await unit.setup()
    await unit.shutdown()
    await Unit().setup()
