"""Everything that the environment decides, and the limits of the parts that do I/O; the only reader of the environment.

The environment is read when a function is called, never at import, so that a program may still set it.
The limits of the pure parts are in `ezmsg_core.graph.limits` and `ezmsg_core.wire.codec`.
"""

import math
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ezmsg_core.errors import ConfigError
from ezmsg_core.graph.limits import GraphLimits
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
ATTACH_TIMEOUT_ENV = "EZMSG_SUBSCRIBER_UPDATE_TIMEOUT_SEC"
SETTINGS_HISTORY_ENV = "EZMSG_SETTINGS_EVENT_HISTORY_LIMIT"
TOPOLOGY_HISTORY_ENV = "EZMSG_TOPOLOGY_EVENT_HISTORY_LIMIT"

MAX_SOCKET_PATH_BYTES = 107  # sun_path of Linux, less its final zero

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})


@dataclass(frozen=True, slots=True)
class LinkLimits:
    """Bounds of links, on both sides: what for, and what happens there."""

    handshake_s: float = 2.0  # from accept to proof, which takes under a millisecond; then the connection is cut
    pending_handshakes: int = 64  # connections that have proved nothing; the oldest is cut for a new one
    connections: int = 1024  # links of one server; more are refused as long as it is busy
    observer_frame_bytes: int = 64 << 10  # from links that look or control, whose commands are short; ends the link
    participant_frame_bytes: int = 16 << 20  # from links that declare graphs; ends the link
    client_frame_bytes: int = 64 << 20  # to clients: a snapshot of 10,000 components is about 10 MB; ends the link
    outbox_soft_bytes: int = 8 << 20  # unread by a peer: nothing more is read from it until it reads
    outbox_soft_s: float = 10.0  # for which it may leave that much unread; then the link ends
    outbox_hard_bytes: int = 32 << 20  # unread by a peer: the link ends at once
    farewell_s: float = 1.0  # for a peer to read why its link ends; then the connection is cut
    asks_in_flight: int = 64  # commands of one client; more wait their turn, within their own deadline
    ticket_asks: int = 16  # of these, for tickets: what waits for subscribers must not keep these from attaching
    ask_timeout_s: float = 10.0  # for commands that the server answers by itself
    connect_timeout_s: float = 2.0  # for a listener to accept; then the next address is tried
    silence_s: float = 8.0  # of a server on TCP, four of its heartbeats: the link is lost
    watch_items: int = 64  # received and not yet taken, the credit of a watch; then the server keeps the rest
    kept_frames: int = 256  # for endpoints that are about to be registered; the oldest is dropped and counted
    calls_in_flight: int = 256  # that one process answers at once; one more is refused as busy
    log_lines_per_s: float = 10.0  # on behalf of one peer; the rest is counted
    accept_back_off_s: tuple[float, float] = (0.01, 1.0)  # first and longest pause when descriptors run out


def graph_limits() -> GraphLimits:
    """The limits of a server's state, with what the environment says of them.

    Raises:
        ConfigError: it says something that is no number.
    """
    defaults = GraphLimits()
    history = [_number(name, defaults.journal_events) for name in (SETTINGS_HISTORY_ENV, TOPOLOGY_HISTORY_ENV)]
    return msgspec.structs.replace(
        defaults,
        journal_events=max(1, int(max(history))),  # one length for both streams
        attach_wait_s=_number(ATTACH_TIMEOUT_ENV, defaults.attach_wait_s),
    )


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


def _number(name: str, default: float) -> float:
    text = os.environ.get(name, "")
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise ConfigError(f"{name}={text!r} is not a number from 0 on. Mend or unset it.", name=name, value=text)
    return value
