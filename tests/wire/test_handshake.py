"""The handshake: both sides prove the key, and say why not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ezmsg_core.errors import AccessDeniedError, ForeignServerError, ProtocolMismatchError
from ezmsg_core.model.roles import Role
from ezmsg_core.wire import handshake
from ezmsg_core.wire.handshake import ClientHandshake, ServerHandshake, Verdict, foreign_server

KEYS = {Role.OBSERVE: b"o" * 32, Role.CONTROL: b"c" * 32, Role.PARTICIPATE: b"p" * 32}


def client(role: Role = Role.CONTROL, key: bytes | None = None) -> ClientHandshake:
    return ClientHandshake(role, key or KEYS[role], b"n" * 32, address="here:1")


def server() -> ServerHandshake:
    return ServerHandshake(KEYS, b"m" * 32)


@pytest.mark.parametrize("role", Role)
def test_both_sides_prove_the_key_of_the_role(role: Role):
    ours, theirs = client(role), server()
    assert len(ours.hello) == handshake.HELLO_BYTES
    challenge, verdict = theirs.challenge(ours.hello)
    assert len(challenge) == handshake.CHALLENGE_BYTES
    assert verdict is Verdict.WELCOME
    proof = ours.prove(challenge)
    assert len(proof) == handshake.PROOF_BYTES
    assert theirs.accept(proof) is role


def test_no_key_crosses_the_wire():
    ours, theirs = client(), server()
    challenge, _ = theirs.challenge(ours.hello)
    sent = ours.hello + challenge + ours.prove(challenge)
    assert KEYS[Role.CONTROL] not in sent


def test_a_server_with_another_key_learns_no_proof():
    squatter = ServerHandshake(dict.fromkeys(Role, b"x" * 32), b"m" * 32)
    ours = client()
    challenge, _ = squatter.challenge(ours.hello)
    with pytest.raises(AccessDeniedError, match="does not hold the control key"):
        ours.prove(challenge)


def test_a_client_with_another_key_is_refused():
    theirs = server()
    mallory = client(key=b"x" * 32)
    challenge, _ = theirs.challenge(mallory.hello)
    honest = ClientHandshake(Role.CONTROL, KEYS[Role.OBSERVE], b"n" * 32, address="here:1")
    with pytest.raises(AccessDeniedError):
        honest.prove(challenge)
    with pytest.raises(AccessDeniedError):
        theirs.accept(bytes(32))


def test_a_proof_for_one_role_is_none_for_another():
    theirs = server()
    ours = client(Role.OBSERVE)
    challenge, _ = theirs.challenge(ours.hello)
    proof = ours.prove(challenge)
    other = server()
    other.challenge(client(Role.PARTICIPATE).hello)
    with pytest.raises(AccessDeniedError):
        other.accept(proof)


def test_a_proof_before_a_challenge_is_refused():
    with pytest.raises(AccessDeniedError, match="before it was challenged"):
        server().accept(bytes(32))


def test_another_protocol_number_is_named_on_both_sides(monkeypatch: pytest.MonkeyPatch):
    hello = bytearray(client().hello)
    hello[9] = 99
    challenge, verdict = server().challenge(bytes(hello))
    assert verdict is Verdict.WRONG_PROTOCOL
    with pytest.raises(ProtocolMismatchError, match="protocol 1; this program speaks 1") as refusal:
        client().prove(challenge)
    assert (refusal.value.ours, refusal.value.theirs) == (1, 1)


def test_a_server_of_another_protocol_is_named():
    ours = client()
    challenge = bytearray(server().challenge(ours.hello)[0])
    challenge[9] = 7
    with pytest.raises(ProtocolMismatchError, match="speaks protocol 7"):
        ours.prove(bytes(challenge))


@pytest.mark.parametrize("role_number", [0, 4, 255])
def test_an_unknown_role_is_refused_without_a_proof(role_number: int):
    hello = bytearray(client().hello)
    hello[10] = role_number
    challenge, verdict = server().challenge(bytes(hello))
    assert verdict is Verdict.UNKNOWN_ROLE
    assert challenge[-32:] == bytes(32)
    with pytest.raises(AccessDeniedError):
        client().prove(challenge)


def test_a_role_without_a_key_may_not_enter():
    only_observers = ServerHandshake({Role.OBSERVE: KEYS[Role.OBSERVE]}, b"m" * 32)
    assert only_observers.challenge(client().hello)[1] is Verdict.UNKNOWN_ROLE


def test_a_full_server_says_so():
    challenge, verdict = server().challenge(client().hello, is_busy=True)
    assert verdict is Verdict.BUSY
    with pytest.raises(AccessDeniedError, match="as many connections as it takes"):
        client().prove(challenge)


@given(st.binary(min_size=44, max_size=44).filter(lambda b: not b.startswith(handshake.MAGIC)))
def test_bytes_of_others_are_foreign_to_the_server(received: bytes):
    with pytest.raises(ForeignServerError):
        server().challenge(received)


@given(st.binary(min_size=1, max_size=76).filter(lambda b: b[:8] != handshake.MAGIC[: len(b)]))
def test_bytes_of_others_are_foreign_to_the_client(received: bytes):
    with pytest.raises(ForeignServerError):
        client().check_head(received)


@given(st.integers(1, 8))
def test_the_beginning_of_our_magic_is_not_foreign(size: int):
    client().check_head(handshake.MAGIC[:size])


@pytest.mark.parametrize(
    ("received", "named"),
    [
        (b"\x05\0\0\0\0\0\0\x003.9.0", "ezmsg 3.9.0"),
        (b"\x07\0\0\0\0\0\0\x003.10.0a", "ezmsg 3.10.0a"),
        (b"SSH-2.0-OpenSSH", "an SSH server"),
        (b"HTTP/1.1 400", "a web server"),
        (b"", "says nothing"),
        (b"\x1b[2Jhello", "x1b"),
    ],
)
def test_listeners_of_other_kinds_are_named(received: bytes, named: str):
    error = foreign_server("here:1", received)
    assert named in error.text
    assert "here:1" in error.text
    assert "\x1b" not in error.text


@given(st.data())
def test_a_changed_byte_anywhere_ends_the_handshake(data: st.DataObject):
    ours, theirs = client(), server()
    challenge, _ = theirs.challenge(ours.hello)
    spot = data.draw(st.integers(0, len(challenge) - 1))
    tampered = bytearray(challenge)
    tampered[spot] ^= data.draw(st.integers(1, 255))
    with pytest.raises((AccessDeniedError, ForeignServerError, ProtocolMismatchError)):
        ours.prove(bytes(tampered))
