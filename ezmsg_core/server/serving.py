"""A server that listens: its sockets, its connection files, its end."""

import asyncio
import contextlib
import logging
import os
import platform
import secrets
import socket
import uuid
from dataclasses import dataclass, field, replace
from pathlib import Path

from ezmsg_core.config import LinkLimits, graph_limits, server_port_start
from ezmsg_core.errors import ConfigError, EzmsgError
from ezmsg_core.graph.limits import GraphLimits
from ezmsg_core.graph.machine import GraphMachine
from ezmsg_core.model.address import DEFAULT_HOST, DEFAULT_PORT, Address, is_loopback
from ezmsg_core.model.roles import Role
from ezmsg_core.server.peer_connection import PeerConnection
from ezmsg_core.server.shell import Shell
from ezmsg_core.transport.acceptor import Acceptor
from ezmsg_core.transport.connection_file import (
    ServerEntry,
    entry_path,
    is_alive,
    list_entries,
    read_entry,
    remove_stale,
    socket_path,
    write_entry,
)
from ezmsg_core.transport.places import ensure_runtime_dir
from ezmsg_core.transport.sockets import at_first_free, bound_address, listen_tcp, listen_unix
from ezmsg_core.wire.handshake import KEY_BYTES, PROTOCOL

logger = logging.getLogger("ezmsg.server")
FILE_CHECK_S = 1.0  # a connection file that vanished is written again after at most this long


@dataclass(frozen=True, slots=True)
class ServingOptions:
    """How a server is to listen."""

    address: Address | None = None  # None: the first free port from the environment's, never the well-known one
    connection_file: Path | None = None  # one more place to write it to; its keys are used again if it exists
    is_insecure: bool = False  # allow an address that other machines reach, without encryption
    link_limits: LinkLimits = field(default_factory=LinkLimits)
    graph_limits: GraphLimits = field(default_factory=graph_limits)


class Serving:
    """A running server. Made by `Serving.start`, on the event loop that carries it, and used on that loop.

    Its connection files are written whole, readable by this user alone, and written again when they vanish.
    """

    def __init__(self, entry: ServerEntry, files: list[Path], options: ServingOptions) -> None:
        self.entry = entry
        self.files = files
        self.machine = GraphMachine(
            epoch=entry.epoch, graph_id=entry.graph_id, pid=entry.pid, host=entry.host, limits=options.graph_limits
        )
        self._ended = asyncio.Event()
        self._shell = Shell(self.machine, entry.keys, options.link_limits, self.end)
        self._back_off_s = options.link_limits.accept_back_off_s
        self._acceptors: list[Acceptor] = []
        self._watchman: asyncio.TimerHandle | None = None
        self._is_stopped = False

    @property
    def address(self) -> Address:
        """Where it listens on TCP."""
        assert self.entry.tcp is not None
        return self.entry.tcp

    @classmethod
    async def start(cls, options: ServingOptions | None = None) -> "Serving":
        """Listen, and write the connection file.

        Raises:
            ConfigError: the address is taken or reachable from elsewhere, or the runtime directory or the connection
                file cannot be written.
            ConnectionFileError: the connection file whose keys are to be used again cannot be read. In each case
                nothing is left behind.
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
        remove_stale(folder)
        with contextlib.ExitStack() as undo:
            tcp_socket, unix_socket = _listen(options.address, folder)
            tcp = bound_address(tcp_socket)
            unix_path = socket_path(folder, tcp)
            undo.callback(unix_path.unlink, missing_ok=True)
            undo.enter_context(tcp_socket)
            undo.enter_context(unix_socket)
            entry = _new_entry(tcp, unix_path, options.connection_file)
            files = [entry_path(folder, tcp), *([options.connection_file] if options.connection_file else [])]
            undo.callback(_remove_own, files, entry)
            for path in files:
                _write(path, entry)
            undo.pop_all()
        serving = cls(replace(entry, path=files[0]), files, options)
        serving._accept(unix_socket, is_remote=False)
        serving._accept(tcp_socket, is_remote=True)
        serving._watch_files()
        return serving

    def end(self) -> None:
        """Let `wait_ended` return."""
        self._ended.set()

    async def wait_ended(self) -> None:
        """Wait until somebody stops the server."""
        await self._ended.wait()

    async def stop(self) -> None:
        """Remove what the server put into the file system, and say farewell to all clients; harmless a second time."""
        if self._is_stopped:
            return
        self._is_stopped = True
        if self._watchman is not None:
            self._watchman.cancel()
        _remove_own(self.files, self.entry)  # before the sockets close, so that nobody finds what does not answer
        for acceptor in self._acceptors:
            await acceptor.aclose()
        if self.entry.unix is not None:
            Path(self.entry.unix).unlink(missing_ok=True)
        await self._shell.end("The server stops.")
        self._ended.set()

    def _accept(self, listener: socket.socket, *, is_remote: bool) -> None:
        shell = self._shell
        make = lambda: PeerConnection(shell, is_remote=is_remote)  # noqa: E731
        self._acceptors.append(Acceptor(listener, make, self._back_off_s))

    def _watch_files(self) -> None:
        for path in self.files:
            if not path.exists():
                try:
                    write_entry(path, self.entry)
                except OSError as error:
                    logger.debug("The connection file %s is gone, and cannot be written: %s", path, error)
        self._watchman = asyncio.get_running_loop().call_later(FILE_CHECK_S, self._watch_files)


def _listen(address: Address | None, folder: Path) -> tuple[socket.socket, socket.socket]:
    """Sockets on TCP and Unix; without an address on the first port that is free for both."""
    if address is None:
        return at_first_free(
            server_port_start(),
            lambda port: _listen_at(Address(DEFAULT_HOST, port), folder),
            avoid=frozenset({DEFAULT_PORT}),
        )
    try:
        return _listen_at(address, folder)
    except ConfigError as error:
        holder = _holder(address, folder) if error.parts.get("is_taken") else None
        if holder is None:
            raise
        raise ConfigError(
            f"A graph server, process {holder.pid}, listens on {holder.label} already. Attach to it, end it with "
            f"`ezmsg-core shutdown --address {holder.label}`, or choose another address.",
            **error.parts,
        ) from error


def _listen_at(address: Address, folder: Path) -> tuple[socket.socket, socket.socket]:
    tcp_socket = listen_tcp(address)
    try:
        return tcp_socket, listen_unix(socket_path(folder, bound_address(tcp_socket)))
    except BaseException:
        tcp_socket.close()
        raise


def _holder(address: Address, folder: Path) -> ServerEntry | None:
    """The server of this user that has the port, if one does."""
    for entry in list_entries(folder):
        if entry.tcp is not None and entry.tcp.port == address.port and is_alive(entry):
            return entry
    return None


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


def _write(path: Path, entry: ServerEntry) -> None:
    try:
        write_entry(path, entry)
    except OSError as error:
        raise ConfigError(
            f"The connection file {path} cannot be written: {(error.strerror or str(error)).lower()}. Name a place "
            "where you may write.",
            name="connection_file",
            value=str(path),
        ) from error


def _remove_own(files: list[Path], entry: ServerEntry) -> None:
    for path in files:
        try:
            if read_entry(path).epoch == entry.epoch:
                path.unlink(missing_ok=True)
        except (EzmsgError, OSError):
            if path == files[0]:  # its place is ours as long as we hold the port, whatever somebody did to it
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)
