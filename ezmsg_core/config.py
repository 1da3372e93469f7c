"""Everything that the environment decides, and the limits of the parts that do I/O; the only reader of the environment.

The environment is read when a function is called, never at import, so that a program may still set it.
"""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ezmsg_core.errors import ConfigError
from ezmsg_core.model.address import DEFAULT_HOST, DEFAULT_PORT, Address

RUNTIME_DIR_ENV = "EZMSG_RUNTIME_DIR"
SERVER_ADDRESS_ENV = "EZMSG_GRAPHSERVER_ADDR"
SERVER_PORT_START_ENV = "EZMSG_SERVER_PORT_START"
PUBLISHER_PORT_START_ENV = "EZMSG_PUBLISHER_PORT_START"
FORCE_TCP_ENV = "EZMSG_FORCE_TCP"
ALLOW_LOCAL_ENV = "EZMSG_ALLOW_LOCAL"
LOG_LEVEL_ENV = "EZMSG_LOGLEVEL"
STRICT_SHUTDOWN_ENV = "EZMSG_STRICT_SHUTDOWN"
CONNECTION_FILE_ENV = "EZMSG_CONNECTION_FILE"

MAX_SOCKET_PATH_BYTES = 107  # sun_path of Linux, less its final zero

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})


@dataclass(frozen=True, slots=True)
class LinkLimits:
    """Bounds of links, on both sides."""

    handshake_s: float = 2.0  # from accept to proof; a healthy one takes under a millisecond
    pending_handshakes: int = 64  # the oldest is dropped for a new one
    connections: int = 1024  # of one server
    observer_frame_bytes: int = 64 << 10  # from links that look or control; their commands are short
    participant_frame_bytes: int = 16 << 20  # from links that declare graphs
    client_frame_bytes: int = 64 << 20  # to clients: a snapshot of 10,000 components is about 10 MB
    outbox_soft_bytes: int = 8 << 20  # more than this for `outbox_soft_s` ends the link
    outbox_soft_s: float = 10.0
    outbox_hard_bytes: int = 32 << 20  # more than this ends the link at once
    asks_in_flight: int = 64  # of one client; more wait their turn
    ask_timeout_s: float = 10.0  # for commands that the server answers by itself
    connect_timeout_s: float = 2.0
    watch_items: int = 64  # received and not yet taken; the credit of a watch
    kept_frames: int = 256  # for endpoints that are about to be registered
    log_lines_per_s: float = 10.0  # of one peer; the rest is counted
    accept_back_off_s: tuple[float, float] = (0.01, 1.0)  # first and longest pause when descriptors run out


def runtime_dir() -> Path:
    """Where connection files and sockets live; it need not exist yet."""
    named = os.environ.get(RUNTIME_DIR_ENV)
    return Path(named) if named else Path(tempfile.gettempdir()) / f"ezmsg-{os.getuid()}"


def server_address() -> Address | None:
    """The server that the environment names; None where it names none.

    Raises:
        ConfigError: it names no valid address.
    """
    text = os.environ.get(SERVER_ADDRESS_ENV)
    return Address.from_string(text) if text else None


def default_server_address() -> Address:
    """The server's address where the caller names none."""
    return server_address() or Address(DEFAULT_HOST, DEFAULT_PORT)


def connection_file() -> Path | None:
    """The connection file that the environment names; a path is no secret, its content is."""
    named = os.environ.get(CONNECTION_FILE_ENV)
    return Path(named) if named else None


def server_port_start() -> int:
    """First TCP port that a server started on the side tries."""
    return _port(SERVER_PORT_START_ENV, 10000)


def publisher_port_start() -> int:
    """First TCP port that a publisher's process tries."""
    return _port(PUBLISHER_PORT_START_ENV, 25980)


def force_tcp() -> bool:
    """Whether publishers use TCP only, unless they say otherwise."""
    return _flag(FORCE_TCP_ENV, default=False)


def allow_local() -> bool:
    """Whether publishers hand objects over within a process, unless they say otherwise."""
    return _flag(ALLOW_LOCAL_ENV, default=True)


def strict_shutdown() -> bool:
    """Whether unclean ends of user code are errors."""
    return _flag(STRICT_SHUTDOWN_ENV, default=False)


def log_level() -> str:
    """Level of the logger, by name."""
    return os.environ.get(LOG_LEVEL_ENV, "INFO").upper()


def _port(name: str, default: int) -> int:
    text = os.environ.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= 65535:
        raise ConfigError(f"{name}={text!r} is not a port. Set it to a number from 1 to 65535.", name=name, value=text)
    return int(text)


def _flag(name: str, *, default: bool) -> bool:
    text = os.environ.get(name)
    if text is None:
        return default
    if text.strip().lower() in _TRUE:
        return True
    if text.strip().lower() in _FALSE:
        return False
    raise ConfigError(f"{name}={text!r} is neither yes nor no. Set it to 1 or 0.", name=name, value=text)
