"""What may stand in a settings field, by the field's record alone."""

import math
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ezmsg_core.errors import SettingsValueError, UnknownSettingError
from ezmsg_core.model.plain import to_plain
from ezmsg_core.model.settings import FieldKind, SettingsFieldMetadata, SettingsSchemaMetadata
from ezmsg_core.model.validation import MAX_SHOWN, check_rules, check_value, find_field, is_as_declared

ANY, BOOL, INT, FLOAT, STR, BYTES = (FieldKind(name) for name in ("any", "bool", "int", "float", "str", "bytes"))


def a_field(kind: FieldKind = ANY, name: str = "gain", **rules: Any) -> SettingsFieldMetadata:
    return SettingsFieldMetadata(
        name, rules.pop("field_type", kind.value), True, None, None, rules.pop("bounds", None),
        rules.pop("choices", None), None, kind=kind, **rules,
    )  # fmt: skip


def a_schema(*fields: SettingsFieldMetadata) -> SettingsSchemaMetadata:
    return SettingsSchemaMetadata("dataclass", "lab.Gain", list(fields))


BAND = a_field(
    FieldKind.NESTED,
    "band",
    field_type="Band",
    fields=[a_field(FLOAT, "low"), a_field(FLOAT, "high", bounds=(0.0, 9.0))],
)
TABLE = a_field(FieldKind.DICT, "table", items=[a_field(INT, "value", bounds=(0.0, None))])
FREE = a_field(FieldKind.DICT, "free")


# ---------------------------------------------------------------- what is taken


@pytest.mark.parametrize(
    ("field", "value", "taken"),
    [
        (a_field(BOOL), True, True),
        (a_field(INT), 5, 5),
        (a_field(INT), 5.0, 5),
        (a_field(INT), 2**70, 2**70),
        (a_field(FLOAT), 5, 5.0),
        (a_field(FLOAT), -math.inf, -math.inf),
        (a_field(STR), "", ""),
        (a_field(BYTES), b"a", b"a"),
        (a_field(ANY), {"a": [1]}, {"a": [1]}),
        (a_field(ANY), None, None),
        (a_field(INT, is_optional=True), None, None),
        (a_field(FieldKind.OPAQUE, is_optional=True), None, None),
        (a_field(FieldKind.ENUM, choices=["a", 1]), 1, 1),
        (a_field(FieldKind.ENUM, choices=[to_plain((1, 2))]), [1, 2], (1, 2)),
        (a_field(FieldKind.LITERAL, choices=["a", 1]), 1.0, 1),
        (a_field(FieldKind.LITERAL, choices=[1, True]), True, True),
        (a_field(STR, choices=["a"]), "a", "a"),
        (a_field(FieldKind.LIST), [1, "a"], [1, "a"]),
        (a_field(FieldKind.LIST, items=[a_field(FLOAT)]), [1, 2], [1.0, 2.0]),
        (a_field(FieldKind.LIST, items=[a_field(FLOAT)]), [], []),
        (a_field(FieldKind.TUPLE, items=[a_field(INT), a_field(STR)]), to_plain((1, "a")), [1, "a"]),
        (a_field(FieldKind.TUPLE, items=[a_field(INT)], is_variadic=True), [1, 2, 3], [1, 2, 3]),
        (a_field(FieldKind.TUPLE, is_variadic=True), ["a"], ["a"]),
        (FREE, {"a": [1]}, {"a": [1]}),
        (TABLE, {"a": 1.0}, {"a": 1}),
        (BAND, {"low": 1, "high": 2}, {"low": 1.0, "high": 2.0}),
        (a_field(FLOAT, bounds=(0.0, 1.0)), 1, 1.0),
        (a_field(FLOAT, bounds=(None, None)), 7, 7.0),
        (a_field(BOOL, bounds=(5.0, 9.0)), True, True),
        (a_field(STR, length=(1, 2)), "ab", "ab"),
        (a_field(FLOAT, length=(1, 2)), 5, 5.0),
        (a_field(STR, pattern="[a-z]+"), "abc", "abc"),
        (a_field(STR, pattern="(?<oh>"), "whatever", "whatever"),
        (a_field(STR, pattern="a{99999999999}"), "whatever", "whatever"),
        (a_field(ANY, pattern="a"), 5, 5),
    ],
)
def test_a_value_that_keeps_all_rules_is_taken_in_the_type_of_its_field(field: Any, value: Any, taken: Any):
    checked = check_value(field, value)
    assert checked == taken and type(checked) is type(taken)


def test_arrays_are_values():
    array = np.arange(4.0)
    assert np.array_equal(check_value(a_field(FieldKind.ARRAY), to_plain(array)), array)
    assert np.array_equal(check_value(a_field(ANY), to_plain(array)), array)


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("field", "value", "rule", "sentence"),
    [
        (a_field(BOOL), 1, "type", "gain cannot be 1: it has to be bool, and is int."),
        (a_field(INT), True, "type", "gain cannot be True: it has to be int, and is bool."),
        (a_field(INT), 0.5, "type", "gain cannot be 0.5: it has to be int, and is float."),
        (a_field(INT), math.inf, "type", "gain cannot be inf: it has to be int, and is float."),
        (a_field(INT), None, "type", "gain cannot be None: it has to be int, and is None."),
        (a_field(FLOAT), "1", "type", "gain cannot be '1': it has to be float, and is str."),
        (a_field(FLOAT), math.nan, "type", "gain cannot be nan: it has to be a number, and NaN is none."),
        (a_field(FLOAT), to_plain(10**400), "type", "it is larger than any float"),
        (a_field(STR), 5, "type", "it has to be str, and is int"),
        (a_field(BYTES), "5", "type", "it has to be bytes, and is str"),
        (a_field(FLOAT, field_type=""), "1", "type", "it has to be float, and is str"),
        (a_field(FLOAT, field_type="Hertz | None"), "1", "type", "it has to be Hertz | None, and is str"),
        (a_field(FieldKind.LIST), {}, "type", "it has to be list, and is dict"),
        (a_field(FieldKind.TUPLE), "ab", "type", "it has to be tuple, and is str"),
        (a_field(FieldKind.ARRAY), [1.0], "type", "it has to be array, and is list"),
        (FREE, [], "type", "it has to be dict, and is list"),
        (FREE, to_plain({1: 2}), "type", "its keys have to be text, and 1 is not"),
        (BAND, 5, "type", "band cannot be 5: it has to be Band, and is int."),
        (BAND, {"low": 1}, "type", "the field 'high' is missing"),
        (BAND, {"low": 1, "high": 2, "mid": 3}, "type", "it has no field 'mid'"),
        (BAND, {"low": 1, "high": 20}, "bounds", "band.high cannot be 20.0: it has to be at most 9."),
        (TABLE, {"a": -1}, "bounds", "table['a'] cannot be -1: it has to be at least 0."),
        (a_field(FieldKind.LIST, items=[a_field(INT)]), [1, "a"], "type", "gain[1] cannot be 'a': it has to be int"),
        (a_field(FieldKind.TUPLE, items=[a_field(INT)]), [1, 2], "length", "it has to have 1 items, and has 2"),
        (
            a_field(FieldKind.ENUM, choices=["a", "b"]),
            "c",
            "choices",
            "gain cannot be 'c': it has to be one of 'a', 'b'.",
        ),
        (a_field(FieldKind.LITERAL, choices=[1]), True, "choices", "it has to be one of 1"),
        (a_field(INT, choices=list(range(20))), 20, "choices", "7, 8, 9, 10, 11 or 8 others"),
        (a_field(STR, choices=["a"]), 5, "type", "it has to be str"),
        (
            a_field(FLOAT, bounds=(0.5, None), unit="Hz"),
            0,
            "bounds",
            "gain cannot be 0.0: it has to be at least 0.5 Hz.",
        ),
        (a_field(FLOAT, bounds=(0.0, None), is_lower_exclusive=True), 0, "bounds", "it has to be above 0."),
        (a_field(FLOAT, bounds=(None, 1e20), is_upper_exclusive=True), 1e20, "bounds", "it has to be below 1e+20."),
        (a_field(FLOAT, bounds=(None, 3.0)), 4, "bounds", "it has to be at most 3."),
        (a_field(INT, bounds=(-math.inf, 0.0)), 4, "bounds", "it has to be at most 0."),
        (a_field(STR, length=(2, None)), "a", "length", "its length has to be at least 2, and is 1"),
        (a_field(STR, length=(None, 2)), "abc", "length", "its length has to be at most 2, and is 3"),
        (a_field(FieldKind.LIST, length=(1, 1)), [], "length", "its length has to be at least 1, and is 0"),
        (a_field(STR, pattern="[a-z]+"), "aB", "pattern", "gain cannot be 'aB': it has to match [a-z]+."),
        (
            a_field(FLOAT, is_read_only=True),
            1.0,
            "read_only",
            "it is read-only: its unit reports it, and nobody sets it",
        ),
        (a_field(ANY, is_read_only=True), None, "read_only", "gain cannot be None: it is read-only"),
        (a_field(FieldKind.OPAQUE, field_type="Callable"), 1, "read_only", "a Callable cannot be made from outside"),
        (a_field(FieldKind.OPAQUE, field_type="Callable"), None, "read_only", "a Callable cannot be made from outside"),
        (a_field(ANY), {"$": "nonsense", "v": 1}, "type", "A value has the unknown tag 'nonsense'"),
        (a_field(ANY), {"$": "int", "v": "x"}, "type", "does not have the form of its tag"),
    ],
)
def test_a_refusal_names_the_field_the_value_and_the_rule(field: Any, value: Any, rule: str, sentence: str):
    with pytest.raises(SettingsValueError) as caught:
        check_value(field, value)
    error = caught.value
    assert sentence in str(error)
    assert (error.rule, error.component) == (rule, "")
    assert str(error).startswith(f"{error.field_path} cannot be {error.value}: ") and str(error).endswith(".")


def test_a_refusal_names_the_component_and_the_path_where_they_are_known():
    with pytest.raises(SettingsValueError, match=r"^SYS/AMP\.band\.low cannot be 'a': it has to be float") as caught:
        check_value(BAND.fields[0], "a", component="SYS/AMP", path="band.low")
    assert (caught.value.component, caught.value.field_path) == ("SYS/AMP", "band.low")


def test_a_long_or_garbled_value_is_shown_in_part():
    with pytest.raises(SettingsValueError) as caught:
        check_value(a_field(INT), "x" * 1000)
    assert len(caught.value.value) == MAX_SHOWN
    with pytest.raises(SettingsValueError, match=r"cannot be '\\udc80'"):
        check_value(a_field(INT), to_plain("\udc80"))


def test_arrays_that_do_not_say_whether_they_are_equal_are_no_choice():
    with pytest.raises(SettingsValueError, match="one of 1"):
        check_value(a_field(ANY, choices=[1]), to_plain(np.arange(3)))


# ---------------------------------------------------------------- annotations that lie


@pytest.mark.parametrize(
    ("field", "value", "is_true"),
    [
        (a_field(INT), 5, True),
        (a_field(INT), "auto", False),
        (a_field(INT), None, False),
        (a_field(INT, is_optional=True), None, True),
        (a_field(INT, bounds=(0.0, 1.0), is_read_only=True), 5, True),
        (a_field(STR, length=(5, 5), pattern="x", choices=["y"]), "abc", True),
        (a_field(FieldKind.ENUM, choices=["a"]), "b", False),
        (a_field(FieldKind.ARRAY), "array of float64", True),
        (a_field(FieldKind.LIST, items=[a_field(FieldKind.OPAQUE)]), ["<function>"], True),
        (BAND, {"low": 1.0, "high": 99.0}, True),
        (BAND, {"low": 1.0, "high": 99.0, "more": 1}, False),
    ],
)
def test_whether_a_value_in_force_is_of_the_type_it_should_be(field: Any, value: Any, is_true: bool):
    assert is_as_declared(field, value) is is_true


def test_where_the_type_is_wrong_the_other_rules_stay():
    field = a_field(FLOAT, bounds=(0.0, 9.0))
    assert check_rules(field, "auto") == "auto"
    assert check_rules(field, 5) == 5
    with pytest.raises(SettingsValueError, match=r"A\.g cannot be 10: it has to be at most 9"):
        check_rules(field, 10, component="A", path="g")
    with pytest.raises(SettingsValueError, match="one of 'x'"):
        check_rules(a_field(INT, choices=["x"]), 5)
    with pytest.raises(SettingsValueError, match="read-only"):
        check_rules(a_field(INT, is_read_only=True), 5)
    assert check_rules(a_field(FieldKind.ENUM, choices=["x"]), 5) == 5
    assert check_rules(BAND, [1]) == [1]


# ---------------------------------------------------------------- paths

SCHEMA = a_schema(
    a_field(INT, "gain"),
    BAND,
    TABLE,
    FREE,
    a_field(FieldKind.NESTED, "report", is_read_only=True, fields=[a_field(INT, "count")]),
    a_field(FieldKind.DICT, "bands", items=[msgspec.structs.replace(BAND, name="value")]),
)


@pytest.mark.parametrize(
    ("path", "name", "kind", "is_read_only"),
    [
        ("gain", "gain", INT, False),
        ("band", "band", FieldKind.NESTED, False),
        ("band.low", "low", FLOAT, False),
        ("table.any key", "value", INT, False),
        ("free.a", "value", ANY, False),
        ("bands.alpha.high", "high", FLOAT, False),
        ("report.count", "count", INT, True),
    ],
)
def test_a_path_leads_through_records_and_dicts(path: str, name: str, kind: FieldKind, is_read_only: bool):
    found = find_field(SCHEMA, path)
    assert (found.name, found.kind, found.is_read_only) == (name, kind, is_read_only)


@pytest.mark.parametrize(
    ("path", "nearest", "sentence"),
    [
        ("gian", ["gain"], "A has no field 'gian'. Near it: gain."),
        ("band.lwo", ["band.low"], "A has no field 'band.lwo'. Near it: band.low."),
        ("bnd.low", ["band", "bands"], "A has no field 'bnd.low'. Near it: band, bands."),
        ("", ["gain", "band", "table", "free", "report", "bands"], "There is: gain, band, table, free, report, bands."),
        ("band.", ["band.low", "band.high"], "There is: band.low, band.high."),
        ("gain.x", [], "A has no field 'gain.x'. gain has no fields."),
        ("free.a.b", [], "A has no field 'free.a.b'. free.a has no fields."),
    ],
)
def test_a_path_that_leads_nowhere_is_refused_with_what_is_near(path: str, nearest: list[str], sentence: str):
    with pytest.raises(UnknownSettingError) as caught:
        find_field(SCHEMA, path, component="A")
    assert sentence in str(caught.value)
    assert (caught.value.nearest, caught.value.field_path, caught.value.component) == (nearest, path, "A")


def test_without_a_component_the_class_is_named_and_a_long_list_is_cut():
    many = a_schema(*(a_field(INT, f"f{i}") for i in range(20)))
    with pytest.raises(UnknownSettingError, match=r"^lab\.Gain has no field 'zz'\. There is: f0, .*, f11, …\.$"):
        find_field(many, "zz")
    with pytest.raises(UnknownSettingError, match=r"lab\.Gain has no fields\."):
        find_field(a_schema(), "x")


# ---------------------------------------------------------------- what holds for all

FIELDS = st.recursive(
    st.builds(a_field, st.sampled_from([ANY, BOOL, INT, FLOAT, STR, BYTES]), is_optional=st.booleans()),
    lambda inner: st.one_of(
        inner.map(lambda item: a_field(FieldKind.LIST, items=[item])),
        inner.map(lambda item: a_field(FieldKind.DICT, items=[item])),
        st.lists(inner, max_size=3).map(lambda items: a_field(FieldKind.TUPLE, items=items)),
        inner.map(lambda item: a_field(FieldKind.NESTED, fields=[msgspec.structs.replace(item, name="a")])),
    ),
    max_leaves=5,
)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2),
    max_leaves=6,
)


@given(FIELDS, PLAIN)
def test_what_is_taken_is_taken_again_unchanged_and_all_else_is_refused_as_a_value(field: Any, value: Any):
    try:
        once = check_value(field, value)
    except SettingsValueError as error:
        assert error.rule in {"type", "length"} and error.field_path.startswith("gain")
    else:
        assert msgspec.msgpack.encode(to_plain(check_value(field, to_plain(once)))) == msgspec.msgpack.encode(
            to_plain(once)
        )
        assert is_as_declared(field, to_plain(once))


@given(st.floats(allow_nan=False), st.floats(allow_nan=False), st.floats(allow_nan=False), st.booleans(), st.booleans())
def test_bounds_mean_what_they_say(value: float, low: float, high: float, low_open: bool, high_open: bool):
    field = a_field(FLOAT, bounds=(low, high), is_lower_exclusive=low_open, is_upper_exclusive=high_open)
    is_inside = (low < value if low_open else low <= value) and (value < high if high_open else value <= high)
    try:
        check_value(field, value)
    except SettingsValueError as error:
        assert error.rule == "bounds" and not is_inside
    else:
        assert is_inside
