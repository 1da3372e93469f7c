"""Which servers there are, and which one a client means."""

import os
import secrets
import socket
from pathlib import Path

import psutil

from ezmsg_core.client.entering import unreachable
from ezmsg_core.config import connection_file as connection_file_of_environment
from ezmsg_core.config import default_server_address, runtime_dir
from ezmsg_core.errors import ConnectionFileError, EzmsgError
from ezmsg_core.model.address import Address, AddressType, as_address, is_loopback
from ezmsg_core.model.roles import Role
from ezmsg_core.transport.connection_file import ServerEntry, entry_path, is_alive, list_entries, read_entry
from ezmsg_core.wire.handshake import CHALLENGE_BYTES, KEY_BYTES, MAGIC, NONCE_BYTES, ClientHandshake, foreign_server

_ANYWHERE = ("0.0.0.0", "::")  # noqa: S104 - where a server listens that can be reached on every address
PROBE_S = 1.0  # how long a listener may take to say what it is


def find_servers() -> list[ServerEntry]:
    """Servers of this user that are alive, by port. Reads files and probes their sockets; may be called anywhere."""
    return [entry for entry in list_entries(runtime_dir()) if is_alive(entry)]


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
        if entry.tcp is not None and _is_at(entry.tcp, wanted) and is_alive(entry):
            return entry
    raise _why_not(wanted)


def _is_at(address: Address, wanted: Address) -> bool:
    if address.port != wanted.port:
        return False
    return address.host == wanted.host or (address.host in _ANYWHERE and _is_here(wanted.host))


def _is_here(host: str) -> bool:
    """Whether an address is one of this machine's."""
    return is_loopback(host) or any(
        interface.address == host for interfaces in psutil.net_if_addrs().values() for interface in interfaces
    )


def _why_not(address: Address) -> EzmsgError:
    """Why no connection file leads to an address: look at what listens there, without giving anything away."""
    hello = ClientHandshake(Role.OBSERVE, bytes(KEY_BYTES), secrets.token_bytes(NONCE_BYTES), address="").hello
    try:
        with socket.create_connection(address, timeout=PROBE_S) as connection:
            connection.sendall(hello)
            received = _receive(connection)
    except OSError as error:
        return unreachable(str(address), error)
    if not received.startswith(MAGIC):
        return foreign_server(str(address), received)
    folder = runtime_dir()
    text = f"A graph server listens at {address}, but {folder} holds no connection file for it."
    try:
        read_entry(entry_path(folder, address))
    except ConnectionFileError as error:
        if entry_path(folder, address).exists():
            text = f"A graph server listens at {address}, but its connection file cannot be used. {error.text}"
    return ConnectionFileError(
        f"{text} Run as the user who started the server, or name its file with --connection-file.", path=str(folder)
    )


def _receive(connection: socket.socket) -> bytes:
    received = b""
    try:
        while len(received) < CHALLENGE_BYTES and (chunk := connection.recv(CHALLENGE_BYTES)):
            received += chunk
    except OSError:
        pass  # what came until now has to do
    return received
