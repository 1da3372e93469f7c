"""The settings view's lists: components with the state of their settings, and changes with theirs."""

from __future__ import annotations

from collections.abc import Iterable

from ezmsg_tui.present.editing import ComponentSettings, applied_note, note_of
from ezmsg_tui.present.filtering import SortableRow, filled
from ezmsg_tui.present.form import FieldState
from ezmsg_tui.present.form_rows import STATE_CELLS, without_name
from ezmsg_tui.present.naming import address_cell
from ezmsg_tui.present.table import Cell, Column, Query, Row, Table
from ezmsg_tui.present.text import ago_text, safe_text
from ezmsg_tui.present.value_text import value_label
from ezmsg_tui.store.change_book import Change, ChangeBook, FinishedChange
from ezmsg_tui.store.changes import ChangeState

COMPONENT_COLUMNS = (
    Column("name", "COMPONENT", 10, is_flexible=True, priority=10),
    Column("state", "STATE", 8, priority=9),
)
CHANGE_COLUMNS = (
    Column("state", "STATE", 11, priority=10),
    Column("field", "COMPONENT.FIELD", 18, is_flexible=True, priority=9),
    Column("from", "FROM", 7, priority=6),
    Column("to", "TO", 7, priority=8),
    Column("age", "AGE", 6, "right", priority=2),
    Column("note", "DETAIL", 18, is_flexible=True, priority=7),
)
MAX_FINISHED = 20  # applied changes that are listed, newest first

_WORST_FIRST = (
    ChangeState.REJECTED,
    ChangeState.CONFLICT,
    ChangeState.UNKNOWN,
    ChangeState.INVALID,
    ChangeState.SENDING,
    ChangeState.APPLYING,
    ChangeState.STAGED,
    ChangeState.APPLIED,
)


def components_table(components: Iterable[ComponentSettings], book: ChangeBook, query: Query) -> Table:
    """Components that have settings; the key of a row is the component's address."""
    rows = [
        SortableRow(
            Row(
                settings.address,
                (address_cell(settings.address), _component_state(settings, book)),
                address=settings.address,
            )
        )
        for settings in components
    ]
    frame = Table(COMPONENT_COLUMNS, (), "Components", str(len(rows)), "no component\npublishes\nsettings")
    return filled(frame, rows, query)


def changes_list(book: ChangeBook, components: dict[str, ComponentSettings], query: Query, now_s: float) -> Table:
    """Changes that are staged, on their way or failed, then those that were applied; the key is `address path`."""
    live = sorted(book.live.values(), key=lambda change: (change.address, change.path))
    rows = [_change_row(change, components.get(change.address), now_s) for change in live]
    seen = {row.key for row in rows}
    count = 0
    for done in reversed(book.finished):
        row = _finished_row(done, now_s)
        if row.key not in seen and count < MAX_FINISHED:
            seen.add(row.key)
            count += 1
            rows.append(row)
    frame = Table(CHANGE_COLUMNS, (), "Changes", _summary(book), "no edits; ⏎ on a field starts one")
    return filled(frame, [SortableRow(row) for row in rows], Query(filter_text=query.filter_text))


def _component_state(settings: ComponentSettings, book: ChangeBook) -> Cell:
    changes = book.of_component(settings.address)
    for state in _WORST_FIRST:
        count = sum(change.state is state for change in changes)
        if count:
            cell = STATE_CELLS[FieldState(state.value)]
            return Cell(f"{cell.text.partition(' ')[0]} {count}", cell.meaning)
    if settings.value is not None and settings.value.is_uncertain:
        return Cell("? unsure", "warning")
    return Cell("⊘", "dim") if settings.obstacle() else Cell("✓", "ok")


def _change_row(change: Change, settings: ComponentSettings | None, now_s: float) -> Row:
    running = settings.running(change.path) if settings is not None else None
    note = note_of(change, running) if settings is not None else "the component is not in the graph now"
    after = safe_text(change.edit.text, 40) if change.edit.fault else value_label(change.edit.value, 40)
    cells = (
        STATE_CELLS[FieldState(change.state.value)],
        address_cell(change.address, more=f".{safe_text(change.path, 80)}"),
        Cell(value_label(change.base, 40), "dim"),
        Cell(after),
        Cell(ago_text(now_s - change.since_s), "dim"),
        Cell(without_name(change.address, without_name(change.path, note))),
    )
    return Row(f"{change.address} {change.path}", cells, address=change.address)


def _finished_row(done: FinishedChange, now_s: float) -> Row:
    cells = (
        STATE_CELLS[FieldState.APPLIED],
        address_cell(done.address, more=f".{safe_text(done.path, 80)}"),
        Cell(value_label(done.before, 40), "dim"),
        Cell(value_label(done.after, 40)),
        Cell(ago_text(now_s - done.at_s), "dim"),
        Cell(applied_note(done.revision, done.took_s)),
    )
    return Row(f"{done.address} {done.path}", cells, address=done.address)


def _summary(book: ChangeBook) -> str:
    groups = (
        ("staged", (ChangeState.STAGED,)),
        ("invalid", (ChangeState.INVALID,)),
        ("applying", (ChangeState.SENDING, ChangeState.APPLYING)),
        ("failed", (ChangeState.REJECTED, ChangeState.CONFLICT, ChangeState.UNKNOWN)),
    )
    return " ".join(f"{count} {name}" for name, states in groups if (count := book.count(*states)))
