"""The demo graph as a child: whatever it does, nothing of it stays."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ezmsg_tui.cli import demo_child, main
from ezmsg_tui.cli.exits import CommandError, Exit


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_child, "_MODULE", "tests.cli_tui.fake_demo")
    monkeypatch.setattr(demo_child, "END_S", 0.5)
    monkeypatch.setattr(demo_child, "KILL_S", 0.5)


def behave(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setenv("FAKE_DEMO", how)


def test_its_connection_file_is_known_and_it_ends_with_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    behave(monkeypatch, "well")
    began = time.monotonic()
    with demo_child.demo_graph() as path:
        assert path == Path("/nowhere/graph.json")
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("how", "words"), [("fails", "ConfigError: no port is free"), ("says something else", "did not start")]
)
def test_a_demo_that_does_not_start_says_why(how: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    behave(monkeypatch, how)
    with pytest.raises(CommandError, match=words) as caught, demo_child.demo_graph():
        raise AssertionError("it did not start")
    assert caught.value.code is Exit.NO_CONNECTION


def test_a_demo_that_says_nothing_is_not_waited_for_longer_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    behave(monkeypatch, "says nothing")
    monkeypatch.setattr(demo_child, "START_S", 0.5)
    with pytest.raises(CommandError, match="did not start within"), demo_child.demo_graph():
        raise AssertionError("it did not start")


def test_a_demo_that_does_not_end_is_made_to(monkeypatch: pytest.MonkeyPatch) -> None:
    behave(monkeypatch, "never ends")
    with demo_child.demo_graph():
        pass


def test_it_ends_when_the_block_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    behave(monkeypatch, "well")
    with pytest.raises(ZeroDivisionError), demo_child.demo_graph():
        raise ZeroDivisionError


def test_a_command_says_that_the_demo_did_not_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    behave(monkeypatch, "fails")
    assert main(["snapshot", "--demo"]) == Exit.NO_CONNECTION
    assert "the demo graph did not start" in capsys.readouterr().err


_HOLDER = """
import sys, time
from ezmsg_tui.cli import demo_child
demo_child._MODULE = "tests.cli_tui.fake_demo"
with demo_child.demo_graph() as path:
    print("up", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_the_child_goes_with_its_parent_however_that_ends(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    behave(monkeypatch, "well")
    parent = subprocess.Popen(
        [sys.executable, "-c", _HOLDER], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == "up\n"
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
    assert children
    parent.send_signal(number)
    parent.communicate(timeout=15)
    deadline = time.monotonic() + 10
    pause = threading.Event()
    while any(Path(f"/proc/{child}").exists() and not is_zombie(child) for child in children):
        assert time.monotonic() < deadline, "the child stayed"
        pause.wait(0.02)


def is_zombie(child: str) -> bool:
    try:
        return Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True
