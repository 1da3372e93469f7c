"""Edits against the values in force: staging, sending, answers, conflicts and losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ezmsg_core.model.settings import SettingsSnapshotValue
from ezmsg_tui.store.change_book import ECHO_S, SEEN_S, ChangeBook, Edit
from ezmsg_tui.store.changes import ChangeState
from ezmsg_tui.store.facts import PatchEnded, PatchSent, Verdict
from ezmsg_tui.store.plain_paths import MISSING, is_same, value_at

ADDRESS = "SYS/BAND"


def in_force(revision: int = 1, **fields: Any) -> SettingsSnapshotValue:
    tree = {"low": 1.0, "high": 30.0, "deep": {"order": 4}, **fields}
    return SettingsSnapshotValue(None, tree, tree, revision=revision)


class Desk:
    """A book, the value in force and a clock."""

    def __init__(self) -> None:
        self.book = ChangeBook()
        self.running: SettingsSnapshotValue | None = in_force()
        self.now_s = 0.0

    def edit(self, path: str, value: Any, fault: str = "") -> None:
        self.book.edit(ADDRESS, path, Edit(str(value), value, fault), self.running, self.now_s)

    def submit(self) -> int:
        submission = self.book.submit(ADDRESS, self.running, self.now_s)
        assert submission is not None
        self.book.take_sent(PatchSent(self.now_s, 0.0, submission.patch_id))
        return submission.patch_id

    def end(self, patch_id: int, verdict: Verdict, revision: int | None = None, **parts: Any) -> None:
        fact = PatchEnded(self.now_s, 0.0, patch_id, verdict, "because", revision, parts)
        self.book.take_ended(fact, self.running)

    def hear(self, revision: int, **fields: Any) -> None:
        self.running = in_force(revision, **fields)
        self.book.take_running(ADDRESS, self.running, self.now_s)

    def state(self, path: str = "low") -> ChangeState:
        change = self.book.of(ADDRESS, path)
        return ChangeState.IN_SYNC if change is None else change.state


def test_a_staged_change_is_applied_once_the_owner_accepted_it_and_its_event_came() -> None:
    desk = Desk()
    desk.edit("low", 8.0)
    assert desk.state() is ChangeState.STAGED
    patch = desk.submit()
    assert desk.state() is ChangeState.APPLYING
    desk.end(patch, Verdict.ACCEPTED, revision=2)
    assert desk.state() is ChangeState.APPLYING
    desk.hear(2, low=8.0)
    assert desk.state() is ChangeState.APPLIED
    desk.now_s += SEEN_S
    desk.book.advance(desk.now_s)
    assert desk.state() is ChangeState.IN_SYNC
    assert [(done.before, done.after, done.revision) for done in desk.book.finished] == [(1.0, 8.0, 2)]


def test_an_event_that_comes_before_the_answer_counts() -> None:
    desk = Desk()
    desk.edit("low", 8.0)
    patch = desk.submit()
    desk.hear(2, low=8.0)
    assert desk.state() is ChangeState.APPLYING
    desk.end(patch, Verdict.ACCEPTED, revision=2)
    assert desk.state() is ChangeState.APPLIED


def test_an_owner_that_names_no_revision_is_believed_when_the_value_is_in_force() -> None:
    desk = Desk()
    desk.edit("low", 8.0)
    desk.end(desk.submit(), Verdict.ACCEPTED)
    assert desk.state() is ChangeState.APPLYING
    desk.hear(2, low=8.0)
    assert desk.state() is ChangeState.APPLIED


def test_a_value_that_the_owner_rounded_is_applied_all_the_same() -> None:
    desk = Desk()
    desk.edit("low", 8.04)
    desk.end(desk.submit(), Verdict.ACCEPTED, revision=2)
    desk.hear(2, low=8.0)
    assert desk.state() is ChangeState.APPLIED


def test_an_accepted_change_without_an_event_becomes_unknown_and_a_late_event_settles_it() -> None:
    desk = Desk()
    desk.edit("low", 8.0)
    desk.end(desk.submit(), Verdict.ACCEPTED, revision=2)
    desk.now_s += ECHO_S
    desk.book.advance(desk.now_s)
    assert desk.state() is ChangeState.UNKNOWN
    desk.hear(2, low=8.0)
    assert desk.state() is ChangeState.APPLIED


def test_the_staged_fields_of_a_component_go_together_with_the_revision_in_force() -> None:
    desk = Desk()
    desk.edit("low", 8.0)
    desk.edit("deep.order", 6)
    desk.edit("high", 999.0, fault="above the maximum 250")
    desk.book.edit("OTHER", "x", Edit("1", 1), in_force(), 0.0)
    submission = desk.book.submit(ADDRESS, desk.running, 0.0)
    assert submission is not None
    assert submission.fields == {"low": 8.0, "deep.order": 6}
    assert submission.expected_revision == 1
    assert desk.state("high") is ChangeState.INVALID
    assert desk.book.submit(ADDRESS, desk.running, 0.0) is None


def test_a_refused_field_is_rejected_and_its_companions_go_back_to_staged() -> None:
    desk = Desk()
    desk.edit("low", 8.0)
    desk.edit("high", 20.0)
    desk.end(desk.submit(), Verdict.REFUSED, field_path="high", rule="x")
    assert desk.state("high") is ChangeState.REJECTED
    assert desk.state("low") is ChangeState.STAGED


def test_a_refusal_that_names_no_field_rejects_all_of_them() -> None:
    desk = Desk()
    desk.edit("low", 8.0)
    desk.edit("high", 20.0)
    desk.end(desk.submit(), Verdict.REFUSED)
    assert {desk.state("high"), desk.state("low")} == {ChangeState.REJECTED}
    change = desk.book.of(ADDRESS, "low")
    assert change is not None and change.reason == "because"


def test_a_patch_that_never_left_is_staged_again_with_the_reason() -> None:
    desk = Desk()
    desk.edit("low", 8.0)
    desk.end(desk.submit(), Verdict.UNSENT)
    change = desk.book.of(ADDRESS, "low")
    assert change is not None and (change.state, change.reason) == (ChangeState.STAGED, "because")


def test_editing_a_rejected_field_stages_it_again() -> None:
    desk = Desk()
    desk.edit("low", 8.0)
    desk.end(desk.submit(), Verdict.REFUSED)
    desk.edit("low", 8.0)
    assert desk.state() is ChangeState.STAGED


def test_what_failed_is_sent_again_when_nothing_else_is_staged() -> None:
    desk = Desk()
    desk.edit("low", 8.0)
    desk.end(desk.submit(), Verdict.REFUSED)
    desk.edit("high", 20.0)
    first = desk.book.submit(ADDRESS, desk.running, 0.0)
    assert first is not None and set(first.fields) == {"high"}
    second = desk.book.submit(ADDRESS, desk.running, 0.0)
    assert second is not None and set(second.fields) == {"low"}
    assert desk.book.submit(ADDRESS, desk.running, 0.0) is None


def test_a_remote_change_of_the_staged_field_is_a_conflict_and_the_edit_stays_as_typed() -> None:
    desk = Desk()
    desk.edit("low", 8.0)
    desk.hear(2, low=5.0)
    change = desk.book.of(ADDRESS, "low")
    assert change is not None
    assert (change.state, change.edit.text, change.base) == (ChangeState.CONFLICT, "8.0", 1.0)
    assert desk.book.submit(ADDRESS, desk.running, 0.0) is None, "a conflict is not sent"


def test_a_remote_change_of_another_field_disturbs_nothing() -> None:
    desk = Desk()
    desk.edit("low", 8.0)
    desk.hear(2, high=40.0)
    assert desk.state() is ChangeState.STAGED
    submission = desk.book.submit(ADDRESS, desk.running, 0.0)
    assert submission is not None and submission.expected_revision == 2


def test_a_conflict_is_settled_for_mine_for_theirs_or_by_the_other_side() -> None:
    ways: list[tuple[Callable[[Desk], None], ChangeState]] = [
        (lambda d: d.book.keep_mine(ADDRESS, "low", d.running, 0.0), ChangeState.STAGED),
        (lambda d: d.book.take_theirs(ADDRESS, "low", 0.0), ChangeState.IN_SYNC),
        (lambda d: d.hear(3, low=8.0), ChangeState.IN_SYNC),
        (lambda d: d.hear(3, low=1.0), ChangeState.STAGED),
        (lambda d: d.hear(3, low=6.0), ChangeState.CONFLICT),
    ]
    for settle, expected in ways:
        desk = Desk()
        desk.edit("low", 8.0)
        desk.hear(2, low=5.0)
        settle(desk)
        assert desk.state() is expected


def test_an_edit_kept_over_theirs_conflicts_again_when_they_go_on() -> None:
    desk = Desk()
    desk.edit("low", 8.0)
    desk.hear(2, low=5.0)
    desk.book.keep_mine(ADDRESS, "low", desk.running, 0.0)
    desk.hear(3, low=6.0)
    assert desk.state() is ChangeState.CONFLICT


def test_a_refusal_for_an_outdated_revision_waits_for_the_event_that_explains_it() -> None:
    desk = Desk()
    desk.edit("low", 8.0)
    patch = desk.submit()
    desk.end(patch, Verdict.OUTDATED)
    assert desk.state() is ChangeState.STAGED, "as far as is known here, nobody touched the field"
    desk.hear(2, low=5.0)
    assert desk.state() is ChangeState.CONFLICT


def test_what_is_in_flight_when_the_link_goes_is_unknown_until_the_next_state() -> None:
    for fields, expected in (
        ({"low": 8.0}, ChangeState.APPLIED),
        ({}, ChangeState.STAGED),
        ({"low": 5.0}, ChangeState.CONFLICT),
    ):
        desk = Desk()
        desk.edit("low", 8.0)
        desk.edit("high", 20.0, fault="no")
        desk.submit()
        desk.book.lose_link(0.0)
        assert desk.state() is ChangeState.UNKNOWN
        assert desk.state("high") is ChangeState.INVALID, "what was not sent stays as it was"
        desk.hear(3, **fields)
        assert desk.state() is expected


def test_an_unanswered_patch_is_unknown_unless_its_value_is_in_force_already() -> None:
    desk = Desk()
    desk.edit("low", 8.0)
    desk.end(desk.submit(), Verdict.UNKNOWN)
    assert desk.state() is ChangeState.UNKNOWN
    desk = Desk()
    desk.edit("low", 8.0)
    patch = desk.submit()
    desk.hear(2, low=8.0)
    desk.end(patch, Verdict.UNKNOWN)
    assert desk.state() is ChangeState.APPLIED


def test_what_is_typed_while_the_field_is_in_flight_is_staged_when_it_comes_back() -> None:
    desk = Desk()
    desk.edit("low", 8.0)
    patch = desk.submit()
    desk.edit("low", 9.0)
    assert desk.state() is ChangeState.APPLYING
    desk.end(patch, Verdict.ACCEPTED, revision=2)
    desk.hear(2, low=8.0)
    change = desk.book.of(ADDRESS, "low")
    assert change is not None
    assert (change.state, change.edit.value, change.base) == (ChangeState.STAGED, 9.0, 8.0)


def test_staging_the_value_in_force_drops_the_edit() -> None:
    desk = Desk()
    desk.edit("low", 8.0)
    desk.edit("low", 1)
    assert desk.state() is ChangeState.IN_SYNC
    desk.edit("low", 1.0)
    assert desk.book.live == {}


def test_reverting_drops_one_field_a_component_or_everything_but_what_is_in_flight() -> None:
    desk = Desk()
    desk.edit("low", 8.0)
    desk.submit()
    desk.edit("high", 20.0)
    desk.edit("deep.order", 2)
    desk.book.edit("OTHER", "low", Edit("5", 5), in_force(), 0.0)
    desk.book.revert(ADDRESS, "high", 0.0)
    assert {key[1] for key in desk.book.live} == {"low", "deep.order"}
    desk.book.revert("", "", 0.0)
    assert set(desk.book.live) == {(ADDRESS, "low")}


def test_a_component_that_is_gone_is_not_sent_to() -> None:
    desk = Desk()
    desk.edit("low", 8.0)
    desk.running = None
    desk.book.take_running(ADDRESS, None, 0.0)
    assert desk.book.submit(ADDRESS, None, 0.0) is None
    assert desk.state() is ChangeState.STAGED


def test_an_answer_to_a_patch_that_nobody_knows_changes_nothing() -> None:
    desk = Desk()
    desk.edit("low", 8.0)
    desk.end(77, Verdict.ACCEPTED, revision=5)
    assert desk.state() is ChangeState.STAGED


def test_values_are_the_same_when_they_mean_the_same_setting() -> None:
    nan = float("nan")
    same = [(1, 1.0), (nan, nan), ({"a": [1, nan]}, {"a": [1.0, nan]}), (None, None), ("x", "x"), (b"x", b"x")]
    other: list[tuple[Any, Any]] = [
        (1, True),
        (0, False),
        (0, None),
        ("1", 1),
        ([1], [1, 2]),
        ({"a": 1}, {"b": 1}),
        (b"x", "x"),
        ({}, []),
    ]
    assert all(is_same(one, two) and is_same(two, one) for one, two in same)
    assert not any(is_same(one, two) or is_same(two, one) for one, two in other)


def test_a_path_that_leads_nowhere_is_missing() -> None:
    tree = {"a": {"b": 1}, "n": None}
    assert value_at(tree, "a.b") == 1
    for path in ("a.c", "a.b.c", "n.x", "", "a."):
        assert value_at(tree, path) is MISSING
    assert value_at(None, "a") is MISSING
    assert not is_same(MISSING, None)
