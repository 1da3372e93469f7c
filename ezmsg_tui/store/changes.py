"""Where a settings change can be, and what moves it: one table, no values."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType


class ChangeState(enum.StrEnum):
    """Where a field's change has got to."""

    IN_SYNC = "in_sync"  # nothing staged
    STAGED = "staged"  # edited here, not sent
    INVALID = "invalid"  # edited here, and the schema refuses it
    SENDING = "sending"  # handed to the feed
    APPLYING = "applying"  # on its way to the owner and back, or acknowledged and not seen yet
    APPLIED = "applied"  # acknowledged and seen in force
    REJECTED = "rejected"  # refused; nothing was applied
    UNKNOWN = "unknown"  # no answer: it may or may not be in force
    CONFLICT = "conflict"  # someone else changed the field after the edit began


class ChangeInput(enum.StrEnum):
    """What can happen to a field's change."""

    EDITED = "edited"  # to a value that the schema accepts
    MISTYPED = "mistyped"  # to a text or value that the schema refuses
    EDITED_BACK = "edited_back"  # to the value in force
    REVERTED = "reverted"  # the user drops the edit
    SUBMITTED = "submitted"  # the user sends it
    SENT = "sent"  # the link took it
    ACKNOWLEDGED = "acknowledged"  # the owner accepted it; its event has not come yet
    CONFIRMED = "confirmed"  # accepted, and its event has come
    REFUSED = "refused"  # the server or the owner refused this field
    RETURNED = "returned"  # refused because of another field of the same patch
    OUTDATED = "outdated"  # refused because the revision moved
    UNANSWERED = "unanswered"  # deadline, or the link went
    OVERDUE = "overdue"  # acknowledged, and no event for too long
    ECHOED = "echoed"  # the value in force became this one
    MOVED = "moved"  # the value in force became a third one
    RESTORED = "restored"  # the value in force is the one that the edit began from
    KEPT = "kept"  # the user settles a conflict: mine
    YIELDED = "yielded"  # the user settles a conflict: theirs
    SEEN = "seen"  # applied long enough ago


_S, _I = ChangeState, ChangeInput

_EDITS: dict[ChangeInput, ChangeState] = {
    _I.EDITED: _S.STAGED,
    _I.MISTYPED: _S.INVALID,
    _I.EDITED_BACK: _S.IN_SYNC,
    _I.REVERTED: _S.IN_SYNC,
}

_ANSWERS: dict[ChangeInput, ChangeState] = {
    _I.ACKNOWLEDGED: _S.APPLYING,
    _I.CONFIRMED: _S.APPLIED,
    _I.REFUSED: _S.REJECTED,
    _I.RETURNED: _S.STAGED,
    _I.OUTDATED: _S.CONFLICT,
    _I.UNANSWERED: _S.UNKNOWN,
}

TRANSITIONS: Mapping[ChangeState, Mapping[ChangeInput, ChangeState]] = MappingProxyType(
    {
        _S.IN_SYNC: {_I.EDITED: _S.STAGED, _I.MISTYPED: _S.INVALID},
        _S.STAGED: {**_EDITS, _I.SUBMITTED: _S.SENDING, _I.ECHOED: _S.IN_SYNC, _I.MOVED: _S.CONFLICT},
        _S.INVALID: _EDITS,
        # A change in flight is not moved by what others do: the expected revision makes the owner refuse it.
        _S.SENDING: {**_ANSWERS, _I.SENT: _S.APPLYING},
        _S.APPLYING: {**_ANSWERS, _I.OVERDUE: _S.UNKNOWN},
        _S.APPLIED: {**_EDITS, _I.SEEN: _S.IN_SYNC},
        _S.REJECTED: {**_EDITS, _I.SUBMITTED: _S.SENDING, _I.ECHOED: _S.IN_SYNC},
        _S.UNKNOWN: {
            **_EDITS,
            _I.SUBMITTED: _S.SENDING,
            _I.CONFIRMED: _S.APPLIED,
            _I.ECHOED: _S.APPLIED,
            _I.MOVED: _S.CONFLICT,
            _I.RESTORED: _S.STAGED,
        },
        _S.CONFLICT: {
            **_EDITS,
            _I.KEPT: _S.STAGED,
            _I.YIELDED: _S.IN_SYNC,
            _I.ECHOED: _S.IN_SYNC,
            _I.RESTORED: _S.STAGED,
        },
    }
)
"""The next state for each pair that changes something; any other pair leaves the state as it is."""

IN_FLIGHT = frozenset({_S.SENDING, _S.APPLYING})
"""States in which the change is out of the user's hands."""


def next_state(state: ChangeState, event: ChangeInput) -> ChangeState:
    """Where a change goes from a state."""
    return TRANSITIONS[state].get(event, state)
