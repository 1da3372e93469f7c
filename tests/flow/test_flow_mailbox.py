"""The leaky mailbox against a list."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ezmsg_core.errors import ConfigError
from ezmsg_core.flow.mailbox import MAX_QUEUE, LeakyMailbox, check_max_queue


@given(st.integers(1, 5), st.lists(st.booleans(), max_size=60))
def test_a_leaky_mailbox_keeps_the_newest_in_order_and_counts_the_rest(size: int, puts: list[bool]) -> None:
    mailbox: LeakyMailbox[int] = LeakyMailbox(size)
    oracle: list[int] = []
    taken = dropped = 0
    for number, is_put in enumerate(puts):
        if is_put:
            oracle.append(number)
            expected = oracle.pop(0) if len(oracle) > size else None
            assert mailbox.put(number) == expected
            dropped += expected is not None
        elif oracle:
            assert mailbox.take() == oracle.pop(0)
            taken += 1
        else:
            with pytest.raises(IndexError):
                mailbox.take()
        assert len(mailbox) == len(oracle)
        assert mailbox.dropped_total == dropped
    assert sum(puts) == taken + dropped + len(mailbox)


def test_without_a_size_only_the_newest_message_is_kept() -> None:
    assert check_max_queue(None) == 1


@pytest.mark.parametrize("given_size", [0, -3, MAX_QUEUE + 1, False, 1.5, "2"])
def test_a_queue_size_that_is_no_sensible_number_is_refused_by_name(given_size: object) -> None:
    with pytest.raises(ConfigError, match="max_queue"):
        check_max_queue(given_size)  # type: ignore[arg-type]
