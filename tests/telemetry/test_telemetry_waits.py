"""Waiting time ends up with the subscriber that caused it, and none of it gets lost."""

from hypothesis import given
from hypothesis import strategies as st

from ezmsg_core.model.profiles import ProfileChannelType
from ezmsg_core.telemetry.meters import PublisherMeter, SubscriberMeter
from ezmsg_core.telemetry.waits import MAX_HOLDERS, OTHERS, WaitLedger


def test_a_wait_is_charged_to_the_holder_from_the_moment_it_begins() -> None:
    ledger = WaitLedger()
    ledger.begin("slow", 100)
    assert ledger.totals(130) == (30, {"slow": 30})
    ledger.begin("other", 140)
    ledger.end(150)
    assert ledger.totals(999) == (50, {"slow": 50})
    assert not ledger.is_waiting


def test_time_until_a_release_is_the_releasers_and_what_follows_the_holders() -> None:
    ledger = WaitLedger()
    ledger.begin("a", 0)
    ledger.shift("b", "c", 10)
    ledger.shift("c", "a", 25)
    ledger.end(31)
    assert ledger.totals(31) == (31, {"b": 10, "c": 15, "a": 6})


def test_a_wait_that_ends_with_the_last_release_is_the_releasers_alone() -> None:
    ledger = WaitLedger()
    ledger.begin("a", 0)
    ledger.end(10, released_by="b")
    ledger.begin("c", 20)
    ledger.end(20)
    assert ledger.totals(30) == (10, {"b": 10})


@given(
    st.lists(
        st.tuples(st.sampled_from(["begin", "shift", "end"]), st.integers(0, 200), st.integers(0, 50)), max_size=200
    )
)
def test_the_sum_by_subscriber_is_the_total_however_many_subscribers_come_and_go(
    script: list[tuple[str, int, int]],
) -> None:
    ledger = WaitLedger()
    now = waited = 0
    is_waiting = False
    for verb, who, step in script:
        waited += step if is_waiting else 0
        now += step
        if verb == "begin":
            ledger.begin(str(who), now)
            is_waiting = True
        elif verb == "shift":
            ledger.shift(str(who), str(who + 1), now)
        else:
            ledger.end(now)
            is_waiting = False
        total, by_holder = ledger.totals(now)
        assert total == sum(by_holder.values()) == waited
        assert ledger.is_waiting == is_waiting
        assert len(by_holder) <= MAX_HOLDERS + 2


def test_subscribers_beyond_the_limit_are_summed_up() -> None:
    ledger = WaitLedger()
    for number in range(3 * MAX_HOLDERS):
        ledger.begin(str(number), number * 10)
        ledger.end(number * 10 + number + 1)
    _, by_holder = ledger.totals(0)
    assert OTHERS in by_holder
    assert str(3 * MAX_HOLDERS - 1) in by_holder


def test_a_publishers_record_holds_a_wait_that_goes_on() -> None:
    meter = PublisherMeter()
    meter.published_bytes += 64
    meter.waits.count += 1
    meter.waits.begin("viewer:1", 1_000)
    record = meter.counters(
        5_000, endpoint_id="p", topic="t", published_total=3, in_flight=2, num_buffers=2, is_paused=False
    )
    assert (record.wait_ns, record.wait_count, record.is_waiting) == (4_000, 1, True)
    assert record.wait_ns_by_subscriber == {"viewer:1": 4_000}
    assert (record.published_total, record.published_bytes, record.in_flight) == (3, 64, 2)


def test_a_subscriber_is_busy_while_it_holds_at_least_one_message() -> None:
    meter = SubscriberMeter()
    meter.taken(10)
    meter.taken(20)
    meter.released(30)
    assert meter.busy_ns(35) == 25
    meter.released(40)
    assert meter.busy_ns(99) == 30
    meter.error_total += 1
    meter.missed_total += 4
    record = meter.counters(
        99, endpoint_id="s", topic="t", queue_depth=5, dropped_total=2, max_queue=7, path=ProfileChannelType.TCP
    )
    assert (record.received_total, record.busy_ns, record.dropped_total, record.queue_depth) == (2, 30, 6, 5)
    assert record.is_leaky and record.max_queue == 7 and record.error_total == 1
