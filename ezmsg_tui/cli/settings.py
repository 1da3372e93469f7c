"""`ezmsg-tui get` and `ezmsg-tui set`: settings without a screen, with the owner's acknowledgement."""

from __future__ import annotations

import argparse
import difflib
import json
import sys
from typing import Any

from ezmsg_core.model.roles import Role
from ezmsg_tui.cli.attaching import AttachedDesk, attached
from ezmsg_tui.cli.exits import CommandError, Exit
from ezmsg_tui.cli.servers import chosen_server
from ezmsg_tui.present.fields import placed_fields
from ezmsg_tui.present.form import EditorKind
from ezmsg_tui.present.snapshot import json_ready
from ezmsg_tui.present.text import safe_text
from ezmsg_tui.present.value_text import value_label
from ezmsg_tui.store.changes import ChangeState
from ezmsg_tui.store.plain_paths import MISSING, value_at

ANSWER_S = 12.0  # for the owner's answer and its event; the call itself ends after five seconds
_WORDS_WIDTH = 2000  # characters of one value; a pipe takes more than a screen


def get_settings(options: argparse.Namespace) -> int:
    """Write a component's settings, or one of them; answers the exit code."""
    with chosen_server(options) as choice, attached(choice, Role.OBSERVE) as desk:
        address, path = _component_and_field(desk, options.what)
        value = desk.desk.store.settings.values[address]
    tree: Any = value.structured_value if value.structured_value is not None else value.repr_value
    if path:
        found = value_at(tree, path)
        _write(json.dumps(json_ready(found)) if options.json else value_label(found, _WORDS_WIDTH))
    elif options.json:
        _write(json.dumps({"address": address, "revision": value.revision, "value": json_ready(tree)}, indent=1))
    else:
        schema = value.settings_schema
        names = [placed.path for placed in placed_fields(schema) if not placed.field.fields] if schema else list(tree)
        for name in names:
            _write(f"{safe_text(name)} = {value_label(value_at(tree, name), _WORDS_WIDTH)}")
    return int(Exit.OK)


def set_settings(options: argparse.Namespace) -> int:
    """Change settings and wait for the end; answers the exit code."""
    with chosen_server(options) as choice, attached(choice, Role.CONTROL) as desk:
        address, path = _component_and_field(desk, options.component)
        if path:
            raise CommandError(f"{options.component} names a field; write it as {path}=VALUE.", Exit.USAGE)
        _stage(desk, address, options.fields)
        changes = desk.desk.store.changes
        if not changes.live:
            _say(f"{address} has these values already")
            return int(Exit.OK)
        for change in changes.live.values():
            _say(f"{address}.{change.path}: {value_label(change.base)} → {value_label(change.edit.value)}")
        if options.dry_run:
            return int(Exit.OK)
        obstacle = desk.desk.apply(address)
        if obstacle:
            raise CommandError(f"{address}: {obstacle}.", Exit.REJECTED)
        watched = list(changes.live.values())
        busy = (ChangeState.SENDING, ChangeState.APPLYING)
        if not desk.wait(lambda: not any(change.state in busy for change in watched), ANSWER_S):
            raise CommandError(f"{address} did not answer within {ANSWER_S:g} s.", Exit.TIMEOUT)
        states = {change.state for change in watched}
        reason = next((safe_text(change.reason) for change in watched if change.reason), "")
        if states <= {ChangeState.APPLIED, ChangeState.IN_SYNC}:
            revision = max((change.revision or 0 for change in watched), default=0)
            _write(f"{address} applied, revision {revision}")
            return int(Exit.OK)
        if ChangeState.UNKNOWN in states:
            raise CommandError(f"whether {address} has applied it is unknown: {reason}", Exit.TIMEOUT)
        raise CommandError(f"{address} keeps its settings: {reason}", Exit.REJECTED)


def _stage(desk: AttachedDesk, address: str, fields: list[tuple[str, str]]) -> None:
    """Stage all values, or refuse them all."""
    live = desk.desk
    form = live.settings_form(address)
    if form.is_read_only:
        raise CommandError(f"{address} cannot be changed: {form.read_only_reason}.", Exit.REJECTED)
    known = {field.path: field for field in form.fields}
    for path, text in fields:
        if path not in known:
            raise CommandError(f"{address} has no field {path!r}.{_nearest(path, list(known))}", Exit.REJECTED)
        if known[path].editor in (EditorKind.READ_ONLY, EditorKind.GROUP):
            raise CommandError(f"{address}.{path} cannot be changed from outside.", Exit.REJECTED)
        complaint = live.check(address, path, text)
        if complaint:
            raise CommandError(f"{address}.{path}: {complaint}", Exit.REJECTED)
        live.stage(address, path, text)


def _component_and_field(desk: AttachedDesk, what: str) -> tuple[str, str]:
    """The component that is meant, and the field after it if there is one.

    Raises:
        CommandError: there is no such component, or no such field.
    """
    values = desk.desk.store.settings.values
    address, path = what, ""
    while address not in values and "." in address:
        address, _, last = address.rpartition(".")
        path = f"{last}.{path}" if path else last
    value = values.get(address)
    if value is None:
        raise CommandError(f"no component {what!r} has settings.{_nearest(what, list(values))}", Exit.REJECTED)
    tree: Any = value.structured_value if value.structured_value is not None else value.repr_value
    if path and value_at(tree, path) is MISSING:
        known: list[str] = list(tree) if isinstance(tree, dict) else []  # pyright: ignore[reportUnknownArgumentType]
        raise CommandError(f"{address} has no field {path!r}.{_nearest(path, known)}", Exit.REJECTED)
    return address, path


def _nearest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f" Did you mean {safe_text(close[0])}?" if close else ""


def _say(text: str) -> None:
    sys.stderr.write(f"{safe_text(text, 400)}\n")


def _write(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
