"""What may be asked for, and what is refused before anything is done."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ezmsg_tui.cli import main
from ezmsg_tui.cli.arguments import parse_arguments


def test_without_anything_the_inspector_is_meant() -> None:
    options = parse_arguments([])
    assert (options.command, options.address, options.view, options.fps) == ("inspect", "", "topology", 10.0)
    assert not (options.demo or options.read_only or options.ascii or options.no_mouse or options.debug)


def test_every_option_of_the_inspector() -> None:
    options = parse_arguments(
        [
            "h:1",
            "--view",
            "profile",
            "--select",
            "A/B",
            "--filter",
            "x y",
            "--read-only",
            "--fps",
            "4",
            "--ascii",
            "--no-mouse",
            "--debug",
        ]
    )
    assert (options.address, options.view, options.select, options.filter) == ("h:1", "profile", "A/B", "x y")
    assert (options.fps, options.read_only, options.ascii, options.no_mouse, options.debug) == (
        4.0,
        True,
        True,
        True,
        True,
    )


def test_the_address_may_be_an_option_everywhere() -> None:
    for arguments in (["--address", "h:1"], ["snapshot", "--address", "h:1"], ["get", "A", "--address", "h:1"]):
        assert parse_arguments(arguments).address == "h:1"


def test_every_option_of_the_commands() -> None:
    options = parse_arguments(
        ["snapshot", "h:1", "--json", "--window", "500ms", "--only", "topology,profiles", "-o", "f"]
    )
    assert (options.command, options.address, options.json, options.window) == ("snapshot", "h:1", True, 0.5)
    assert (options.only, options.output) == (frozenset({"topology", "profiles"}), Path("f"))
    options = parse_arguments(["watch", "settings", "--address", "h:1", "--jsonl", "--timeout", "1m"])
    assert (options.stream, options.address, options.jsonl, options.timeout) == ("settings", "h:1", True, 60.0)
    options = parse_arguments(["get", "A.b", "--json", "--connection-file", "f"])
    assert (options.what, options.json, options.connection_file) == ("A.b", True, Path("f"))
    options = parse_arguments(["set", "A", "b=1", "c==x", "--dry-run"])
    assert (options.component, options.fields, options.dry_run) == ("A", [("b", "1"), ("c", "=x")], True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--nonsense"], "unrecognized"),
        (["--view", "nothing"], "invalid choice"),
        (["--fps", "0"], "from 0.5 to 60"),
        (["--fps", "many"], "from 0.5 to 60"),
        (["a:1", "b:2"], "unrecognized"),
        (["a:1", "--address", "b:2"], "one address, not two"),
        (["snapsho"], "Did you mean `snapshot`?"),
        (["127.0.0.1"], "neither a command nor an address"),
        (["127.0.0.1:65536"], "is not an address. Write HOST:PORT"),
        (["get", "A", "--address", "h"], "is not an address. Write HOST:PORT"),
        (["--read-only", "snapshot"], "write it first"),
        (["h:1", "--connection-file", "f"], "not both"),
        (["h:1", "--demo"], "takes no address"),
        (["--demo", "--connection-file", "f"], "takes no address"),
        (["snapshot", "--json", "--table"], "not allowed with"),
        (["snapshot", "--window", "soon"], "is not a time"),
        (["snapshot", "--window", "0"], "between 0 and an hour"),
        (["snapshot", "--window", "nan"], "between 0 and an hour"),
        (["snapshot", "--only", "weather"], "is not a list of"),
        (["watch", "weather"], "invalid choice"),
        (["get"], "required"),
        (["set", "A"], "required"),
        (["set", "A", "b"], "is not FIELD=VALUE"),
    ],
)
def test_arguments_that_make_no_sense_exit_with_two_and_the_reason(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.out == ""


def test_help_names_the_commands_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    for words in ("snapshot", "watch", "get", "set", "--demo", "3 cannot connect", "130 interrupted"):
        assert words in text


_LOADED = "import sys; before = set(sys.modules); import ezmsg_tui.cli; print(*sorted(set(sys.modules) - before))"


def test_importing_the_command_loads_no_screen_and_little_else() -> None:
    loaded = subprocess.run([sys.executable, "-c", _LOADED], capture_output=True, text=True, check=True).stdout.split()
    for heavy in ("textual", "rich", "numpy", "asyncio", "msgspec", "msgpack", "psutil", "ezmsg_core.client"):
        assert heavy not in loaded
