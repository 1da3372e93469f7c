"""A desk without a graph behind it: fixed view models, and settings that can be edited."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ezmsg_tui.present.desk import LinkPhase, Status
from ezmsg_tui.present.form import EditorKind, FieldState, FormField, SettingsForm
from ezmsg_tui.present.form_rows import STATE_CELLS
from ezmsg_tui.present.sheet import Sheet, SheetLine
from ezmsg_tui.present.table import Cell, Column, Query, Row, Table
from ezmsg_tui.present.text import bar, rate_text, share_text, sparkline

ADDRESS = "127.0.0.1:25978"

_TREE_COLUMNS = (
    Column("name", "NAME", 26, is_flexible=True, priority=10),
    Column("kind", "TYPE", 13, priority=3),
    Column("rate", "RATE", 8, "right", priority=8),
    Column("history", "60 s", 8, priority=2),
    Column("state", "STATE", 12, priority=9),
)
_EDGE_COLUMNS = (
    Column("source", "FROM", 16, is_flexible=True, priority=10, is_sortable=True),
    Column("target", "TO", 16, is_flexible=True, priority=9, is_sortable=True),
    Column("path", "PATH", 5, priority=5),
    Column("rate", "RATE", 7, "right", priority=6),
    Column("wait", "WAIT", 5, "right", priority=4),
)
_UNITS = (
    # process, address, class, rate, history, state
    ("p1", "SYS/LSL", "LSLInlet", 512.0, [5, 6, 6, 6, 6, 5, 6, 6], Cell("●", "ok")),
    ("p1", "SYS/NOTCH", "Filter", 511.9, [6, 6, 6, 6, 5, 6, 6, 6], Cell("●", "ok")),
    ("p1", "SYS/BAND", "Filter", 511.8, [6, 6, 6, 6, 6, 6, 6, 6], Cell("●", "ok")),
    ("p2", "SYS/DECIM", "Downsample", 128.0, [3, 3, 3, 3, 3, 3, 3, 3], Cell("●", "ok")),
    ("p2", "SYS/SPEC", "Spectrogram", 20.0, [1, 1, 1, 1, 2, 1, 1, 1], Cell("●", "ok")),
    ("p2", "SYS/FEAT", "Concat", 20.0, [1, 1, 1, 1, 1, 1, 1, 1], Cell("▲ waits 31%", "warning")),
    ("p2", "SYS/DECODE", "Decoder", 20.0, [1, 1, 2, 3, 5, 7, 8, 6], Cell("✖ holds 31%", "error")),
    ("p3", "SYS/CURSOR", "Cursor", 20.0, [1, 1, 1, 1, 1, 1, 1, 1], Cell("●", "ok")),
    ("p3", "SYS/VIEW/SCREEN", "Screen", 60.0, [2, 2, 2, 2, 2, 2, 2, 2], Cell("●", "ok")),
    ("p3", "SYS/LOG", "MessageLogger", 532.0, [6, 6, 6, 5, 6, 6, 6, 6], Cell("●", "ok")),
)
_EDGES = (
    ("SYS/LSL/OUT", "SYS/NOTCH/IN", "LOCAL", 512.0, 0.0),
    ("SYS/NOTCH/OUT", "SYS/BAND/IN", "LOCAL", 511.9, 0.0),
    ("SYS/NOTCH/OUT", "SYS/LOG/IN", "SHM", 511.9, 0.04),
    ("SYS/BAND/OUT", "SYS/DECIM/IN", "SHM", 511.8, 0.0),
    ("SYS/BAND/OUT", "SYS/SPEC/IN", "SHM", 511.8, 0.02),
    ("SYS/DECIM/OUT", "SYS/FEAT/IN", "LOCAL", 128.0, 0.0),
    ("SYS/SPEC/OUT", "SYS/FEAT/IN", "LOCAL", 20.0, 0.0),
    ("SYS/FEAT/OUT", "SYS/DECODE/IN", "LOCAL", 20.0, 0.31),
    ("SYS/DECODE/OUT", "SYS/CURSOR/IN", "TCP", 20.0, 0.0),
    ("SYS/DECODE/OUT", "SYS/LOG/IN", "SHM", 20.0, 0.0),
    ("SYS/CURSOR/OUT", "SYS/VIEW/SCREEN/IN", "LOCAL", 20.0, 0.0),
)
_PIDS = {"p1": 8101, "p2": 8102, "p3": 8123}
_CPU = {"p1": "41%", "p2": "97%", "p3": "12%"}


def _share_cell(share: float) -> Cell:
    return Cell(
        share_text(share), "error" if share > 0.2 else "warning" if share > 0.03 else "dim" if share == 0 else ""
    )


def _matches(query: Query, row: Row) -> bool:
    text = " ".join((row.address, *(cell.text for cell in row.cells))).lower()
    return all(word in text for word in query.filter_text.lower().split())


def _sorted(table: Table, query: Query) -> Table:
    rows = [row for row in table.rows if _matches(query, row)]
    keys = [column.key for column in table.columns]
    if query.sorted_by in keys:
        index = keys.index(query.sorted_by)

        def sort_key(row: Row) -> tuple[float, str]:
            text = row.cells[index].text.rstrip("%/s").replace(",", "")
            try:
                return (float(text), "")
            except ValueError:
                return (0.0, text)

        rows.sort(key=sort_key, reverse=query.is_descending)
    return replace(
        table, rows=tuple(rows), total=len(table.rows), sorted_by=query.sorted_by, is_descending=query.is_descending
    )


def _counts(*numbers: int) -> tuple[tuple[str, int], ...]:
    return tuple(zip(("process", "unit", "topic", "edge"), numbers, strict=True))


def band_fields() -> dict[str, FormField]:
    """The settings of one filter, one field in each kind of editor."""
    number = EditorKind.NUMBER
    fields = (
        FormField(
            "order",
            "order",
            number,
            "4",
            type_label="int",
            range_label="1 … 12",
            default_label="4",
            running_label="4",
            has_steps=True,
        ),
        FormField(
            "low",
            "low",
            number,
            "8.0",
            type_label="float",
            unit="Hz",
            range_label="0.1 … 250",
            default_label="1.0",
            running_label="1.0",
            description="Lower cut-off frequency.",
            state=FieldState.STAGED,
            note="valid, not sent",
            is_changed=True,
            has_steps=True,
        ),
        FormField(
            "high",
            "high",
            number,
            "450.0",
            type_label="float",
            unit="Hz",
            range_label="0.1 … 250",
            default_label="45.0",
            running_label="45.0",
            description="Upper cut-off frequency.",
            state=FieldState.INVALID,
            note="450.0 is above the maximum 250",
            is_changed=True,
            has_steps=True,
        ),
        FormField(
            "kind",
            "kind",
            EditorKind.CHOICE,
            "butter",
            choices=("butter", "cheby1", "ellip"),
            type_label="Literal",
            range_label="3 choices",
            default_label="butter",
            running_label="butter",
            has_steps=True,
        ),
        FormField(
            "enabled",
            "enabled",
            EditorKind.TOGGLE,
            "true",
            type_label="bool",
            default_label="True",
            running_label="True",
        ),
        FormField(
            "window",
            "window",
            number,
            "",
            type_label="int | None",
            range_label="≥ 1",
            default_label="None",
            running_label="None",
            is_optional=True,
            is_none=True,
        ),
        FormField("meta", "meta", EditorKind.GROUP, "3 fields", type_label="FilterMeta"),
        FormField(
            "meta.name",
            "name",
            EditorKind.TEXT,
            "alpha",
            depth=1,
            type_label="str",
            range_label="≤ 32 chars",
            default_label="''",
            running_label="'alpha'",
            is_changed=True,
        ),
        FormField(
            "meta.tags",
            "tags",
            EditorKind.TEXT,
            "['eeg', 'rt']",
            depth=1,
            type_label="list[str]",
            default_label="[]",
            running_label="['eeg', 'rt']",
            is_changed=True,
        ),
        FormField(
            "meta.axis",
            "axis",
            EditorKind.CHOICE,
            "time",
            depth=1,
            choices=("time", "ch", "freq"),
            type_label="Axis",
            range_label="3 choices",
            default_label="time",
            running_label="time",
        ),
        FormField(
            "coefs", "coefs", EditorKind.READ_ONLY, "(6,) float64", type_label="ndarray", state=FieldState.READ_ONLY
        ),
    )
    return {field.path: field for field in fields}


@dataclass
class FakeDesk:
    """Answers like a live graph of ten units, unless told to be something else."""

    phase: LinkPhase = LinkPhase.LIVE
    is_empty: bool = False
    reason: str = ""
    remedy: str = ""
    is_read_only: bool = False
    hostile: str = ""  # put where the graph's own texts go
    revision: int = 0
    fields: dict[str, FormField] = field(default_factory=band_fields)
    calls: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])
    extra_events: int = 0
    is_frozen: bool = False
    before_poll: Callable[[], None] | None = None

    @property
    def has_nothing(self) -> bool:
        return self.is_empty or self.phase in (LinkPhase.CONNECTING, LinkPhase.ERROR)

    def poll(self) -> int:
        if self.before_poll is not None:
            self.before_poll()
        return self.revision

    def touch(self) -> None:
        """Make the next poll say that something changed."""
        self.revision += 1

    def status(self) -> Status:
        states = [f.state for f in self.fields.values()]
        is_lost = self.phase is LinkPhase.LOST
        status = Status(
            self.phase,
            ADDRESS,
            "lab-rig",
            elapsed_s={LinkPhase.LOST: 12.0, LinkPhase.CONNECTING: 0.8}.get(self.phase, 100.0),
            attempt=3 if is_lost else 1,
            retry_in_s=2.4 if is_lost else None,
            reason=self.reason,
            remedy=self.remedy,
            age_s=12.3 if is_lost else 2.4 if self.phase is LinkPhase.SLOW else None if self.has_nothing else 0.1,
            parts=(("topology", True), ("settings", True), ("profiling", False)),
            is_empty=self.is_empty,
            is_read_only=self.is_read_only,
            staged=sum(s in (FieldState.STAGED, FieldState.INVALID) for s in states),
            invalid=sum(s is FieldState.INVALID for s in states),
            applying=sum(s in (FieldState.SENDING, FieldState.APPLYING) for s in states),
            failed=sum(s in (FieldState.REJECTED, FieldState.CONFLICT, FieldState.UNKNOWN) for s in states),
            frozen_s=34.0 if self.is_frozen else None,
            frozen_behind=412 if self.is_frozen else 0,
        )
        if self.is_empty:
            return replace(status, counts=_counts(0, 0, 0, 0), staged=0, invalid=0)
        return replace(
            status,
            counts=_counts(3, 10, 19, 11),
            rate=Cell("2.33k msg/s", "rate"),
            wait=Cell("✖ waits 31%", "error"),
        )

    def _text(self, text: str) -> str:
        return self.hostile or text

    def topology_table(self, query: Query) -> Table:
        title = f"Topology by {query.arrangement}"
        if self.has_nothing:
            return Table(
                _TREE_COLUMNS,
                (),
                title,
                empty_text=f'no sessions, no processes\n\nrun a pipeline with graph_address="{ADDRESS}"\nor see one now: ezmsg-tui --demo',
            )
        rows: list[Row] = []
        if query.arrangement == "component":
            is_open = "SYS" not in query.toggled
            rows.append(
                Row(
                    "SYS",
                    (Cell("SYS", "title"), Cell("System", "dim"), Cell("2.33k"), Cell(""), Cell("▲", "warning")),
                    0,
                    is_open,
                    "SYS",
                )
            )
            if is_open:
                for unit in _UNITS:
                    rows += self._unit_rows(unit, query, depth=1, by_process=False)
        else:
            for process, pid in _PIDS.items():
                units = [unit for unit in _UNITS if unit[0] == process]
                is_open = process not in query.toggled
                total = rate_text(sum(unit[3] for unit in units))
                state = Cell("▲ cpu 97%", "warning") if process == "p2" else Cell(f"● cpu {_CPU[process]}", "ok")
                rows.append(
                    Row(
                        process,
                        (
                            Cell(self._text(f"lab-rig:{pid}"), "title"),
                            Cell("process", "dim"),
                            Cell(total),
                            Cell(""),
                            state,
                        ),
                        0,
                        is_open,
                    )
                )
                if is_open:
                    for unit in units:
                        rows += self._unit_rows(unit, query, depth=1, by_process=True)
        shown = [row for row in rows if _matches(query, row)]
        return Table(_TREE_COLUMNS, tuple(shown), title, "10 units", total=len(rows), matched=len(shown))

    def _unit_rows(
        self, unit: tuple[str, str, str, float, list[int], Cell], query: Query, *, depth: int, by_process: bool
    ) -> list[Row]:
        _, address, kind, rate, history, state = unit
        is_open = address in query.toggled
        name = address if by_process else address.removeprefix("SYS/")
        spark = Cell(sparkline([float(v) for v in history], 8), "spark")
        rows = [
            Row(
                address,
                (Cell(self._text(name)), Cell(self._text(kind), "dim"), Cell(rate_text(rate)), spark, state),
                depth,
                is_open,
                address,
            )
        ]
        if is_open:
            rows.append(
                Row(
                    f"{address}/IN",
                    (Cell("IN"), Cell("◀ 1", "dim"), Cell(rate_text(rate)), spark, Cell("SHM", "shm")),
                    depth + 1,
                    None,
                    f"{address}/IN",
                )
            )
            rows.append(
                Row(
                    f"{address}/OUT",
                    (Cell("OUT"), Cell("▶ 2", "dim"), Cell(rate_text(rate)), spark, Cell("1/32")),
                    depth + 1,
                    None,
                    f"{address}/OUT",
                )
            )
        return rows

    def topology_sheet(self, key: str) -> Sheet:
        if self.has_nothing:
            return Sheet("Detail", empty_text="nothing selected")
        for process, address, kind, rate, history, state in _UNITS:
            if key == address or key.startswith(address + "/"):
                return Sheet(
                    self._text(address),
                    (
                        SheetLine("class", (Cell(self._text(f"ezmsg.sigproc.{kind}"), "title"),)),
                        SheetLine("process", (Cell(f"lab-rig:{_PIDS[process]}"),)),
                        SheetLine("state", (state,)),
                        SheetLine(""),
                        SheetLine("IN", (Cell("◀", "dim"), Cell("SYS/NOTCH/OUT", "link"), Cell("LOCAL", "local"))),
                        SheetLine("", (Cell(f"{rate_text(rate)}/s"), Cell("busy 12%", "dim"))),
                        SheetLine("OUT", (Cell("▶", "dim"), Cell("SYS/DECIM/IN", "link"), Cell("SHM", "shm"))),
                        SheetLine("", (Cell("▶", "dim"), Cell("SYS/SPEC/IN", "link"), Cell("SHM", "shm"))),
                        SheetLine(
                            "",
                            (
                                Cell(f"{rate_text(rate)}/s"),
                                Cell("in flight 4/32", "dim"),
                                Cell(bar(4 / 32, 8), "spark"),
                            ),
                        ),
                        SheetLine("60 s", (Cell(sparkline([float(v) for v in history] * 3, 8), "spark"),)),
                        SheetLine(""),
                        SheetLine(
                            "settings", (Cell("✓", "ok"), Cell("revision 118"), Cell("by tui@lab-2 14:02:11", "dim"))
                        ),
                        SheetLine("tasks", (Cell("filter IN → OUT"),)),
                    ),
                    "2 settings",
                    address,
                )
        return Sheet(
            key,
            (SheetLine("pid", (Cell(str(_PIDS.get(key, 0))),)), SheetLine("cpu", (Cell(_CPU.get(key, "-")),))),
            address="",
        )

    def edges_table(self, key: str, query: Query) -> Table:
        title = f"Edges of {key}" if key else "Edges"
        if self.has_nothing:
            return Table(_EDGE_COLUMNS, (), "Edges", empty_text="no edges")
        rows = [
            Row(
                f"{source} {target}",
                (
                    Cell(self._text(source)),
                    Cell(self._text(target)),
                    Cell(path, path.lower()),
                    Cell(rate_text(rate)),
                    _share_cell(wait),
                ),
                address=target if source.startswith(key) else source,
            )
            for source, target, path, rate, wait in _EDGES
            if not key or key in _PIDS or source.startswith(key) or target.startswith(key)
        ]
        table = Table(_EDGE_COLUMNS, tuple(rows), title, str(len(rows)), "no edges touch it", len(rows))
        return _sorted(table, Query(sorted_by=query.sorted_by, is_descending=query.is_descending))

    def settings_components(self, query: Query) -> Table:
        columns = (
            Column("name", "COMPONENT", 12, is_flexible=True, priority=10),
            Column("state", "STATE", 8, priority=9),
        )
        if self.has_nothing:
            return Table(columns, (), "Components", empty_text="no component\npublishes\nsettings")
        rows: list[Row] = []
        states = {
            "SYS/BAND": Cell("● 2", "changed"),
            "SYS/DECODE": Cell("⟳", "pending"),
            "SYS/LSL": Cell("⊘", "dim"),
            "SYS/CURSOR": Cell("✖", "error"),
        }
        for _, address, *_ in _UNITS:
            rows.append(
                Row(address, (Cell(self._text(address)), states.get(address, Cell("✓", "ok"))), address=address)
            )
        shown = [row for row in rows if _matches(query, row)]
        return Table(columns, tuple(shown), "Components", "10", total=len(rows))

    def settings_form(self, address: str) -> SettingsForm:
        if self.has_nothing or not address:
            return SettingsForm("", "Settings", empty_text="nothing selected")
        if address == "SYS/LSL":
            return SettingsForm(
                address,
                f"{address}  LSLSettings",
                empty_text="its settings cannot be changed while it runs:\nit has no INPUT_SETTINGS stream",
            )
        if address == "SYS/BAND":
            fields = tuple(
                replace(f, text=self.hostile, label=self.hostile) if self.hostile else f for f in self.fields.values()
            )
        else:
            fields = (
                FormField(
                    "gain",
                    "gain",
                    EditorKind.NUMBER,
                    "0.5",
                    type_label="float",
                    range_label="0 … 1",
                    default_label="0.5",
                    running_label="0.5",
                    has_steps=True,
                ),
            )
        return SettingsForm(
            address,
            f"{address}  FilterSettings",
            fields,
            "revision 118 · 14:02:11 · tui@lab-2",
            revision=118,
            is_read_only=self.is_read_only,
            read_only_reason="read-only: started with --read-only" if self.is_read_only else "",
        )

    def changes_table(self, query: Query) -> Table:
        columns = (
            Column("state", "STATE", 11, priority=10),
            Column("field", "COMPONENT.FIELD", 18, is_flexible=True, priority=9),
            Column("from", "FROM", 7, priority=6),
            Column("to", "TO", 7, priority=8),
            Column("age", "AGE", 6, "right", priority=2),
            Column("note", "DETAIL", 18, is_flexible=True, priority=7),
        )
        if self.has_nothing:
            return Table(columns, (), "Changes", empty_text="no edits; ⏎ on a field starts one")
        changes: list[tuple[FieldState, str, str, str, str, str, str]] = [
            (f.state, "SYS/BAND", f.path, f.running_label, f.text, "12 s", f.note)
            for f in self.fields.values()
            if f.state not in (FieldState.IN_SYNC, FieldState.READ_ONLY)
        ]
        changes += [
            (FieldState.APPLYING, "SYS/DECODE", "gain", "0.5", "0.7", "0.4 s", "accepted, waiting for the owner"),
            (FieldState.REJECTED, "SYS/CURSOR", "theme", "'dark'", "'drk'", "41 s", "no such theme"),
            (FieldState.APPLIED, "SYS/NOTCH", "freq", "60.0", "50.0", "2 m", "revision 112, 18 ms"),
        ]
        rows = tuple(
            Row(
                f"{address} {path}",
                (
                    STATE_CELLS[state],
                    Cell(f"{address}.{path}"),
                    Cell(old, "dim"),
                    Cell(new),
                    Cell(age, "dim"),
                    Cell(self._text(note)),
                ),
                address=address,
            )
            for state, address, path, old, new, age, note in changes
        )
        return Table(columns, rows, "Changes", f"{len(rows)}", "no edits; ⏎ on a field starts one", len(rows))

    def publishers_table(self, query: Query) -> Table:
        columns = (
            Column("topic", "PUBLISHER", 18, is_flexible=True, priority=10, is_sortable=True),
            Column("process", "PROC", 4, priority=3),
            Column("rate", "MSG/s", 7, "right", priority=9, is_sortable=True),
            Column("history", "60 s", 12, priority=5),
            Column("total", "TOTAL", 9, "right", priority=4, is_sortable=True),
            Column("flight", "IN FLIGHT", 9, "right", priority=7, is_sortable=True),
            Column("level", "", 6, priority=2),
            Column("wait", "WAIT", 5, "right", priority=8, is_sortable=True),
            Column("holder", "HELD BY", 14, is_flexible=True, priority=6),
        )
        if self.has_nothing:
            return Table(columns, (), "Publishers", empty_text="no publisher yet")
        rows: list[Row] = []
        for process, address, _, rate, history, _ in _UNITS:
            is_held = address == "SYS/FEAT"
            flight = 31 if is_held else 1
            rows.append(
                Row(
                    f"{address}/OUT",
                    (
                        Cell(self._text(f"{address}/OUT")),
                        Cell(process, "dim"),
                        Cell(rate_text(rate), "rate"),
                        Cell(sparkline([float(v) for v in history] + [float(history[-1])] * 4, 8), "spark"),
                        Cell(f"{int(rate * 2350):,}"),
                        Cell(f"{flight}/32", "error" if is_held else ""),
                        Cell(bar(flight / 32, 6), "error" if is_held else "spark"),
                        _share_cell(0.31 if is_held else 0.0),
                        Cell("SYS/DECODE/IN" if is_held else "", "link"),
                    ),
                    address=f"{address}/OUT",
                )
            )
        table = Table(columns, tuple(rows), "Publishers", "10", total=len(rows))
        return _sorted(table, query if query.sorted_by else replace(query, sorted_by="rate", is_descending=True))

    def subscribers_table(self, query: Query) -> Table:
        columns = (
            Column("topic", "SUBSCRIBER", 18, is_flexible=True, priority=10, is_sortable=True),
            Column("process", "PROC", 4, priority=3),
            Column("path", "PATH", 5, priority=4),
            Column("rate", "MSG/s", 7, "right", priority=9, is_sortable=True),
            Column("history", "60 s", 12, priority=5),
            Column("queue", "QUEUE", 6, "right", priority=6, is_sortable=True),
            Column("busy", "BUSY", 5, "right", priority=7, is_sortable=True),
            Column("dropped", "DROPPED", 8, "right", priority=2, is_sortable=True),
            Column("blocks", "BLOCKS", 6, "right", priority=8, is_sortable=True),
        )
        if self.has_nothing:
            return Table(columns, (), "Subscribers", empty_text="no subscriber yet")
        rows: list[Row] = []
        for index, (_, target, path, rate, wait) in enumerate(_EDGES):
            is_leaky = "SCREEN" in target
            rows.append(
                Row(
                    f"{target} {index}",
                    (
                        Cell(self._text(target)),
                        Cell("p2", "dim"),
                        Cell(path, path.lower()),
                        Cell(rate_text(rate)),
                        Cell(sparkline([rate / 64] * 12, 8), "spark"),
                        Cell("31" if wait > 0.2 else "0"),
                        Cell(share_text(0.96 if wait > 0.2 else 0.12), "warning" if wait > 0.2 else ""),
                        Cell("212" if is_leaky else "-", "" if is_leaky else "dim"),
                        _share_cell(wait),
                    ),
                    address=target,
                )
            )
        return _sorted(
            Table(columns, tuple(rows), "Subscribers", "11", total=len(rows)),
            query if query.sorted_by else replace(query, sorted_by="blocks", is_descending=True),
        )

    def endpoint_sheet(self, key: str) -> Sheet:
        if self.has_nothing or not key:
            return Sheet("Figures", empty_text="nothing selected")
        return Sheet(
            key.partition(" ")[0],
            (
                SheetLine("process", (Cell("p2", "title"), Cell("lab-rig:8102"))),
                SheetLine("rate", (Cell("20.0/s"), Cell(sparkline([1.0, 1, 1, 2, 3, 5, 8, 7] * 3, 8), "spark"))),
                SheetLine("bytes", (Cell("81.3K/s"),)),
                SheetLine("in flight", (Cell("31/32", "error"), Cell(bar(31 / 32, 12), "error"))),
                SheetLine("waited", (Cell("12.4s"), Cell("in 512 waits", "dim"))),
                SheetLine("path", (Cell("SHM", "shm"), Cell("same host, other process", "dim"))),
            ),
            address=key,
        )

    def holders_table(self, key: str) -> Table:
        columns = (
            Column("topic", "HELD BY", 16, is_flexible=True, priority=10),
            Column("wait", "WAIT", 5, "right", priority=9),
            Column("level", "", 10, priority=8),
            Column("waited", "TOTAL", 7, "right", priority=5),
        )
        if self.has_nothing:
            return Table(columns, (), "Who holds whom", empty_text="nothing selected")
        title = f"Who holds {key.partition(' ')[0]}"
        if "FEAT/OUT" not in key:
            return Table(columns, (), title, empty_text="nobody: it never waits")
        rows = (
            Row(
                "SYS/DECODE/IN 7",
                (
                    Cell(self._text("SYS/DECODE/IN"), "link"),
                    _share_cell(0.31),
                    Cell(bar(0.31, 10), "error"),
                    Cell("12.4s"),
                ),
                address="SYS/DECODE/IN",
            ),
            Row(
                "SYS/LOG/IN 2",
                (Cell("SYS/LOG/IN", "link"), _share_cell(0.0), Cell(bar(0.0, 10), "spark"), Cell("0")),
                address="SYS/LOG/IN",
            ),
        )
        return Table(columns, rows, title, total=2)

    def events_table(self, query: Query) -> Table:
        columns = (
            Column("time", "TIME", 12, priority=9),
            Column("seq", "SEQ", 5, "right", priority=3),
            Column("kind", "KIND", 8, priority=8),
            Column("what", "WHAT", 30, is_flexible=True, priority=10),
            Column("who", "BY", 12, priority=4),
        )
        if self.has_nothing:
            return Table(columns, (), "Events", empty_text="nothing has happened yet")
        events = [
            ("14:01:36.900", "-", "CONN", "lost: connection reset by peer", "", "warning"),
            ("14:01:40.120", "-", "CONN", "reconnected after 3.2 s; resynced 97 → 104", "", "ok"),
            ("14:02:08.990", "116", "GRAPH", "+ SYS/NOTCH/OUT → SYS/LOG/IN", "session 5f2c", ""),
            ("14:02:09.001", "117", "PROCESS", "+ lab-rig:8123  CURSOR SCREEN LOG", "server", ""),
            ("14:02:11.482", "118", "SETTINGS", "SYS/BAND high 30.0 → 45.0", "tui@lab-2", "changed"),
        ]
        events += [
            (
                f"14:03:{n // 10:02d}.{n % 10}00",
                str(119 + n),
                "SETTINGS",
                f"SYS/BAND low {n}.0 → {n + 1}.0",
                "tui@lab-2",
                "changed",
            )
            for n in range(self.extra_events)
        ]
        rows = tuple(
            Row(
                f"e{index}",
                (Cell(time, "dim"), Cell(seq, "dim"), Cell(kind, meaning), Cell(self._text(what)), Cell(who, "dim")),
                address="SYS/BAND" if kind == "SETTINGS" else "",
            )
            for index, (time, seq, kind, what, who, meaning) in enumerate(events)
        )
        shown = tuple(row for row in rows if _matches(query, row))
        return Table(columns, shown, "Events", f"{len(rows):,} kept", total=len(rows))

    # Commands

    def check(self, address: str, field_path: str, text: str) -> str:
        self.calls.append(("check", address, field_path, text))
        try:
            value = float(text)
        except ValueError:
            return f"{text!r} is not a number"
        return f"{value} is above the maximum 250" if value > 250 else ""

    def stage(self, address: str, field_path: str, text: str) -> None:
        self.calls.append(("stage", address, field_path, text))
        if field_path in self.fields:
            old = self.fields[field_path]
            complaint = self.check(address, field_path, text) if old.editor is EditorKind.NUMBER else ""
            state = FieldState.INVALID if complaint else FieldState.STAGED
            self.fields[field_path] = replace(
                old, text=text, state=state, note=complaint or "valid, not sent", is_none=False, is_changed=True
            )
        self.touch()

    def stage_none(self, address: str, field_path: str) -> None:
        self.calls.append(("stage_none", address, field_path))
        self.touch()

    def step(self, address: str, field_path: str, steps: int) -> None:
        self.calls.append(("step", address, field_path, str(steps)))
        self.touch()

    def revert(self, address: str = "", field_path: str = "") -> None:
        self.calls.append(("revert", address, field_path))
        for path, old in self.fields.items():
            if field_path in ("", path) and old.state is not FieldState.READ_ONLY:
                self.fields[path] = replace(old, text=old.running_label, state=FieldState.IN_SYNC, note="")
        self.touch()

    def apply(self, address: str = "") -> str:
        self.calls.append(("apply", address))
        for path, old in self.fields.items():
            if old.state is FieldState.STAGED:
                self.fields[path] = replace(old, state=FieldState.APPLYING, note="sent, waiting for the owner")
        self.touch()
        return ""

    def keep_mine(self, address: str, field_path: str) -> None:
        self.calls.append(("keep_mine", address, field_path))

    def take_theirs(self, address: str, field_path: str) -> None:
        self.calls.append(("take_theirs", address, field_path))

    def freeze(self, *, is_frozen: bool) -> None:
        self.calls.append(("freeze", str(is_frozen)))
        self.is_frozen = is_frozen

    def reconnect_now(self) -> None:
        self.calls.append(("reconnect_now",))
