"""Connection files: how a running server is found, and the keys that let a client in."""

import contextlib
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from ezmsg_core.errors import ConfigError, ConnectionFileError
from ezmsg_core.model.address import Address
from ezmsg_core.model.roles import Role
from ezmsg_core.transport.places import read_private, write_private
from ezmsg_core.transport.sockets import is_listening_unix

FORMAT = 1
PATTERN = "graph-*.json"
SOCKET_PATTERN = "graph-*.sock"
UNBORN_S = 10.0  # a socket that is younger may belong to a server that is about to listen


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
            f"{path} is not a connection file ({type(error).__name__}). Name the file that the graph server wrote.",
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


def is_answering(entry: ServerEntry) -> bool | None:
    """Whether somebody listens on the server's Unix socket; None where it has none to ask."""
    return None if entry.unix is None else is_listening_unix(Path(entry.unix))


def remove_stale(folder: Path) -> None:
    """Remove connection files and sockets of servers that were killed. A running server's are left alone."""
    for entry in list_entries(folder):
        if is_answering(entry) is False and entry.path is not None:
            with contextlib.suppress(OSError):
                entry.path.unlink(missing_ok=True)
                Path(entry.unix or entry.path).unlink(missing_ok=True)
    for path in folder.glob(SOCKET_PATTERN):
        with contextlib.suppress(OSError):
            if time.time() - path.lstat().st_ctime > UNBORN_S and not is_listening_unix(path):
                path.unlink(missing_ok=True)
