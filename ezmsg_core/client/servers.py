"""Which servers there are, and which one a client means."""

import os
import secrets
import socket
from pathlib import Path

from ezmsg_core.config import connection_file as connection_file_of_environment
from ezmsg_core.config import default_server_address, runtime_dir
from ezmsg_core.errors import ConnectionFileError, EzmsgError, ServerUnreachableError
from ezmsg_core.model.address import Address, AddressType, as_address
from ezmsg_core.model.roles import Role
from ezmsg_core.transport.connection_file import ServerEntry, list_entries, read_entry
from ezmsg_core.transport.sockets import is_listening_unix
from ezmsg_core.wire.handshake import CHALLENGE_BYTES, KEY_BYTES, NONCE_BYTES, ClientHandshake, foreign_server

PROBE_S = 1.0  # how long a listener may take to say what it is


def find_servers() -> list[ServerEntry]:
    """Servers of this user that are alive, by port. Reads files and probes their sockets; may be called anywhere."""
    return [entry for entry in list_entries(runtime_dir()) if is_alive(entry)]


def is_alive(entry: ServerEntry) -> bool:
    """Whether somebody listens where the connection file says."""
    if entry.unix is not None and is_listening_unix(Path(entry.unix)):
        return True
    return entry.unix is None and entry.tcp is not None and _listens(entry.tcp)


def find_server(
    address: AddressType | str | None = None, *, connection_file: str | os.PathLike[str] | None = None
) -> ServerEntry:
    """The server that is meant: by its connection file, else by its address, else by the environment.

    Raises:
        ConnectionFileError: the file cannot be used; or a server listens at the address, but no file lets us in.
        ServerUnreachableError: nobody listens at the address.
        ForeignServerError: what listens there is something else.
    """
    if connection_file is None and address is None:
        connection_file = connection_file_of_environment()
    if connection_file is not None:
        return read_entry(Path(connection_file))
    wanted = as_address(address) if address is not None else default_server_address()
    for entry in list_entries(runtime_dir()):
        if entry.tcp is not None and entry.tcp.port == wanted.port and entry.tcp.host in (wanted.host, "0.0.0.0", "::"):  # noqa: S104
            return entry
    raise _why_not(wanted)


def _why_not(address: Address) -> EzmsgError:
    """Why there is no connection file for an address: look at what listens there, without giving anything away."""
    try:
        with socket.create_connection((address.host, address.port), timeout=PROBE_S) as connection:
            connection.settimeout(PROBE_S)
            hello = ClientHandshake(Role.OBSERVE, bytes(KEY_BYTES), secrets.token_bytes(NONCE_BYTES), address="").hello
            connection.sendall(hello)
            received = _receive(connection)
    except OSError as error:
        return unreachable(str(address), error)
    if received.startswith(hello[:8]):
        return ConnectionFileError(
            f"A graph server listens at {address}, but there is no connection file for it in {runtime_dir()}. Run as "
            "the user who started it, or name its file with --connection-file.",
            path=str(runtime_dir()),
        )
    return foreign_server(str(address), received)


def _receive(connection: socket.socket) -> bytes:
    received = b""
    try:
        while len(received) < CHALLENGE_BYTES and (chunk := connection.recv(CHALLENGE_BYTES)):
            received += chunk
    except OSError:
        pass  # what came until now has to do
    return received


def _listens(address: Address) -> bool:
    try:
        with socket.create_connection((address.host, address.port), timeout=PROBE_S):
            return True
    except OSError:
        return False


def unreachable(address: str, error: OSError) -> ServerUnreachableError:
    """The error for an address where no connection came about."""
    reason = error.strerror or type(error).__name__
    return ServerUnreachableError(
        f"No graph server answers at {address} ({reason.lower()}). Start a graph, or `ezmsg-core serve`, and check the "
        "address.",
        address=address,
    )
