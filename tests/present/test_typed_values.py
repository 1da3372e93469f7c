"""What people type, as values: numbers with units, choices, lists; and values as text that reads back."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ezmsg_core.model.plain import to_plain
from ezmsg_core.model.settings import FieldKind, SettingsFieldMetadata
from ezmsg_tui.present.fields import placed_fields, step_of, stepped
from ezmsg_tui.present.parsing import parse_value
from ezmsg_tui.present.quantities import parse_quantity, parse_whole
from ezmsg_tui.present.value_text import editor_text, range_label, value_label
from ezmsg_tui.store.plain_paths import MISSING, is_same
from tests.present.stage import BAND_FIELDS, setting


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("8", None, 8),
        (" 8.5 ", None, 8.5),
        ("-3", "Hz", -3),
        ("1e3", "Hz", 1000.0),
        ("1_000", None, 1000),
        ("0x10", None, 16),
        ("-0b101", None, -5),
        (".5", None, 0.5),
        ("5.", None, 5.0),
        ("10ms", "s", 0.01),
        ("10 ms", "s", 0.01),
        ("0.5s", "ms", 500.0),
        ("1.5kHz", "Hz", 1500.0),
        ("1.5k", "Hz", 1500.0),
        ("250 Hz", "Hz", 250),
        ("3 uV", "µV", 3.0),
        ("3 µV", "V", 3e-6),
        ("50%", "%", 50),
        ("2 samples", "samples", 2),
        ("0x10 ms", "s", 0.016),
        ("1.1ms", "s", 0.0011),
    ],
)
def test_numbers_are_read_as_people_type_them(text: str, unit: str | None, value: float) -> None:
    assert parse_quantity(text, unit) == value


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("", None), ("abc", "Hz"), ("1,5", None), ("1 2", None), ("10ms", None), ("10ms", "Hz"), ("3 m", "s"), ("--1", None),
        ("1e", None), ("0x", None), ("__import__('os')", None), ("9" * 1000, None), ("1 samples", "s"), ("1 min", "s"),
    ],
)  # fmt: skip
def test_what_is_no_number_or_has_no_fitting_unit_is_refused(text: str, unit: str | None) -> None:
    with pytest.raises(ValueError, match=r"is not a number|does not fit"):
        parse_quantity(text, unit)


def test_a_refused_unit_names_the_one_that_fits() -> None:
    with pytest.raises(ValueError, match="the unit here is Hz"):
        parse_quantity("10ms", "Hz")
    with pytest.raises(ValueError, match="has no unit"):
        parse_quantity("10ms", None)


def test_whole_numbers_may_be_typed_as_floats_that_are_whole() -> None:
    assert [parse_whole(text, None) for text in ("4", "4.0", "1e3", "0x10")] == [4, 4, 1000, 16]
    assert isinstance(parse_whole("4.0", None), int)
    for text in ("1.5", "nan", "inf", "1e400"):
        with pytest.raises(ValueError, match="whole number"):
            parse_whole(text, None)


def test_not_a_number_and_infinity_are_numbers_and_the_rules_decide() -> None:
    assert math.isnan(float(parse_quantity("nan", None)))
    assert parse_quantity("-inf", "s") == -math.inf


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([None, "Hz", "s"]))
def test_any_float_reads_back_from_its_own_text(value: float, unit: str | None) -> None:
    assert parse_quantity(repr(value), unit) == value


@given(st.text(max_size=60), st.sampled_from([None, "Hz", "ms"]))
def test_any_text_is_a_number_or_a_value_error(text: str, unit: str | None) -> None:
    complaint = "none"
    try:
        assert isinstance(parse_quantity(text, unit), (int, float))
    except ValueError as error:
        complaint = str(error)
    assert complaint


FLOATS = setting("x", FieldKind.FLOAT, 0.0)
KINDS: list[tuple[SettingsFieldMetadata, str, Any]] = [
    (setting("x", FieldKind.BOOL, True), "Yes", True),
    (setting("x", FieldKind.BOOL, True), "off", False),
    (setting("x", FieldKind.FLOAT, 0.0, unit="s"), "10ms", 0.01),
    (setting("x", FieldKind.FLOAT, 0.0), "4", 4.0),
    (setting("x", FieldKind.STR, ""), " as it is ", " as it is "),
    (setting("x", FieldKind.STR, ""), "None", "None"),
    (setting("x", FieldKind.STR, "", is_optional=True), "none", None),
    (setting("x", FieldKind.INT, 1, is_optional=True), "null", None),
    (setting("x", FieldKind.LITERAL, "a", choices=["a", "b"]), "b", "b"),
    (setting("x", FieldKind.LITERAL, 50, choices=[50, 60]), "60", 60),
    (setting("x", FieldKind.ENUM, 1, choices=[1, 2]), "2", 2),
    (setting("x", FieldKind.LIST, [], items=[FLOATS]), "[1.5, 2]", [1.5, 2]),
    (setting("x", FieldKind.LIST, [], items=[FLOATS]), "1.5, 2", [1.5, 2.0]),
    (setting("x", FieldKind.LIST, [], items=[setting("i", FieldKind.STR, "")]), "eeg, rt", ["eeg", "rt"]),
    (setting("x", FieldKind.LIST, [], items=[setting("i", FieldKind.STR, "")]), "[eeg, rt]", ["eeg", "rt"]),
    (setting("x", FieldKind.LIST, [], items=[FLOATS]), "[]", []),
    (setting("x", FieldKind.LIST, [], items=[FLOATS]), "7", [7.0]),
    (setting("x", FieldKind.TUPLE, None, items=[FLOATS, FLOATS]), "[1, 2]", to_plain((1, 2))),
    (setting("x", FieldKind.TUPLE, None, items=[FLOATS], is_variadic=True), "1 ,2", to_plain((1, 2))),
    (setting("x", FieldKind.DICT, {}, items=[FLOATS]), "{'a': 1}", {"a": 1}),
    (setting("x", FieldKind.BYTES, b""), "b'ab'", b"ab"),
    (setting("x", FieldKind.ANY, None), "{'a': [1, (2, 3)]}", to_plain({"a": [1, (2, 3)]})),
    (setting("x", FieldKind.ANY, None), "true", True),
]


@pytest.mark.parametrize(("field", "text", "value"), KINDS)
def test_a_text_is_read_by_the_kind_of_its_field(field: SettingsFieldMetadata, text: str, value: Any) -> None:
    parsed = parse_value(field, text)
    assert is_same(parsed, value) and type(parsed) is type(value)


REFUSED = [
    (setting("x", FieldKind.BOOL, True), "maybe", "neither true nor false"),
    (setting("x", FieldKind.INT, 1), "None", "not a number"),
    (setting("x", FieldKind.LITERAL, "a", choices=["a", "b"]), "c", "not among a, b"),
    (setting("x", FieldKind.LIST, [], items=[FLOATS]), "1, x", "not a number"),
    (setting("x", FieldKind.DICT, {}, items=[FLOATS]), "{'a': open('/')}", "not a value"),
    (setting("x", FieldKind.ANY, None), "(" * 3000, "not a value"),
    (setting("x", FieldKind.ANY, None), "1j if 1 else 2", "not a value"),
    (setting("x", FieldKind.STR, ""), "a" * 5000, "longer than"),
    (setting("x", FieldKind.ARRAY, None), "[1]", "cannot be changed"),
    (setting("x", FieldKind.OPAQUE, None), "x", "cannot be changed"),
]


@pytest.mark.parametrize(("field", "text", "words"), REFUSED)
def test_a_text_of_another_kind_is_refused_with_a_reason(field: SettingsFieldMetadata, text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_value(field, text)


@given(st.text(max_size=200), st.sampled_from(list(FieldKind)))
def test_any_text_for_any_kind_is_a_value_or_a_value_error(text: str, kind: FieldKind) -> None:
    field = setting(
        "x", kind, None, choices=["a"] if kind in (FieldKind.ENUM, FieldKind.LITERAL) else None, items=[FLOATS]
    )
    complaint = "none"
    try:
        parse_value(field, text)
    except ValueError as error:
        complaint = str(error)
    assert complaint


_scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63), st.floats(allow_nan=False, allow_infinity=False)
)
_trees = st.recursive(
    st.one_of(_scalars, st.text(st.characters(codec="ascii", min_codepoint=32), max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text("abc", max_size=3), inner, max_size=3),
        st.tuples(inner, inner),
    ),
    max_leaves=8,
)


@given(_trees)
def test_what_an_editor_starts_with_reads_back_as_the_same_value(tree: Any) -> None:
    plain = to_plain(tree)
    field = setting("x", FieldKind.ANY, None)
    assert is_same(parse_value(field, editor_text(field, plain)), plain)


@given(st.one_of(_scalars, st.text(max_size=400), st.binary(max_size=20), _trees.map(to_plain)))
def test_a_label_is_one_short_harmless_line(value: Any) -> None:
    label = value_label(value, 40)
    assert len(label) <= 40 and "\n" not in label and "\x1b" not in label


def test_labels_of_tagged_values() -> None:
    import numpy as np

    assert value_label(to_plain(np.zeros((6,)))) == "(6,) float64"
    assert value_label(to_plain(np.zeros((2, 3), dtype=np.int16))) == "(2, 3) int16"
    assert value_label(to_plain((1,))) == "(1,)"
    assert value_label(to_plain(set[int]())) == "set()"
    assert value_label(to_plain(1 - 2j)) == "(1.0-2.0j)"
    assert value_label(to_plain({1: "a"})) == "{1: 'a'}"
    assert value_label(MISSING) == "-"
    for broken in ({"$": "array", "v": ["x", None, 3]}, {"$": "map", "v": [1, [2]]}, {"$": 7}, {"$": "tuple", "v": 3}):
        assert value_label(broken)


def test_ranges_are_a_few_characters() -> None:
    def bounded(low: float | None, high: float | None, **details: Any) -> str:
        return range_label(setting("x", FieldKind.FLOAT, 0.0, bounds=(low, high), **details))

    assert bounded(0.1, 250) == "0.1 … 250"
    assert bounded(1, None) == "≥ 1"
    assert bounded(None, 5) == "≤ 5"
    assert bounded(0, None, is_lower_exclusive=True) == "> 0"
    assert bounded(0, 1, is_lower_exclusive=True, is_upper_exclusive=True) == "> 0 … < 1"
    assert range_label(setting("x", FieldKind.LITERAL, "a", choices=["a", "b"])) == "a|b"
    assert range_label(setting("x", FieldKind.LITERAL, "a", choices=["butter", "cheby1", "ellip"])) == "3 choices"
    assert range_label(setting("x", FieldKind.STR, "", length=(None, 32))) == "≤ 32 chars"
    assert range_label(setting("x", FieldKind.LIST, [], length=(1, 4))) == "1 … 4 items"
    assert range_label(setting("x", FieldKind.STR, "", pattern="[a-z]+")) == "/[a-z]+/"
    assert range_label(setting("x", FieldKind.STR, "")) == ""


def test_steps_follow_the_schema_or_a_grid_and_stay_within_bounds() -> None:
    low = setting("x", FieldKind.FLOAT, 1.0, bounds=(0.1, 250.0), step=0.5)
    assert stepped(low, 1.0, 1) == 1.5
    assert stepped(low, 1.0, -10) == 0.1
    assert stepped(low, 249.9, 10) == 250.0
    free = setting("x", FieldKind.FLOAT, 1.0, bounds=(0.0, 250.0))
    assert step_of(free, 1.0) == 2.0
    assert stepped(setting("x", FieldKind.FLOAT, 1.0), 8.0, 1) == 8.5
    assert stepped(setting("x", FieldKind.FLOAT, 0.0), 0.0, 1) == pytest.approx(0.1)
    whole = setting("x", FieldKind.INT, 4, bounds=(1, 12))
    assert [stepped(whole, 4, n) for n in (1, -1, 100)] == [5, 3, 12]
    assert isinstance(stepped(whole, 4, 1), int)
    open_ended = setting("x", FieldKind.FLOAT, 1.0, bounds=(0.0, 1.0), step=0.1, is_lower_exclusive=True)
    assert stepped(open_ended, 0.2, -5) == pytest.approx(0.1)
    kind = setting("x", FieldKind.LITERAL, "a", choices=["a", "b", "c"])
    assert [stepped(kind, "a", n) for n in (1, -1, 4)] == ["b", "c", "b"]
    assert stepped(kind, "z", 1) == "a"
    assert stepped(setting("x", FieldKind.BOOL, True), True, 1) is False
    for odd in (math.nan, math.inf, "x", None, [1]):
        assert stepped(low, odd, 1) is odd


@given(
    st.floats(-1e9, 1e9),
    st.floats(0, 1e6),
    st.integers(-50, 50),
    st.floats(0, 1),
    st.sampled_from([FieldKind.INT, FieldKind.FLOAT]),
)
def test_a_step_never_leaves_the_bounds(low: float, width: float, steps: int, at: float, kind: FieldKind) -> None:
    if kind is FieldKind.INT:
        low, width = float(int(low)), float(int(width))
    value = low + at * width
    field = setting("x", kind, 0.0, bounds=(low, low + width))
    moved = stepped(field, int(value) if kind is FieldKind.INT else value, steps)
    assert low - 1e-6 <= moved <= low + width + 1e-6


def test_nested_fields_come_after_their_group_one_step_deeper() -> None:
    from ezmsg_core.model.settings import SettingsSchemaMetadata

    placed = placed_fields(SettingsSchemaMetadata("dataclass", "m.S", BAND_FIELDS))
    assert [(p.path, p.depth) for p in placed][-3:] == [("meta", 0), ("meta.name", 1), ("power", 0)]
