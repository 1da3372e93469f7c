"""The handshake of a data connection: a subscriber's process and a publisher's prove that they hold one ticket.

subscriber → publisher   GREETING  60 B   magic 8 · protocol u16 · reserved u16 · ticket id 16 · nonce 32
publisher → subscriber   PROOF     64 B   nonce 32 · HMAC-SHA256(secret, "publisher" | GREETING | nonce)
subscriber → publisher   PROOF     32 B   HMAC-SHA256(secret, "subscriber" | GREETING | nonce)
"""

import hashlib
import hmac
import struct

from ezmsg_core.errors import AccessDeniedError, ForeignServerError

MAGIC = b"EZMSGDP\x00"
PROTOCOL = 1
TICKET_ID_BYTES = 16
SECRET_BYTES = 32
NONCE_BYTES = 32

_HEAD = struct.Struct(">8sHH")
GREETING_BYTES = _HEAD.size + TICKET_ID_BYTES + NONCE_BYTES
PUBLISHER_PROOF_BYTES = NONCE_BYTES + 32
SUBSCRIBER_PROOF_BYTES = 32


def _sign(secret: bytes, side: bytes, greeting: bytes, nonce: bytes) -> bytes:
    return hmac.new(secret, side + greeting + nonce, hashlib.sha256).digest()


def greeting(ticket_id: bytes, nonce: bytes) -> bytes:
    """The subscriber's first bytes."""
    return _HEAD.pack(MAGIC, PROTOCOL, 0) + ticket_id + nonce


def ticket_id_of(received: bytes) -> bytes:
    """The ticket id of a GREETING of `GREETING_BYTES` bytes.

    Raises:
        ForeignServerError: it is none, or of another protocol.
    """
    magic, protocol, _ = _HEAD.unpack_from(received)
    if magic != MAGIC or protocol != PROTOCOL:
        raise ForeignServerError("The peer does not speak the data protocol.", speaks=repr(bytes(received[:8])))
    return bytes(received[_HEAD.size : _HEAD.size + TICKET_ID_BYTES])


def publisher_proof(secret: bytes, received_greeting: bytes, nonce: bytes) -> bytes:
    """The publisher's answer to a greeting."""
    return nonce + _sign(secret, b"publisher", received_greeting, nonce)


def subscriber_proof(secret: bytes, sent_greeting: bytes, received_proof: bytes) -> bytes:
    """The subscriber's answer, once the publisher has proved itself.

    Raises:
        AccessDeniedError: the publisher does not hold the ticket.
    """
    nonce, proof = received_proof[:NONCE_BYTES], received_proof[NONCE_BYTES:]
    if not hmac.compare_digest(_sign(secret, b"publisher", sent_greeting, nonce), proof):
        raise AccessDeniedError("The publisher does not hold the ticket of this connection.", role="publisher")
    return _sign(secret, b"subscriber", sent_greeting, nonce)


def check_subscriber(secret: bytes, received_greeting: bytes, nonce: bytes, proof: bytes) -> None:
    """Check the subscriber's PROOF.

    Raises:
        AccessDeniedError: it does not hold the ticket.
    """
    if not hmac.compare_digest(_sign(secret, b"subscriber", received_greeting, nonce), proof):
        raise AccessDeniedError("The subscriber does not hold the ticket of this connection.", role="subscriber")
