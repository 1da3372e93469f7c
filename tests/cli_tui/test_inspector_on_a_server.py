"""The whole inspector in a terminal, on a real server: it shows, edits, loses and finds again, and leaves."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator

import pytest

from ezmsg_core.server.threaded import GraphServer
from tests.cli_tui.pty_program import PtyProgram
from tests.feed.program import UNIT, Program


@pytest.fixture
def server() -> Iterator[GraphServer]:
    server = GraphServer()
    server.start()
    yield server
    server.stop()


Start = Callable[..., PtyProgram]


@pytest.fixture
def start() -> Iterator[Start]:
    opened: list[PtyProgram] = []

    def open_program(*arguments: str) -> PtyProgram:
        opened.append(PtyProgram(*arguments))
        return opened[-1]

    yield open_program
    for program in opened:
        program.close()


def test_it_shows_the_graph_and_leaves_when_told_to(server: GraphServer, start: Start) -> None:
    with Program(server):
        inspector = start()
        inspector.wait_for("LIVE")
        inspector.wait_for(UNIT)
        inspector.press("3")
        inspector.wait_for(f"{UNIT}/OUT")
        inspector.press("q")
        assert inspector.wait_ended() == 0
        assert "Traceback" not in inspector.after_screen


def test_a_setting_is_edited_applied_and_acknowledged_on_the_screen(server: GraphServer, start: Start) -> None:
    with Program(server) as program:
        inspector = start("--view", "settings", "--select", UNIT)
        inspector.wait_for("BandSettings")
        inspector.press_until("\r", "┏━ SYS/BAND")  # the frame of what has the focus
        inspector.press_until("j", "Lower edge")  # what the form says of `low`
        inspector.press_until("\r", "stages it")
        inspector.press("\x7f", "\x7f", "\x7f", "8")
        inspector.press_until("\r", "● staged")
        inspector.press_until("a", "✓ applied .* revision 2")
        tree = program.value.structured_value
        assert tree is not None and tree["low"] == 8.0
        inspector.press("q")
        assert inspector.wait_ended() == 0


def test_it_survives_the_end_of_its_server_and_finds_the_next_one(server: GraphServer, start: Start) -> None:
    address = server.address
    inspector = start(str(address))
    inspector.wait_for("LIVE")
    server.stop()
    inspector.wait_for("LOST .*retry")
    again = GraphServer()
    again.start(address)
    try:
        inspector.wait_for("LIVE")
        with Program(again):
            inspector.wait_for(UNIT)
    finally:
        inspector.press("q")
        assert inspector.wait_ended() == 0
        again.stop()


def test_an_address_where_nobody_listens_is_tried_until_the_user_leaves(start: Start) -> None:
    inspector = start("127.0.0.1:9")
    inspector.wait_for("CONNECTING")
    inspector.wait_for("last error")
    inspector.press("q")
    assert inspector.wait_ended() == 3
    assert "127.0.0.1:9" in inspector.after_screen


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_with_its_own_code(number: int, code: int, server: GraphServer, start: Start) -> None:
    inspector = start()
    inspector.wait_for("LIVE")
    inspector.process.send_signal(number)
    assert inspector.wait_ended() == code
    assert "Traceback" not in inspector.after_screen


def test_two_inspectors_see_each_other_s_changes(server: GraphServer, start: Start) -> None:
    with Program(server):
        first, second = (start("--view", "settings", "--select", UNIT) for _ in range(2))
        for inspector in (first, second):
            inspector.wait_for("BandSettings")
            inspector.press_until("\r", "┏━ SYS/BAND")
            inspector.press_until("j", "Lower edge")
        second.press("\r", "\x15", "9", "\r")
        second.wait_for("9 Hz .*● staged")
        first.press("\x1b[C")
        first.wait_for("1.5 Hz .*● staged")
        first.press_until("a", "✓ applied")
        second.wait_for("≠ conflict")
        second.wait_for("it is 1.5 now, and was 1.0")
        second.press_until("t", r"1\.5 Hz .* ✓")
        for inspector in (first, second):
            inspector.press("q")
            assert inspector.wait_ended() == 0


def test_a_window_that_is_made_too_small_and_large_again(server: GraphServer, start: Start) -> None:
    with Program(server):
        inspector = start()
        inspector.wait_for(UNIT)
        inspector.resize(50, 12)
        inspector.wait_for("50×12 is too small: the inspector needs 60×16")
        inspector.resize(80, 24)
        inspector.wait_for(UNIT)
        inspector.press("q")
        assert inspector.wait_ended() == 0
        inspector.assert_restored()


def test_looking_only_is_said_on_the_screen(server: GraphServer, start: Start) -> None:
    with Program(server):
        inspector = start("--read-only", "--view", "settings", "--ascii")
        inspector.wait_for("RO")
        inspector.wait_for("read-only: started with --read-only")
        inspector.press("q")
        assert inspector.wait_ended() == 0
