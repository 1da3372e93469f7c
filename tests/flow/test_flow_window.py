"""The window against an oracle that keeps every held message in a set."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ezmsg_core.errors import ConfigError
from ezmsg_core.flow.window import MAX_BUFFERS, Tail, Window, check_num_buffers

READERS = st.sampled_from("abcd")


class WindowModel(RuleBasedStateMachine):
    """Readers come, go and release in any order; the oracle holds message by message."""

    def __init__(self) -> None:
        super().__init__()
        self.size = 4
        self.window: Window[str] = Window(self.size)
        self.tails: dict[str, Tail] = {}
        self.held: dict[str, set[int]] = {}
        self.next = 0

    def oldest(self) -> int:
        return min((min(held, default=self.next) for held in self.held.values()), default=self.next)

    @rule(reader=READERS)
    def join(self, reader: str) -> None:
        if reader not in self.held:
            self.tails[reader] = self.window.join(reader)
            self.held[reader] = set()

    @rule(reader=READERS)
    def leave(self, reader: str) -> None:
        assert self.window.leave(reader) == (reader in self.held)
        self.held.pop(reader, None)
        self.tails.pop(reader, None)

    @rule()
    def publish(self) -> None:
        is_open = self.window.head < self.window.limit or self.window.refresh()
        assert is_open == (not self.held or self.next - self.oldest() < self.size)
        if is_open:
            self.window.head += 1
            for held in self.held.values():
                held.add(self.next)
            self.next += 1

    @precondition(lambda self: any(self.held.values()))
    @rule(choice=st.randoms(use_true_random=False))
    def release(self, choice) -> None:
        reader, seq = choice.choice([(r, s) for r, held in sorted(self.held.items()) for s in sorted(held)])
        self.held[reader].discard(seq)
        self.tails[reader].release(seq)

    @invariant()
    def agrees_with_the_oracle(self) -> None:
        assert self.window.head == self.next
        assert self.window.floor() == self.oldest()
        assert self.window.in_flight() == self.next - self.oldest() <= self.size
        holder = self.window.holder()
        if self.window.in_flight() == 0:
            assert holder is None
        else:
            assert holder is not None and min(self.held[holder]) == self.oldest()
        for reader, tail in self.tails.items():
            assert tail.position == min(self.held[reader], default=self.next)


WindowModel.TestCase.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
TestWindowModel = WindowModel.TestCase


def test_a_window_without_readers_is_always_open() -> None:
    window: Window[str] = Window(1)
    for _ in range(100):
        assert window.head < window.limit
        window.head += 1
    assert window.in_flight() == 0


def test_a_reader_that_comes_late_holds_only_what_is_published_afterwards() -> None:
    window: Window[str] = Window(2)
    window.head = 40
    assert window.join("late").position == 40
    assert window.in_flight() == 0


@pytest.mark.parametrize("given", [0, -1, MAX_BUFFERS + 1, True, 2.0, "8", None])
def test_a_window_size_that_is_no_sensible_number_is_refused_by_name(given: object) -> None:
    with pytest.raises(ConfigError, match="num_buffers") as refused:
        check_num_buffers(given)  # type: ignore[arg-type]
    assert refused.value.name == "num_buffers"


@pytest.mark.parametrize("given", [1, 32, MAX_BUFFERS])
def test_window_sizes_within_the_limits_are_taken(given: int) -> None:
    assert check_num_buffers(given) == given
