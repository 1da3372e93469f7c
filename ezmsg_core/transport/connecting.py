"""Connected sockets to Unix paths and TCP addresses."""

import asyncio
import socket

from ezmsg_core.model.address import Address
from ezmsg_core.transport.fork_guard import keep_from_children

_RETRY_S = 0.01  # a full backlog empties as soon as the listener's loop turns


async def connect_unix(path: str) -> socket.socket:
    """A socket that is connected to a Unix path; waits while the listener's backlog is full.

    Raises:
        OSError: nobody listens there.

    Cancellation: nothing is left.
    """
    sock = keep_from_children(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
    try:
        sock.setblocking(False)
        while True:
            try:
                sock.connect(path)
            except BlockingIOError:  # unlike with TCP this is no connection that will come about by itself
                await asyncio.sleep(_RETRY_S)
            else:
                return sock
    except BaseException:
        sock.close()
        raise


async def connect_tcp(address: Address) -> socket.socket:
    """A socket that is connected to a TCP address.

    Raises:
        OSError: the host is unknown, or nobody listens there; the last reason if it has several addresses.

    Cancellation: nothing is left.
    """
    loop = asyncio.get_running_loop()
    host, port = address
    try:
        places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:  # a name: that takes a question to others, and a thread
        places = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    failure = OSError(f"{address.host} has no address")
    for family, kind, protocol, _, place in places:
        sock = keep_from_children(socket.socket(family, kind, protocol))
        try:
            sock.setblocking(False)
            await loop.sock_connect(sock, place)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            sock.close()
            failure = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failure
