"""Reaching a graph server, or starting one where the caller wants one along."""

import asyncio
from dataclasses import dataclass

from ezmsg_core import config
from ezmsg_core.client.link import Link
from ezmsg_core.client.link_sharing import control_thread
from ezmsg_core.client.servers import find_server
from ezmsg_core.errors import ServerUnreachableError
from ezmsg_core.model.address import AddressType
from ezmsg_core.model.roles import Role
from ezmsg_core.server import GraphServer
from ezmsg_core.transport.connection_file import ServerEntry


@dataclass(frozen=True, slots=True)
class Reached:
    """A server that answers, and the link to it."""

    entry: ServerEntry
    link: Link
    server: GraphServer | None  # started along the way; its starter stops it


async def reach(
    address: AddressType | ServerEntry | None, *, auto_start: bool | None = None, role: Role = Role.PARTICIPATE
) -> Reached:
    """A link to the server at an address, or to one that is started there.

    Args:
        address: of the server; None: the one that the environment names, else the default one.
        auto_start: whether to start a server where none answers; None: only if neither the caller nor the
            environment names an address.
        role: what to enter as.

    Raises:
        ServerUnreachableError: none answers, and none is to be started.
        LinkError: one answers that does not let us in.
    """
    try:
        entry = address if isinstance(address, ServerEntry) else await asyncio.to_thread(find_server, address)
        link = await control_thread().acquire(entry, role)
        return Reached(entry, link, None)
    except ServerUnreachableError:
        if not _is_to_start(address, auto_start):
            raise
    server = GraphServer()
    server.start(None if isinstance(address, ServerEntry) else address)
    try:
        link = await control_thread().acquire(server.entry, role)
    except BaseException:
        server.stop()
        raise
    return Reached(server.entry, link, server)


def _is_to_start(address: AddressType | ServerEntry | None, auto_start: bool | None) -> bool:
    if isinstance(address, ServerEntry):
        return False
    if auto_start is not None:
        return auto_start
    return address is None and config.server_address() is None
