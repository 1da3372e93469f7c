"""What a settings class says of its fields, as records."""

import collections
import collections.abc
import dataclasses
import datetime
import enum
import fractions
import math
import pathlib
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from typing import (
    Annotated,
    Any,
    Final,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    Optional,
    TypedDict,
    TypeVar,
    Union,
    cast,
)

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ezmsg_core.component.annotations import annotation_text
from ezmsg_core.component.field_kinds import MAX_NESTING, field_of
from ezmsg_core.component.field_rules import MAX_CHOICES
from ezmsg_core.component.schema import schema_of
from ezmsg_core.component.settings import Settings
from ezmsg_core.model.plain import from_plain
from ezmsg_core.model.settings import FieldKind, SettingsFieldMetadata, SettingsSchemaMetadata
from ezmsg_core.model.validation import is_as_declared

T = TypeVar("T")
U = TypeVar("U")
NumberT = TypeVar("NumberT", bound=float)
Hertz = NewType("Hertz", float)
Corner = NewType("Corner", Hertz)


class Shape(enum.Enum):
    HANN = "hann"
    BOX = "box"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Pair(enum.Enum):
    A = (1, 2)
    B = (3, 4)


class Odd(enum.Enum):
    THING = fractions.Fraction(1, 2)


class Flags(enum.Flag):
    RED = 1
    BLUE = 2


class Decibel(float):
    """A number with a name."""


class Point(NamedTuple):
    x: float
    y: int = 0


Bare = collections.namedtuple("Bare", ["a", "b"])  # noqa: PYI024 - without annotations


class Options(TypedDict):
    depth: int


class Band(Settings):
    low: float = field(default=1.0, metadata={"ge": 0, "unit": "Hz"})
    high: float = 10.0


def the_field(kind: type[Any], name: str = "x") -> SettingsFieldMetadata:
    schema = schema_of(kind)
    assert schema is not None
    return next(each for each in schema.fields if each.name == name)


def declared(annotation: Any, default: Any = dataclasses.MISSING, **metadata: Any) -> SettingsFieldMetadata:
    """The record of the one field of a class."""
    spec: Any = (
        field(metadata=metadata) if default is dataclasses.MISSING else field(default=default, metadata=metadata)
    )
    return the_field(dataclasses.make_dataclass("Made", [("x", annotation, spec)], frozen=True))


# ---------------------------------------------------------------- kinds


@pytest.mark.parametrize(
    ("annotation", "kind", "text"),
    [
        (bool, FieldKind.BOOL, "bool"),
        (int, FieldKind.INT, "int"),
        (float, FieldKind.FLOAT, "float"),
        (str, FieldKind.STR, "str"),
        (bytes, FieldKind.BYTES, "bytes"),
        (bytearray, FieldKind.BYTES, "bytearray"),
        (Decibel, FieldKind.FLOAT, "Decibel"),
        (complex, FieldKind.ANY, "complex"),
        (datetime.datetime, FieldKind.ANY, "datetime"),
        (pathlib.Path, FieldKind.STR, "Path"),
        (pathlib.PurePosixPath, FieldKind.STR, "PurePosixPath"),
        (Shape, FieldKind.ENUM, "Shape"),
        (Level, FieldKind.ENUM, "Level"),
        (Odd, FieldKind.OPAQUE, "Odd"),
        (Flags, FieldKind.INT, "Flags"),
        (Literal["a", 1], FieldKind.LITERAL, "Literal['a', 1]"),
        (Literal[Shape.BOX], FieldKind.LITERAL, "Literal[Shape.BOX]"),
        (list, FieldKind.LIST, "list"),
        (list[int], FieldKind.LIST, "list[int]"),
        (Sequence[str], FieldKind.LIST, "Sequence[str]"),
        (Iterable[str], FieldKind.LIST, "Iterable[str]"),
        (collections.deque[int], FieldKind.LIST, "deque[int]"),
        (tuple, FieldKind.TUPLE, "tuple"),
        (tuple[int, str], FieldKind.TUPLE, "tuple[int, str]"),
        (tuple[int, ...], FieldKind.TUPLE, "tuple[int, ...]"),
        (Point, FieldKind.TUPLE, "Point"),
        (Bare, FieldKind.TUPLE, "Bare"),
        (dict, FieldKind.DICT, "dict"),
        (dict[str, int], FieldKind.DICT, "dict[str, int]"),
        (Mapping[str, int], FieldKind.DICT, "Mapping[str, int]"),
        (Options, FieldKind.DICT, "Options"),
        (dict[int, str], FieldKind.ANY, "dict[int, str]"),
        (set[int], FieldKind.ANY, "set[int]"),
        (frozenset, FieldKind.ANY, "frozenset"),
        (Band, FieldKind.NESTED, "Band"),
        (np.ndarray, FieldKind.ARRAY, "ndarray"),
        (npt.NDArray[np.float32], FieldKind.ARRAY, "NDArray[float32]"),
        (npt.NDArray[Any], FieldKind.ARRAY, "NDArray[Any]"),
        (np.ndarray[Any, Any], FieldKind.ARRAY, "NDArray[Any]"),
        (np.float32, FieldKind.FLOAT, "float32"),
        (np.float64, FieldKind.FLOAT, "float64"),
        (np.int16, FieldKind.INT, "int16"),
        (np.uint8, FieldKind.INT, "uint8"),
        (np.floating, FieldKind.FLOAT, "floating"),
        (np.bool_, FieldKind.BOOL, "bool"),
        (np.random.Generator, FieldKind.OPAQUE, "Generator"),
        (Any, FieldKind.ANY, "Any"),
        (object, FieldKind.ANY, "object"),
        (int | str, FieldKind.ANY, "int | str"),
        (int | float, FieldKind.FLOAT, "int | float"),
        (Union[int, str, None], FieldKind.ANY, "int | str | None"),  # noqa: UP007
        (Callable[[int], str], FieldKind.OPAQUE, "Callable[[int], str]"),
        (Callable[..., Any], FieldKind.OPAQUE, "Callable[..., Any]"),
        (type[int], FieldKind.OPAQUE, "type[int]"),
        (fractions.Fraction, FieldKind.OPAQUE, "Fraction"),
        (re.Pattern[str], FieldKind.OPAQUE, "Pattern[str]"),
        (None, FieldKind.OPAQUE, "None"),
        (5, FieldKind.OPAQUE, "5"),  # no type at all
        (T, FieldKind.ANY, "T"),
        (NumberT, FieldKind.FLOAT, "NumberT"),
        (Hertz, FieldKind.FLOAT, "Hertz"),
        (Corner, FieldKind.FLOAT, "Corner"),
        (Final[int], FieldKind.INT, "int"),
        (Annotated[int, "a note"], FieldKind.INT, "int"),
    ],
)
def test_every_annotation_has_a_kind_and_a_text(annotation: Any, kind: FieldKind, text: str):
    described = declared(annotation)
    assert (described.kind, described.field_type) == (kind, text)
    assert described.required and described.default is None


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        (Optional[int], FieldKind.INT),  # noqa: UP045
        (int | None, FieldKind.INT),
        (None | Band, FieldKind.NESTED),
        (Annotated[int | None, "note"], FieldKind.INT),
        (Optional[Annotated[int, "note"]], FieldKind.INT),  # noqa: UP045
        (int | str | None, FieldKind.ANY),
        (Literal["a", None], FieldKind.LITERAL),  # noqa: PYI061
        (Literal["a"] | None, FieldKind.LITERAL),
    ],
)
def test_none_in_an_annotation_makes_a_field_optional(annotation: Any, kind: FieldKind):
    described = declared(annotation)
    assert (described.kind, described.is_optional, described.required) == (kind, True, True)
    assert described.choices in (None, ["a"])


def test_containers_say_what_is_in_them():
    assert [item.kind for item in declared(list[int | None]).items] == [FieldKind.INT]
    assert declared(list[int | None]).items[0].is_optional
    pair = declared(tuple[int, Shape])
    assert ([item.kind for item in pair.items], pair.is_variadic) == ([FieldKind.INT, FieldKind.ENUM], False)
    many = declared(tuple[str, ...])
    assert ([item.kind for item in many.items], many.is_variadic) == ([FieldKind.STR], True)
    assert declared(tuple).is_variadic
    assert declared(list).items == declared(dict).items == []
    assert declared(dict[str, list[float]]).items[0].items[0].kind is FieldKind.FLOAT
    assert [(item.name, item.kind) for item in declared(Point).items] == [("x", FieldKind.FLOAT), ("y", FieldKind.INT)]
    assert [(item.name, item.kind) for item in declared(Bare).items] == [("a", FieldKind.ANY), ("b", FieldKind.ANY)]
    banded = declared(list[Band])
    assert [inner.name for inner in banded.items[0].fields] == ["low", "high"]


@pytest.mark.parametrize(
    ("annotation", "choices"),
    [
        (Shape, ["hann", "box"]),
        (Level, [1, 2]),
        (Pair, [(1, 2), (3, 4)]),
        (Literal["a", 1, True], ["a", 1, True]),
        (Literal[Shape.BOX], ["box"]),
        (Shape | None, ["hann", "box"]),
    ],
)
def test_enums_and_literals_list_their_values(annotation: Any, choices: list[Any]):
    described = declared(annotation)
    assert [from_plain(choice) for choice in described.choices or ()] == choices
    assert described.widget_hint == "select"


def test_a_record_in_a_record_has_fields_of_its_own():
    nested = declared(Band | None)
    assert [(inner.name, inner.unit, inner.default) for inner in nested.fields] == [
        ("low", "Hz", 1.0),
        ("high", None, 10.0),
    ]


def test_classes_that_hold_themselves_end_somewhere():
    @dataclass
    class Tree:
        children: "list[Tree]"
        left: "Tree | None" = None

    Tree.__annotations__.update(children=list[Tree], left=Tree | None)
    assert the_field(Tree, "left").kind is FieldKind.ANY
    assert the_field(Tree, "children").items[0].kind is FieldKind.ANY

    made: Any = int
    for _ in range(MAX_NESTING + 2):
        made = dataclasses.make_dataclass("Made", [("x", made)])
    levels, described = 0, the_field(made)
    while described.fields:
        levels, described = levels + 1, described.fields[0]
    assert levels == MAX_NESTING - 1 and described.kind is FieldKind.ANY


# ---------------------------------------------------------------- defaults


@pytest.mark.parametrize(
    ("annotation", "default", "plain"),
    [
        (int, 3, 3),
        (Shape, Shape.BOX, "box"),
        (pathlib.Path, pathlib.Path("a/b"), "a/b"),
        (Band, Band(), {"low": 1.0, "high": 10.0}),
        (np.float32, np.float32(0.5), 0.5),
        (tuple[int, int], (1, 2), {"$": "tuple", "v": [1, 2]}),
        (Flags, Flags.RED | Flags.BLUE, 3),
    ],
)
def test_a_default_is_plain_data(annotation: Any, default: Any, plain: Any):
    described = declared(annotation, default)
    assert (described.default, described.required, described.is_optional) == (plain, False, False)


def test_a_default_of_none_says_that_none_is_a_value():
    described = declared(int, None)
    assert (described.default, described.required, described.is_optional) == (None, False, True)


def test_a_default_without_a_plain_form_is_shown_as_text_and_cannot_be_set():
    described = declared(Any, test_a_default_is_plain_data)
    assert described.kind is FieldKind.OPAQUE and "test_a_default_is_plain_data" in described.default


def test_factories_are_called_and_may_fail():
    def broken() -> int:
        raise RuntimeError

    @dataclass
    class Made:
        good: list[int] = field(default_factory=lambda: [1])
        bad: int = field(default_factory=broken)

    assert the_field(Made, "good").default == [1] and not the_field(Made, "good").required
    assert the_field(Made, "bad").default == "<factory>" and not the_field(Made, "bad").required


def test_fields_that_the_constructor_does_not_take_are_read_only_and_not_required():
    @dataclass
    class Made:
        seed: InitVar[int]
        rate: float = field(kw_only=True)
        twice: float = field(init=False)
        label: str = field(init=False, default="x")

        def __post_init__(self, seed: int) -> None:
            self.twice = 2 * self.rate + seed

    schema = schema_of(Made)
    assert schema is not None
    assert {f.name: (f.required, f.is_read_only) for f in schema.fields} == {
        "rate": (True, False),
        "twice": (False, True),
        "label": (False, True),
    }


# ---------------------------------------------------------------- rules


@pytest.mark.parametrize(
    ("metadata", "bounds", "is_open"),
    [
        ({"ge": 0}, (0.0, None), (False, False)),
        ({"min": 0, "max": 9}, (0.0, 9.0), (False, False)),
        ({"gt": 0, "lt": 1}, (0.0, 1.0), (True, True)),
        ({"ge": 0, "gt": 0}, (0.0, None), (True, False)),
        ({"ge": 1, "gt": 0}, (1.0, None), (False, False)),
        ({"ge": 1, "min": 2, "le": 9, "max": 8}, (2.0, 8.0), (False, False)),
        ({"le": 5, "lt": 9}, (None, 5.0), (False, False)),
        ({"ge": np.float32(0.5)}, (0.5, None), (False, False)),
        ({"ge": -math.inf}, (-math.inf, None), (False, False)),
        ({"ge": "low", "le": None, "lt": math.nan, "gt": True, "max": 10**400}, None, (False, False)),
    ],
)
def test_bounds_are_the_tightest_that_metadata_gives(metadata: Any, bounds: Any, is_open: tuple[bool, bool]):
    described = declared(float, **metadata)
    assert described.bounds == bounds
    assert (described.is_lower_exclusive, described.is_upper_exclusive) == is_open


@pytest.mark.parametrize(
    ("metadata", "attribute", "expected"),
    [
        ({"description": "what it does"}, "description", "what it does"),
        ({"unit": "Hz"}, "unit", "Hz"),
        ({"step": 0.5}, "step", 0.5),
        ({"step": 0}, "step", None),
        ({"step": "wide"}, "step", None),
        ({"read_only": True}, "is_read_only", True),
        ({"read_only": False}, "is_read_only", False),
        ({"pattern": "[a-z]+"}, "pattern", "[a-z]+"),
        ({"pattern": 5}, "pattern", None),
        ({"length": 3}, "length", (3, 3)),
        ({"length": (1, None)}, "length", (1, None)),
        ({"length": [None, 4]}, "length", (None, 4)),
        ({"length": (1, 2, 3)}, "length", None),
        ({"length": "long"}, "length", None),
        ({"length": (True, -1)}, "length", None),
        ({"length": 10**30}, "length", None),
        ({"description": "\ud800"}, "description", "\\ud800"),
        ({"description": 5}, "description", None),
        ({"min_length": 1}, "length", (1, None)),
        ({"min_length": 1, "max_length": 5}, "length", (1, 5)),
        ({"choices": ["a", "b"]}, "choices", ["a", "b"]),
        ({"choices": (n for n in (1, 2))}, "choices", [1, 2]),
        ({"choices": [Shape.BOX]}, "choices", ["box"]),
        ({"choices": {"a": 1}}, "choices", ["a"]),
        ({"choices": []}, "choices", None),
        ({"choices": "abc"}, "choices", None),
        ({"choices": 5}, "choices", None),
        ({"widget": "dial"}, "widget_hint", "dial"),
        ({"unknown": 5, 7: 8}, "description", None),
    ],
)
def test_metadata_says_what_a_type_cannot(metadata: dict[Any, Any], attribute: str, expected: Any):
    made = dataclasses.make_dataclass("Made", [("x", str, field(metadata=metadata))])
    assert getattr(the_field(made), attribute) == expected


def test_a_list_of_choices_has_an_end():
    assert len(declared(int, choices=range(10**9)).choices or ()) == MAX_CHOICES


@pytest.mark.parametrize(
    ("annotation", "metadata", "hint"),
    [
        (bool, {}, "checkbox"),
        (int, {}, "int_input"),
        (float, {}, "float_input"),
        (int, {"ge": 0}, "slider"),
        (float, {"lt": 0}, "slider"),
        (str, {}, "text_input"),
        (pathlib.Path, {}, "text_input"),
        (str, {"choices": ["a"]}, "select"),
        (list[int], {}, None),
        (Band, {}, None),
    ],
)
def test_a_hint_names_the_control_that_fits(annotation: Any, metadata: Any, hint: str | None):
    assert declared(annotation, **metadata).widget_hint == hint


class Note:
    """As other libraries write them: rules as attributes."""

    def __init__(self, **rules: Any) -> None:
        self.__dict__.update(rules)

    def lt(self) -> None:
        """A method, and no rule."""


def test_notes_in_an_annotation_are_rules_as_well():
    described = declared(
        Annotated[float, {"unit": "Hz"}, Note(ge=0, multiple_of=0.5), Note(documentation="how fast"), "text", 5]
    )
    assert (described.bounds, described.step, described.unit) == ((0.0, None), 0.5, "Hz")
    assert described.description == "how fast"
    length = declared(Optional[Annotated[str, Note(min_length=1, pattern="a+")]])  # noqa: UP045
    assert (length.length, length.pattern, length.is_optional) == ((1, None), "a+", True)
    items = declared(list[Annotated[int, Note(le=5)]])
    assert items.items[0].bounds == (None, 5.0) and items.bounds is None
    assert declared(Annotated[int, {"unit": "s"}], unit="ms").unit == "ms"  # the field's own word counts


@pytest.mark.skipif(sys.version_info < (3, 14), reason="field(doc=…) is new in Python 3.14")
def test_newer_dataclasses_document_fields_themselves():
    spec: Any = cast("Any", field)(doc="in the words of the class")
    made = dataclasses.make_dataclass("Made", [("x", int, spec)])
    assert the_field(made).description == "in the words of the class"


# ---------------------------------------------------------------- classes


def test_a_schema_names_the_provider_and_the_class():
    schema = schema_of(Band)
    assert schema is not None
    assert (schema.provider, schema.settings_type) == ("dataclass", f"{__name__}.Band")
    assert schema_of(Band(2.0)) == schema  # defaults are the class's, not the object's


@pytest.mark.parametrize("thing", [int, 5, dict, {"a": 1}, list[int], None, "text", object()])
def test_other_classes_have_no_schema(thing: Any):
    assert schema_of(thing) is None


def test_a_class_without_fields_has_an_empty_schema():
    assert schema_of(Settings) == SettingsSchemaMetadata("dataclass", "ezmsg_core.component.settings.Settings", [])


def test_fields_are_inherited_in_order_and_may_be_declared_again():
    class Child(Band):
        order: int = 2
        low: int = 3  # type: ignore[assignment]

    schema = schema_of(Child)
    assert schema is not None
    assert [(f.name, f.kind, f.default) for f in schema.fields] == [
        ("low", FieldKind.INT, 3),
        ("high", FieldKind.FLOAT, 10.0),
        ("order", FieldKind.INT, 2),
    ]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the type statement is new in Python 3.12")
def test_an_alias_is_what_it_stands_for():
    names: dict[str, Any] = {}
    exec("type Alias = int | None", names)  # noqa: S102
    described = declared(names["Alias"])
    assert (described.kind, described.is_optional) == (FieldKind.INT, True)


def test_a_base_that_is_reached_by_two_ways_counts_once():
    class Left(Band):
        left: int = 1

    class Right(Band):
        low: int = 2  # type: ignore[assignment]

    class Bottom(Left, Right): ...

    schema = schema_of(Bottom)
    assert schema is not None
    assert [(f.name, f.kind) for f in schema.fields] == [
        ("low", FieldKind.INT),
        ("high", FieldKind.FLOAT),
        ("left", FieldKind.INT),
    ]


class Box(Settings, Generic[T]):
    content: T
    more: "list[T] | None" = None


class Twice(Box[U], Generic[U, T]):
    other: T = None  # type: ignore[assignment]


class IntBox(Box[int]): ...


class DeepBox(Twice[str, float]): ...


@pytest.mark.parametrize(
    ("kind", "kinds"),
    [
        (Box, {"content": "T", "more": "list[T] | None"}),
        (Box[int], {"content": "int", "more": "list[int] | None"}),
        (IntBox, {"content": "int", "more": "list[int] | None"}),
        (Twice[bytes, int], {"content": "bytes", "more": "list[bytes] | None", "other": "int"}),
        (DeepBox, {"content": "str", "more": "list[str] | None", "other": "float"}),
        (Box[Box[int]], {"content": "Box[int]", "more": "list[Box[int]] | None"}),
    ],
)
def test_type_variables_are_what_the_class_says_they_are(kind: Any, kinds: dict[str, str]):
    schema = schema_of(kind)
    assert schema is not None
    assert {f.name: f.field_type for f in schema.fields} == kinds


def test_a_generic_record_inside_knows_its_arguments():
    nested = declared(Box[int])
    assert nested.kind is FieldKind.NESTED
    assert [inner.field_type for inner in nested.fields] == ["int", "list[int] | None"]


def test_a_name_that_nobody_knows_leaves_the_field_as_it_is_written():
    made = dataclasses.make_dataclass("Made", [("x", "Nowhere[int]", 5), ("y", "1 / 0", 5), ("z", "int", 5)])
    made.__module__ = "gone"
    assert (the_field(made, "x").kind, the_field(made, "x").field_type) == (FieldKind.ANY, "Nowhere[int]")
    assert the_field(made, "y").field_type == "1 / 0"
    assert the_field(made, "z").kind is FieldKind.INT


def test_local_classes_are_named_without_the_function_they_come_from():
    class Local(Settings):
        x: int = 1

    assert annotation_text(Local) == "Local"
    assert annotation_text(list[Local]) == "list[Local]"


# ---------------------------------------------------------------- what holds for all


ANNOTATIONS = st.recursive(
    st.sampled_from([int, float, str, bytes, bool, Shape, Level, Band, Any, np.float32, Literal["a", 2], pathlib.Path]),
    lambda inner: st.one_of(
        inner.map(lambda each: list[each]),
        inner.map(lambda each: dict[str, each]),
        inner.map(lambda each: tuple[each, ...]),
        st.tuples(inner, inner).map(lambda pair: tuple[pair[0], pair[1]]),
        inner.map(lambda each: each | None if each is not Any else each),
        inner.map(lambda each: Annotated[each, Note(description="d")]),
    ),
    max_leaves=6,
)
ODDITIES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.lists(st.integers(), max_size=3),
    st.just(object()),
    st.just(print),
)


@given(ANNOTATIONS)
def test_every_annotation_has_a_record_that_travels(annotation: Any):
    described = field_of("x", annotation)
    assert described.field_type
    travelled = msgspec.msgpack.decode(msgspec.msgpack.encode(described), type=SettingsFieldMetadata)
    assert travelled == described


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "description",
                "choices",
                "ge",
                "min",
                "gt",
                "le",
                "max",
                "lt",
                "step",
                "unit",
                "length",
                "min_length",
                "max_length",
                "pattern",
                "widget",
                "read_only",
                "other",
            ]
        ),
        ODDITIES,
    ),
    st.sampled_from([int, str, list[int], Shape, Any]),
)
def test_no_metadata_stops_a_program(metadata: dict[str, Any], annotation: Any):
    described = declared(annotation, **metadata)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(described), type=SettingsFieldMetadata).name == "x"


@given(
    st.one_of(st.integers(), st.floats(allow_nan=False), st.text(), st.lists(st.integers()), st.none(), st.booleans())
)
def test_a_default_of_its_type_is_as_declared(value: Any):
    annotation: Any = list[int] if isinstance(value, list) else type(value)
    described = declared(annotation, tuple(value) if isinstance(value, list) else value)
    assert is_as_declared(described, described.default)
