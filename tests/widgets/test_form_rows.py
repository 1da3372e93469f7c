"""A settings form as rows and notes."""

from dataclasses import replace

import pytest

from ezmsg_tui.present.form import EditorKind, FieldState, FormField, SettingsForm
from ezmsg_tui.present.form_rows import STATE_CELLS, form_table, note_lines, value_text, without_name
from ezmsg_tui.theme import MEANINGS

LOW = FormField(
    "low",
    "low",
    EditorKind.NUMBER,
    "8.0",
    unit="Hz",
    type_label="float",
    running_label="1.0",
    range_label="0.1 … 250",
    has_steps=True,
)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        (LOW, "8.0 Hz"),
        (replace(LOW, is_none=True), "‹ None ›"),
        (FormField("b", "b", EditorKind.TOGGLE, "true"), "[✓] on"),
        (FormField("b", "b", EditorKind.TOGGLE, "false"), "[ ] off"),
        (FormField("c", "c", EditorKind.CHOICE, "butter"), "‹ butter ›"),
        (FormField("t", "t", EditorKind.TEXT, "alpha", type_label="str"), "'alpha'"),
        (FormField("t", "t", EditorKind.TEXT, "[1, 2]", type_label="list[int]"), "[1, 2]"),
        (FormField("r", "r", EditorKind.READ_ONLY, "(6,) f8"), "(6,) f8"),
    ],
)
def test_each_value_wears_the_dress_of_its_editor(field: FormField, text: str):
    assert value_text(field) == text


@pytest.mark.parametrize("state", list(FieldState))
def test_every_state_has_a_sign_and_a_known_meaning(state: FieldState):
    cell = STATE_CELLS[state]
    assert cell.text
    assert cell.meaning in MEANINGS
    (row,) = form_table(SettingsForm("A", fields=(replace(LOW, state=state),))).rows
    assert row.cells[-1] == cell


def note(field: FormField, complaint: str | None = None) -> list[str]:
    lines = note_lines(SettingsForm("A", fields=(field,)), field, complaint)
    return [" ".join(cell.text for cell in line if cell.text) for line in lines]


def test_the_note_says_what_is_in_force_and_what_can_be_done():
    assert note(LOW)[1] == "running 1.0  range 0.1 … 250 Hz"
    assert note(LOW)[2] == "⏎ edit · ←→ step"
    assert note(replace(LOW, state=FieldState.STAGED, note="valid"))[2] == "● valid a apply · u revert"
    assert note(replace(LOW, state=FieldState.CONFLICT, note="now 3.0"))[2] == "≠ now 3.0 m keep mine · t take theirs"


def test_what_is_wrong_with_the_typed_text_takes_the_place_of_the_state():
    assert note(LOW, "above 250")[2] == "✖ above 250"
    assert note(LOW, "")[2].startswith("✓ valid")


def test_a_form_that_is_read_only_says_why():
    form = SettingsForm("A", fields=(LOW,), is_read_only=True, read_only_reason="observer only")
    assert note_lines(form, LOW)[2][0].text == "observer only"


def test_a_complaint_is_said_without_the_name_that_stands_beside_it():
    assert without_name("low", "low cannot be 9: it has to be less.") == "cannot be 9: it has to be less."
    assert without_name("order", "order 5 is not for this sampling rate") == "order 5 is not for this sampling rate"


LONG = "A cannot have low = 30.0, high = 20.0. Its class BandSettings refuses that: low must be below high, and is not."


def broken(width: int) -> list[str]:
    field = replace(LOW, state=FieldState.REJECTED, note=LONG)
    lines = note_lines(SettingsForm("A", fields=(field,)), field, None, width)[2:]
    return [" ".join(cell.text for cell in line) for line in lines]


def test_a_long_reason_takes_as_many_lines_as_it_needs():
    assert broken(0) == broken(140) == [f"✖ {LONG[2:]} a try again · u revert"]
    assert broken(70) == [
        "✖ cannot have low = 30.0, high = 20.0. Its class BandSettings refuses",
        "  that: low must be below high, and is not. a try again · u revert",
    ]
    assert broken(60)[-1] == "  not. a try again · u revert"
    assert len(broken(20)) == 4 and broken(20)[-1].endswith("…")
    assert all(len(line) <= 20 for line in broken(20))
