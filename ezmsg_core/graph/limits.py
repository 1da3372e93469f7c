"""The machine's limits: a name, a default and a reason each. A shell may pass others."""

import msgspec


class GraphLimits(msgspec.Struct, frozen=True):
    """Bounds of everything that the machine keeps."""

    name_bytes: int = 512  # of topics, addresses and labels; real ones stay under 100
    asks_in_flight: int = 64  # a link; a client that needs more is not reading its answers
    min_call_timeout_s: float = 0.01
    max_call_timeout_s: float = 60.0  # nobody waits longer at a screen
    max_steering_s: float = 3600.0  # a steering that publishers do not obey within an hour is not going to be
    attach_wait_s: float = 1.0  # for subscribers to attach before an edge or publisher is announced as ready
    journal_events: int = 10_000  # a stream; hours of a busy graph
    journal_bytes: int = 16 << 20
    profile_events: int = 256  # profiles are superseded within a second
    watches_per_link: int = 16  # an inspector uses three
    credit_items: int = 64  # most credit that a watch may have
    heartbeat_s: float = 2.0  # a sign of life both ways
    silence_s: float = 8.0  # four heartbeats: a peer that says nothing for so long is not well
    busy_lag_s: float = 1.0  # an event loop that is later than this is shown as busy
    min_sampling_s: float = 0.05  # profiles more often than 20 Hz serve no eye
    max_sampling_s: float = 10.0


def clamped(value: float, low: float, high: float) -> float:
    """The value within its limits; what is no number is the lower one."""
    return min(value, high) if value >= low else low
