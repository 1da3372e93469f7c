"""How an endpoint comes by the link that it needs, and gives it back."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from ezmsg_core.channel.ports import LinkPort
from ezmsg_core.channel.reporting import report_counters
from ezmsg_core.client.link_sharing import control_thread
from ezmsg_core.client.servers import find_server
from ezmsg_core.model.address import AddressType
from ezmsg_core.model.roles import Role


class LinkLease(NamedTuple):
    """A link, and how to say that it is no longer needed."""

    link: LinkPort
    release: Callable[[], Awaitable[None]]


async def lease_link(graph_address: AddressType | str | None, link: LinkPort | None) -> LinkLease:
    """The given link, or else this process's shared link to the server at the address.

    Raises:
        LinkError: the server cannot be reached.
        ConnectionFileError: it lets nobody in without a file that is not there.
        ConfigError: the address is none.
    """
    if link is not None:
        return LinkLease(link, _keep)
    control = control_thread()
    shared = await control.acquire(await asyncio.to_thread(find_server, graph_address), Role.PARTICIPATE)
    report_counters(shared)
    return LinkLease(shared, lambda: control.release(shared))


async def _keep() -> None:
    """Whoever gave the link also closes it."""
