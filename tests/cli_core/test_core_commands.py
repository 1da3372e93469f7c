"""`ezmsg-core`, as people and scripts run it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ezmsg_core.cli import main
from ezmsg_core.client import find_server, find_servers
from ezmsg_core.server import GraphServer

DEADLINE_S = 10.0


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "ezmsg_core", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    process = start(*arguments)
    output, errors = process.communicate(timeout=DEADLINE_S)
    return process.returncode, output, errors


@pytest.fixture
def serving(unused_tcp_port: int) -> Iterator[tuple[subprocess.Popen[str], str]]:
    address = f"127.0.0.1:{unused_tcp_port}"
    process = start("serve", "--address", address)
    assert process.stdout is not None
    assert process.stdout.readline().startswith(f"serving at {address}, connection file ")
    yield process, address
    if process.poll() is None:
        process.terminate()
    process.communicate(timeout=DEADLINE_S)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_server_serves_until_a_signal_and_leaves_nothing(
    serving: tuple[subprocess.Popen[str], str], runtime_dir: Path, name: str
) -> None:
    process, address = serving
    assert find_server(address).pid == process.pid
    process.send_signal(getattr(signal, name))
    assert process.wait(DEADLINE_S) == 0
    assert not list(runtime_dir.iterdir())


def test_shutdown_ends_the_only_server(serving: tuple[subprocess.Popen[str], str]) -> None:
    process, address = serving
    assert run("shutdown") == (0, f"ended {address}\n", "")
    assert process.wait(DEADLINE_S) == 0


def test_shutdown_of_nothing_is_no_error() -> None:
    code, output, errors = run("shutdown")
    assert (code, output) == (0, "")
    assert "nothing to end" in errors
    assert "127.0.0.1:25978" in errors


def test_an_address_that_is_taken_is_refused(serving: tuple[subprocess.Popen[str], str]) -> None:
    _, address = serving
    code, output, errors = run("serve", "--address", address)
    assert (code, output) == (2, "")
    assert address in errors
    assert "Traceback" not in errors
    assert len(find_servers()) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["serve", "--address", "nowhere"], "'nowhere' is not an address"),
        (["serve", "--address", "0.0.0.0:0"], "--insecure"),
        (["shutdown", "--address", "127.0.0.1"], "is not an address"),
        (["serve", "--connection-file", "/proc/nothing/here"], "connection file"),
    ],
)
def test_arguments_that_cannot_be_carried_out_are_told(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert words in capsys.readouterr().err


def test_a_connection_file_that_is_none_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shutdown", "--connection-file", str(tmp_path / "missing.json")]) == 3
    assert "cannot be read" in capsys.readouterr().err


def test_servers_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["servers"]) == 0
    assert "no graph server of yours is running" in capsys.readouterr().err
    servers = [GraphServer(), GraphServer()]
    for server in servers:
        server.start()
    try:
        assert main(["servers", "--json"]) == 0
        listed = json.loads(capsys.readouterr().out)
        assert [row["address"] for row in listed] == sorted(str(server.address) for server in servers)
        assert {row["pid"] for row in listed} == {os.getpid()}
        assert main(["servers"]) == 0
        assert len(capsys.readouterr().out.splitlines()) == 2
        assert main(["shutdown"]) == 2
        assert "2 graph servers are running; name one of them with --address" in capsys.readouterr().err
    finally:
        for server in servers:
            server.stop()
