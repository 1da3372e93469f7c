"""Where a graph server listens, as a value."""

import ipaddress
from typing import NamedTuple

from ezmsg_core.errors import ConfigError

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 25978  # the port that programs of the ezmsg family try when nobody names another

_LOOPBACK_NAMES = frozenset({"localhost", "ip6-localhost"})


class Address(NamedTuple):
    """A host and a TCP port (0 … 65535); ``str()`` gives ``host:port``, with brackets round an IPv6 literal."""

    host: str
    port: int

    @classmethod
    def from_string(cls, text: str) -> "Address":
        """Parse ``host:port``, ``[v6]:port`` or ``:port`` (loopback).

        Raises:
            ConfigError: the text has no port, or one outside 0 … 65535.
        """
        host, colon, port_text = text.strip().rpartition(":")
        if not colon or not port_text.isascii() or not port_text.isdigit() or int(port_text) > 65535:
            raise ConfigError(
                f"{text!r} is not an address. Write HOST:PORT, for example {DEFAULT_HOST}:{DEFAULT_PORT}.",
                name="address",
                value=text,
            )
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        return cls(normal_host(host), int(port_text))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


AddressType = tuple[str, int] | Address


def normal_host(host: str) -> str:
    """The host with the names of the loopback interface folded into one spelling."""
    return DEFAULT_HOST if not host or host.lower() in _LOOPBACK_NAMES else host


def as_address(address: "AddressType | str") -> Address:
    """Any accepted spelling of an address as an `Address`."""
    if isinstance(address, str):
        return Address.from_string(address)
    host, port = address
    return Address(normal_host(host), int(port))


def is_loopback(host: str) -> bool:
    """Whether the host is an address of this machine's loopback interface."""
    try:
        return ipaddress.ip_address(normal_host(host)).is_loopback
    except ValueError:
        return False  # a name, whatever it may lead to
