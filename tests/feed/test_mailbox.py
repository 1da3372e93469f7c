"""The hand-over between the feed's thread and whoever shows it."""

from __future__ import annotations

import threading

from ezmsg_tui.feed.mailbox import Mailbox
from ezmsg_tui.store.facts import FeedClosed


def fact(number: int) -> FeedClosed:
    return FeedClosed(float(number), 0.0)


def test_facts_come_out_in_order_and_once() -> None:
    mailbox = Mailbox()
    for number in range(5):
        mailbox.put(fact(number))
    assert mailbox.take() == [fact(number) for number in range(5)]
    assert mailbox.take() == []


def test_a_full_mailbox_refuses_offers_and_tells_when_there_is_room() -> None:
    mailbox = Mailbox(limit=2)
    told: list[int] = []
    mailbox.on_room(lambda: told.append(1))
    assert mailbox.offer(fact(1)) and mailbox.offer(fact(2))
    assert not mailbox.offer(fact(3))
    mailbox.put(fact(4))  # what must not wait is taken all the same
    assert not mailbox.has_room
    assert mailbox.take() == [fact(1), fact(2), fact(4)]
    assert told == [1]
    assert mailbox.has_room
    mailbox.take()
    assert told == [1], "nobody waited this time"


def test_waiting_ends_with_the_first_fact_or_with_the_time() -> None:
    mailbox = Mailbox()
    assert not mailbox.wait(0.0)
    thread = threading.Thread(target=lambda: mailbox.put(fact(1)))
    thread.start()
    assert mailbox.wait(10.0)
    thread.join()


def test_nothing_is_lost_between_two_threads() -> None:
    mailbox, count = Mailbox(limit=50), 20_000
    room = threading.Event()
    mailbox.on_room(room.set)
    stop = threading.Event()

    def produce() -> None:
        for number in range(count):
            while not mailbox.has_room and not stop.is_set():
                room.wait(1.0)
                room.clear()
            mailbox.put(fact(number))

    thread = threading.Thread(target=produce)
    thread.start()
    taken: list[float] = []
    longest = 0
    while len(taken) < count and mailbox.wait(10.0):
        batch = mailbox.take()
        longest = max(longest, len(batch))
        taken += [item.at_s for item in batch]
    stop.set()
    thread.join(10.0)
    assert taken == [float(number) for number in range(count)]
    assert longest <= 50
