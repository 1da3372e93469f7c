"""What a link may do: the three roles."""

import enum


class Role(enum.StrEnum):
    """The part that a client plays; each can do what the one before it can."""

    OBSERVE = "observe"  # look
    CONTROL = "control"  # look, change settings and edges, pause, stop
    PARTICIPATE = "participate"  # run units: sessions, endpoints, processes, settings reports
