"""The commands against real servers: what they print, where, and how they exit."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ezmsg_core.model.address import Address
from ezmsg_core.server.threaded import GraphServer
from ezmsg_tui.cli import main, servers
from ezmsg_tui.cli.exits import Exit
from tests.feed.program import UNIT, Program

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "snapshot.schema.json").read_text())


@pytest.fixture
def server() -> Iterator[GraphServer]:
    server = GraphServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def program(server: GraphServer) -> Iterator[Program]:
    with Program(server) as program:
        yield program


Captured = pytest.CaptureFixture[str]


def test_a_snapshot_is_one_document_that_follows_its_schema(program: Program, capsys: Captured) -> None:
    assert main(["snapshot", "--json", "--window", "1s"]) == Exit.OK
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    jsonschema.validate(document, SCHEMA)
    assert document["schema_version"] == 1
    assert document["server"]["role"] == "observe"
    topology = document["topology"]
    assert [(c["address"], c["kind"]) for c in topology["components"]] == [(UNIT, "unit")]
    assert [s["direction"] for s in topology["components"][0]["streams"]] == ["input", "output"]
    assert topology["components"][0]["process_id"] == topology["processes"][0]["process_id"]
    assert [(e["source"], e["target"]) for e in topology["edges"]] == [(f"{UNIT}/OUT", "LOG")]
    component = document["settings"]["components"][UNIT]
    assert (component["revision"], component["value"]["low"]) == (1, 1.0)
    assert [field["name"] for field in component["schema"]["fields"]][:2] == ["order", "low"]
    publisher = document["profiles"]["processes"][0]["publishers"][0]
    assert publisher["topic"] == f"{UNIT}/OUT"
    assert publisher["rate_hz"] > 0
    assert publisher["wait_share"] == 0.0


def test_a_snapshot_has_only_the_parts_that_were_asked_for(program: Program, capsys: Captured) -> None:
    assert main(["snapshot", "--json", "--window", "100ms", "--only", "settings"]) == Exit.OK
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, SCHEMA)
    assert (document["topology"], document["profiles"]) == (None, None)
    assert UNIT in document["settings"]["components"]


def test_a_snapshot_of_an_empty_graph_is_a_document_too(server: GraphServer, capsys: Captured) -> None:
    assert main(["snapshot", "--json", "--window", "100ms"]) == Exit.OK
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, SCHEMA)
    assert document["topology"]["processes"] == []


def test_a_snapshot_as_tables_has_the_graph_and_its_rates(program: Program, capsys: Captured) -> None:
    assert main(["snapshot", "--window", "600ms"]) == Exit.OK
    text = capsys.readouterr().out
    for words in ("Topology by process", "worker-1 ", f"pid {os.getpid()}", f"{UNIT}/OUT", "Publishers", "Components"):
        assert words in text


def test_without_a_terminal_the_inspector_prints_the_tables_instead(program: Program, capsys: Captured) -> None:
    assert main([]) == Exit.OK
    captured = capsys.readouterr()
    assert "no terminal" in captured.err
    assert UNIT in captured.out


def test_a_snapshot_goes_to_a_file_whole_or_not_at_all(program: Program, capsys: Captured, tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    assert main(["snapshot", "--json", "--window", "100ms", "-o", str(path)]) == Exit.OK
    jsonschema.validate(json.loads(path.read_text()), SCHEMA)
    captured = capsys.readouterr()
    assert captured.out == "" and str(path) in captured.err
    assert [p.name for p in tmp_path.iterdir()] == ["graph.json"]
    assert main(["snapshot", "--window", "100ms", "-o", str(tmp_path / "no" / "where")]) == Exit.USAGE
    assert "cannot be written" in capsys.readouterr().err


def test_the_published_schema_is_the_one_of_the_document() -> None:
    from ezmsg_tui.present.document import snapshot_schema

    assert json.loads(json.dumps(snapshot_schema())) == SCHEMA, "write docs/snapshot.schema.json anew"
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_settings_are_read_whole_by_field_and_as_json(program: Program, capsys: Captured) -> None:
    assert main(["get", UNIT]) == Exit.OK
    assert "low = 1.0\n" in capsys.readouterr().out
    assert main(["get", f"{UNIT}.meta.name"]) == Exit.OK
    assert capsys.readouterr().out == "'alpha'\n"
    assert main(["get", UNIT, "--json"]) == Exit.OK
    document = json.loads(capsys.readouterr().out)
    assert (document["revision"], document["value"]["order"]) == (1, 4)
    assert main(["get", f"{UNIT}.low", "--json"]) == Exit.OK
    assert json.loads(capsys.readouterr().out) == 1.0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["get", "SYS/BANT"], "Did you mean SYS/BAND?"),
        (["get", f"{UNIT}.lowe"], "Did you mean low?"),
        (["set", UNIT, "lo=8"], "Did you mean low?"),
        (["set", UNIT, "low=much"], "is not a number"),
        (["set", UNIT, "power=1"], "cannot be changed from outside"),
        (["set", UNIT, "low=8", "high=2"], "low must be below high"),
        (["set", "NOTHING", "low=8"], "no component 'NOTHING'"),
    ],
)
def test_what_cannot_be_read_or_set_is_rejected_and_nothing_changes(
    arguments: list[str], words: str, program: Program, capsys: Captured
) -> None:
    assert main(arguments) == Exit.REJECTED
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.out == ""
    assert program.value.revision == 1


def test_a_setting_is_set_and_acknowledged_with_its_revision(program: Program, capsys: Captured) -> None:
    assert main(["set", UNIT, "low=8", "meta.name=beta"]) == Exit.OK
    captured = capsys.readouterr()
    assert captured.out == f"{UNIT} applied, revision 2\n"
    assert f"{UNIT}.low: 1.0 → 8.0" in captured.err
    tree = program.value.structured_value
    assert tree is not None and (tree["low"], tree["meta.name"]) == (8.0, "beta")
    assert main(["set", UNIT, "low=8"]) == Exit.OK
    assert "already" in capsys.readouterr().err
    assert program.value.revision == 2


def test_a_dry_run_says_what_would_be_sent_and_sends_nothing(program: Program, capsys: Captured) -> None:
    assert main(["set", UNIT, "low=8", "--dry-run"]) == Exit.OK
    captured = capsys.readouterr()
    assert "1.0 → 8.0" in captured.err and captured.out == ""
    assert program.value.revision == 1


def test_naming_a_field_where_a_component_is_meant_is_a_mistake_of_usage(program: Program, capsys: Captured) -> None:
    assert main(["set", f"{UNIT}.low", "low=8"]) == Exit.USAGE
    assert "write it as low=VALUE" in capsys.readouterr().err


def test_watching_writes_what_happens(program: Program, capsys: Captured) -> None:
    changer = threading.Timer(0.3, lambda: program.do(lambda: program.set_from_inside(low=5.0)))
    changer.start()
    assert main(["watch", "settings", "--timeout", "1s"]) == Exit.OK
    changer.join()
    text = capsys.readouterr().out
    assert "SETTINGS" in text and f"{UNIT} low 1.0 → 5.0, revision 2" in text


def test_watching_as_json_writes_every_item(program: Program, capsys: Captured) -> None:
    assert main(["watch", "--jsonl", "--timeout", "700ms"]) == Exit.OK
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["stream"] for line in lines} == {"topology", "settings", "profiling"}
    assert all(line["at"] > 0 and line["item"] for line in lines)
    assert main(["watch", "profiling", "--timeout", "300ms"]) == Exit.OK
    assert {json.loads(line)["stream"] for line in capsys.readouterr().out.splitlines()} == {"profiling"}


# Which server.


def test_no_server_anywhere_is_said_with_a_way_out(capsys: Captured) -> None:
    for command in ([], ["snapshot"], ["get", "A"], ["watch"]):
        assert main(command) == Exit.NO_CONNECTION
        assert "--demo" in capsys.readouterr().err


def test_an_address_where_nobody_listens(capsys: Captured) -> None:
    assert main(["snapshot", "127.0.0.1:9"]) == Exit.NO_CONNECTION
    captured = capsys.readouterr()
    assert "127.0.0.1:9" in captured.err and captured.out == ""


def test_a_connection_file_that_cannot_be_used(capsys: Captured, tmp_path: Path) -> None:
    for content in (None, b"nonsense"):
        path = tmp_path / "graph.json"
        if content is not None:
            path.write_bytes(content)
            path.chmod(0o600)
        assert main(["snapshot", "--connection-file", str(path)]) == Exit.NO_CONNECTION
        assert str(path) in capsys.readouterr().err


def test_a_connection_file_that_others_can_read_is_not_trusted(
    server: GraphServer, capsys: Captured, tmp_path: Path
) -> None:
    path = tmp_path / "graph.json"
    path.write_bytes(server.files[0].read_bytes())
    path.chmod(0o644)
    assert main(["snapshot", "--connection-file", str(path)]) == Exit.NO_CONNECTION
    assert str(path) in capsys.readouterr().err


def test_the_environment_may_name_the_server(
    program: Program, server: GraphServer, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = GraphServer()
    second.start(Address("127.0.0.1", server.address.port + 1000))
    try:
        monkeypatch.setenv("EZMSG_GRAPHSERVER_ADDR", str(server.address))
        assert main(["get", f"{UNIT}.low"]) == Exit.OK
        monkeypatch.setenv("EZMSG_CONNECTION_FILE", str(server.files[0]))
        assert main(["get", f"{UNIT}.low"]) == Exit.OK
    finally:
        second.stop()
    assert capsys.readouterr().out == "1.0\n1.0\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def second_server(server: GraphServer) -> Iterator[GraphServer]:
    second = GraphServer()
    second.start(Address("127.0.0.1", server.address.port + 1000))
    yield second
    second.stop()


def test_several_servers_are_listed_where_nobody_can_be_asked(
    server: GraphServer, second_server: GraphServer, capsys: Captured
) -> None:
    assert main(["snapshot"]) == Exit.USAGE
    text = capsys.readouterr().err
    assert str(server.address) in text and str(second_server.address) in text


def test_of_several_servers_the_user_picks_one_by_its_number(
    server: GraphServer, second_server: GraphServer, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    said = Terminal()
    monkeypatch.setattr(sys, "stderr", said)
    monkeypatch.setattr(sys, "stdin", Terminal(""))
    assert main(["snapshot"]) == Exit.USAGE
    monkeypatch.setattr(sys, "stdin", Terminal("what\n7\n2\n"))
    assert main(["snapshot", "--json", "--window", "100ms"]) == Exit.OK
    document = json.loads(capsys.readouterr().out)
    assert document["server"]["address"] == str(second_server.address)
    assert said.getvalue().count("which one, 1 to 2?") == 4


# Ends of other kinds.


def test_a_fault_of_the_program_is_one_line_and_seventy(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_options: Any) -> Any:
        raise ZeroDivisionError("the\nwheel came off")

    monkeypatch.setattr(servers, "_only_server", lambda: fail(None))
    assert main(["snapshot"]) == Exit.BUG
    text = capsys.readouterr().err
    assert "ZeroDivisionError: the wheel came off" in text and "Traceback" not in text
    assert main(["snapshot", "--debug"]) == Exit.BUG
    assert "Traceback" in capsys.readouterr().err


def started(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "ezmsg_tui", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_interrupting_and_ending_have_codes_of_their_own(program: Program) -> None:
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        process = started("watch", "--jsonl")
        assert process.stdout is not None
        assert process.stdout.readline()
        process.send_signal(number)
        _, err = process.communicate(timeout=15)
        assert process.returncode == code, err
        assert "Traceback" not in err


def test_a_reader_that_goes_away_ends_it_quietly(program: Program) -> None:
    process = started("watch", "--jsonl")
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline()
    process.stdout.close()
    assert process.wait(15) == 0
    assert process.stderr.read() == ""
    process.stderr.close()


def test_a_server_that_goes_ends_a_command_with_the_reason(server: GraphServer) -> None:
    process = started("watch", "--jsonl")
    assert process.stdout is not None
    assert process.stdout.readline()
    began = time.monotonic()
    server.stop()
    _, err = process.communicate(timeout=15)
    assert process.returncode == Exit.NO_CONNECTION
    assert "was lost" in err
    assert time.monotonic() - began < 10
