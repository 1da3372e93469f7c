"""The handshake of data connections."""

import pytest

from ezmsg_core.errors import AccessDeniedError, ForeignServerError
from ezmsg_core.wire import tickets

SECRET, OTHER = b"s" * 32, b"x" * 32
GREETING = tickets.greeting(b"t" * 16, b"n" * 32)


def test_both_sides_prove_the_ticket():
    assert len(GREETING) == tickets.GREETING_BYTES
    assert tickets.ticket_id_of(GREETING) == b"t" * 16
    offered = tickets.publisher_proof(SECRET, GREETING, b"m" * 32)
    assert len(offered) == tickets.PUBLISHER_PROOF_BYTES
    answer = tickets.subscriber_proof(SECRET, GREETING, offered)
    assert len(answer) == tickets.SUBSCRIBER_PROOF_BYTES
    tickets.check_subscriber(SECRET, GREETING, b"m" * 32, answer)


def test_a_publisher_without_the_ticket_gets_no_proof():
    offered = tickets.publisher_proof(OTHER, GREETING, b"m" * 32)
    with pytest.raises(AccessDeniedError, match="publisher"):
        tickets.subscriber_proof(SECRET, GREETING, offered)


def test_a_subscriber_without_the_ticket_is_refused():
    offered = tickets.publisher_proof(OTHER, GREETING, b"m" * 32)
    forged = tickets.subscriber_proof(OTHER, GREETING, offered)
    with pytest.raises(AccessDeniedError, match="subscriber"):
        tickets.check_subscriber(SECRET, GREETING, b"m" * 32, forged)


def test_a_proof_of_the_other_side_is_none():
    offered = tickets.publisher_proof(SECRET, GREETING, b"m" * 32)
    with pytest.raises(AccessDeniedError):
        tickets.check_subscriber(SECRET, GREETING, b"m" * 32, offered[32:])


@pytest.mark.parametrize("spot", [0, 9])
def test_other_magic_or_protocol_is_foreign(spot: int):
    received = bytearray(GREETING)
    received[spot] ^= 1
    with pytest.raises(ForeignServerError):
        tickets.ticket_id_of(bytes(received))
