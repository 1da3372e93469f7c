"""Which way a publisher's messages take to a subscriber, with the reason to show."""

from collections.abc import Sequence
from typing import NamedTuple

from ezmsg_core.model.profiles import ProfileChannelType

UNIX_PREFIX = "unix:"
TCP_PREFIX = "tcp:"


class Way(NamedTuple):
    """One way that may be tried."""

    path: ProfileChannelType
    address: str  # unix:PATH or tcp:HOST:PORT; empty for LOCAL
    reason: str  # why this one, for people


class Surroundings(NamedTuple):
    """What decides about the ways between two endpoints."""

    is_same_process: bool  # one process and one link
    is_same_host: bool
    is_local_allowed: bool  # by the publisher; meaningful in the same process
    has_unix_sockets: bool  # here


def ways_to(addresses: Sequence[str], around: Surroundings) -> list[Way]:
    """The ways to a publisher that listens at the addresses, best first; empty: it cannot be reached.

    A shared-memory way would come first among those that leave the process.
    """
    if around.is_same_process and around.is_local_allowed:
        return [Way(ProfileChannelType.LOCAL, "", "same process")]
    why = "same process, local delivery is off" if around.is_same_process else "other process"
    is_near = around.is_same_host and around.has_unix_sockets
    unix = [
        Way(ProfileChannelType.UNIX, address, f"{why} on this host: Unix socket")
        for address in addresses
        if is_near and address.startswith(UNIX_PREFIX)
    ]
    tcp = [
        Way(ProfileChannelType.TCP, address, _why_tcp(why, addresses, around))
        for address in addresses
        if address.startswith(TCP_PREFIX)
    ]
    return unix + tcp


def _why_tcp(why: str, addresses: Sequence[str], around: Surroundings) -> str:
    if not around.is_same_host:
        return "other host: TCP"
    if not around.has_unix_sockets:
        return f"{why}, no Unix sockets here: TCP"
    if not any(address.startswith(UNIX_PREFIX) for address in addresses):
        return f"{why}, the publisher offers TCP only"
    return f"{why}, its Unix socket could not be reached: TCP"
