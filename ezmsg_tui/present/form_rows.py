"""A settings form as a table, and what there is to say about one of its fields."""

from __future__ import annotations

import textwrap
from dataclasses import replace

from ezmsg_tui.present.form import EditorKind, FieldState, FormField, SettingsForm
from ezmsg_tui.present.table import Cell, Column, Row, Table

_MOST_REASON = 4  # lines of one; the list of events has the whole

VALUE_COLUMN = "value"
"""Key of the column whose place the inline editor takes."""

_COLUMNS = (
    Column("field", "FIELD", 14, priority=9),
    Column(VALUE_COLUMN, "VALUE", 18, is_flexible=True, priority=10),
    Column("type", "TYPE", 12, priority=3),
    Column("range", "RANGE", 14, priority=4),
    Column("default", "DEFAULT", 9, priority=2),
    Column("state", "STATE", 11, priority=8),
)

STATE_CELLS: dict[FieldState, Cell] = {
    FieldState.IN_SYNC: Cell("✓", "ok"),
    FieldState.STAGED: Cell("● staged", "changed"),
    FieldState.INVALID: Cell("✖ invalid", "error"),
    FieldState.SENDING: Cell("⟳ sending", "pending"),
    FieldState.APPLYING: Cell("⟳ applying", "pending"),
    FieldState.APPLIED: Cell("✓ applied", "ok"),
    FieldState.REJECTED: Cell("✖ rejected", "error"),
    FieldState.CONFLICT: Cell("≠ conflict", "warning"),
    FieldState.UNKNOWN: Cell("? unknown", "warning"),
    FieldState.READ_ONLY: Cell("⊘", "dim"),
}
"""How each state is written, wherever a field or a change is listed."""

_EDITED = frozenset(
    {FieldState.STAGED, FieldState.INVALID, FieldState.CONFLICT, FieldState.REJECTED, FieldState.UNKNOWN}
)


def form_table(form: SettingsForm) -> Table:
    """One row for each field; the key of a row is the field's path."""
    rows = tuple(_row(field) for field in form.fields)
    return Table(
        _COLUMNS,
        rows,
        title=form.title,
        footer=form.footer,
        empty_text=form.empty_text,
        total=len(rows),
        subject=form.address,
    )


def value_text(field: FormField) -> str:
    """The value in the dress of its editor."""
    unit = f" {field.unit}" if field.unit else ""
    if field.is_none:
        return "‹ None ›"
    match field.editor:
        case EditorKind.TOGGLE:
            return "[✓] on" if field.text == "true" else "[ ] off"
        case EditorKind.NUMBER:
            return f"{field.text}{unit}"
        case EditorKind.TEXT:
            return f"'{field.text}'{unit}" if field.type_label.startswith("str") else f"{field.text}{unit}"
        case EditorKind.CHOICE:
            return f"‹ {field.text} ›"
        case EditorKind.GROUP | EditorKind.READ_ONLY:
            return field.text


def _row(field: FormField) -> Row:
    is_edited = field.state in _EDITED
    name = Cell(
        ("*" if field.is_changed else " ") + field.label,
        "changed" if is_edited else "title" if field.editor is EditorKind.GROUP else "",
    )
    if field.editor in (EditorKind.READ_ONLY, EditorKind.GROUP):
        value = Cell(value_text(field), "dim")
    else:
        value = Cell(value_text(field), "changed" if is_edited else "accent")
    state = Cell("") if field.editor is EditorKind.GROUP else STATE_CELLS[field.state]
    cells = (
        name,
        value,
        Cell(field.type_label, "dim"),
        Cell(field.range_label, "dim"),
        Cell(field.default_label, "dim"),
        state,
    )
    return Row(field.path, cells, depth=field.depth)


def note_lines(
    form: SettingsForm, field: FormField | None, complaint: str | None = None, width: int = 0
) -> tuple[tuple[Cell, ...], ...]:
    """What the field means, what is in force, and, in a line or a few, what is wrong or going on.

    Args:
        form: The form.
        field: The one of its fields that is selected, if any is.
        complaint: What is wrong with the text being typed, empty if nothing; None when nothing is being typed.
        width: Cells of a line, into which a long reason is broken; 0 leaves it in one.
    """
    if field is None:
        reason = Cell(form.read_only_reason, "warning")
        return ((reason,), (), ())
    meaning = (Cell(field.path, "title"), Cell(f" {field.type_label}", "dim"), Cell(f" {field.description}"))
    facts = (
        Cell("running", "label") if field.running_label else Cell(""),
        Cell(field.running_label),
        Cell(" default", "label") if field.default_label else Cell(""),
        Cell(field.default_label),
        Cell(" range", "label") if field.range_label else Cell(""),
        Cell(f"{field.range_label} {field.unit}".rstrip() if field.range_label else ""),
    )
    note = without_name(form.address, without_name(field.path, field.note))
    if complaint is not None:
        verdict = (
            (Cell(f"✖ {without_name(field.path, complaint)}", "error"),)
            if complaint
            else (Cell("✓ valid", "ok"), Cell("⏎ stages it, esc leaves it as it was", "dim"))
        )
    elif field.state is FieldState.CONFLICT:
        verdict = (_mark(field.state), Cell(note), Cell("m keep mine · t take theirs", "dim"))
    elif form.is_read_only and field.editor is not EditorKind.READ_ONLY:
        verdict = (Cell(form.read_only_reason, "warning"),)
    elif field.state is FieldState.IN_SYNC or field.editor is EditorKind.GROUP:
        verdict = (Cell(note or _hint(field), "dim"),)
    else:
        verdict = (_mark(field.state), Cell(note), Cell(_NEXT_KEYS.get(field.state, ""), "dim"))
    return (meaning, facts, *_broken(verdict, width))


def without_name(name: str, text: str) -> str:
    """A complaint about a field or component, without its name; what only begins with the same word stays whole."""
    return text.removeprefix(f"{name} ") if text.startswith(f"{name} cannot ") else text


def _broken(cells: tuple[Cell, ...], width: int) -> tuple[tuple[Cell, ...], ...]:
    """Cells in a few lines: the longest of them is broken, and those behind it stand where there is room for them."""
    cells = tuple(cell for cell in cells if cell.text)
    if not width or not cells or sum(len(cell.text) + 1 for cell in cells) - 1 <= width:
        return (cells,)
    index = max(range(len(cells)), key=lambda i: len(cells[i].text))
    long, before, behind = cells[index], cells[:index], cells[index + 1 :]
    indent = sum(len(cell.text) + 1 for cell in before)
    texts = textwrap.wrap(long.text, max(8, width - indent), max_lines=_MOST_REASON, placeholder=" …")
    lines: list[tuple[Cell, ...]] = [
        (*(before if number == 0 else ()), replace(long, text=text)) for number, text in enumerate(texts)
    ]
    if len(lines) > 1:
        lines[1:] = [(Cell(" " * (indent - 1)), *line) if indent else line for line in lines[1:]]
    if sum(len(cell.text) + 1 for cell in (*lines[-1], *behind)) - 1 <= width:
        lines[-1] = (*lines[-1], *behind)
    return tuple(lines)


def _mark(state: FieldState) -> Cell:
    """The state without its word, which stands in the row."""
    return Cell(STATE_CELLS[state].text.partition(" ")[0], STATE_CELLS[state].meaning)


_NEXT_KEYS = {
    FieldState.STAGED: "a apply · u revert",
    FieldState.INVALID: "⏎ edit · u revert",
    FieldState.REJECTED: "a try again · u revert",
    FieldState.UNKNOWN: "a try again · u revert",
}


def _hint(field: FormField) -> str:
    keys = (
        ["space toggle"]
        if field.editor is EditorKind.TOGGLE
        else ["⏎ edit"]
        if field.editor in (EditorKind.NUMBER, EditorKind.TEXT)
        else []
    )
    if field.editor is EditorKind.CHOICE:
        keys.append("←→ choose")
    elif field.has_steps:
        keys.append("←→ step")
    if field.is_optional and not field.is_none:
        keys.append("n None")
    return "" if field.editor in (EditorKind.GROUP, EditorKind.READ_ONLY) else " · ".join(keys)
