"""Connection files: how a running server is found, and the keys that let a client in."""

import contextlib
import json
import platform
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import psutil

from ezmsg_core.errors import ConfigError, ConnectionFileError
from ezmsg_core.model.address import Address, is_loopback
from ezmsg_core.model.roles import Role
from ezmsg_core.transport.places import read_private, write_private
from ezmsg_core.transport.sockets import is_listening_tcp, is_listening_unix

FORMAT = 1
PATTERN = "graph-*.json"
SOCKET_PATTERN = "graph-*.sock"
DRAFT_PATTERN = ".graph-*.json.*"  # of files that are about to be put in place
UNBORN_S = 10.0  # a socket or draft that is younger may belong to a server that is about to listen


@dataclass(frozen=True, slots=True)
class ServerEntry:
    """What a connection file says of a server."""

    graph_id: str
    epoch: str
    pid: int
    host: str
    protocol: int
    unix: str | None  # path of its socket
    tcp: Address | None
    keys: dict[Role, bytes] = field(repr=False)  # of the roles that this file lets in as
    path: Path | None = None  # of the file

    @property
    def label(self) -> str:
        """How to call the server in a sentence."""
        return str(self.tcp) if self.tcp is not None else str(self.unix)


def entry_path(folder: Path, tcp: Address) -> Path:
    """Where the connection file of a server on this TCP address is."""
    return folder / f"graph-{tcp.port}.json"


def socket_path(folder: Path, tcp: Address) -> Path:
    """Where the Unix socket of a server on this TCP address is."""
    return folder / f"graph-{tcp.port}.sock"


def write_entry(path: Path, entry: ServerEntry) -> None:
    """Write a connection file, whole and private."""
    content = {
        "format": FORMAT,
        "graph_id": entry.graph_id,
        "epoch": entry.epoch,
        "pid": entry.pid,
        "host": entry.host,
        "protocol": entry.protocol,
        "unix": entry.unix,
        "tcp": None if entry.tcp is None else str(entry.tcp),
        "keys": {str(role): key.hex() for role, key in entry.keys.items()},
    }
    write_private(path, json.dumps(content, indent=1).encode() + b"\n")


def read_entry(path: Path) -> ServerEntry:
    """What a connection file says.

    Raises:
        ConnectionFileError: it cannot be read, is not private, or is no connection file.
    """
    content = read_private(path)
    try:
        parts = cast("dict[str, Any]", json.loads(content))
        if parts["format"] != FORMAT:
            raise ConnectionFileError(
                f"The connection file {path} has format {parts['format']!r}; this program reads format {FORMAT}. "
                "Install the same version of ezmsg-tui on both sides.",
                path=str(path),
            )
        return ServerEntry(
            graph_id=str(parts["graph_id"]),
            epoch=str(parts["epoch"]),
            pid=int(parts["pid"]),
            host=str(parts["host"]),
            protocol=int(parts["protocol"]),
            unix=None if parts["unix"] is None else str(parts["unix"]),
            tcp=None if parts["tcp"] is None else Address.from_string(str(parts["tcp"])),
            keys={Role(role): bytes.fromhex(key) for role, key in parts["keys"].items()},
            path=path,
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ConfigError) as error:
        raise ConnectionFileError(
            f"{path} is not a connection file, or is damaged ({type(error).__name__}). Name the file that the graph "
            "server has written, or remove this one: a server that runs writes it again.",
            path=str(path),
        ) from None  # the content, with its keys, stays out of the traceback


def list_entries(folder: Path) -> list[ServerEntry]:
    """Every readable connection file of a folder, by port; what is not one is passed over."""
    entries: list[ServerEntry] = []
    for path in sorted(folder.glob(PATTERN)):
        try:
            entries.append(read_entry(path))
        except ConnectionFileError:
            continue
    return entries


def is_process_gone(entry: ServerEntry) -> bool:
    """Whether the server's process is known to have ended; of another host's nothing is known."""
    if entry.host != platform.node():
        return False
    try:
        return psutil.Process(entry.pid).status() == psutil.STATUS_ZOMBIE  # ended, and nobody has asked how yet
    except (psutil.NoSuchProcess, ValueError):  # a number that no process can have
        return True
    except psutil.AccessDenied:
        return False  # it is somebody else's, so the number is in use


def is_alive(entry: ServerEntry) -> bool:
    """Whether the server still listens. Asks its sockets; may be called anywhere."""
    if entry.unix is not None and is_listening_unix(Path(entry.unix)):
        return True
    if entry.tcp is None or not is_reachable(entry.tcp, entry.host):
        return False
    return is_listening_tcp(entry.tcp) and not is_process_gone(entry)  # or the port is another program's by now


def is_reachable(address: Address, host: str) -> bool:
    """Whether an address means the same here as on the host where it was written down."""
    return host == platform.node() or not is_loopback(address.host)


def remove_stale(folder: Path) -> None:
    """Remove what servers of this host that were killed left in the runtime directory.

    A server that listens is left alone, and so is one that is starting: it listens before it writes its file.
    """
    for entry in list_entries(folder):
        if entry.host == platform.node() and entry.path is not None and not is_alive(entry):
            _remove(entry.path)
            if entry.unix is not None and Path(entry.unix) in folder.glob(SOCKET_PATTERN):
                _remove(Path(entry.unix))
    for path in folder.glob(SOCKET_PATTERN):
        if _is_old(path) and not is_listening_unix(path):
            _remove(path)
    for path in folder.glob(DRAFT_PATTERN):
        if _is_old(path):
            _remove(path)


def _is_old(path: Path) -> bool:
    try:
        return time.time() - path.lstat().st_ctime > UNBORN_S
    except OSError:
        return False  # it is gone


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
