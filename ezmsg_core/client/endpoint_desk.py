"""Where the channels of a process hear of what concerns their publishers and subscribers."""

import threading
from collections import deque
from collections.abc import Callable

from ezmsg_core.wire.frames import Admitted, ClientFrame, Routed, RouteTaken, Steered, SteerTaken

OnRouted = Callable[[Routed], None]
OnAdmitted = Callable[[Admitted], None]
OnSteered = Callable[[Steered, Callable[[], None]], None]


class EndpointDesk:
    """Passes frames on to the endpoints of a link.

    Callbacks run on the link's event loop and must not block. A frame for an endpoint that is not registered yet is
    kept; the oldest is dropped at the limit, and counted in `dropped_total`. Thread: registration is safe from any
    thread.

    Args:
        send: queues a frame on the link.
        limit: most frames kept.
    """

    def __init__(self, send: Callable[[ClientFrame], None], limit: int) -> None:
        self._send = send
        self._lock = threading.Lock()
        self._subscribers: dict[str, OnRouted] = {}
        self._publishers: dict[str, tuple[OnAdmitted, OnSteered]] = {}
        self._kept: deque[Routed | Admitted] = deque()
        self._limit = limit
        self.dropped_total = 0

    def add_subscriber(self, endpoint_id: str, on_routed: OnRouted) -> None:
        """Pass routes on; each is to be answered with `RouteTaken`, even if attaching failed."""
        with self._lock:
            self._subscribers[endpoint_id] = on_routed
            kept = [f for f in self._kept if isinstance(f, Routed) and f.subscriber_id == endpoint_id]
            self._forget(kept)
        for frame in kept:
            on_routed(frame)

    def add_publisher(self, endpoint_id: str, on_admitted: OnAdmitted, on_steered: OnSteered) -> None:
        """Pass tickets and steering on; ``on_steered`` gets a function to call when it has obeyed."""
        with self._lock:
            self._publishers[endpoint_id] = (on_admitted, on_steered)
            kept = [f for f in self._kept if isinstance(f, Admitted) and f.publisher_id == endpoint_id]
            self._forget(kept)
        for frame in kept:
            on_admitted(frame)

    def remove(self, endpoint_id: str) -> None:
        """Pass nothing on to this endpoint any longer."""
        with self._lock:
            self._subscribers.pop(endpoint_id, None)
            self._publishers.pop(endpoint_id, None)

    def routed(self, frame: Routed) -> None:
        """A route came."""
        with self._lock:
            on_routed = self._subscribers.get(frame.subscriber_id)
            if on_routed is None:
                self._keep(frame)
        if on_routed is not None:
            on_routed(frame)

    def admitted(self, frame: Admitted) -> None:
        """A ticket came."""
        with self._lock:
            publisher = self._publishers.get(frame.publisher_id)
            if publisher is None:
                self._keep(frame)
        if publisher is not None:
            publisher[0](frame)

    def steered(self, frame: Steered) -> None:
        """All publishers are to pause, resume or sync; the server hears when the last one has."""
        with self._lock:
            publishers = [on_steered for _, on_steered in self._publishers.values()]
            waiting = [len(publishers)]

        def done() -> None:
            with self._lock:
                waiting[0] -= 1
                is_last = waiting[0] == 0
            if is_last:
                self._send(SteerTaken(frame.steer_id))

        if not publishers:
            self._send(SteerTaken(frame.steer_id))
        for on_steered in publishers:
            on_steered(frame, done)

    def take_route(self, route_id: int) -> None:
        """Tell the server that a route is taken."""
        if route_id:
            self._send(RouteTaken(route_id))

    def _keep(self, frame: Routed | Admitted) -> None:
        if len(self._kept) >= self._limit:
            self._kept.popleft()
            self.dropped_total += 1
        self._kept.append(frame)

    def _forget(self, frames: list[Routed] | list[Admitted]) -> None:
        for frame in frames:
            self._kept.remove(frame)
