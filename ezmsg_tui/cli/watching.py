"""`ezmsg-tui watch`: what happens in a graph, line by line."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any, cast

import msgspec

from ezmsg_core.model.roles import Role
from ezmsg_core.model.watching import StreamName
from ezmsg_tui.cli.attaching import AttachedDesk, attached
from ezmsg_tui.cli.exits import Exit
from ezmsg_tui.cli.servers import chosen_server
from ezmsg_tui.present.naming import clock_text
from ezmsg_tui.present.snapshot import json_ready
from ezmsg_tui.present.text import safe_text
from ezmsg_tui.store.facts import Fact, ItemCame
from ezmsg_tui.store.happenings import Happening, LineKind

_KINDS: dict[str, frozenset[LineKind]] = {
    "all": frozenset(LineKind),
    "topology": frozenset(
        {LineKind.GRAPH, LineKind.SESSION, LineKind.PROCESS, LineKind.ENDPOINT, LineKind.CHANNEL, LineKind.LOSS}
    ),
    "settings": frozenset({LineKind.SETTINGS, LineKind.LOSS}),
    "profiling": frozenset({LineKind.LOSS}),
}


def watch_graph(options: argparse.Namespace) -> int:
    """Write until interrupted, until the link goes, or until the time is over; answers the exit code."""
    streams = set(StreamName) if options.stream == "all" else {StreamName(options.stream)}
    is_raw = options.jsonl or options.stream == "profiling"

    def overhear(fact: Fact) -> None:
        if is_raw and isinstance(fact, ItemCame) and fact.stream in streams:
            _write_line(_item_line(fact))

    with (
        chosen_server(options) as choice,
        attached(choice, Role.OBSERVE, on_fact=overhear) as desk,
    ):
        if is_raw:
            desk.wait(lambda: False, options.timeout)
        else:
            _follow_lines(desk, _KINDS[options.stream], options.timeout)
    return int(Exit.OK)


def _follow_lines(desk: AttachedDesk, kinds: frozenset[LineKind], timeout_s: float | None) -> None:
    log = desk.desk.store.happenings
    log.folds_reports = False
    written = 0

    def write_new() -> bool:
        nonlocal written
        for line in log.lines:
            if line.number > written and line.kind in kinds:
                _write_line(_text_line(line))
        written = log.total
        return False

    desk.wait(write_new, timeout_s)


def _text_line(line: Happening) -> str:
    actor = f"  by {safe_text(line.actor, 60)}" if line.actor else ""
    seq = f"{line.seq}" if line.seq is not None else "-"
    return (
        f"{clock_text(line.wall_s, has_millis=True)} {seq:>6} {line.kind.value:<8} {safe_text(line.text, 300)}{actor}"
    )


def _item_line(fact: ItemCame) -> str:
    item = cast("dict[str, Any]", json_ready(msgspec.to_builtins(fact.item, builtin_types=(bytes,))))
    return json.dumps({"at": fact.wall_s, "stream": str(fact.stream), **item}, separators=(",", ":"))


def _write_line(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
