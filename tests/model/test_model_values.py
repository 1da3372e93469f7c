"""Values of the model: addresses, plain data, records, differences, folds, errors."""

import dataclasses
import datetime
import enum
import math
import pathlib
import pickle
from typing import Any

import msgpack
import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from ezmsg_core import errors
from ezmsg_core.model.address import Address, as_address, is_loopback
from ezmsg_core.model.components import (
    DynamicSettingsMetadata,
    GraphMetadata,
    InputStreamMetadata,
    OutputStreamMetadata,
    TaskMetadata,
    UnitMetadata,
)
from ezmsg_core.model.differing import differing_paths
from ezmsg_core.model.plain import MAX_ARRAY_BYTES, MAX_DEPTH, from_plain, to_plain


def over_the_wire(value: Any) -> Any:
    return from_plain(msgpack.unpackb(msgspec.msgpack.encode(to_plain(value))))


class TestAddresses:
    @pytest.mark.parametrize(
        ("text", "address"),
        [
            ("10.0.0.1:80", Address("10.0.0.1", 80)),
            ("localhost:1", Address("127.0.0.1", 1)),
            (":25978", Address("127.0.0.1", 25978)),
            ("[::1]:5", Address("::1", 5)),
            (" lab:0 ", Address("lab", 0)),
        ],
    )
    def test_what_people_type_is_an_address(self, text: str, address: Address):
        assert as_address(text) == address
        assert Address.from_string(str(address)) == address

    @pytest.mark.parametrize("text", ["", "lab", "lab:", "lab:x", "lab:65536", "lab:-1", "lab:٣"])
    def test_what_is_none_is_refused_with_an_example(self, text: str):
        with pytest.raises(errors.ConfigError, match=r"HOST:PORT"):
            as_address(text)

    def test_a_pair_is_an_address(self):
        assert as_address(("LOCALHOST", 3)) == ("127.0.0.1", 3)

    @pytest.mark.parametrize(("host", "is_local"), [("127.9.9.9", True), ("::1", True), ("", True), ("0.0.0.0", False)])
    def test_loopback_is_recognised(self, host: str, is_local: bool):
        assert is_loopback(host) is is_local


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters())
    | st.binary()
    | st.complex_numbers(allow_nan=False)
    | st.dates()
    | st.datetimes()
    | st.times()
    | st.timedeltas()
)
KEYS = st.text(max_size=5) | st.integers() | st.just("$") | st.tuples(st.integers(), st.text(max_size=2))
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(KEYS, inner, max_size=4)
        | st.sets(st.integers(), max_size=4)
        | st.frozensets(st.text(max_size=3), max_size=4)
    ),
    max_leaves=12,
)


class TestPlain:
    @given(VALUES)
    def test_a_value_comes_back_as_it_went(self, value: Any):
        back = over_the_wire(value)
        assert back == value
        assert type(back) is type(value)

    @given(nps.arrays(dtype=st.sampled_from(["<f4", ">f8", "i2", "u1", "?", "c16"]), shape=nps.array_shapes()))
    def test_an_array_comes_back_as_it_went(self, array: Any):
        back = over_the_wire(array)
        np.testing.assert_array_equal(back, array)
        assert back.flags.writeable

    @pytest.mark.parametrize(
        ("value", "plain"),
        [
            (np.float32(2.5), 2.5),
            (np.int64(7), 7),
            (np.bool_(True), True),
            (np.float64(1.5), 1.5),
            (enum.Enum("Kind", {"A": "a"})["A"], "a"),
            (pathlib.Path("/x/y"), "/x/y"),
            (bytearray(b"x"), b"x"),
            (memoryview(b"x"), b"x"),
        ],
    )
    def test_near_relatives_of_plain_values_become_plain(self, value: Any, plain: Any):
        assert to_plain(value) == plain
        assert type(to_plain(value)) is type(plain)

    def test_not_a_number_stays_one(self):
        assert math.isnan(over_the_wire(math.nan))

    @pytest.mark.parametrize(
        ("value", "where"),
        [(object(), "value"), ({"a": [1, object()]}, r"value\['a'\]\[1\]"), (np.array(["x"]), "value")],
    )
    def test_what_has_no_plain_form_is_named(self, value: Any, where: str):
        with pytest.raises(errors.PlainValueError, match=where):
            to_plain(value)

    def test_an_array_too_large_for_settings_is_refused(self):
        with pytest.raises(errors.LimitExceededError):
            to_plain(np.zeros(MAX_ARRAY_BYTES + 1, np.uint8))
        to_plain(np.zeros(MAX_ARRAY_BYTES, np.uint8))

    @pytest.mark.parametrize("convert", [to_plain, from_plain])
    def test_nesting_is_bounded(self, convert: Any):
        value: Any = 1
        for _ in range(MAX_DEPTH):
            value = [value]
        convert(value)
        with pytest.raises(errors.LimitExceededError):
            convert([value])

    @pytest.mark.parametrize(
        "tagged",
        [
            {"$": "unheard_of", "v": 1},
            {"$": "int"},
            {"$": "int", "v": "zz"},
            {"$": "complex", "v": [1, 2, 3]},
            {"$": "map", "v": [[1]]},
            {"$": "map", "v": [[{"$": "set", "v": []}, 1]]},
            {"$": "set", "v": [[1]]},
            {"$": "array", "v": ["<f8", [2], b"short"]},
            {"$": "array", "v": ["O", [1], b"12345678"]},
            {"$": ["list"], "v": 1},
            {"$": "date", "v": 5},
        ],
    )
    def test_a_tag_with_a_wrong_content_is_refused(self, tagged: Any):
        with pytest.raises(errors.PlainValueError):
            from_plain(tagged)

    def test_limits_inside_tags_are_kept(self):
        deep: Any = 1
        for _ in range(MAX_DEPTH + 1):
            deep = {"$": "tuple", "v": [deep]}
        with pytest.raises(errors.LimitExceededError):
            from_plain(deep)

    def test_timezones_survive(self):
        moment = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
        assert over_the_wire(moment) == moment


UNIT = UnitMetadata(
    "A/B",
    "B",
    "m.B",
    "m.S",
    (None, {"gain": 1}),
    DynamicSettingsMetadata(True, "A/B/INPUT_SETTINGS", "m.S"),
    None,
    {
        "IN": InputStreamMetadata("IN", "A/B/IN", "int", leaky=True),
        "OUT": OutputStreamMetadata("OUT", "A/B/OUT", "int"),
    },
    [TaskMetadata("t", "A/B/IN", ["A/B/OUT"])],
    None,
    [],
)


class TestRecords:
    def test_records_of_a_union_keep_their_type_over_the_wire(self):
        graph = GraphMetadata(1, None, {"A/B": UNIT})
        wire = msgpack.unpackb(msgspec.msgpack.encode(graph))
        assert msgspec.convert(wire, GraphMetadata, strict=True) == graph

    def test_records_answer_the_tools_of_dataclasses(self):
        assert dataclasses.is_dataclass(UNIT)
        assert [field.name for field in dataclasses.fields(UNIT)][:3] == ["address", "name", "component_type"]
        assert dataclasses.replace(UNIT, name="C").name == "C"
        assert dataclasses.asdict(TaskMetadata("t")) == {"name": "t", "subscribes": None, "publishes": []}

    def test_records_do_not_change(self):
        with pytest.raises(AttributeError):
            UNIT.name = "x"  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("old", "new", "paths"),
    [
        ({"a": 1, "b": {"c": 2}}, {"a": 1, "b": {"c": 3}}, ["b.c"]),
        ({"a": 1}, {"b": 1}, ["a", "b"]),
        ({"a": 1}, {"a": 1.0}, ["a"]),
        ({"a": math.nan}, {"a": math.nan}, []),
        ({"a": {"b": 1}}, {"a": 1}, ["a"]),
        ({"a": [1]}, {"a": [1]}, []),
        ("text", "text", []),
    ],
)
def test_differing_fields_are_named_by_path(old: Any, new: Any, paths: list[str]):
    assert differing_paths(old, new) == paths


def leaves(kind: type[errors.EzmsgError]) -> list[type[errors.EzmsgError]]:
    return [kind, *(leaf for child in kind.__subclasses__() for leaf in leaves(child))]


class TestErrors:
    @pytest.mark.parametrize("kind", leaves(errors.EzmsgError), ids=lambda kind: kind.__name__)
    def test_an_error_survives_the_wire_and_the_pickle(self, kind: type[errors.EzmsgError]):
        error = kind("A sentence.", part=1)
        for back in (errors.error_from_fault(error.code, error.text, error.parts), pickle.loads(pickle.dumps(error))):
            assert type(back) is kind
            assert (str(back), back.part) == ("A sentence.", 1)

    def test_codes_are_distinct(self):
        kinds = leaves(errors.EzmsgError)
        assert len({kind.code for kind in kinds}) == len(set(kinds))

    def test_every_error_is_exported_and_drawn(self):
        names = {kind.__name__ for kind in leaves(errors.EzmsgError)}
        assert names == set(errors.__all__) - {"error_from_fault"}
        assert all(name in (errors.__doc__ or "") for name in names)

    def test_an_unknown_code_is_still_an_error_with_its_code(self):
        error = errors.error_from_fault("NEWS_TO_US", "A sentence.", {"x": 1})
        assert (error.fault_code, error.x) == ("NEWS_TO_US", 1)

    def test_a_part_that_is_not_there_is_an_attribute_error(self):
        with pytest.raises(AttributeError, match="CycleError has no part 'nothing'"):
            _ = errors.CycleError("x").nothing

    @pytest.mark.parametrize(
        ("kind", "builtin"),
        [
            (errors.RequestTimeoutError, TimeoutError),
            (errors.ServerUnreachableError, ConnectionRefusedError),
            (errors.AddressCollisionError, RuntimeError),
            (errors.ConfigError, ValueError),
            (errors.UnpicklableError, TypeError),
        ],
    )
    def test_programs_may_catch_what_they_always_caught(self, kind: type, builtin: type):
        assert issubclass(kind, builtin)


@pytest.mark.parametrize(
    ("host", "is_here"),
    [
        ("127.0.0.1", True), ("127.9.9.9", True), ("localhost", True), ("::1", True),
        ("127.evil.example", False), ("0.0.0.0", False), ("10.0.0.1", False),
    ],
)  # fmt: skip
def test_only_addresses_of_loopback_are_loopback(host: str, is_here: bool):
    assert is_loopback(host) == is_here
