"""Which server a client means, where there are several, none, or one that it may not use."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ezmsg_core.client import find_server, find_servers
from ezmsg_core.config import CONNECTION_FILE_ENV, SERVER_ADDRESS_ENV
from ezmsg_core.errors import ConfigError, ConnectionFileError, ForeignServerError, ServerUnreachableError
from ezmsg_core.model.address import Address
from ezmsg_core.server import GraphServer
from ezmsg_core.transport.connection_file import entry_path, read_entry, write_entry
from tests.client.listener import Listener


@contextlib.contextmanager
def servers(count: int) -> Iterator[list[GraphServer]]:
    with contextlib.ExitStack() as stack:
        started = [GraphServer() for _ in range(count)]
        for server in started:
            server.start()
            stack.callback(server.stop)
        yield started


def test_several_servers_are_found_by_port_and_each_by_its_address():
    assert find_servers() == []
    with servers(3) as started:
        found = find_servers()
        assert [entry.graph_id for entry in found] == [server.entry.graph_id for server in started]
        assert len({server.address.port for server in started}) == 3
        for server in started:
            host, port = server.address
            for spelling in (server.address, f"{host}:{port}", ("localhost", port), f"localhost:{port}", f":{port}"):
                assert find_server(spelling).graph_id == server.entry.graph_id
            assert find_server(connection_file=server.files[0]).graph_id == server.entry.graph_id
        started[1].stop()
        assert [entry.graph_id for entry in find_servers()] == [started[n].entry.graph_id for n in (0, 2)]
    assert find_servers() == []


def test_the_environment_names_the_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    with servers(2) as (first, second):
        monkeypatch.setenv(SERVER_ADDRESS_ENV, str(first.address))
        assert find_server().graph_id == first.entry.graph_id
        assert find_server(second.address).graph_id == second.entry.graph_id
        file = tmp_path / "copy.json"
        write_entry(file, second.entry)
        monkeypatch.setenv(CONNECTION_FILE_ENV, str(file))
        assert find_server().graph_id == second.entry.graph_id
        assert find_server(first.address).graph_id == first.entry.graph_id


def test_nobody_listens_at_the_address(unused_tcp_port: int):
    with pytest.raises(ServerUnreachableError) as caught:
        find_server(("127.0.0.1", unused_tcp_port))
    assert str(caught.value) == (
        f"No graph server answers at 127.0.0.1:{unused_tcp_port} (connection refused). Start a graph, or `ezmsg-core "
        "serve`, and check the address."
    )
    assert caught.value.address == f"127.0.0.1:{unused_tcp_port}"


def test_a_host_that_nobody_knows_is_told():
    with pytest.raises(ServerUnreachableError, match=r"No graph server answers at no-such-host\.invalid:1 \("):
        find_server("no-such-host.invalid:1")


def test_an_address_that_is_none_is_told():
    with pytest.raises(ConfigError, match=r"'nowhere' is not an address\. Write HOST:PORT, for example"):
        find_server("nowhere")


@pytest.mark.parametrize(
    ("greeting", "words"),
    [
        ((5).to_bytes(8, "little") + b"3.9.0", r"looks like ezmsg 3\.9\.0"),
        (b"SSH-2.0-x\r\n", "looks like an SSH server"),
        (b"\x00\xff", "is not a graph server of this kind"),
    ],
)
def test_something_else_listens_at_the_address(greeting: bytes, words: str):
    with (
        Listener(lambda heard: b"" if heard else greeting) as squatter,
        pytest.raises(ForeignServerError, match=words),
    ):
        find_server(squatter.address)


def test_a_listener_that_says_nothing_is_not_waited_for():
    with Listener(lambda _: b"") as squatter, pytest.raises(ForeignServerError, match="a listener that says nothing"):
        find_server(squatter.address)


# A server that runs, and whose file is missing or cannot be used.


def test_a_server_without_a_connection_file_here_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    with servers(1) as (server,):
        monkeypatch.setenv("EZMSG_RUNTIME_DIR", str(tmp_path))
        with pytest.raises(ConnectionFileError) as caught:
            find_server(server.address)
    assert str(caught.value) == (
        f"A graph server listens at {server.address}, but {tmp_path} holds no connection file for it. Run as the user "
        "who started the server, or name its file with --connection-file."
    )


def test_a_file_that_others_can_read_is_refused_and_says_how_to_mend_it():
    with servers(1) as (server,):
        file = server.files[0]
        file.chmod(0o644)
        words = rf"{re.escape(str(file))} is not private \(mode 644, owner {os.getuid()}\).*chmod 600"
        for find in (lambda: find_server(connection_file=file), lambda: find_server(server.address)):
            with pytest.raises(ConnectionFileError, match=words):
                find()
        assert find_servers() == []
        file.chmod(0o600)
        assert len(find_servers()) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\x80\x04.",
        b"{" * 20_000,
        b'{"format": 1}',
        b'{"format": 1, "keys": {"observe": "zz"}}',
        b"\xff\xfe",
    ],
)
def test_a_garbled_file_is_refused_without_telling_what_is_in_it(content: bytes):
    with servers(1) as (server,):
        file = server.files[0]
        whole = file.read_bytes()
        for garbled in (content, whole[: len(whole) // 2] + content, whole[:-2] + content):
            file.write_bytes(garbled)
            with pytest.raises(ConnectionFileError, match=f"{re.escape(str(file))} is not a connection file") as caught:
                find_server(connection_file=file)
            assert caught.value.__cause__ is None
            assert not [key for key in server.entry.keys.values() if key.hex() in str(caught.value)]
            with pytest.raises(ConnectionFileError, match="its connection file cannot be used"):
                find_server(server.address)
            assert find_servers() == []
        file.write_bytes(whole)
        assert len(find_servers()) == 1


def test_a_file_of_another_format_names_the_remedy():
    with servers(1) as (server,):
        file = server.files[0]
        file.write_bytes(file.read_bytes().replace(b'"format": 1', b'"format": 2'))
        with pytest.raises(ConnectionFileError, match=r"has format 2; this program reads format 1\..*same version"):
            find_server(connection_file=file)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "cannot be read: no such file or directory"),
        (lambda path: path.mkdir(), "is not a file"),
        (os.mkfifo, "is not a file"),
        (lambda path: path.symlink_to(path), "cannot be read: too many levels of symbolic links"),
        (lambda path: (path.write_bytes(b" " * (65 << 10)), path.chmod(0o600)), "it is longer than 65536 bytes"),
    ],
    ids=["missing", "directory", "pipe", "loop", "long"],
)
def test_a_path_that_is_no_file_is_told(tmp_path: Path, make, words: str):
    path = tmp_path / "graph.json"
    make(path)
    with pytest.raises(ConnectionFileError, match=words) as caught:
        find_server(connection_file=path)
    assert caught.value.path == str(path)


# Files that servers left behind when they were killed.


def test_a_left_over_file_leads_nowhere(runtime_dir: Path, unused_tcp_port: int):
    with servers(1) as (server,):
        entry = server.entry
    address = Address("127.0.0.1", unused_tcp_port)
    file = entry_path(runtime_dir, address)
    write_entry(file, replace(entry, unix=str(runtime_dir / "gone.sock"), tcp=address))
    assert find_servers() == []
    with pytest.raises(ServerUnreachableError):
        find_server(address)
    assert read_entry(find_server(connection_file=file).path or file).tcp == address  # named, so it is believed
    file.unlink()


def test_a_left_over_file_whose_port_is_another_program_s_by_now_names_that(runtime_dir: Path):
    with servers(1) as (server,):
        entry = replace(server.entry, pid=pid_that_is_gone())
    with Listener(lambda heard: b"" if heard else b"SSH-2.0-x\r\n") as other:
        file = entry_path(runtime_dir, other.address)
        write_entry(file, replace(entry, tcp=other.address))
        assert find_servers() == []
        with pytest.raises(ForeignServerError, match="SSH"):
            find_server(other.address)
    file.unlink()


def test_a_file_of_another_host_in_a_shared_directory_is_passed_over(runtime_dir: Path):
    with servers(1) as (server,):
        far = replace(server.entry, host="elsewhere", graph_id="f" * 32, unix="/nowhere/graph.sock")
        file = runtime_dir / "graph-1.json"
        write_entry(file, far)
        assert [entry.graph_id for entry in find_servers()] == [server.entry.graph_id]
        assert find_server(server.address).graph_id == server.entry.graph_id
        file.unlink()


def pid_that_is_gone() -> int:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return child


def test_a_server_that_listens_everywhere_is_not_the_one_of_another_host():
    server = GraphServer()
    server.start("0.0.0.0:0", is_insecure=True)
    try:
        port = server.address.port
        assert find_server(("127.0.0.1", port)).graph_id == server.entry.graph_id
        with pytest.raises(ServerUnreachableError):
            find_server(("192.0.2.1", port))
    finally:
        server.stop()
