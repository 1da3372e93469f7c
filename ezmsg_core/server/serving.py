"""A server that listens: its sockets, its connection file, its end."""

import asyncio
import os
import platform
import secrets
import uuid
from dataclasses import dataclass, field, replace
from pathlib import Path

from ezmsg_core.config import LinkLimits, server_port_start
from ezmsg_core.errors import ConfigError
from ezmsg_core.graph.limits import GraphLimits
from ezmsg_core.graph.machine import GraphMachine
from ezmsg_core.model.address import DEFAULT_HOST, DEFAULT_PORT, Address, is_loopback
from ezmsg_core.model.roles import Role
from ezmsg_core.server.peer_connection import PeerConnection
from ezmsg_core.server.shell import Shell
from ezmsg_core.transport.connection_file import ServerEntry, entry_path, read_entry, socket_path, write_entry
from ezmsg_core.transport.places import ensure_runtime_dir
from ezmsg_core.transport.sockets import bound_address, listen_tcp, listen_tcp_from, listen_unix
from ezmsg_core.wire.handshake import KEY_BYTES, PROTOCOL

FILE_CHECK_S = 1.0  # a connection file that vanished is written again after at most this long


@dataclass(frozen=True, slots=True)
class ServingOptions:
    """How a server is to listen."""

    address: Address | None = None  # None: the first free port from the environment's, never the well-known one
    connection_file: Path | None = None  # one more place to write it to; its keys are used again if it exists
    is_insecure: bool = False  # allow an address that other machines reach, without encryption
    link_limits: LinkLimits = field(default_factory=LinkLimits)
    graph_limits: GraphLimits = field(default_factory=GraphLimits)


class Serving:
    """A running server. Made by `Serving.start`, on the event loop that carries it."""

    def __init__(self, entry: ServerEntry, files: list[Path], shell: Shell, servers: list[asyncio.Server]) -> None:
        self.entry = entry
        self.files = files
        self.machine = shell.machine
        self._shell = shell
        self._servers = servers
        self._ended = asyncio.Event()
        self._watchman = asyncio.get_running_loop().call_later(FILE_CHECK_S, self._check_files)

    @property
    def address(self) -> Address:
        """Where it listens on TCP."""
        assert self.entry.tcp is not None
        return self.entry.tcp

    @classmethod
    async def start(cls, options: ServingOptions | None = None) -> "Serving":
        """Listen, and write the connection file.

        Raises:
            ConfigError: the address is taken or reachable from elsewhere, or the runtime directory cannot be used.
        """
        options = options or ServingOptions()
        host = options.address.host if options.address is not None else DEFAULT_HOST
        if not is_loopback(host) and not options.is_insecure:
            raise ConfigError(
                f"{host} can be reached from other machines, and this server does not encrypt. Listen on loopback and "
                "reach it through `ssh -L`, or allow it with --insecure.",
                name="address",
                value=host,
            )
        folder = ensure_runtime_dir()
        if options.address is None:
            tcp_socket = listen_tcp_from(host, server_port_start(), avoid=frozenset({DEFAULT_PORT}))
        else:
            tcp_socket = listen_tcp(options.address)
        tcp = bound_address(tcp_socket)
        try:
            unix_path = socket_path(folder, tcp)
            unix_socket = listen_unix(unix_path)
        except BaseException:
            tcp_socket.close()
            raise
        entry = _new_entry(tcp, unix_path, options.connection_file)
        files = [entry_path(folder, tcp), *([options.connection_file] if options.connection_file else [])]
        machine = GraphMachine(
            epoch=entry.epoch, graph_id=entry.graph_id, pid=entry.pid, host=entry.host, limits=options.graph_limits
        )
        loop = asyncio.get_running_loop()
        ended: list[Serving] = []
        shell = Shell(machine, entry.keys, options.link_limits, lambda: ended[0].end())
        servers = [
            await loop.create_server(lambda: PeerConnection(shell, is_remote=True), sock=tcp_socket),
            await loop.create_unix_server(lambda: PeerConnection(shell, is_remote=False), sock=unix_socket),
        ]
        serving = cls(entry, files, shell, servers)
        ended.append(serving)
        for path in files:
            write_entry(path, entry)
        return serving

    def end(self) -> None:
        """Let `wait_ended` return."""
        self._ended.set()

    async def wait_ended(self) -> None:
        """Wait until somebody stops the server."""
        await self._ended.wait()

    async def stop(self) -> None:
        """Say farewell to all clients, and remove what the server put into the file system."""
        self._watchman.cancel()
        for server in self._servers:
            server.close()
        self._shell.end("The server stops.")
        deadline = asyncio.get_running_loop().time() + 2.0
        while self._shell.connections and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.005)  # the loop runs the farewells
        for path in self.files:
            if _is_ours(path, self.entry):
                path.unlink(missing_ok=True)
        if self.entry.unix is not None:
            Path(self.entry.unix).unlink(missing_ok=True)
        self._ended.set()

    def _check_files(self) -> None:
        for path in self.files:
            if not path.exists() and path.parent.is_dir():
                write_entry(path, self.entry)
        self._watchman = asyncio.get_running_loop().call_later(FILE_CHECK_S, self._check_files)


def _new_entry(tcp: Address, unix_path: Path, connection_file: Path | None) -> ServerEntry:
    entry = ServerEntry(
        graph_id=uuid.uuid4().hex,
        epoch=uuid.uuid4().hex,
        pid=os.getpid(),
        host=platform.node(),
        protocol=PROTOCOL,
        unix=str(unix_path),
        tcp=tcp,
        keys={role: secrets.token_bytes(KEY_BYTES) for role in Role},
    )
    if connection_file is not None and connection_file.exists():
        before = read_entry(connection_file)
        if set(before.keys) == set(Role):
            entry = replace(entry, graph_id=before.graph_id, keys=before.keys)
    return entry


def _is_ours(path: Path, entry: ServerEntry) -> bool:
    try:
        return read_entry(path).epoch == entry.epoch
    except Exception:  # noqa: BLE001 - whatever it is, it is not ours to remove
        return False
