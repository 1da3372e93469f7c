"""Settings objects as the plain data that the server keeps, whatever is in them."""

import collections
import dataclasses
import enum
import fractions
import pathlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ezmsg_core.component.plain_tree import MAX_TEXT, fields_of, plain_or_text, text_of
from ezmsg_core.component.schema import schema_of
from ezmsg_core.component.settings import Settings
from ezmsg_core.component.structured import snapshot_value, structured_of
from ezmsg_core.model.plain import MAX_ARRAY_BYTES, MAX_DEPTH, TAG, from_plain, to_plain
from ezmsg_core.model.settings import SettingsSnapshotValue
from ezmsg_core.wire.codec import check_depth, encode


class Shape(enum.Enum):
    BOX = "box"


class Point(NamedTuple):
    x: int
    y: Any


class Band(Settings):
    low: float = 1.0
    extra: Any = None


class Silent:
    """Its own code fails when it is looked at."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


class Talkative:
    def __repr__(self) -> str:
        return "x" * (2 * MAX_TEXT)


class Garbled:
    def __repr__(self) -> str:
        return "\ud800"


class Trap(Mapping[str, int]):
    """A mapping that raises when it is read."""

    def __getitem__(self, key: str) -> int:
        raise RuntimeError(key)

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError

    def __len__(self) -> int:
        return 1


HALF = fractions.Fraction(1, 2)
OPAQUE = "Fraction(1, 2)"


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Band(), {"low": 1.0, "extra": None}),
        (Band(extra=Band(2.0)), {"low": 1.0, "extra": {"low": 2.0, "extra": None}}),
        (Band(extra=Shape.BOX), {"low": 1.0, "extra": "box"}),
        (Band(extra=pathlib.Path("a/b")), {"low": 1.0, "extra": "a/b"}),
        (Band(extra=b"\x00"), {"low": 1.0, "extra": b"\x00"}),
        (Band(extra=collections.deque([1, HALF])), {"low": 1.0, "extra": [1, OPAQUE]}),
        (Band(extra=[1, HALF, [Band()]]), {"low": 1.0, "extra": [1, OPAQUE, [{"low": 1.0, "extra": None}]]}),
        (Band(extra=(1, HALF)), {"low": 1.0, "extra": {TAG: "tuple", "v": [1, OPAQUE]}}),
        (Band(extra=Point(1, HALF)), {"low": 1.0, "extra": {TAG: "tuple", "v": [1, OPAQUE]}}),
        (Band(extra={"a": HALF, "b": 1}), {"low": 1.0, "extra": {"a": OPAQUE, "b": 1}}),
        (Band(extra={1: HALF}), {"low": 1.0, "extra": {TAG: "map", "v": [[1, OPAQUE]]}}),
        (Band(extra={TAG: HALF}), {"low": 1.0, "extra": {TAG: "map", "v": [[TAG, OPAQUE]]}}),
        (Band(extra={"\ud800": HALF}), {"low": 1.0, "extra": {TAG: "map", "v": [[to_plain("\ud800"), OPAQUE]]}}),
        (Band(extra={HALF}), {"low": 1.0, "extra": f"{{{OPAQUE}}}"}),
        (Band(extra=int), {"low": 1.0, "extra": "<class 'int'>"}),
        (Band(extra=np.float32(0.5)), {"low": 1.0, "extra": 0.5}),
        (Band(extra=Silent()), {"low": 1.0, "extra": "<Silent whose repr raised RuntimeError>"}),
        (Band(extra=Garbled()), {"low": 1.0, "extra": "\\ud800"}),
        (Band(extra=Band), {"low": 1.0, "extra": repr(Band)}),
        ({"a": Band()}, {"a": {"low": 1.0, "extra": None}}),
        ({}, {}),
    ],
)
def test_settings_become_data_as_far_as_they_can_and_the_rest_text(value: Any, plain: Any):
    assert structured_of(value) == (plain, plain)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5, "5"),
        (None, "None"),
        ([1], "[1]"),
        (Band, repr(Band)),
        ({1: 2}, "{1: 2}"),  # keys that are no texts have no place among fields
        (Silent(), "<Silent whose repr raised RuntimeError>"),
        (np.zeros((2, 3), np.float32), "array of float32 with the shape (2, 3)"),
    ],
)
def test_what_is_no_record_is_a_text(value: Any, text: str):
    assert structured_of(value) == (None, text)


def test_texts_have_an_end():
    assert text_of(Talkative()) == "x" * MAX_TEXT
    assert len(plain_or_text([HALF, Talkative()])[1]) == MAX_TEXT


def test_a_mapping_that_fails_is_told_from_one_that_is_empty():
    shown = plain_or_text(Band(extra=Trap()))["extra"]
    assert isinstance(shown, str) and "Trap" in shown
    assert structured_of(Trap())[0] is None


def test_arrays_travel_up_to_their_limit_and_are_described_beyond_it():
    small, large = np.arange(3), np.zeros(MAX_ARRAY_BYTES // 8 + 1)
    tree = plain_or_text(Band(extra=[small, large]))
    assert np.array_equal(from_plain(tree["extra"][0]), small)
    assert tree["extra"][1] == f"array of float64 with the shape ({len(large)},)"
    assert plain_or_text(np.array([HALF])) == "array of object with the shape (1,)"


@pytest.mark.parametrize("kind", ["list", "tuple", "dict", "record"])
def test_what_holds_itself_ends_in_a_text(kind: str):
    @dataclass
    class Node:
        next: Any = None

    node = Node()
    holders: dict[str, Any] = {"list": [node], "tuple": (node,), "dict": {"n": node}, "record": node}
    node.next = holders[kind]
    tree = plain_or_text(node)
    check_depth(tree, 2 * MAX_DEPTH + 2)
    assert "..." in repr(tree)


def test_plain_containers_that_hold_themselves_end_in_a_text():
    nested: list[Any] = [HALF]
    nested.append(nested)
    assert "[...]" in repr(plain_or_text(nested))


def test_fields_that_were_never_set_are_none():
    @dataclass
    class Half:
        a: int
        b: int = dataclasses.field(init=False)

    assert fields_of(Half(1)) == {"a": 1, "b": None}
    assert fields_of(Half) is fields_of(5) is None


def test_a_snapshot_value_has_the_data_the_schema_and_the_circumstances():
    value = snapshot_value(Band(2.0), actor="me", timestamp=5.0, is_uncertain=True)
    assert value == SettingsSnapshotValue(
        serialized=None,
        repr_value={"low": 2.0, "extra": None},
        structured_value={"low": 2.0, "extra": None},
        settings_schema=schema_of(Band),
        actor="me",
        timestamp=5.0,
        is_uncertain=True,
    )
    given_schema = schema_of(Settings)
    assert snapshot_value(Band(), schema=given_schema).settings_schema == given_schema
    assert snapshot_value(7) == SettingsSnapshotValue(serialized=None, repr_value="7")


ANYTHING = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.just(HALF), st.builds(Garbled)
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.one_of(st.text(), st.integers(), st.just(TAG)), inner, max_size=3),
        inner.map(lambda each: Band(extra=each)),
    ),
    max_leaves=10,
)


@given(ANYTHING)
def test_every_value_travels(value: Any):
    tree = plain_or_text(value)
    assert msgspec.msgpack.decode(encode(tree)) is not NotImplemented
    from_plain(tree)


@given(
    st.recursive(
        st.one_of(st.integers(), st.text(), st.binary()),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_what_has_a_plain_form_keeps_it(value: Any):
    assert plain_or_text(value) == to_plain(value)
