"""The life of a settings change, every state with every input."""

from __future__ import annotations

import pytest

from ezmsg_tui.store.changes import IN_FLIGHT, ChangeInput, ChangeState, next_state

S = ChangeState
I = ChangeInput  # noqa: E741 - a table is read by its columns

# One row for each state: what each input makes of it. `.` stays where it is.
ORDER = [
    I.EDITED, I.MISTYPED, I.EDITED_BACK, I.REVERTED, I.SUBMITTED, I.SENT, I.ACKNOWLEDGED, I.CONFIRMED, I.REFUSED,
    I.RETURNED, I.OUTDATED, I.UNANSWERED, I.OVERDUE, I.ECHOED, I.MOVED, I.RESTORED, I.KEPT, I.YIELDED, I.SEEN,
]  # fmt: skip
SHORT = {
    "i": S.IN_SYNC, "s": S.STAGED, "v": S.INVALID, "g": S.SENDING, "p": S.APPLYING,
    "d": S.APPLIED, "r": S.REJECTED, "u": S.UNKNOWN, "c": S.CONFLICT,
}  # fmt: skip
EXPECTED = {
    #             edit mist back rev  sub  sent ack  conf ref  ret  out  unan over echo move rest kept yiel seen
    S.IN_SYNC:   "s    v    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .",
    S.STAGED:    "s    v    i    i    g    .    .    .    .    .    .    .    .    i    c    .    .    .    .",
    S.INVALID:   "s    v    i    i    .    .    .    .    .    .    .    .    .    .    .    .    .    .    .",
    S.SENDING:   ".    .    .    .    .    p    p    d    r    s    c    u    .    .    .    .    .    .    .",
    S.APPLYING:  ".    .    .    .    .    .    p    d    r    s    c    u    u    .    .    .    .    .    .",
    S.APPLIED:   "s    v    i    i    .    .    .    .    .    .    .    .    .    .    .    .    .    .    i",
    S.REJECTED:  "s    v    i    i    g    .    .    .    .    .    .    .    .    i    .    .    .    .    .",
    S.UNKNOWN:   "s    v    i    i    g    .    .    d    .    .    .    .    .    d    c    s    .    .    .",
    S.CONFLICT:  "s    v    i    i    .    .    .    .    .    .    .    .    .    i    .    s    s    i    .",
}  # fmt: skip


def test_the_expectation_names_every_state_and_every_input() -> None:
    assert set(EXPECTED) == set(S)
    assert set(ORDER) == set(I)
    assert len(ORDER) == len(I)


@pytest.mark.parametrize("state", list(S))
def test_every_input_in_a_state_leads_where_the_table_says(state: ChangeState) -> None:
    for event, letter in zip(ORDER, EXPECTED[state].split(), strict=True):
        expected = state if letter == "." else SHORT[letter]
        assert next_state(state, event) is expected, f"{state} + {event}"


def test_a_change_in_flight_cannot_be_moved_by_the_user() -> None:
    for state in IN_FLIGHT:
        for event in (I.EDITED, I.MISTYPED, I.EDITED_BACK, I.REVERTED, I.SUBMITTED, I.KEPT, I.YIELDED):
            assert next_state(state, event) is state


def test_whatever_is_in_flight_comes_back_when_the_link_goes() -> None:
    for state in IN_FLIGHT:
        assert next_state(state, I.UNANSWERED) is S.UNKNOWN


def test_from_every_state_the_user_can_get_back_in_sync_once_nothing_is_in_flight() -> None:
    for state in set(S) - IN_FLIGHT - {S.IN_SYNC}:
        assert next_state(state, I.REVERTED) is S.IN_SYNC
