"""The handshake that comes before any frame: fixed sizes, nothing decoded, both sides prove the role's key.

    client → server   HELLO     44 B   magic 8 · protocol u16 · role u8 · reserved u8 · client nonce 32
    server → client   CHALLENGE 76 B   magic 8 · protocol u16 · verdict u8 · reserved u8 · server nonce 32 · proof 32
    client → server   PROOF     32 B

The server's proof is HMAC-SHA256(key, "server" | HELLO | CHALLENGE without proof), the client's the same with
"client". The server proves itself first, so a squatter on the address learns nothing but a nonce. A server that
refuses sends a challenge with the reason as verdict and a proof of zeros, then closes.
Integers are big-endian. Nonces come from the caller.
"""

import enum
import hashlib
import hmac
import re
import struct

from ezmsg_core.errors import AccessDeniedError, ForeignServerError, ProtocolMismatchError
from ezmsg_core.model.roles import Role

MAGIC = b"EZMSGCP\x00"
PROTOCOL = 1  # raised with every incompatible change of frames or handshake
NONCE_BYTES = 32
KEY_BYTES = 32
PROOF_BYTES = 32

_HEAD = struct.Struct(">8sHBB")
HELLO_BYTES = _HEAD.size + NONCE_BYTES
CHALLENGE_BYTES = _HEAD.size + NONCE_BYTES + PROOF_BYTES

_ROLE_NUMBERS = {Role.OBSERVE: 1, Role.CONTROL: 2, Role.PARTICIPATE: 3}
_ROLES = {number: role for role, number in _ROLE_NUMBERS.items()}


class Verdict(enum.IntEnum):
    """Why a server refuses, or that it does not."""

    WELCOME = 0
    WRONG_PROTOCOL = 1
    UNKNOWN_ROLE = 2
    BUSY = 3  # too many connections


def _proof(key: bytes, side: bytes, hello: bytes, challenge_head: bytes) -> bytes:
    return hmac.new(key, side + hello + challenge_head, hashlib.sha256).digest()


class ServerHandshake:
    """The server's side of one connection.

    Args:
        keys: the key of each role that may enter.
        nonce: `NONCE_BYTES` random bytes, used once.
    """

    def __init__(self, keys: dict[Role, bytes], nonce: bytes) -> None:
        self._keys = keys
        self._nonce = nonce
        self._hello = b""
        self._head = b""
        self.role: Role | None = None

    def challenge(self, hello: bytes, *, is_busy: bool = False) -> tuple[bytes, Verdict]:
        """Answer a HELLO of `HELLO_BYTES` bytes: what to send, and whether to go on or close.

        Raises:
            ForeignServerError: the bytes do not begin with the magic; send nothing and close.
        """
        magic, protocol, role_number, _ = _HEAD.unpack_from(hello)
        if len(hello) != HELLO_BYTES or magic != MAGIC:
            raise ForeignServerError("The peer does not speak this protocol.", speaks=preview(hello))
        role = _ROLES.get(role_number)
        verdict = Verdict.WELCOME
        if protocol != PROTOCOL:
            verdict = Verdict.WRONG_PROTOCOL
        elif role is None or role not in self._keys:
            verdict = Verdict.UNKNOWN_ROLE
        elif is_busy:
            verdict = Verdict.BUSY
        self._hello = hello
        self._head = _HEAD.pack(MAGIC, PROTOCOL, verdict, 0) + self._nonce
        if verdict is not Verdict.WELCOME or role is None:
            return self._head + bytes(PROOF_BYTES), verdict
        self.role = role
        return self._head + _proof(self._keys[role], b"server", self._hello, self._head), verdict

    def accept(self, proof: bytes) -> Role:
        """Check the client's PROOF; return the role that it proved.

        Raises:
            AccessDeniedError: it does not hold the role's key.
        """
        role = self.role
        if role is None:
            raise AccessDeniedError("The peer sent a proof before it was challenged.", role="")
        expected = _proof(self._keys[role], b"client", self._hello, self._head)
        if not hmac.compare_digest(expected, proof):
            raise AccessDeniedError(f"The peer does not hold the key of the role {role}.", role=str(role))
        return role


class ClientHandshake:
    """The client's side of one connection.

    Args:
        role: what to enter as.
        key: the role's key, from the connection file.
        nonce: `NONCE_BYTES` random bytes, used once.
        address: what to call the server in errors.
    """

    def __init__(self, role: Role, key: bytes, nonce: bytes, *, address: str) -> None:
        self._role = role
        self._key = key
        self._address = address
        self.hello = _HEAD.pack(MAGIC, PROTOCOL, _ROLE_NUMBERS[role], 0) + nonce

    def check_head(self, received: bytes) -> None:
        """Look at the first bytes of the challenge, as many as came.

        Raises:
            ForeignServerError: they do not begin with the magic.
        """
        if received[: len(MAGIC)] != MAGIC[: len(received)]:
            raise foreign_server(self._address, received)

    def prove(self, challenge: bytes) -> bytes:
        """Check a CHALLENGE of `CHALLENGE_BYTES` bytes; return the PROOF to send.

        Raises:
            ForeignServerError: it is no challenge.
            ProtocolMismatchError: the server speaks another protocol number.
            AccessDeniedError: the server does not know the role, is full, or does not hold the key.
        """
        self.check_head(challenge)
        _, protocol, verdict_number, _ = _HEAD.unpack_from(challenge)
        head = challenge[: _HEAD.size + NONCE_BYTES]
        if protocol != PROTOCOL or verdict_number == Verdict.WRONG_PROTOCOL:
            raise ProtocolMismatchError(
                f"The graph server at {self._address} speaks protocol {protocol}; this program speaks {PROTOCOL}. "
                "Install the same version of ezmsg-tui on both sides.",
                address=self._address,
                ours=PROTOCOL,
                theirs=protocol,
            )
        if verdict_number == Verdict.BUSY:
            raise AccessDeniedError(
                f"The graph server at {self._address} has as many connections as it takes. Close some clients.",
                address=self._address,
                role=str(self._role),
            )
        expected = _proof(self._key, b"server", self.hello, head)
        if verdict_number != Verdict.WELCOME or not hmac.compare_digest(expected, challenge[len(head) :]):
            raise AccessDeniedError(
                f"The graph server at {self._address} does not hold the {self._role} key of the connection file. "
                "The file belongs to another server or to an earlier run; name the right one with --connection-file.",
                address=self._address,
                role=str(self._role),
            )
        return _proof(self._key, b"client", self.hello, head)


_EZMSG_3 = re.compile(rb"(\d+\.\d+[\w.+-]*)")


def foreign_server(address: str, received: bytes) -> ForeignServerError:
    """The error for a listener whose first bytes are not ours; names it where it can be recognised."""
    speaks = preview(received)
    advice = "Check the address."
    size = int.from_bytes(received[:8], "little") if len(received) >= 8 else -1
    version = _EZMSG_3.match(received[8:]) if 3 <= size <= 32 else None
    if version is not None:
        speaks = f"ezmsg {version.group(1).decode('ascii', 'replace')}"
        advice = (
            "Its protocol is another one: run that graph with ezmsg_core (change `import ezmsg.core as ez` to "
            "`import ezmsg_core as ez`), or give the address of a server started by ezmsg_core."
        )
    elif received.startswith(b"SSH-"):
        speaks = "an SSH server"
    elif received.startswith(b"HTTP/"):
        speaks = "a web server"
    return ForeignServerError(
        f"The listener at {address} is not a graph server of this kind; it looks like {speaks}. {advice}",
        address=address,
        speaks=speaks,
    )


def preview(received: bytes) -> str:
    """The first received bytes in a form that is safe to print."""
    return repr(bytes(received[:16])) if received else "a listener that says nothing"
