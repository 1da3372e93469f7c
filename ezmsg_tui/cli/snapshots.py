"""`ezmsg-tui snapshot`: a live graph once, as a document or as tables."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path

import msgspec

from ezmsg_core.model.roles import Role
from ezmsg_tui.cli.attaching import AttachedDesk, attached
from ezmsg_tui.cli.exits import CommandError, Exit
from ezmsg_tui.cli.servers import chosen_server
from ezmsg_tui.present.plain_tables import table_lines
from ezmsg_tui.present.snapshot import ProfileWindow, snapshot_of
from ezmsg_tui.present.table import Query
from ezmsg_tui.present.text import counted
from ezmsg_tui.store.reducer import InspectorStore

SAMPLING_S = 0.25  # between profiles: the window's ends are known to within this
TRAFFIC_S = 10.0  # for a graph that has publishers to send something; an idle one is shown as it is


def take_snapshot(options: argparse.Namespace) -> int:
    """Write the snapshot; answers the exit code."""
    with (
        chosen_server(options) as choice,
        attached(choice, Role.OBSERVE, interval_s=min(SAMPLING_S, options.window / 2)) as desk,
    ):
        window = _measure(desk, options.window, is_demo=options.demo)
        text = _document(desk, window, options) if options.json else _tables(desk, options)
    _write(text, options.output)
    return int(Exit.OK)


def _measure(desk: AttachedDesk, window_s: float, *, is_demo: bool) -> ProfileWindow:
    """Watch the counters for as long as the window is, from when something moves."""
    store = desk.desk.store
    if is_demo or store.topology.fold.publishers:
        desk.wait(lambda: _has_traffic(store), TRAFFIC_S)
    window = ProfileWindow()

    def look() -> bool:
        window.look(store)
        return False

    desk.wait(look, window_s)
    return window


def _has_traffic(store: InspectorStore) -> bool:
    return any(meter.now.published_total for meter in store.profiles.publishers.values())


def _document(desk: AttachedDesk, window: ProfileWindow, options: argparse.Namespace) -> str:
    document = snapshot_of(
        desk.desk.store,
        window,
        program=_program(),
        taken_at=time.time(),
        window_s=options.window,
        only=options.only,
    )
    return msgspec.json.format(msgspec.json.encode(document), indent=1).decode() + "\n"


def _tables(desk: AttachedDesk, options: argparse.Namespace) -> str:
    live, query = desk.desk, Query()
    status = live.status()
    counts = ", ".join(counted(count, name) for name, count in status.counts)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() and options.output is None else 0
    lines = [f"ezmsg graph at {status.address} on {status.server}: {counts}, {status.rate.text}".removesuffix(", ")]
    if "topology" in options.only:
        lines += ["", *table_lines(live.topology_table(Query(arrangement="process")), width)]
        lines += ["", *table_lines(live.edges_table("", query), width)]
    if "profiles" in options.only:
        lines += ["", *table_lines(live.publishers_table(query), width)]
        lines += ["", *table_lines(live.subscribers_table(query), width)]
    if "settings" in options.only:
        lines += ["", *table_lines(live.settings_components(query), width)]
    return "\n".join(lines) + "\n"


def _program() -> str:
    try:
        return f"ezmsg-tui {metadata.version('ezmsg-tui')}"
    except metadata.PackageNotFoundError:
        return "ezmsg-tui"


def _write(text: str, path: Path | None) -> None:
    """Write to a file, whole or not at all, or to standard output."""
    if path is None:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    try:
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            try:
                file.write(text)
                file.close()
                os.chmod(file.name, 0o644)  # noqa: PTH101 - what is shown holds no secrets  # noqa: S103
                os.replace(file.name, path)  # noqa: PTH105 - in one step
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(file.name)  # noqa: PTH108
                raise
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror or error}.", Exit.USAGE) from error
    sys.stderr.write(f"written to {path}\n")
