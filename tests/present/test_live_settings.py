"""Settings over the desk: forms, edits, what is sent, and how each change is told."""

from __future__ import annotations

from typing import Any

import pytest

from ezmsg_core.model.settings import FieldKind, SettingsFieldMetadata, SettingsSnapshotValue, SettingsState
from ezmsg_core.model.watching import SettingsListed, StreamName
from ezmsg_tui.present.form import EditorKind, FieldState, FormField
from ezmsg_tui.present.table import Query
from ezmsg_tui.store.facts import LinkWent, Verdict
from tests.present.stage import BAND, BAND_FIELDS, Stage, settings_value

A = "SYS/BAND"
TOO_HIGH = "high cannot be 450.0: it has to be at most 250 Hz."


@pytest.fixture
def stage() -> Stage:
    return Stage().go_live(seconds=1)


def field(stage: Stage, path: str) -> FormField:
    return next(f for f in stage.desk.settings_form(A).fields if f.path == path)


def component_state(stage: Stage) -> str:
    return next(row.cells[1].text for row in stage.desk.settings_components(Query()).rows if row.key == A)


def change_rows(stage: Stage) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in stage.desk.changes_table(Query()).rows]


def test_a_form_has_the_fields_with_the_editors_of_their_kinds(stage: Stage) -> None:
    form = stage.desk.settings_form(A)
    assert form.title == "SYS/BAND  BandSettings"
    assert (form.revision, form.is_read_only) == (1, False)
    assert form.footer.startswith("revision 1 · ") and form.footer.endswith("lab")
    editors = {f.path: (f.editor, f.text) for f in form.fields}
    assert editors == {
        "order": (EditorKind.NUMBER, "4"),
        "low": (EditorKind.NUMBER, "1.0"),
        "high": (EditorKind.NUMBER, "30.0"),
        "kind": (EditorKind.CHOICE, "butter"),
        "enabled": (EditorKind.TOGGLE, "true"),
        "window": (EditorKind.NUMBER, ""),
        "meta": (EditorKind.GROUP, "1 field"),
        "meta.name": (EditorKind.TEXT, "alpha"),
        "power": (EditorKind.READ_ONLY, "0.25"),
    }
    low = field(stage, "low")
    assert (low.unit, low.range_label, low.default_label, low.running_label) == ("Hz", "0.1 … 250", "1.0", "1.0")
    assert (field(stage, "window").is_none, field(stage, "window").is_optional) == (True, True)
    assert [f.path for f in form.fields if f.is_changed] == ["high", "meta.name"]
    assert field(stage, "power").state is FieldState.READ_ONLY


def test_an_edit_goes_from_staged_to_applied_with_the_owners_revision(stage: Stage) -> None:
    desk = stage.desk
    desk.stage(A, "low", "8")
    assert (field(stage, "low").state, field(stage, "low").text) == (FieldState.STAGED, "8")
    assert desk.status().staged == 1
    assert component_state(stage) == "● 1"
    desk.apply(A)
    assert field(stage, "low").state is FieldState.SENDING
    sent = stage.source.sent[-1]
    assert (sent.address, sent.fields, sent.expected_revision) == (A, {"low": 8.0}, 1)
    stage.answer(Verdict.ACCEPTED, revision=2)
    assert (field(stage, "low").state, desk.status().applying) == (FieldState.APPLYING, 1)
    stage.hear_settings("tui@lab", low=8.0)
    low = field(stage, "low")
    assert (low.state, low.note, low.running_label) == (FieldState.APPLIED, "revision 2, 18.0ms", "8.0")
    assert change_rows(stage) == [["✓ applied", "SYS/BAND.low", "1.0", "8.0", "0.0 s", "revision 2, 18.0ms"]]
    stage.now_s += 6.0
    desk.poll()
    assert field(stage, "low").state is FieldState.IN_SYNC
    assert change_rows(stage)[0][:4] == ["✓ applied", "SYS/BAND.low", "1.0", "8.0"]
    assert component_state(stage) == "✓"


def test_a_value_that_breaks_a_rule_is_kept_but_not_sent(stage: Stage) -> None:
    desk = stage.desk
    assert desk.check(A, "high", "450") == TOO_HIGH
    assert desk.check(A, "high", "45") == desk.check(A, "high", "30.0") == ""
    assert "not a number" in desk.check(A, "high", "much")
    assert desk.check(A, "nothing", "1") == "there is no such field"
    desk.stage(A, "high", "450")
    high = field(stage, "high")
    assert (high.state, high.text, high.note) == (FieldState.INVALID, "450", TOO_HIGH)
    desk.apply(A)
    assert stage.source.sent == []
    assert (desk.status().staged, desk.status().invalid) == (1, 1)
    assert change_rows(stage)[0] == [
        "✖ invalid",
        "SYS/BAND.high",
        "30.0",
        "450",
        "0.0 s",
        TOO_HIGH.removeprefix("high "),
    ]
    desk.stage(A, "high", "45")
    assert field(stage, "high").state is FieldState.STAGED


def test_a_field_whose_running_value_breaks_its_own_annotation_takes_any_value(stage: Stage) -> None:
    stage.hear_settings(order="auto")
    for text, value in (("manual", "manual"), ("6", 6), ("[1, 2]", [1, 2])):
        stage.desk.stage(A, "order", text)
        assert field(stage, "order").state is FieldState.STAGED
        change = stage.desk.store.changes.of(A, "order")
        assert change is not None and change.edit.value == value


def test_staged_fields_of_a_component_go_together_and_invalid_ones_stay(stage: Stage) -> None:
    desk = stage.desk
    desk.stage(A, "low", "8")
    desk.stage(A, "meta.name", "beta")
    desk.stage_none(A, "window")
    desk.stage(A, "high", "450")
    desk.apply()
    assert [sent.fields for sent in stage.source.sent] == [{"low": 8.0, "meta.name": "beta"}]
    assert field(stage, "high").state is FieldState.INVALID


def test_a_refusal_names_the_field_and_the_reason(stage: Stage) -> None:
    desk = stage.desk
    desk.stage(A, "low", "8")
    desk.stage(A, "order", "5")
    desk.apply(A)
    stage.answer(Verdict.REFUSED, "low must be below high", field_path="low", rule="order")
    low = field(stage, "low")
    assert (low.state, low.note, low.text) == (FieldState.REJECTED, "low must be below high", "8")
    assert field(stage, "order").state is FieldState.STAGED
    assert desk.status().failed == 1
    assert component_state(stage) == "✖ 1"


def test_what_someone_else_sets_meanwhile_is_a_conflict_and_leaves_the_text(stage: Stage) -> None:
    desk = stage.desk
    desk.stage(A, "low", "8")
    stage.hear_settings(low=5.0)
    low = field(stage, "low")
    assert (low.state, low.text, low.running_label) == (FieldState.CONFLICT, "8", "5.0")
    assert low.note == "it is 5.0 now, and was 1.0"
    desk.apply(A)
    assert stage.source.sent == []
    desk.keep_mine(A, "low")
    assert field(stage, "low").state is FieldState.STAGED
    stage.hear_settings(low=6.0)
    desk.take_theirs(A, "low")
    assert (field(stage, "low").state, field(stage, "low").text) == (FieldState.IN_SYNC, "6.0")


def test_what_is_in_flight_when_the_link_goes_is_unknown_and_then_compared(stage: Stage) -> None:
    desk = stage.desk
    desk.stage(A, "low", "8")
    desk.apply(A)
    stage.tell(LinkWent(stage.now_s, 0.0, "reset", None))
    assert field(stage, "low").state is FieldState.UNKNOWN
    desk.stage(A, "order", "5")
    desk.apply(A)
    assert len(stage.source.sent) == 1, "nothing is sent without a link"
    assert "no connection" in desk.events_table(Query()).rows[-1].cells[3].text
    stage.attach()
    value = settings_value({**BAND, "low": 8.0}, BAND_FIELDS, 2)
    stage.tell(stage.item(StreamName.SETTINGS, SettingsListed(SettingsState(6, {A: value}))))
    assert field(stage, "low").state is FieldState.APPLIED
    assert field(stage, "order").state is FieldState.STAGED


def test_none_steps_toggles_and_reverts(stage: Stage) -> None:
    desk = stage.desk
    desk.stage(A, "window", "50")
    assert field(stage, "window").text == "50"
    desk.stage_none(A, "window")
    assert field(stage, "window").state is FieldState.IN_SYNC, "None is what is in force"
    desk.step(A, "low", 1)
    desk.step(A, "low", 1)
    assert field(stage, "low").text == "2.0"
    desk.step(A, "kind", 1)
    assert field(stage, "kind").text == "cheby1"
    desk.stage(A, "enabled", "false")
    assert field(stage, "enabled").text == "false"
    desk.step(A, "nothing", 1)
    desk.revert(A, "low")
    assert field(stage, "low").state is FieldState.IN_SYNC
    assert desk.status().staged == 2
    desk.revert()
    assert desk.status().staged == 0


def test_typing_the_value_in_force_drops_the_edit(stage: Stage) -> None:
    stage.desk.stage(A, "low", "8")
    stage.desk.stage(A, "low", "1.00")
    assert field(stage, "low").state is FieldState.IN_SYNC


def test_read_only_fields_and_unknown_ones_cannot_be_edited(stage: Stage) -> None:
    stage.desk.stage(A, "power", "1.0")
    stage.desk.stage(A, "nothing", "1.0")
    stage.desk.stage_none(A, "nothing")
    stage.desk.step("GONE", "low", 1)
    assert stage.desk.status().staged == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [({"is_read_only": True}, "--read-only"), ({"role": "observe"}, "look only")],
)
def test_a_desk_that_may_not_change_anything_says_why(options: dict[str, Any], words: str) -> None:
    stage = Stage(**options).go_live(seconds=1)
    form = stage.desk.settings_form(A)
    assert form.is_read_only and words in form.read_only_reason
    stage.desk.stage(A, "low", "8")
    stage.desk.step(A, "low", 1)
    stage.desk.apply()
    assert stage.desk.status().staged == 0
    assert stage.source.sent == []
    assert stage.desk.status().is_read_only is bool(options.get("is_read_only"))


def test_a_frozen_desk_takes_no_edits_until_it_runs_again(stage: Stage) -> None:
    stage.desk.freeze(is_frozen=True)
    stage.desk.stage(A, "low", "8")
    assert "frozen" in stage.desk.settings_form(A).read_only_reason
    assert stage.desk.status().staged == 0
    stage.desk.freeze(is_frozen=False)
    stage.desk.stage(A, "low", "8")
    assert stage.desk.status().staged == 1


def test_components_that_are_fixed_unknown_or_opaque_say_so(stage: Stage) -> None:
    values = {
        A: settings_value(BAND, BAND_FIELDS),
        "SYS/SRC": settings_value({"x": 1}, [setting_of("x")]),
        "OLD": SettingsSnapshotValue(None, "<object at 0x1>", None, None, 1),
        "LOOSE": SettingsSnapshotValue(None, {"x": 1}, {"x": 1}, None, 1),
        "EMPTY": SettingsSnapshotValue(None, {}, {}, None, 1),
    }
    stage.tell(stage.item(StreamName.SETTINGS, SettingsListed(SettingsState(9, values))))
    desk = stage.desk
    assert "INPUT_SETTINGS" in desk.settings_form("SYS/SRC").read_only_reason
    assert desk.settings_form("OLD").empty_text == "'<object at 0x1>'"
    loose = desk.settings_form("LOOSE")
    assert (loose.fields[0].editor, loose.fields[0].text) == (EditorKind.READ_ONLY, "1")
    assert desk.settings_form("GONE").empty_text == "no settings are known of it"
    assert desk.settings_form("").empty_text == "nothing selected"
    states = {row.key: row.cells[1].text for row in desk.settings_components(Query()).rows}
    assert states == {"LOOSE": "⊘", "OLD": "⊘", A: "✓", "SYS/SRC": "⊘"}


def setting_of(name: str) -> SettingsFieldMetadata:
    return SettingsFieldMetadata(name, "int", False, 0, None, None, None, None, kind=FieldKind.INT)


def test_a_value_that_the_unit_failed_on_is_marked(stage: Stage) -> None:
    import msgspec

    value = msgspec.structs.replace(settings_value(BAND, BAND_FIELDS), is_uncertain=True)
    stage.tell(stage.item(StreamName.SETTINGS, SettingsListed(SettingsState(9, {A: value}))))
    assert "maybe half applied" in stage.desk.settings_form(A).footer
    assert component_state(stage) == "? unsure"


def test_applying_one_component_sends_what_failed_again_and_applying_all_does_not(stage: Stage) -> None:
    desk = stage.desk
    desk.stage(A, "low", "8")
    desk.apply(A)
    stage.answer(Verdict.REFUSED, "no")
    desk.apply()
    assert len(stage.source.sent) == 1
    desk.apply(A)
    assert len(stage.source.sent) == 2
