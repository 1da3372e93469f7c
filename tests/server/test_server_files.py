"""What a server puts into the file system, where it listens, and what it says when it cannot."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ezmsg_core.client import Link, find_servers
from ezmsg_core.config import SERVER_PORT_START_ENV
from ezmsg_core.errors import ConfigError, ConnectionFileError
from ezmsg_core.model.address import DEFAULT_PORT, Address
from ezmsg_core.model.roles import Role
from ezmsg_core.server import GraphServer, Serving, ServingOptions
from ezmsg_core.server.serving import FILE_CHECK_S
from ezmsg_core.transport.connection_file import list_entries, read_entry
from ezmsg_core.transport.sockets import listen_tcp, listen_unix
from ezmsg_core.wire.commands import GetTopology, StopServer

SERVE = "from ezmsg_core.cli import main; main(['serve', '--address', '127.0.0.1:0'])"


@pytest.fixture
async def serving() -> AsyncIterator[Serving]:
    serving = await Serving.start()
    yield serving
    await serving.stop()


async def until_written(path: Path, mode: int = 0o600) -> None:
    async with asyncio.timeout(10 * FILE_CHECK_S):
        while not path.exists():  # noqa: ASYNC110 - a file calls nobody
            await asyncio.sleep(FILE_CHECK_S / 20)
    assert stat.S_IMODE(path.stat().st_mode) == mode


async def test_files_come_before_start_returns_and_go_before_stop_does(runtime_dir: Path):
    serving = await Serving.start()
    port = serving.address.port
    assert sorted(os.listdir(runtime_dir)) == [f"graph-{port}.json", f"graph-{port}.sock"]
    assert read_entry(serving.files[0]) == serving.entry
    await serving.stop()
    assert os.listdir(runtime_dir) == []
    await serving.stop()


async def test_a_file_that_vanished_is_written_again(serving: Serving):
    content = serving.files[0].read_bytes()
    serving.files[0].unlink()
    await until_written(serving.files[0])
    assert serving.files[0].read_bytes() == content


async def test_a_file_that_somebody_spoiled_goes_with_the_server(runtime_dir: Path):
    serving = await Serving.start()
    serving.files[0].write_bytes(b"spoiled")
    await serving.stop()
    assert os.listdir(runtime_dir) == []


async def test_a_file_that_is_another_server_s_by_now_stays(tmp_path: Path):
    file = tmp_path / "graph.json"
    first = await Serving.start(ServingOptions(connection_file=file))
    second = await Serving.start(ServingOptions(connection_file=file))
    await first.stop()
    assert read_entry(file).epoch == second.entry.epoch
    await second.stop()
    assert not file.exists()


async def test_a_named_file_keeps_its_keys_over_a_restart(tmp_path: Path):
    file, copy = tmp_path / "graph.json", tmp_path / "copy.json"
    first = await Serving.start(ServingOptions(address=Address("127.0.0.1", 0), connection_file=file))
    address = first.address
    copy.write_bytes(file.read_bytes())
    copy.chmod(0o600)
    await first.stop()
    file.write_bytes(copy.read_bytes())
    file.chmod(0o600)
    second = await Serving.start(ServingOptions(address=address, connection_file=file))
    assert second.entry.keys == first.entry.keys
    assert second.entry.graph_id == first.entry.graph_id
    assert second.entry.epoch != first.entry.epoch
    link = await Link.open(read_entry(copy), Role.PARTICIPATE)
    assert link.welcome.epoch == second.entry.epoch
    await link.aclose()
    await second.stop()


@pytest.mark.parametrize(("content", "mode"), [(b"{}", 0o600), (b"precious", 0o600), (b"{}", 0o644)])
async def test_a_named_file_that_is_none_is_not_overwritten(
    runtime_dir: Path, tmp_path: Path, content: bytes, mode: int
):
    file = tmp_path / "graph.json"
    file.write_bytes(content)
    file.chmod(mode)
    with pytest.raises(ConnectionFileError, match=re.escape(str(file))):
        await Serving.start(ServingOptions(connection_file=file))
    assert file.read_bytes() == content
    assert os.listdir(runtime_dir) == []


async def test_a_named_file_that_cannot_be_written_is_told_and_nothing_is_left(runtime_dir: Path, tmp_path: Path):
    file = tmp_path / "none" / "graph.json"
    with pytest.raises(ConfigError) as caught:
        await Serving.start(ServingOptions(connection_file=file))
    assert str(caught.value) == (
        f"The connection file {file} cannot be written: no such file or directory. Name a place where you may write."
    )
    assert os.listdir(runtime_dir) == []


# Where it listens.


async def test_servers_without_an_address_take_one_port_after_another(
    monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
):
    monkeypatch.setenv(SERVER_PORT_START_ENV, str(unused_tcp_port))
    started = [await Serving.start() for _ in range(3)]
    ports = [serving.address.port for serving in started]
    assert ports == sorted(set(ports))
    assert ports[0] >= unused_tcp_port
    for serving in started:
        await serving.stop()


async def test_the_well_known_port_is_never_taken_unasked(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(SERVER_PORT_START_ENV, str(DEFAULT_PORT))
    serving = await Serving.start()
    assert serving.address.port > DEFAULT_PORT
    await serving.stop()


async def test_a_port_whose_socket_s_path_is_taken_is_passed_over(
    runtime_dir: Path, monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
):
    # As by a server in another network namespace that shares the directory.
    monkeypatch.setenv(SERVER_PORT_START_ENV, str(unused_tcp_port))
    runtime_dir.mkdir(mode=0o700)
    path = runtime_dir / f"graph-{unused_tcp_port}.sock"
    with listen_unix(path):
        serving = await Serving.start()
        assert serving.address.port > unused_tcp_port
        await serving.stop()
        assert path.exists()
    path.unlink()


async def test_an_address_that_a_graph_server_has_names_that(serving: Serving):
    with pytest.raises(ConfigError) as caught:
        await Serving.start(ServingOptions(address=serving.address))
    assert str(caught.value) == (
        f"A graph server, process {os.getpid()}, listens on {serving.address} already. Attach to it, end it with "
        f"`ezmsg-core shutdown --address {serving.address}`, or choose another address."
    )
    assert [entry.epoch for entry in find_servers()] == [serving.entry.epoch]


async def test_an_address_that_another_program_has_is_told(runtime_dir: Path):
    with listen_tcp(Address("127.0.0.1", 0)) as other:
        address = Address(*other.getsockname())
        with pytest.raises(ConfigError, match=f"Cannot listen on {address}: it is taken by another program"):
            await Serving.start(ServingOptions(address=address))
    assert os.listdir(runtime_dir) == []


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
async def test_an_address_that_others_reach_needs_a_word(host: str):
    with pytest.raises(ConfigError, match=r"does not encrypt.*ssh -L.*--insecure"):
        await Serving.start(ServingOptions(address=Address(host, 0)))


async def test_with_that_word_it_is_reached_there():
    serving = await Serving.start(ServingOptions(address=Address("0.0.0.0", 0), is_insecure=True))
    link = await Link.open(read_entry(serving.files[0]), Role.OBSERVE)
    await link.ask(GetTopology())
    await link.aclose()
    await serving.stop()


# Ends.


def test_a_killed_server_s_files_are_removed_by_the_next_one(runtime_dir: Path):
    with subprocess.Popen([sys.executable, "-c", SERVE], stdout=subprocess.PIPE) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline()
        (left,) = list_entries(runtime_dir)
        killed.send_signal(signal.SIGKILL)
    assert len(os.listdir(runtime_dir)) == 2
    assert find_servers() == []
    server = GraphServer()
    server.start()
    assert [entry.epoch for entry in list_entries(runtime_dir)] == [server.entry.epoch]
    assert left.unix is not None
    assert not Path(left.unix).exists() or left.unix == server.entry.unix
    server.stop()


def test_a_stopped_process_s_server_keeps_its_files(runtime_dir: Path):
    with subprocess.Popen([sys.executable, "-c", SERVE], stdout=subprocess.PIPE) as stopped:
        assert stopped.stdout is not None
        assert stopped.stdout.readline()
        stopped.send_signal(signal.SIGSTOP)
        server = GraphServer()
        server.start()
        assert len(find_servers()) == 2
        server.stop()
        stopped.send_signal(signal.SIGCONT)
        stopped.terminate()


async def test_a_server_that_a_client_ends_has_answered_before(serving: Serving):
    link = await Link.open(serving.entry, Role.CONTROL)
    await link.ask(StopServer())
    await serving.wait_ended()
    await serving.stop()
    assert await link.wait_lost() == "The server stops."


def test_a_server_thread_that_cannot_start_says_why_and_is_over():
    first, second = GraphServer(), GraphServer()
    first.start()
    with pytest.raises(ConfigError, match=r"listens on .* already"):
        second.start(first.address)
    assert not second.is_alive()
    first.stop()
    for call in (lambda: second.address, lambda: second.graph, lambda: first.graph):
        with pytest.raises(ConfigError, match=r"was not started|has stopped"):
            call()
    first.stop()
    second.stop()
