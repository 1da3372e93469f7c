"""What reaches the endpoints of a process, in which order, and what is kept for those that are not there yet."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

from ezmsg_core.client.endpoint_desk import EndpointDesk
from ezmsg_core.model.topology import PublisherRecord
from ezmsg_core.wire.frames import Admitted, ClientFrame, Routed, RouteTaken, Steered, SteerTaken

PUBLISHER = PublisherRecord("p", "topic", UUID(int=1), 1, "host", 4)


class Desk(EndpointDesk):
    """A desk that remembers what it sends."""

    def __init__(self, limit: int = 4) -> None:
        self.sent: list[ClientFrame] = []
        super().__init__(self.sent.append, limit)


def admitted(number: int, publisher_id: str = "p") -> Admitted:
    return Admitted(publisher_id, f"s{number}", b"t", b"s")


def ignore(*_: object) -> None:
    pass


def test_frames_reach_the_endpoint_they_are_for():
    desk, routes, tickets = Desk(), list[Routed](), list[Admitted]()
    desk.add_subscriber("s", routes.append)
    desk.add_publisher("p", tickets.append, ignore)
    desk.routed(Routed(1, "s", [PUBLISHER]))
    desk.routed(Routed(2, "another", []))
    desk.admitted(admitted(1))
    desk.admitted(admitted(2, "another"))
    assert [route.route_id for route in routes] == [1]
    assert tickets == [admitted(1)]


def test_frames_that_come_before_their_endpoint_are_kept_for_it_in_order():
    desk, routes, tickets = Desk(), list[Routed](), list[Admitted]()
    for number in (1, 2):
        desk.routed(Routed(number, "s", []))
        desk.admitted(admitted(number))
    desk.add_publisher("p", tickets.append, ignore)
    desk.add_subscriber("s", routes.append)
    assert [route.route_id for route in routes] == [1, 2]
    assert tickets == [admitted(1), admitted(2)]
    desk.remove("s")
    desk.remove("p")
    desk.add_subscriber("s", routes.append)
    desk.add_publisher("p", tickets.append, ignore)
    assert (len(routes), len(tickets)) == (2, 2)


def test_beyond_the_limit_the_oldest_is_dropped_and_counted():
    desk, tickets = Desk(limit=4), list[Admitted]()
    for number in range(6):
        desk.admitted(admitted(number))
    assert desk.dropped_total == 2
    desk.add_publisher("p", tickets.append, ignore)
    assert tickets == [admitted(number) for number in range(2, 6)]
    assert desk.dropped_total == 2


@pytest.mark.parametrize("count", [0, 1, 3])
def test_steering_is_answered_when_every_publisher_has_obeyed(count: int):
    desk, obeyed = Desk(), list[Callable[[], None]]()
    for number in range(count):
        desk.add_publisher(f"p{number}", ignore, lambda frame, done: obeyed.append(done))
    desk.steered(Steered(9, "pause"))
    for done in obeyed:
        assert desk.sent == []
        done()
    assert desk.sent == [SteerTaken(9)]


def test_a_route_that_asks_for_no_answer_gets_none():
    desk = Desk()
    desk.take_route(0)
    desk.take_route(3)
    assert desk.sent == [RouteTaken(3)]
