"""Connection files and sockets in the runtime directory: private, whole, and removed when their server was killed."""

from __future__ import annotations

import os
import platform
import socket
import stat
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from ezmsg_core.config import RUNTIME_DIR_ENV
from ezmsg_core.errors import ConfigError, ConnectionFileError
from ezmsg_core.model.address import Address
from ezmsg_core.model.roles import Role
from ezmsg_core.transport.connection_file import (
    UNBORN_S,
    ServerEntry,
    entry_path,
    is_alive,
    list_entries,
    read_entry,
    remove_stale,
    socket_path,
    write_entry,
)
from ezmsg_core.transport.places import ensure_runtime_dir, read_private, write_private
from ezmsg_core.transport.sockets import is_listening_unix, listen_tcp, listen_unix


@pytest.fixture
def folder(runtime_dir: Path) -> Path:
    return ensure_runtime_dir()


def entry_of(folder: Path, tcp: Address) -> ServerEntry:
    return ServerEntry(
        graph_id="a" * 32,
        epoch="b" * 32,
        pid=os.getpid(),
        host=platform.node(),
        protocol=1,
        unix=str(socket_path(folder, tcp)),
        tcp=tcp,
        keys={role: os.urandom(32) for role in Role},
    )


def written(folder: Path, tcp: Address, **parts: object) -> Path:
    path = entry_path(folder, tcp)
    write_entry(path, replace(entry_of(folder, tcp), **parts))  # type: ignore[arg-type]
    return path


def test_what_is_written_is_read(folder: Path):
    entry = entry_of(folder, Address("127.0.0.1", 1234))
    path = entry_path(folder, Address("127.0.0.1", 1234))
    write_entry(path, entry)
    assert read_entry(path) == replace(entry, path=path)
    without = replace(entry, unix=None, tcp=None, keys={Role.OBSERVE: b"k" * 32})
    write_entry(path, without)
    assert read_entry(path) == replace(without, path=path)
    assert os.listdir(folder) == [path.name]
    path.unlink()


def test_keys_are_not_shown(folder: Path):
    entry = entry_of(folder, Address("127.0.0.1", 1))
    for key in entry.keys.values():
        assert key.hex() not in repr(entry)
        assert repr(key) not in repr(entry)


def test_the_directory_its_files_and_its_sockets_are_for_their_owner_alone(folder: Path):
    path = written(folder, Address("127.0.0.1", 1))
    with listen_unix(folder / "graph-1.sock"):
        modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (folder, path, folder / "graph-1.sock")}
    assert modes == {folder.name: 0o700, path.name: 0o600, "graph-1.sock": 0o600}
    path.unlink()
    (folder / "graph-1.sock").unlink()


def test_a_file_is_replaced_whole_even_while_it_is_read(folder: Path):
    path, contents = folder / "file", [b"a" * 20_000, b"b" * 30_000]
    write_private(path, contents[0])
    end = threading.Event()

    def write() -> None:
        number = 0
        while not end.is_set():
            number += 1
            write_private(path, contents[number % 2])

    writer = threading.Thread(target=write)
    writer.start()
    read = [read_private(path) for _ in range(500)]
    end.set()
    writer.join()
    assert set(read) <= set(contents)
    assert os.listdir(folder) == ["file"]
    path.unlink()


def test_a_write_that_fails_leaves_the_old_content_and_no_draft(folder: Path):
    (folder / "taken").mkdir()
    with pytest.raises(IsADirectoryError):
        write_private(folder / "taken", b"new")
    assert os.listdir(folder) == ["taken"]
    (folder / "taken").rmdir()


def test_a_directory_that_is_open_to_others_is_refused(runtime_dir: Path):
    runtime_dir.mkdir(mode=0o755)
    with pytest.raises(ConfigError, match=rf"{runtime_dir} is open to other users \(mode 755, wanted 700\)\. Mend it"):
        ensure_runtime_dir()


def test_a_link_to_a_directory_is_refused(runtime_dir: Path, tmp_path: Path):
    tmp_path.chmod(0o700)
    runtime_dir.symlink_to(tmp_path)
    with pytest.raises(ConfigError, match="is not a directory"):
        ensure_runtime_dir()
    runtime_dir.unlink()


def test_a_directory_that_cannot_be_made_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(RUNTIME_DIR_ENV, "/proc/none/here")
    with pytest.raises(ConfigError, match=rf"/proc/none/here cannot be made .* with {RUNTIME_DIR_ENV}"):
        ensure_runtime_dir()


def test_a_directory_too_deep_for_sockets_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    deep = tmp_path / ("d" * 100)
    monkeypatch.setenv(RUNTIME_DIR_ENV, str(deep))
    with pytest.raises(ConfigError, match="too long for Unix sockets"):
        ensure_runtime_dir()
    with pytest.raises(ConfigError, match=r"more than 107 bytes.*shorter directory"):
        listen_unix(deep / "graph-1.sock")


# What a server that was killed left.


def test_files_of_a_server_that_was_killed_are_removed(folder: Path, unused_tcp_port: int):
    address = Address("127.0.0.1", unused_tcp_port)
    path = written(folder, address)
    listen_unix(socket_path(folder, address)).close()  # its path stays, as after a kill
    assert not is_alive(read_entry(path))
    remove_stale(folder)
    assert os.listdir(folder) == []


def test_files_of_a_server_that_listens_stay(folder: Path, unused_tcp_port: int):
    address = Address("127.0.0.1", unused_tcp_port)
    path = written(folder, address)
    with listen_unix(socket_path(folder, address)):
        remove_stale(folder)
        assert sorted(os.listdir(folder)) == [path.name, socket_path(folder, address).name]
    socket_path(folder, address).unlink()
    with listen_tcp(address):  # its socket's path was removed by somebody; TCP still works
        remove_stale(folder)
        assert os.listdir(folder) == [path.name]
    remove_stale(folder)
    assert os.listdir(folder) == []


def test_files_of_a_server_whose_backlog_is_full_stay(folder: Path, unused_tcp_port: int):
    address = Address("127.0.0.1", unused_tcp_port)
    path = socket_path(folder, address)
    file = written(folder, address)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(0)
    clients = []
    try:
        while True:
            client = socket.socket(socket.AF_UNIX)
            clients.append(client)
            client.setblocking(False)
            client.connect(str(path))
    except BlockingIOError:
        pass
    assert is_listening_unix(path)
    remove_stale(folder)
    assert file.exists()
    for sock in (*clients, listener):
        sock.close()
    remove_stale(folder)
    assert os.listdir(folder) == []


def test_a_file_whose_port_is_another_program_s_by_now_is_removed(folder: Path):
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    with listen_tcp(Address("127.0.0.1", 0)) as other:
        written(folder, Address(*other.getsockname()), pid=child)
        remove_stale(folder)
    assert os.listdir(folder) == []


def test_files_of_another_host_stay(folder: Path):
    path = written(folder, Address("127.0.0.1", 1), host="elsewhere")
    remove_stale(folder)
    assert path.exists()
    path.unlink()


def test_a_file_that_names_another_place_does_not_get_that_removed(folder: Path, tmp_path: Path, unused_tcp_port: int):
    precious = tmp_path / "precious"
    precious.touch()
    written(folder, Address("127.0.0.1", unused_tcp_port), unix=str(precious))
    remove_stale(folder)
    assert precious.exists()
    assert os.listdir(folder) == []


def test_what_may_belong_to_a_server_that_is_starting_stays_for_a_while(folder: Path, monkeypatch: pytest.MonkeyPatch):
    sock, draft = folder / "graph-1.sock", folder / ".graph-1.json.0123"
    listen_unix(sock).close()
    draft.touch(mode=0o600)
    remove_stale(folder)
    assert sorted(os.listdir(folder)) == [draft.name, sock.name]
    monkeypatch.setattr("ezmsg_core.transport.connection_file.UNBORN_S", -1.0)
    assert UNBORN_S > 1.0
    remove_stale(folder)
    assert os.listdir(folder) == []


def test_what_is_no_connection_file_is_passed_over(folder: Path, unused_tcp_port: int):
    (folder / "graph-2.json").write_bytes(b"{}")
    (folder / "graph-3.json").mkdir()
    (folder / "graph-4.json").symlink_to("nothing")
    good = written(folder, Address("127.0.0.1", unused_tcp_port))
    assert [entry.path for entry in list_entries(folder)] == [good]
    remove_stale(folder)
    assert sorted(os.listdir(folder)) == ["graph-2.json", "graph-3.json", "graph-4.json"]
    with pytest.raises(ConnectionFileError):
        read_entry(folder / "graph-4.json")
    for name in ("graph-2.json", "graph-4.json"):
        (folder / name).unlink()
    (folder / "graph-3.json").rmdir()
