"""Reaching a graph server, or starting one where the caller wants one along."""

import asyncio
from dataclasses import dataclass

from ezmsg_core import config
from ezmsg_core.client.link import Link
from ezmsg_core.client.link_sharing import control_thread
from ezmsg_core.client.servers import find_server
from ezmsg_core.errors import ConnectionFileError, ForeignServerError, ServerUnreachableError
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
    except (ServerUnreachableError, ForeignServerError, ConnectionFileError) as error:
        is_free = isinstance(error, ServerUnreachableError) or not _is_named(address)
        if not (is_free and _is_to_start(address, auto_start)):
            raise
    server = GraphServer()
    await asyncio.to_thread(server.start, None if isinstance(address, ServerEntry) else address)
    try:
        link = await control_thread().acquire(server.entry, role)
    except BaseException:
        server.stop()
        raise
    return Reached(server.entry, link, server)


def _is_to_start(address: AddressType | ServerEntry | None, auto_start: bool | None) -> bool:
    if isinstance(address, ServerEntry):
        return False
    return not _is_named(address) if auto_start is None else auto_start


def _is_named(address: AddressType | ServerEntry | None) -> bool:
    """Whether the caller or the environment names a server; else one at the default address is not meant."""
    return address is not None or config.server_address() is not None or config.connection_file() is not None
