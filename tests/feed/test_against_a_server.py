"""Feed, store and desk against real servers, programs and sockets."""

from __future__ import annotations

import dataclasses
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ezmsg_core.errors import AccessDeniedError, ConnectionFileError, ForeignServerError, ServerUnreachableError
from ezmsg_core.model.address import Address
from ezmsg_core.model.roles import Role
from ezmsg_core.server.threaded import GraphServer
from ezmsg_core.transport.connection_file import ServerEntry, read_entry, write_entry
from ezmsg_tui.feed.clocks import Clocks
from ezmsg_tui.feed.connecting import ServerChoice, connect_to
from ezmsg_tui.feed.retrying import RetryPolicy
from ezmsg_tui.feed.running import Feed
from ezmsg_tui.present.desk import LinkPhase
from ezmsg_tui.present.form import FieldState
from ezmsg_tui.present.live_desk import LiveDesk
from ezmsg_tui.present.table import Query
from tests.feed.program import UNIT, Program

DEADLINE_S = 15.0
QUICK = RetryPolicy(first_s=0.02, longest_s=0.1)


class Inspector:
    """A desk with its feed, polled like the application does."""

    def __init__(self, choice: ServerChoice, role: Role = Role.CONTROL) -> None:
        clocks = Clocks()
        self.feed = Feed(lambda: connect_to(choice, role), choice.label, clocks=clocks, retry=QUICK, interval_s=0.05)
        self.desk = LiveDesk(self.feed, clocks)
        self.feed.start()

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Poll whenever something has come, until the condition holds."""
        deadline = time.monotonic() + DEADLINE_S
        self.desk.poll()
        while not condition():
            assert time.monotonic() < deadline, f"{what}; {self.desk.status()}"
            self.feed.mailbox.wait(0.05)
            self.desk.poll()

    def wait_live(self) -> None:
        self.wait(lambda: self.desk.status().phase is LinkPhase.LIVE, "it never became live")

    def field_state(self, path: str) -> FieldState:
        return next(f.state for f in self.desk.settings_form(UNIT).fields if f.path == path)


@contextmanager
def inspecting(choice: ServerChoice, role: Role = Role.CONTROL) -> Iterator[Inspector]:
    inspector = Inspector(choice, role)
    try:
        yield inspector
    finally:
        inspector.feed.close()


@pytest.fixture
def server() -> Iterator[GraphServer]:
    server = GraphServer()
    server.start()
    yield server
    server.stop()


def choice_of(server: GraphServer) -> ServerChoice:
    return ServerChoice(str(server.address))


def test_a_graph_shows_with_its_units_edges_rates_and_settings(server: GraphServer) -> None:
    with Program(server), inspecting(choice_of(server)) as inspector:
        inspector.wait_live()
        desk = inspector.desk
        inspector.wait(lambda: desk.status().rate.text not in ("", "-/s"), "no rate came")
        tree = desk.topology_table(Query(arrangement="process"))
        assert [row.cells[0].text for row in tree.rows] == ["worker-1", UNIT]
        assert [row.key for row in desk.edges_table(UNIT, Query()).rows] == [f"{UNIT}/OUT LOG"]
        assert desk.settings_form(UNIT).revision == 1
        assert [row.address for row in desk.publishers_table(Query()).rows] == [f"{UNIT}/OUT"]


def test_a_setting_is_changed_and_the_owner_acknowledges_it(server: GraphServer) -> None:
    with Program(server) as program, inspecting(choice_of(server)) as inspector:
        inspector.wait_live()
        desk = inspector.desk
        desk.stage(UNIT, "low", "8")
        desk.apply(UNIT)
        inspector.wait(lambda: inspector.field_state("low") is FieldState.APPLIED, "it was never applied")
        note = next(f.note for f in desk.settings_form(UNIT).fields if f.path == "low")
        assert note.startswith("revision 2")
        assert program.value.structured_value is not None and program.value.structured_value["low"] == 8.0
        assert program.value.actor.startswith("tui@")


def test_a_setting_that_the_owner_refuses_is_rejected_with_its_sentence(server: GraphServer) -> None:
    with Program(server) as program, inspecting(choice_of(server)) as inspector:
        inspector.wait_live()
        inspector.desk.stage(UNIT, "low", "80")
        inspector.desk.apply(UNIT)
        inspector.wait(lambda: inspector.field_state("low") is FieldState.REJECTED, "it was never refused")
        note = next(f.note for f in inspector.desk.settings_form(UNIT).fields if f.path == "low")
        assert note == "low must be below high."
        assert program.value.revision == 1


def test_what_the_unit_sets_itself_meanwhile_is_a_conflict(server: GraphServer) -> None:
    with Program(server) as program, inspecting(choice_of(server)) as inspector:
        inspector.wait_live()
        inspector.desk.stage(UNIT, "low", "8")
        program.do(lambda: program.set_from_inside(low=5.0))
        inspector.wait(lambda: inspector.field_state("low") is FieldState.CONFLICT, "no conflict was seen")


def test_a_link_that_only_looks_cannot_change_anything(server: GraphServer) -> None:
    with Program(server), inspecting(choice_of(server), Role.OBSERVE) as inspector:
        inspector.wait_live()
        inspector.desk.stage(UNIT, "low", "8")
        assert inspector.desk.status().staged == 0
        assert "look only" in inspector.desk.settings_form(UNIT).read_only_reason


def test_a_program_that_goes_is_seen_to_go(server: GraphServer) -> None:
    with inspecting(choice_of(server)) as inspector:
        inspector.wait_live()
        assert inspector.desk.status().is_empty
        with Program(server):
            inspector.wait(lambda: not inspector.desk.status().is_empty, "the program never showed")
        inspector.wait(lambda: not inspector.desk.publishers_table(Query()).rows, "its publisher stayed")
        assert any("✝" in row.cells[4].text for row in inspector.desk.topology_table(Query(arrangement="process")).rows)


def test_a_restarted_server_is_found_again_and_its_new_graph_shown(server: GraphServer) -> None:
    address = server.address
    with inspecting(choice_of(server)) as inspector:
        with Program(server):
            inspector.wait(lambda: len(inspector.desk.publishers_table(Query()).rows) == 1, "nothing showed")
            server.stop()
            inspector.wait(lambda: inspector.desk.status().phase is LinkPhase.LOST, "the loss was not seen")
            assert len(inspector.desk.publishers_table(Query()).rows) == 1, "the last data stays"
        again = GraphServer()
        again.start(address)
        try:
            inspector.wait_live()
            assert inspector.desk.status().notices[0].text == "new server"
            assert inspector.desk.status().is_empty
        finally:
            again.stop()


def test_the_only_other_server_is_taken_when_the_user_named_none() -> None:
    first, second = GraphServer(), GraphServer()
    first.start()
    with inspecting(ServerChoice(str(first.address), was_named=False)) as inspector:
        inspector.wait_live()
        first.stop()
        second.start(Address("127.0.0.1", first.address.port + 1000))
        try:
            inspector.wait(lambda: inspector.desk.status().address == str(second.address), "it never moved on")
        finally:
            second.stop()


def test_the_inspector_does_not_leave_its_thread_or_socket_behind(server: GraphServer) -> None:
    with inspecting(choice_of(server)) as inspector:
        inspector.wait_live()
    assert not [thread for thread in threading.enumerate() if thread.name == "ezmsg-tui feed"]


# What cannot be attached to says why.


async def test_nobody_listens() -> None:
    with pytest.raises(ServerUnreachableError, match=r"No graph server answers at 127\.0\.0\.1:9"):
        await connect_to(ServerChoice("127.0.0.1:9"), Role.OBSERVE)


async def test_a_file_that_is_not_there_or_is_none(tmp_path: Path) -> None:
    for content in (None, b"{}", b"\x80\x04."):
        path = tmp_path / "file.json"
        if content is not None:
            path.write_bytes(content)
            path.chmod(0o600)
        with pytest.raises(ConnectionFileError, match=r"file\.json"):
            await connect_to(ServerChoice(connection_file=path), Role.OBSERVE)


async def test_a_file_of_a_server_that_is_gone_is_called_a_left_over(server: GraphServer, tmp_path: Path) -> None:
    entry = server.entry
    path = tmp_path / "stale.json"
    gone = process_that_is_gone()
    write_entry(path, _replaced(entry, pid=gone, unix=str(tmp_path / "none.sock"), tcp=Address("127.0.0.1", 9)))
    with pytest.raises(ServerUnreachableError, match="left-over"):
        await connect_to(ServerChoice(connection_file=path), Role.OBSERVE)


async def test_a_file_with_other_keys_is_not_let_in(server: GraphServer, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    write_entry(path, _replaced(server.entry, keys={role: bytes(32) for role in Role}))
    with pytest.raises(AccessDeniedError):
        await connect_to(ServerChoice(connection_file=path), Role.CONTROL)
    write_entry(path, _replaced(server.entry, keys={Role.OBSERVE: server.entry.keys[Role.OBSERVE]}))
    with pytest.raises(AccessDeniedError, match="not to control"):
        await connect_to(ServerChoice(connection_file=path), Role.CONTROL)
    link = await connect_to(ServerChoice(connection_file=path), Role.OBSERVE)
    assert link.server.role == "observe"
    await link.aclose()


async def test_something_else_listens_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def greet() -> None:
            peer, _ = listener.accept()
            peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            peer.close()

        thread = threading.Thread(target=greet)
        thread.start()
        with pytest.raises(ForeignServerError):
            await connect_to(ServerChoice(f"127.0.0.1:{port}"), Role.OBSERVE)
        thread.join()


def process_that_is_gone() -> int:
    return int(subprocess.run(["/bin/sh", "-c", "echo $$"], capture_output=True, check=True).stdout)


def _replaced(entry: ServerEntry, **parts: Any) -> ServerEntry:
    return dataclasses.replace(entry, **parts)


def test_a_connection_file_that_is_named_is_enough(server: GraphServer, tmp_path: Path) -> None:
    path = tmp_path / "copy.json"
    write_entry(path, server.entry)
    assert read_entry(path).epoch == server.entry.epoch
    with inspecting(ServerChoice(connection_file=path)) as inspector:
        inspector.wait_live()
