"""From a tree of components to what is to run: addresses, edges, relays, processes."""

import enum
import functools
import itertools
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ezmsg_core.component.blueprint import Blueprint, flatten
from ezmsg_core.component.collection import Collection
from ezmsg_core.component.component import Component
from ezmsg_core.component.edges import check_acyclic, topic_edges
from ezmsg_core.component.fitting import takes_message
from ezmsg_core.component.relays import RelayUnit
from ezmsg_core.component.settings import Settings
from ezmsg_core.component.stream import (
    InputRelay,
    InputStream,
    InputTopic,
    OutputRelay,
    OutputStream,
    OutputTopic,
)
from ezmsg_core.component.tasks import TIMEIT_ATTR, main, process, publisher, subscriber, task, thread, timeit
from ezmsg_core.component.unit import Unit
from ezmsg_core.errors import ConfigError, CycleError


class Numbered(Settings):
    number: int = 0


class Amplifier(Unit):
    SETTINGS = Numbered
    INPUT = InputStream(int)
    OUTPUT = OutputStream(int)

    @subscriber(INPUT)
    @publisher(OUTPUT)
    async def on_message(self, message: int) -> Any:
        yield self.OUTPUT, message


@process
class Alone(Amplifier): ...


class Chain(Collection):
    INPUT = InputTopic(int)
    OUTPUT = OutputTopic(int)
    FIRST = Amplifier()
    SECOND = Amplifier()

    def network(self) -> Iterable[Any]:
        return (
            (self.INPUT, self.FIRST.INPUT),
            (self.FIRST.OUTPUT, self.SECOND.INPUT),
            (self.SECOND.OUTPUT, self.OUTPUT),
        )


class System(Collection):
    LEFT = Chain()
    RIGHT = Chain()
    SINK = Amplifier()

    def network(self) -> Iterable[Any]:
        return ((self.LEFT.OUTPUT, self.RIGHT.INPUT), (self.RIGHT.OUTPUT, self.SINK.INPUT))


class Relayed(Collection):
    IN = InputRelay(int, leaky=True, max_queue=3)
    OUT = OutputRelay(str, num_buffers=4, port=5000, force_tcp=True, copy_on_forward=False)
    AMP = Amplifier()

    def network(self) -> Iterable[Any]:
        return ((self.IN, self.AMP.INPUT), (self.AMP.OUTPUT, self.OUT))


def everything(component: Component) -> Iterable[Component]:
    yield component
    for child in component.components.values():
        yield from everything(child)


def assert_nothing_is_placed(*components: Component) -> None:
    for top in components:
        for component in everything(top):
            assert not component.is_placed
            assert not any(stream.is_placed for stream in component.streams.values())
            assert not any(isinstance(child, RelayUnit) for child in component.components.values())


def a_class(base: type[Component], **body: Any) -> Any:
    """A class with this body."""
    meta: Any = type(base)
    return meta("Kind", (base,), body)


def names(blueprint: Blueprint) -> list[list[str]]:
    """The addresses of each group."""
    return [[unit.address for unit in group] for group in blueprint.groups]


# ---------------------------------------------------------------- addresses


def test_components_and_their_streams_are_addressed_by_the_way_down_to_them():
    system = System()
    blueprint = flatten({"SYS": system}, root_name="LAB")
    assert blueprint.root_name == "LAB"
    assert list(blueprint.units) == [
        "LAB/SYS/LEFT/FIRST",
        "LAB/SYS/LEFT/SECOND",
        "LAB/SYS/RIGHT/FIRST",
        "LAB/SYS/RIGHT/SECOND",
        "LAB/SYS/SINK",
    ]
    assert list(blueprint.collections) == ["LAB/SYS", "LAB/SYS/LEFT", "LAB/SYS/RIGHT"]
    assert blueprint.children == {
        "LAB/SYS": ["LAB/SYS/LEFT", "LAB/SYS/RIGHT", "LAB/SYS/SINK"],
        "LAB/SYS/LEFT": ["LAB/SYS/LEFT/FIRST", "LAB/SYS/LEFT/SECOND"],
        "LAB/SYS/RIGHT": ["LAB/SYS/RIGHT/FIRST", "LAB/SYS/RIGHT/SECOND"],
    }
    assert all(unit.address == address for address, unit in blueprint.units.items())
    assert system.LEFT.FIRST.OUTPUT.address == "LAB/SYS/LEFT/FIRST/OUTPUT"
    assert system.LEFT.OUTPUT.address == "LAB/SYS/LEFT/OUTPUT"


def test_without_a_root_the_names_of_the_top_come_first():
    blueprint = flatten({"A": Amplifier(), "B": Chain()})
    assert list(blueprint.units) == ["A", "B/FIRST", "B/SECOND"] and blueprint.root_name is None


def test_the_name_in_the_graph_counts_not_the_one_in_a_class_body():
    system = System()
    blueprint = flatten({"X": system.SINK})
    assert list(blueprint.units) == ["X"]


def test_nothing_gives_an_empty_blueprint():
    assert flatten({}) == Blueprint(None, {}, {}, {}, [], [])
    assert flatten({"EMPTY": Collection()}, force_single_process=True).groups == []


# ---------------------------------------------------------------- edges


class Topics(enum.Enum):
    RAW = "ignored"


def test_edges_come_from_all_networks_and_from_connections_each_once():
    system = System()
    connections = (pair for pair in [(system.SINK.OUTPUT, "ELSEWHERE"), [Topics.RAW, "SYS/LEFT/INPUT"]])
    blueprint = flatten({"SYS": system}, connections=connections)
    inside = ["FIRST/OUTPUT", "SECOND/INPUT"]
    assert blueprint.edges == [
        ("SYS/SINK/OUTPUT", "ELSEWHERE"),
        ("RAW", "SYS/LEFT/INPUT"),
        ("SYS/LEFT/OUTPUT", "SYS/RIGHT/INPUT"),
        ("SYS/RIGHT/OUTPUT", "SYS/SINK/INPUT"),
        ("SYS/RIGHT/INPUT", "SYS/RIGHT/FIRST/INPUT"),
        (f"SYS/RIGHT/{inside[0]}", f"SYS/RIGHT/{inside[1]}"),
        ("SYS/RIGHT/SECOND/OUTPUT", "SYS/RIGHT/OUTPUT"),
        ("SYS/LEFT/INPUT", "SYS/LEFT/FIRST/INPUT"),
        (f"SYS/LEFT/{inside[0]}", f"SYS/LEFT/{inside[1]}"),
        ("SYS/LEFT/SECOND/OUTPUT", "SYS/LEFT/OUTPUT"),
    ]
    twice = Amplifier()
    edge = (twice.OUTPUT, "X")
    assert flatten({"A": twice}, connections=[edge, edge, ("A/OUTPUT", "X")]).edges == [("A/OUTPUT", "X")]


class NotAComponent:
    def __repr__(self) -> str:
        return "<" + "x" * 200 + ">"


@pytest.mark.parametrize(
    ("network", "kind", "sentence"),
    [
        (None, TypeError, "HERE gives NoneType instead of edges. Give a tuple of pairs (source, target); of none, ()."),
        (5, TypeError, "HERE gives int instead of edges."),
        ("AB", ConfigError, "HERE gives 'A' for an edge. An edge is a pair (source, target); edges are a tuple of pairs"),
        (("A", "B"), ConfigError, "with a comma even after a single one."),
        ([("A",)], ConfigError, "HERE gives ('A',) for an edge."),
        ([("A", "B", "C")], ConfigError, "HERE gives ('A', 'B', 'C') for an edge."),
        ([{"A": "B"}], ConfigError, "HERE gives {'A': 'B'} for an edge."),
        ([("A", 5)], TypeError, "HERE connects 5, a int. Connect streams, topics by name, or enum members."),
        ([(None, "A")], TypeError, "HERE connects None, a NoneType."),
        ([(Amplifier(), "A")], TypeError, "a Amplifier. Connect streams"),
        ([(NotAComponent(), "A")], TypeError, f"connects <{'x' * 79}, a NotAComponent"),
        ([(Amplifier.OUTPUT, "A")], ConfigError, "HERE connects OutputStream (no address yet) of int, which is part of no component of this graph. Connect the streams of instances, such as self.UNIT.OUTPUT."),
    ],
)  # fmt: skip
def test_what_is_no_edge_is_refused_with_what_would_be_one(network: Any, kind: type[Exception], sentence: str):
    with pytest.raises(kind) as caught:
        topic_edges(network, where="HERE")
    assert sentence in str(caught.value)


def test_a_network_is_named_by_its_collection():
    class Wrong(Chain):
        def network(self) -> Iterable[Any]:
            return None  # type: ignore[return-value]

    with pytest.raises(TypeError, match=r"LAB/W\.network\(\) gives NoneType"):
        flatten({"W": Wrong()}, root_name="LAB")
    with pytest.raises(TypeError, match=r"^connections gives 5|^connections connects 5"):
        flatten({"A": Amplifier()}, connections=[(5, "A")])


def test_a_loop_is_named_in_the_direction_of_its_messages():
    with pytest.raises(CycleError) as caught:
        check_acyclic([("x", "a"), ("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")])
    error = caught.value
    loop = [*error.path, error.path[0]]
    assert {("a", "b"), ("b", "c"), ("c", "a")} == set(itertools.pairwise(loop))
    assert error.edge == [error.path[-1], error.path[0]]
    assert str(error) == (
        f"The edges of the graph close a loop: {' → '.join(loop)}. Messages would go round for ever. Leave one of these "
        "edges out."
    )
    with pytest.raises(CycleError, match="a → a"):
        check_acyclic([("a", "a")])


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6))))
def test_a_graph_has_a_loop_exactly_if_some_topic_reaches_itself(pairs: list[tuple[int, int]]):
    edges = [(str(source), str(target)) for source, target in pairs]
    reached = set(edges)
    for middle in map(str, range(7)):
        reached |= {(a, d) for a, b in reached for c, d in reached if b == c == middle}
    try:
        check_acyclic(edges)
    except CycleError as error:
        loop = [*error.path, error.path[0]]
        assert set(itertools.pairwise(loop)) <= set(edges)
    else:
        assert not any(source == target for source, target in reached)


# ---------------------------------------------------------------- relays


def test_a_relay_gets_a_unit_and_edges_lead_through_it():
    system = Relayed()
    blueprint = flatten({"R": system}, connections=[("X", system.IN), (system.OUT, "Y")])
    assert list(blueprint.units) == ["R/AMP", "R/__relay_in_IN", "R/__relay_out_OUT"]
    assert sorted(blueprint.edges) == sorted(
        [
            ("X", "R/IN"),
            ("R/IN", "R/__relay_in_IN/INPUT"),
            ("R/__relay_in_IN/OUTPUT", "R/AMP/INPUT"),
            ("R/AMP/OUTPUT", "R/__relay_out_OUT/INPUT"),
            ("R/__relay_out_OUT/OUTPUT", "R/OUT"),
            ("R/OUT", "Y"),
        ]
    )
    assert blueprint.children["R"] == ["R/AMP", "R/__relay_in_IN", "R/__relay_out_OUT"]
    assert names(blueprint) == [["R/AMP", "R/__relay_in_IN", "R/__relay_out_OUT"]]


def relay_unit(blueprint: Blueprint, address: str) -> RelayUnit:
    unit = blueprint.units[address]
    assert isinstance(unit, RelayUnit)
    return unit


def test_a_relay_s_unit_has_the_relay_s_options():
    blueprint = flatten({"R": Relayed()})
    inward, outward = relay_unit(blueprint, "R/__relay_in_IN"), relay_unit(blueprint, "R/__relay_out_OUT")
    assert (inward.INPUT.leaky, inward.INPUT.max_queue, inward.INPUT.msg_type) == (True, 3, int)
    assert inward.SETTINGS.copy_on_forward and inward.OUTPUT.force_tcp is None  # the environment decides
    options = (outward.OUTPUT.num_buffers, outward.OUTPUT.port, outward.OUTPUT.force_tcp, outward.OUTPUT.msg_type)
    assert options == (4, 5000, True, str)
    assert not outward.SETTINGS.copy_on_forward and not outward.INPUT.leaky


def test_configure_may_still_change_a_relay():
    class Changed(Relayed):
        def configure(self) -> None:
            self.IN.leaky, self.IN.max_queue = False, None
            self.OUT.num_buffers = 7

    blueprint = flatten({"R": Changed()})
    assert not relay_unit(blueprint, "R/__relay_in_IN").INPUT.leaky
    assert relay_unit(blueprint, "R/__relay_out_OUT").OUTPUT.num_buffers == 7


@pytest.mark.parametrize(
    ("copies", "leaky", "is_same"), [(True, False, False), (False, False, True), (True, True, True)]
)
async def test_a_relay_passes_on_a_copy_unless_it_is_told_not_to_or_has_one(copies: bool, leaky: bool, is_same: bool):
    unit = RelayUnit()
    unit.follow(InputRelay(list, leaky=leaky, copy_on_forward=copies))
    message = [1, [2]]
    [(stream, passed_on)] = [published async for published in unit.forward(message)]
    assert stream is unit.OUTPUT and passed_on == message
    assert (passed_on is message) is is_same


def test_a_component_with_the_name_of_a_relay_s_unit_is_refused():
    class Clash(Relayed):
        __relay_in_IN = Amplifier()

    Clash.__components__["__relay_in_IN"] = Amplifier()
    system = Clash()
    with pytest.raises(
        ConfigError, match=r"Clash has a component __relay_in_IN, and needs that name.*Rename"
    ) as caught:
        flatten({"R": system})
    assert caught.value.value == "__relay_in_IN"
    assert_nothing_is_placed(system)
    assert "__relay_in_IN" in system.components and "__relay_out_OUT" not in system.components


# ---------------------------------------------------------------- order of the program's own functions


def test_collections_are_asked_for_edges_then_for_processes_then_to_configure():
    told: list[str] = []

    class Telling(Collection):
        def network(self) -> Iterable[Any]:
            told.append(f"network {self.name}")
            return ()

        def process_components(self) -> Any:
            told.append(f"processes {self.name}")
            return ()

        def configure(self) -> None:
            told.append(f"configure {self.name}")

    class Inner(Telling): ...

    class Outer(Telling):
        A = Inner()
        B = Inner()

    flatten({"X": Outer(), "Y": Inner()})
    assert [line.split()[0] for line in told] == ["network"] * 4 + ["processes"] * 4 + ["configure"] * 4
    assert [line.split()[1] for line in told if "network" in line] == ["X", "B", "A", "Y"]
    assert [line.split()[1] for line in told if "configure" in line] == ["X", "B", "A", "Y"]


def test_a_parent_settles_its_children_before_they_settle_theirs():
    class Inner(Collection):
        SETTINGS = Numbered
        AMP = Amplifier()

        def configure(self) -> None:
            self.AMP.apply_settings(self.SETTINGS)

    class Outer(Collection):
        INNER = Inner()

        def configure(self) -> None:
            self.INNER.apply_settings(Numbered(7))

    system = Outer()
    flatten({"X": system})
    assert Numbered(7) == system.INNER.AMP.SETTINGS


# ---------------------------------------------------------------- processes


class Split(Collection):
    ONE = Amplifier()
    TWO = Amplifier()
    PAIR = Chain()
    LONE = Alone()
    listed: Any = ()

    def process_components(self) -> Any:
        return tuple(self.components[name] for name in type(self).listed)


@pytest.mark.parametrize(
    ("listed", "top", "expected"),
    [
        ((), (), [["S/ONE", "S/TWO", "S/PAIR/FIRST", "S/PAIR/SECOND", "T"], ["S/LONE"]]),
        (("ONE",), (), [["S/TWO", "S/PAIR/FIRST", "S/PAIR/SECOND", "T"], ["S/ONE"], ["S/LONE"]]),
        (("PAIR",), (), [["S/ONE", "S/TWO", "T"], ["S/PAIR/FIRST", "S/PAIR/SECOND"], ["S/LONE"]]),
        (("ONE", "LONE", "PAIR"), (), [["S/TWO", "T"], ["S/ONE"], ["S/PAIR/FIRST", "S/PAIR/SECOND"], ["S/LONE"]]),
        ((), ("S",), [["T"], ["S/LONE"], ["S/ONE", "S/TWO", "S/PAIR/FIRST", "S/PAIR/SECOND"]]),
        (("ONE",), ("S", "T"), [["S/ONE"], ["S/LONE"], ["S/TWO", "S/PAIR/FIRST", "S/PAIR/SECOND"], ["T"]]),
    ],
)
def test_units_share_a_process_unless_somebody_lists_them(listed: Any, top: Any, expected: list[list[str]]):
    kind = type("Kind", (Split,), {"listed": listed})
    components = {"S": kind(), "T": Amplifier()}
    process_components = (components[name] for name in top)
    assert names(flatten(components, process_components=process_components)) == expected


def test_one_process_holds_all_units_if_it_is_forced_to():
    components = {"S": Split(), "T": Amplifier()}
    blueprint = flatten(components, process_components=components.values(), force_single_process=True)
    [group] = names(blueprint)
    assert sorted(group) == sorted(blueprint.units)


def test_a_collection_that_lists_itself_or_has_no_units_makes_no_process():
    class Empty(Collection): ...

    class Plain(Component):
        """Neither a unit nor a collection."""

    empty = Empty()
    assert names(flatten({"E": empty, "A": Alone(), "P": Plain()}, process_components=[empty])) == [["A"]]


def test_listing_what_is_not_there_has_no_effect_but_a_warning():
    class Outer(Collection):
        INNER = Chain()

        def process_components(self) -> Any:
            return (self, self.INNER.FIRST)

    system = Outer()
    expected = (
        "O.process_components() lists O/INNER/FIRST, which has no effect: it is no component of O. "
        "List it where it is declared."
    )
    with pytest.warns(UserWarning, match="has no effect") as caught:
        blueprint = flatten({"O": system}, process_components=["O"])  # type: ignore[list-item]
    assert [str(warning.message) for warning in caught] == [
        expected,
        "process_components lists 'O', which has no effect: it is no component of the top. List it where it is declared.",
    ]
    assert names(blueprint) == [["O/INNER/FIRST", "O/INNER/SECOND"]]


def test_a_list_of_processes_that_is_none_is_refused():
    class Wrong(Chain):
        def process_components(self) -> Any:
            return None

    system = Wrong()
    with pytest.raises(
        TypeError, match=r"W\.process_components\(\) gives NoneType instead of components. Give a tuple"
    ):
        flatten({"W": system})
    assert_nothing_is_placed(system)


# ---------------------------------------------------------------- refusals


# As what ezmsg.core makes: its components and streams derive from a class of this name.
OTHER = type("Unit", (type("Addressable", (), {"__module__": "ezmsg.core.addressable"}),), {})()


@pytest.mark.parametrize(
    ("thing", "sentence"),
    [
        (5, "A is a int, and a graph is made of units and collections. Give an instance of a class that derives from"),
        (None, "A is a NoneType, and a graph is made of"),
        (int, "A is a type, and a graph is made of"),
        (Amplifier, r"A is the class Amplifier itself. A graph is made of instances: write Amplifier()."),
        (OTHER, "A is a Unit of ezmsg.core. Import ezmsg_core wherever the program imports ezmsg.core, or run it by python -m ezmsg_core.compat"),
    ],
)  # fmt: skip
def test_what_is_no_component_is_refused(thing: Any, sentence: str):
    good = Relayed()
    with pytest.raises(TypeError) as caught:
        flatten({"GOOD": good, "A": thing})
    assert sentence in str(caught.value)
    assert_nothing_is_placed(good)


def test_parts_of_the_other_class_tree_are_refused_wherever_they_are_used():
    remedy = r"of ezmsg\.core\. Import ezmsg_core wherever"
    with pytest.raises(TypeError, match=f"Kind.PART is a Unit {remedy}"):
        a_class(Collection, PART=OTHER)
    with pytest.raises(TypeError, match=f"a Unit. {remedy.partition('. ')[2]}"):
        topic_edges([(OTHER, "A")], where="HERE")
    for decorator in (publisher, subscriber):
        with pytest.raises(ConfigError, match="Import ezmsg_core wherever"):
            decorator(OTHER)  # type: ignore[arg-type]


def test_a_component_has_one_place_in_one_graph():
    shared = Amplifier()
    with pytest.raises(ConfigError, match=r"^B is the component A of a graph already. Make another Amplifier for each"):
        flatten({"A": shared, "B": shared})
    assert_nothing_is_placed(shared)
    flatten({"A": shared})
    with pytest.raises(ConfigError, match=r"^NEXT is the component A of a graph already"):
        flatten({"NEXT": shared})
    assert shared.address == "A"  # it stays part of the first one


def test_two_components_of_one_address_are_refused():
    system = Chain()
    other = Amplifier()
    with pytest.raises(ConfigError, match=r"Two components have the address C/FIRST\. Give one of them another name"):
        flatten({"C": system, "C/FIRST": other})
    assert_nothing_is_placed(system, other)
    with pytest.raises(ConfigError, match=r"Two components have the address C/X"):
        flatten({"C/X": Chain(), "C": a_class(Collection, X=Amplifier())()})


def test_whatever_fails_leaves_nothing_placed_and_a_second_try_works():
    class Failing(Relayed):
        is_failing = True

        def configure(self) -> None:
            self.AMP.apply_settings(Numbered(3))
            if self.is_failing:
                raise RuntimeError("not today")

    system = Failing()
    for _ in range(2):
        with pytest.raises(RuntimeError, match="not today"):
            flatten({"R": system})
        assert_nothing_is_placed(system)
    assert Numbered(3) == system.AMP.SETTINGS
    system.is_failing = False
    assert len(flatten({"R": system}).units) == 3


def test_a_loop_leaves_nothing_placed():
    amplifier = Amplifier()
    with pytest.raises(CycleError):
        flatten({"A": amplifier}, connections=[(amplifier.OUTPUT, "X"), ("X", amplifier.OUTPUT)])
    assert_nothing_is_placed(amplifier)


# ---------------------------------------------------------------- functions that cannot run


def made(**body: Any) -> Unit:
    return a_class(Unit, **body)()


async def of_self(self: Any) -> None: ...
async def of_message(self: Any, message: Any) -> None: ...
async def of_three(self: Any, one: Any, two: Any) -> None: ...
async def of_none() -> None: ...
async def of_any(*arguments: Any) -> None: ...
async def of_keyword(self: Any, *, option: int) -> None: ...


def copied(function: Any) -> Any:
    """A function of its own, which can be marked."""
    return type(function)(function.__code__, function.__globals__, function.__name__)


@pytest.mark.parametrize("function", [of_self, of_message, of_any])
def test_a_function_takes_its_unit_and_perhaps_a_message(function: Any):
    stream = InputStream(int)
    flatten({"A": made(IN=stream, run=subscriber(stream)(copied(function))), "B": made(run=task(copied(function)))})


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (of_three, "Kind.run takes (self, one, two). Write it as run(self), or as run(self, message) for a subscriber."),
        (of_none, "Kind.run takes (). Write it as run(self)"),
        (of_keyword, "Kind.run takes (self, *, option)."),
    ],
)  # fmt: skip
def test_a_function_that_takes_something_else_is_refused_before_anything_runs(function: Any, sentence: str):
    unit = made(run=task(copied(function)))
    with pytest.raises(ConfigError) as caught:
        flatten({"A": unit})
    assert sentence in str(caught.value) and caught.value.value == "run"
    assert_nothing_is_placed(unit)


def test_main_and_thread_functions_take_their_unit_alone():
    with pytest.warns(DeprecationWarning, match="@thread"):
        background = thread(copied(of_self))
    flatten({"A": made(show=main(copied(of_self)), background=background)})
    with pytest.raises(ConfigError, match=r"Kind\.of_message takes .* Write it as of_message\(self\)"):
        flatten({"A": made(show=main(copied(of_message)))})
    with pytest.warns(DeprecationWarning, match="@thread"):
        background = thread(copied(of_message))
    with pytest.raises(ConfigError, match=r"Kind\.background takes .* Write it as background\(self\)"):
        flatten({"A": made(background=background)})


def test_what_cannot_be_inspected_is_let_through():
    opaque = functools.partial(max)  # written in C, and says nothing of what it takes
    flatten({"A": made(run=task(opaque))})
    assert takes_message(opaque)


def test_a_subscriber_without_an_argument_for_it_gets_no_message():
    assert takes_message(of_message) and takes_message(of_any) and not takes_message(of_self)


@pytest.mark.parametrize("decorator", [subscriber, publisher])
@pytest.mark.parametrize("has_name", [True, False])
def test_a_function_names_streams_of_its_own_unit(decorator: Any, has_name: bool):
    stream: Any = InputStream(int) if decorator is subscriber else OutputStream(int)
    if has_name:
        made(ELSEWHERE=stream)
    unit = made(run=decorator(stream)(copied(of_self)))
    with pytest.raises(ConfigError) as caught:
        flatten({"A": unit})
    assert str(caught.value) == (
        f"Kind.run is decorated with @{decorator.__name__}({stream!r}), a stream that Kind does not have. Declare the "
        "stream in the body of Kind, or of a unit that it derives from."
    )


# ---------------------------------------------------------------- decorators


@pytest.mark.parametrize(
    ("decorator", "stream", "sentence"),
    [
        (publisher, InputStream(int), "@publisher takes an OutputStream, not InputStream (no address yet) of int. Declare one above the function: NAME = OutputStream(type)."),
        (publisher, "OUTPUT", "@publisher takes an OutputStream, not 'OUTPUT'."),
        (publisher, of_self, "@publisher takes an OutputStream, not <function of_self"),
        (subscriber, OutputStream(int), "@subscriber takes an InputStream, not OutputStream (no address yet) of int."),
        (subscriber, InputTopic(int), "@subscriber takes an InputStream, not InputTopic"),
        (subscriber, None, "@subscriber takes an InputStream, not None."),
    ],
)  # fmt: skip
def test_a_decorator_refuses_what_is_not_its_kind_of_stream(decorator: Any, stream: Any, sentence: str):
    with pytest.raises(ValueError, match=r"@\w+ takes") as caught:  # programs expect a ValueError
        decorator(stream)
    assert sentence in str(caught.value)


def test_a_function_has_one_input_and_any_number_of_outputs():
    first, second = OutputStream(int), OutputStream(int)
    source = InputStream(int)
    function = subscriber(source)(publisher(first)(publisher(second)(copied(of_message))))
    assert function.__ez_publishes__ == [second, first]
    assert function.__ez_subscribes__ is source and function.__ez_task__
    with pytest.raises(ConfigError, match="of_message subscribes to a stream already; write one function for each"):
        subscriber(source)(function)


def test_marks_of_streams_are_copied_to_the_function():
    function = subscriber(InputStream(int, leaky=True, max_queue=4))(copied(of_message))
    assert (function.__ez_leaky__, function.__ez_max_queue__) == (True, 4)


@pytest.mark.parametrize("zero_copy", [True, False])
def test_zero_copy_is_deprecated_and_means_nothing(zero_copy: bool):
    with pytest.warns(DeprecationWarning, match="zero_copy is deprecated") as caught:
        subscriber(InputStream(int), zero_copy=zero_copy)
    assert caught[0].filename == __file__


def test_threads_are_deprecated_with_what_to_use_instead():
    with pytest.warns(DeprecationWarning, match=r"use @task with asyncio\.to_thread"):
        assert thread(copied(of_self)).__ez_thread__


def test_a_function_can_be_marked_for_its_time_to_be_logged():
    assert getattr(timeit(copied(of_self)), TIMEIT_ATTR)


@pytest.mark.parametrize("kind", [InputStream, InputRelay])
@pytest.mark.parametrize("max_queue", [0, -1])
def test_a_queue_holds_at_least_one_message(kind: Any, max_queue: int):
    with pytest.raises(ValueError, match=rf"max_queue must be positive, and {max_queue} is not\. Give the number"):
        kind(int, max_queue=max_queue)
