"""Settings changed field by field: all fields together, or none, and every value in the type that its field names."""

import collections
import dataclasses
import datetime
import enum
import pathlib
from collections.abc import Callable, Mapping, MutableSet, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import InitVar, dataclass, field
from types import MappingProxyType
from typing import Annotated, Any, Generic, Literal, NamedTuple, NewType, Self, TypedDict, TypeVar

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ezmsg_core.component.patching import apply_patch
from ezmsg_core.component.settings import Settings
from ezmsg_core.component.structured import structured_of
from ezmsg_core.errors import SettingsError, SettingsValueError, UnknownSettingError
from ezmsg_core.model.plain import to_plain

T = TypeVar("T")
Hertz = NewType("Hertz", float)
A = "SYS/AMP"


class Shape(enum.Enum):
    HANN = "hann"
    BOX = ("box", 2)


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Flags(enum.Flag):
    RED = 1
    BLUE = 2


class Decibel(float):
    """A number with a name."""


class Point(NamedTuple):
    x: float
    y: "int | None" = None


class Options(TypedDict, total=False):
    depth: float
    shape: Shape


class Band(Settings):
    low: float = field(default=1.0, metadata={"ge": 0, "unit": "Hz"})
    high: float = 10.0

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"low has to be below high, and {self.low:g} is not below {self.high:g}")


class Notch(Settings):
    centre: float
    order: int = None  # type: ignore[assignment]


class Filter(Settings):
    gain: float = field(default=1.0, metadata={"gt": 0, "le": 100})
    order: int = 2
    label: str = "x"
    shape: Shape = Shape.HANN
    band: Band = Band()
    second: Band | None = None
    bands: list[Band] = field(default_factory=list)
    table: dict[str, float] = field(default_factory=dict)
    banks: dict[str, Band] = field(default_factory=dict)
    count: int = field(default=0, metadata={"read_only": True})
    report: Band = field(default=Band(), metadata={"read_only": True})
    stop: Band | Notch | None = None


def patched(settings: Any, **fields: Any) -> Any:
    return apply_patch(settings, {path.replace("__", "."): value for path, value in fields.items()}, component=A)


def refused(settings: Any, kind: type[Exception], **fields: Any) -> Any:
    """The error; the settings are as they were."""
    before = structured_of(settings)
    with pytest.raises(kind) as caught:
        patched(settings, **fields)
    assert structured_of(settings) == before
    return caught.value


# ---------------------------------------------------------------- what a patch does


def test_a_patch_gives_a_new_object_and_leaves_the_old_one():
    old = Filter()
    new = patched(old, gain=5, label="y")
    assert new == Filter(gain=5.0, label="y") and old == Filter() and type(new.gain) is float
    assert new.band is old.band


def test_paths_lead_into_records_and_each_level_is_made_once():
    made: list[tuple[float, float]] = []

    @dataclass(frozen=True)
    class Limits:
        low: float = 0.0
        high: float = 1.0

        def __post_init__(self) -> None:
            made.append((self.low, self.high))

    @dataclass
    class Scope:
        limits: Limits = field(default_factory=Limits)
        name: str = ""

    scope = Scope()
    made.clear()
    new = patched(scope, limits__low=5, limits__high=9, name="n")
    assert made.count((5.0, 9.0)) == 1
    assert new == Scope(Limits(5.0, 9.0), "n")
    assert patched(Filter(second=Band()), second__low=2).second == Band(2.0)


def test_a_record_may_be_set_as_a_whole():
    assert patched(Filter(), band={"low": 2, "high": 3}).band == Band(2.0, 3.0)
    assert patched(Filter(band=Band(5.0)), band={"high": 8}).band == Band(1.0, 8.0)  # what is not said is the default
    assert patched(Filter(), second={"low": 2}).second == Band(2.0)
    assert patched(Filter(second=Band()), second=None).second is None
    assert patched(Filter(), bands=[{"low": 2}, {}]).bands == [Band(2.0), Band()]
    assert patched(Filter(), banks={"a": {"low": 2}}).banks == {"a": Band(2.0)}


def test_paths_lead_through_keys_that_are_there():
    settings = Filter(table={"a": 1.0, "b": 2.0}, banks={"alpha": Band()})
    new = patched(settings, table__a=7, banks__alpha__high=12)
    assert new.table == {"a": 7.0, "b": 2.0} and new.banks == {"alpha": Band(high=12.0)}
    assert settings.table == {"a": 1.0, "b": 2.0}
    error = refused(settings, UnknownSettingError, banks__alhpa__low=1)
    assert str(error) == "SYS/AMP has no field 'banks.alhpa'. Near it: banks.alpha."
    refused(settings, UnknownSettingError, table__c=1)
    assert refused(settings, SettingsValueError, table__a="x").field_path == "table.a"


def test_other_mappings_become_dicts_and_dicts_keep_their_class():
    @dataclass
    class Made:
        frozen: Mapping[str, int]
        sorted: collections.OrderedDict[str, int]
        loose: dict  # type: ignore[type-arg]

    made = Made(MappingProxyType({"a": 1}), collections.OrderedDict(a=1), {"a": 1, 2: 3})
    new = patched(made, frozen__a=2, sorted__a=2, loose__a="text")
    assert new == Made({"a": 2}, collections.OrderedDict(a=2), {"a": "text", 2: 3})
    assert type(new.sorted) is collections.OrderedDict and type(new.frozen) is dict
    assert patched(made, sorted={"b": 1}).sorted == collections.OrderedDict(b=1)
    assert refused(made, UnknownSettingError, loose__b=1).nearest == ["loose.a"]


def test_fields_that_the_class_computes_are_computed_again():
    @dataclass
    class Made:
        rate: float = 1.0
        period: float = field(init=False)

        def __post_init__(self) -> None:
            self.period = 1 / self.rate

    assert patched(Made(), rate=4).period == 0.25
    assert refused(Made(), SettingsValueError, period=1.0).rule == "read_only"


# ---------------------------------------------------------------- types


@pytest.mark.parametrize(
    ("annotation", "running", "plain", "expected"),
    [
        (float, 1.0, 5, 5.0),
        (int, 1, 5.0, 5),
        (Hertz, 1.0, 5, 5.0),
        (Decibel, Decibel(1), 5, Decibel(5)),
        (bool, False, True, True),
        (complex, 0j, 5, 5 + 0j),
        (complex, 0j, to_plain(1j), 1j),
        (bytearray, bytearray(), b"a", bytearray(b"a")),
        (Shape, Shape.HANN, ["box", 2], Shape.BOX),
        (Level, Level.LOW, 2, Level.HIGH),
        (Flags, Flags.RED, 3, Flags.RED | Flags.BLUE),
        (Literal["a", Shape.HANN], "a", "hann", Shape.HANN),
        (Literal[1, True], 1, True, True),
        (pathlib.Path, pathlib.Path(), "a/b", pathlib.Path("a/b")),
        (pathlib.PurePosixPath | None, None, "a/b", pathlib.PurePosixPath("a/b")),
        (datetime.date, datetime.date.min, to_plain(datetime.date.max), datetime.date.max),
        (list[float], [], [1, 2], [1.0, 2.0]),
        (list, [], [1, "a"], [1, "a"]),
        (Sequence[Shape], [], ["hann"], [Shape.HANN]),
        (collections.deque[float], collections.deque(), [1], collections.deque([1.0])),
        (tuple[float, ...], (), [1, 2], (1.0, 2.0)),
        (tuple[int, Shape], (1, Shape.BOX), [1, "hann"], (1, Shape.HANN)),
        (tuple, (), [1, [2]], (1, [2])),
        (Point, Point(1.0), [1, None], Point(1.0, None)),
        (set[Level], set(), [1, 2, 2], {Level.LOW, Level.HIGH}),
        (set, set(), to_plain({1}), {1}),
        (frozenset[int], frozenset(), [1], frozenset({1})),
        (AbstractSet[int], frozenset(), [1], frozenset({1})),
        (MutableSet[int], set(), [1], {1}),
        (dict[int, Shape], {}, to_plain({1: "hann"}), {1: Shape.HANN}),
        (dict[str, tuple[int, int]], {}, {"a": [1, 2]}, {"a": (1, 2)}),
        (Mapping[str, Any], {}, {"a": [1, 2]}, {"a": [1, 2]}),
        (Options, {}, {"depth": 1, "shape": "hann"}, {"depth": 1.0, "shape": Shape.HANN}),
        (np.float32, np.float32(1), 0.5, np.float32(0.5)),
        (np.int16, np.int16(1), 5.0, np.int16(5)),
        (np.bool_, np.bool_(True), False, np.bool_(False)),
        (np.floating, np.float32(1), 0.5, 0.5),
        (Annotated[Shape, "note"], Shape.HANN, ["box", 2], Shape.BOX),
        (Any, 1, to_plain((1, {2})), (1, {2})),
        (object, 1, {"a": 1}, {"a": 1}),
        (object, 1, [1], [1]),
        (object, 1, True, True),
        (int | str, 1, "a", "a"),
        (int | float, 1, 0.5, 0.5),
        (float | str | None, None, 5, 5.0),
        (Shape | int, 1, "hann", Shape.HANN),
        (Band | Notch, Band(), {"centre": 50}, Notch(50.0)),
        (list[int] | tuple[str, ...], [], ["a"], ("a",)),
        (datetime.date | str, "", "today", "today"),
        (datetime.date | pathlib.Path, pathlib.Path(), "today", pathlib.Path("today")),
        (set[int] | Literal["all"], {1}, "all", "all"),
        (Notch, Notch(1.0), {"centre": 1, "order": None}, Notch(1.0)),
        ("Nowhere", 1, {"a": 1}, {"a": 1}),
        (T, 1, "a", "a"),
    ],
)
def test_a_value_comes_in_the_type_that_the_field_names(annotation: Any, running: Any, plain: Any, expected: Any):
    made = dataclasses.make_dataclass("Made", [("x", annotation)])(running)
    new = patched(made, x=plain).x
    assert new == expected and type(new) is type(expected)


def test_types_within_records_of_unions_are_kept():
    new = patched(Filter(), stop={"low": 2})
    assert new.stop == Band(2.0)
    assert patched(new, stop={"centre": 50, "order": 2}).stop == Notch(50.0, 2)


def test_typed_dicts_inside_a_union_have_their_types():
    made = dataclasses.make_dataclass("Made", [("x", list[Options])])([])
    assert patched(made, x=[{"shape": "hann", "depth": 1}]).x == [{"shape": Shape.HANN, "depth": 1.0}]


def test_arrays_are_set_as_arrays():
    made = dataclasses.make_dataclass("Made", [("x", npt.NDArray[np.float64])])(np.zeros(2))
    assert np.array_equal(patched(made, x=to_plain(np.ones(3))).x, np.ones(3))
    error = refused(made, SettingsValueError, x=[1.0])
    assert str(error) == "SYS/AMP.x cannot be [1.0]: it has to be NDArray[float64], and is list."


class Box(Settings, Generic[T]):
    content: T
    inner: "Box[T] | None" = None


class Boxed(Settings):
    box: Box[float] = Box(1.0)


class FloatBox(Box[float]): ...


def test_type_variables_are_what_the_class_says_they_are():
    assert type(patched(FloatBox(1.0), content=5).content) is float
    assert type(patched(Boxed(), box__content=5).box.content) is float
    assert type(patched(Boxed(), box={"content": 5}).box.content) is float
    refused(Boxed(), SettingsValueError, box__content="x")


def test_a_record_of_a_derived_class_stays_what_it_is():
    class Wide(Band):
        extra: int = 5

    new = patched(Filter(band=Wide(extra=7)), band__low=2)
    assert new.band == Wide(low=2.0, extra=7)


# ---------------------------------------------------------------- annotations that lie


@pytest.mark.parametrize(
    ("annotation", "running", "plain"),
    [
        (float, "auto", "fast"),
        (float, None, "fast"),
        (Shape, "none", "anything"),
        (list[int], "none", {"a": 1}),
        (datetime.date, "today", "tomorrow"),
        (set[int], 5, [1]),
        (int | str, b"", [1]),
        (Band, "none", "some"),
    ],
)
def test_where_the_value_in_force_is_of_another_type_any_value_may_follow(annotation: Any, running: Any, plain: Any):
    made = dataclasses.make_dataclass("Made", [("x", annotation), ("y", int)])(running, 1)
    assert patched(made, x=plain).x == plain
    refused(made, SettingsValueError, y="text")


def test_rules_that_are_not_types_hold_all_the_same():
    made = dataclasses.make_dataclass("Made", [("x", int, field(metadata={"ge": 0}))])("auto")
    assert patched(made, x=5).x == 5
    assert refused(made, SettingsValueError, x=-1).rule == "bounds"


def test_only_what_changes_is_checked():
    settings = Filter(gain=-5.0, label=7)  # type: ignore[arg-type]
    assert patched(settings, order=3) == dataclasses.replace(settings, order=3)


def test_none_as_a_default_is_a_value_whatever_the_annotation_says():
    @dataclass
    class Made:
        x: int = None  # type: ignore[assignment]
        y: set[int] = None  # type: ignore[assignment]
        z: Notch = field(default_factory=lambda: Notch(1.0))

    made = Made(x=5, y={1})
    assert patched(made, x=None, y=None) == Made()
    assert patched(Made(), y=[1]).y == {1}
    assert patched(made, z={"centre": 1, "order": None}).z == Notch(1.0)


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("fields", "kind", "rule", "sentence"),
    [
        ({"gain": 0}, SettingsValueError, "bounds", "SYS/AMP.gain cannot be 0.0: it has to be above 0."),
        ({"gain": 101}, SettingsValueError, "bounds", "SYS/AMP.gain cannot be 101.0: it has to be at most 100."),
        ({"gain": "1"}, SettingsValueError, "type", "SYS/AMP.gain cannot be '1': it has to be float, and is str."),
        ({"shape": "flat"}, SettingsValueError, "choices", "cannot be 'flat': it has to be one of 'hann', ('box', 2)."),
        ({"band.low": -1}, SettingsValueError, "bounds", "SYS/AMP.band.low cannot be -1.0: it has to be at least 0 Hz."),
        ({"band": {"low": -1}}, SettingsValueError, "bounds", "SYS/AMP.band.low cannot be -1.0"),
        ({"bands": [{"low": -1}]}, SettingsValueError, "bounds", "SYS/AMP.bands[0].low cannot be -1.0"),
        ({"band": None}, SettingsValueError, "type", "SYS/AMP.band cannot be None: it has to be Band, and is None."),
        ({"count": 5}, SettingsValueError, "read_only", "SYS/AMP.count cannot be 5: it is read-only"),
        ({"report.low": 5}, SettingsValueError, "read_only", "SYS/AMP.report.low cannot be 5: it is read-only"),
        ({"stop": {"middle": 1}}, SettingsValueError, "type", "it has to be Band | Notch | None, and is dict."),
        ({"stop": 5}, SettingsValueError, "type", "SYS/AMP.stop cannot be 5: it has to be Band | Notch | None, and is int."),
        ({"gian": 1}, UnknownSettingError, None, "SYS/AMP has no field 'gian'. Near it: gain."),
        ({"second.low": 1}, SettingsError, None, "SYS/AMP.second.low cannot be set: second is None, which has no fields. Set second as a whole."),
        ({"band": {}, "band.low": 1}, SettingsError, None, "A patch of SYS/AMP sets band as a whole, and band.low in it. Send one or the other."),
        ({"band.low": 1, "band": {}}, SettingsError, None, "A patch of SYS/AMP sets band as a whole, and band.low in it."),
        (
            {"band.low": 20, "order": 5},
            SettingsValueError,
            "settings class",
            "SYS/AMP cannot have band.low = 20.0. Its class Band refuses that with ValueError: low has to be below high, and 20 is not below 10",
        ),
        (
            {"band": {"low": 20}},
            SettingsValueError,
            "type",
            "SYS/AMP.band cannot be {'low': 20}: low has to be below high, and 20 is not below 10.",
        ),
    ],
)  # fmt: skip
def test_a_refused_patch_changes_nothing_and_says_why(fields: Any, kind: Any, rule: str | None, sentence: str):
    with_a_good_field = {"label": "new", **fields}
    settings = Filter()
    with pytest.raises(kind) as caught:
        apply_patch(settings, with_a_good_field, component=A)
    assert settings == Filter()
    assert sentence in str(caught.value)
    assert caught.value.component == A
    if rule is not None:
        assert caught.value.rule == rule


def test_two_fields_that_are_right_only_together_are_set_together():
    assert patched(Filter(), band__low=20, band__high=30).band == Band(20.0, 30.0)
    error = refused(Filter(), SettingsValueError, band__low=20, band__high=5)
    assert (error.field_path, error.value) == ("band.low, band.high", "band.low = 20.0, band.high = 5.0")


def test_what_cannot_be_made_from_outside_is_not_set():
    @dataclass
    class Made:
        call: Callable[[], int]
        calls: list[Callable[[], int]]
        maybe: Callable[[], int] | None = None

    made = Made(int, [int], int)
    assert refused(made, SettingsValueError, call="int").rule == "read_only"
    assert refused(made, SettingsValueError, calls=["int"]).field_path == "calls[0]"
    assert patched(made, calls=[], maybe=None) == Made(int, [], None)


def test_a_class_that_wants_arguments_which_no_object_remembers_says_so():
    @dataclass
    class Seeded:
        seed: InitVar[int]
        rate: float = 1.0

    error = refused(Seeded(1), SettingsValueError, rate=2)
    assert "InitVar 'seed' must be specified" in str(error)


def test_a_value_that_the_type_refuses_is_named():
    made = dataclasses.make_dataclass("Made", [("flags", Flags), ("small", np.int8)])(Flags.RED, np.int8(1))
    assert "invalid value 99" in str(refused(made, SettingsValueError, flags=99))
    assert refused(made, SettingsValueError, small=1000).field_path == "small"

    class Picky(float):
        def __new__(cls, value: float) -> Self:
            if value > 5:
                raise ValueError
            return super().__new__(cls, value)

    picky = dataclasses.make_dataclass("Made", [("x", Picky)])(Picky(1.0))
    assert str(refused(picky, SettingsValueError, x=9)) == "SYS/AMP.x cannot be 9: ValueError."


@pytest.mark.parametrize(
    ("annotation", "running", "plain"),
    [
        (dict[int, float], {}, {1: "x"}),
        (dict[int, float], {}, {1: True}),
        (dict[int, bool], {}, {1: 0}),
        (dict[int, list[int]], {}, {1: "abc"}),
        (dict[int, list[int]], {}, {1: {"a": 1}}),
        (dict[int, dict[str, int]], {}, {1: [1]}),
        (dict[int, Shape], {}, {1: "flat"}),
        (dict[int, tuple[int, int]], {}, {1: [1]}),
        (dict[int, np.float32], {}, {1: "0.5"}),
        (dict[int, str], {}, {1: [1]}),
        (set[int], set(), "abc"),
        (set[int], set(), 5),
        (datetime.date, datetime.date.min, "today"),
        (complex, 0j, "1j"),
    ],
)
def test_what_the_schema_does_not_say_is_checked_by_the_owner(annotation: Any, running: Any, plain: Any):
    made = dataclasses.make_dataclass("Made", [("x", annotation)])(running)
    assert refused(made, SettingsValueError, x=to_plain(plain)).rule == "type"


def test_settings_of_an_unknown_class_are_changed_as_a_whole_only():
    error = refused(5, SettingsError, x=1)
    assert str(error) == (
        "The settings of SYS/AMP are of the class int, whose fields are not known. Only dataclasses, pydantic models "
        "and param classes can be changed field by field; send a whole object."
    )


def test_without_an_address_the_class_is_named():
    with pytest.raises(SettingsValueError, match=rf"^{__name__}\.Band cannot have low = 20.0"):
        apply_patch(Band(), {"low": 20}, component="")


# ---------------------------------------------------------------- what holds for all


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "gain": st.floats(min_value=0.5, max_value=100),
            "order": st.integers(),
            "label": st.text(),
            "shape": st.sampled_from(Shape),
            "band.low": st.floats(min_value=0, max_value=10),
            "second": st.none() | st.fixed_dictionaries({"low": st.floats(min_value=0, max_value=10)}),
            "table": st.dictionaries(st.text(), st.floats(allow_nan=False)),
        },
    )
)
def test_a_patch_changes_what_it_names_and_a_second_time_nothing(fields: dict[str, Any]):
    settings = Filter()
    once = apply_patch(settings, {path: to_plain(value) for path, value in fields.items()}, component=A)
    assert apply_patch(once, {path: to_plain(value) for path, value in fields.items()}, component=A) == once
    named = {path.partition(".")[0] for path in fields}
    for each in dataclasses.fields(Filter):
        assert each.name in named or getattr(once, each.name) is getattr(settings, each.name)


@given(st.fixed_dictionaries({}, optional={"low": st.floats(), "high": st.floats(), "lwo": st.integers()}))
def test_what_a_class_would_refuse_no_patch_brings_about(fields: dict[str, Any]):
    band = Band(2.0, 3.0)
    try:
        new = apply_patch(band, fields, component=A)
    except SettingsError:
        assert band == Band(2.0, 3.0)
    else:
        assert 0 <= new.low <= new.high
