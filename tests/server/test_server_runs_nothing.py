"""Pickles and code sent to the server at any stage are never read as such: recorded by audit hooks in its process."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import msgpack  # pyright: ignore[reportMissingTypeStubs]
import msgspec
import pytest

from ezmsg_core.config import ATTACH_TIMEOUT_ENV
from ezmsg_core.model.components import GraphMetadata
from ezmsg_core.model.control import ProcessControlResponse
from ezmsg_core.model.roles import Role
from ezmsg_core.model.settings import FieldKind
from ezmsg_core.transport.connection_file import ServerEntry, read_entry
from ezmsg_core.wire import commands
from ezmsg_core.wire.answers import CallEnded, Done, ProcessOpened, SessionOpened, SettingsReported
from ezmsg_core.wire.frames import CallReply, Faulted, Hello
from ezmsg_core.wire.handshake import CHALLENGE_BYTES, HELLO_BYTES, NONCE_BYTES
from tests.present.stage import setting, settings_value, unit
from tests.server.raw_peer import RawPeer

PROGRAM = Path(__file__).with_name("audited_server.py")


class Target:
    """The audited server."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.entry: ServerEntry = read_entry(Path(self.heard()))

    def heard(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the server ended"
        return json.loads(line)

    def tell(self, line: str) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self.heard()


@pytest.fixture
def target() -> Iterator[Target]:
    environment = {**os.environ, ATTACH_TIMEOUT_ENV: "0.01"}  # nobody attaches to what is made up here
    with subprocess.Popen(
        [sys.executable, str(PROGRAM)], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        target = Target(process)
        for is_remote in (False, True):  # what is imported at first use is imported before the hook is armed
            with RawPeer(target.entry, is_remote=is_remote) as peer:
                peer.enter(Role.PARTICIPATE)
                everything_in_fields(peer, b"harmless")
        assert target.tell("arm") == []
        yield target
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10.0) == 0


class Bomb:
    """Unpickling it runs a command that leaves a file."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.trace}",)


Attack = Callable[[ServerEntry, bytes, bool], None]


def instead_of_hello(entry: ServerEntry, payload: bytes, is_remote: bool) -> None:
    with RawPeer(entry, is_remote=is_remote) as peer:
        peer.sock.sendall(payload + bytes(HELLO_BYTES))
        assert peer.receive_until_end() == b""


def instead_of_hello_with_its_length(entry: ServerEntry, payload: bytes, is_remote: bool) -> None:
    for order in ("little", "big"):
        for size in (4, 8):
            instead_of_hello(entry, len(payload).to_bytes(size, order) + payload, is_remote)


def in_hello(entry: ServerEntry, payload: bytes, is_remote: bool) -> None:
    with RawPeer(entry, is_remote=is_remote) as peer:
        hello = peer.handshake(Role.PARTICIPATE).hello
        peer.sock.sendall(hello[: HELLO_BYTES - NONCE_BYTES] + payload + bytes(HELLO_BYTES))
        assert len(peer.receive_until_end()) <= CHALLENGE_BYTES


def instead_of_the_proof(entry: ServerEntry, payload: bytes, is_remote: bool) -> None:
    with RawPeer(entry, is_remote=is_remote) as peer:
        peer.sock.sendall(peer.handshake(Role.PARTICIPATE).hello)
        peer.receive_exactly(CHALLENGE_BYTES)
        peer.sock.sendall(payload)
        assert peer.receive_until_end() == b""


def after_the_proof(entry: ServerEntry, payload: bytes, is_remote: bool) -> None:
    for role in Role:
        with RawPeer(entry, is_remote=is_remote) as peer:
            handshake = peer.handshake(role)
            peer.sock.sendall(handshake.hello)
            peer.sock.sendall(handshake.prove(peer.receive_exactly(CHALLENGE_BYTES)) + payload)
            peer.frames_until_end()


def as_a_frame(entry: ServerEntry, payload: bytes, is_remote: bool) -> None:
    packed = [msgpack.packb(payload), msgpack.packb({"frame": "ask", "id": 1, "command": payload})]
    packed += [msgpack.packb(msgpack.ExtType(number, payload)) for number in (0, 42, 127)]
    packed += [msgpack.packb({"frame": "ask", "id": 1, "command": {"command": "connect", "source": payload}})]
    for data in packed:
        assert isinstance(data, bytes)
        with RawPeer(entry, is_remote=is_remote) as peer:
            peer.enter(Role.PARTICIPATE)
            peer.sock.sendall(data)
            peer.frames_until_end()


def in_every_field(entry: ServerEntry, payload: bytes, is_remote: bool) -> None:
    with RawPeer(entry, is_remote=is_remote) as peer:
        peer.enter(Role.PARTICIPATE)
        everything_in_fields(peer, payload)


def everything_in_fields(peer: RawPeer, payload: bytes) -> None:
    """Well-formed frames that the server takes, stores and passes on, with the payload wherever something fits."""
    text = payload.decode("latin-1")
    code = f"__import__('os').system({text!r})"
    tree = {"payload": payload, "text": text, "__reduce__": ["os.system", code], "py/reduce": [code], "!!python": code}
    peer.send(Hello(text[:100], 1, code))
    session = peer.ask(commands.OpenSession(label=text[:100]))
    assert isinstance(session, SessionOpened)
    name = f"SYS/{session.session_id}"
    value = settings_value({}, [setting(code, FieldKind.ANY, tree)])
    value = msgspec.structs.replace(value, structured_value=tree, repr_value=tree)
    declared = msgspec.structs.replace(
        unit(name, settings=True),
        component_type=code,
        settings_type="posix.system",
        initial_settings=(None, tree),
        settings_schema=value.settings_schema,
    )
    metadata = GraphMetadata(1, code, {name: declared})
    assert isinstance(peer.ask(commands.RegisterMetadata(session.session_id, metadata)), Done)
    process = peer.ask(commands.OpenProcess(1, code, code))
    assert isinstance(process, ProcessOpened)
    peer.ask(commands.RegisterUnits(process.process_id, [name]))
    report = commands.ReportSettings(process.process_id, name, value, 1.0)
    assert isinstance(peer.ask(report), SettingsReported)
    peer.ask(commands.ConnectEdge(code, text[:100], session.session_id))
    peer.ask(commands.AdvertisePublisher(code, 1, [f"unix:{text}", f"tcp:{text}"]))
    peer.ask(commands.AdvertiseSubscriber(text[:100]))
    assert isinstance(peer.ask(commands.CallUnit(code, 0.01, unit=name, data=tree)), CallEnded)
    response = ProcessControlResponse("1", ok=True, payload=payload, data=tree)
    peer.send(CallReply(1, response))
    assert isinstance(peer.ask(commands.CloseProcess(UUID(int=1))), Faulted)
    assert isinstance(peer.ask(commands.CloseSession(session.session_id)), Done)


ATTACKS: list[Attack] = [
    instead_of_hello,
    instead_of_hello_with_its_length,
    in_hello,
    instead_of_the_proof,
    after_the_proof,
    as_a_frame,
    in_every_field,
]


@pytest.mark.parametrize("is_remote", [False, True], ids=["unix", "tcp"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_pickle_is_never_read(target: Target, tmp_path: Path, attack: Attack, is_remote: bool):
    trace = tmp_path / "trace"
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        attack(target.entry, pickle.dumps(Bomb(trace), protocol), is_remote)
    attack(target.entry, pickle.dumps(list(range(50))), is_remote)  # plain data: harmless, and must not be read either
    with RawPeer(target.entry, is_remote=is_remote) as peer:
        peer.enter(Role.OBSERVE)
        assert not isinstance(peer.ask(commands.GetTopology()), Faulted)
    assert target.tell("report") == []
    assert not trace.exists()


def test_the_record_would_show_a_pickle_that_is_read(target: Target, tmp_path: Path):
    trace, file = tmp_path / "trace", tmp_path / "bomb"
    file.write_bytes(pickle.dumps(Bomb(trace)))
    assert target.tell(f"unpickle {file}") == ["pickle.loads", "pickle.find_class", "os.system"]
    assert trace.exists()
    file.write_bytes(pickle.dumps([1, 2]))
    assert target.tell(f"unpickle {file}")[3:] == ["pickle.loads"]
