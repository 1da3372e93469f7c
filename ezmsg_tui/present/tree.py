"""The tree of the graph: processes or components, their units, and the streams of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ezmsg_core.model.components import CollectionMetadata, UnitMetadata
from ezmsg_core.model.topology import Phase
from ezmsg_tui.present.figures import FigureBook
from ezmsg_tui.present.filtering import matches
from ezmsg_tui.present.graph_index import GraphIndex, ProcessNode
from ezmsg_tui.present.naming import address_cell, below, class_name, clock_text, process_label, process_name
from ezmsg_tui.present.table import Cell, Column, Query, Row, Table
from ezmsg_tui.present.text import counted, safe_text
from ezmsg_tui.present.traffic import NOTHING, OK, SEVERITY, SPARKS, Traffic

COLUMNS = (
    Column("name", "NAME", 26, is_flexible=True, most=48, priority=10),
    Column("kind", "TYPE", 13, priority=3),
    Column("rate", "RATE", 7, "right", priority=8),
    Column("history", "60 s", SPARKS, priority=2),
    Column("state", "STATE", 12, priority=9),
)

PROCESS, HOST, STRAY = "process:", "host:", "at:"
"""How the keys of rows begin that are not addresses: of a process, a host, a process's topic outside its units."""

_UUID_LENGTH = 36

_PHASES: dict[Phase | None, Cell] = {
    None: OK,
    Phase.STARTING: Cell("◌ starting", "pending"),
    Phase.LIVE: OK,
    Phase.BUSY: Cell("▲ busy", "warning"),
    Phase.UNRESPONSIVE: Cell("✖ silent", "error"),
}


UnitCells = dict[str, tuple[tuple[object, ...], tuple[Cell, ...]]]
"""What each unit's row shows after its name and class, and what that depends on."""


@dataclass(slots=True)
class _Node:
    """A row, and how to make what is below it."""

    row: Row  # without depth
    is_open_by_default: bool = True
    children: list[_Node] = field(default_factory=list["_Node"])
    late_children: Callable[[], list[_Node]] | None = None  # made only where they are shown
    late_count: int = 0

    @property
    def has_children(self) -> bool:
        return bool(self.children or self.late_count)

    def below(self) -> list[_Node]:
        return self.children if self.late_children is None else [*self.late_children(), *self.children]


class TopologyTree:
    """Builds the tree's rows; a row that did not change is the same object as before."""

    def __init__(self) -> None:
        self._rows: dict[str, Row] = {}
        self._units: UnitCells = {}
        self._index: GraphIndex | None = None

    def table(self, index: GraphIndex, figures: FigureBook, query: Query, empty_text: str) -> Table:
        """The tree as the query asks for it."""
        if index is not self._index:
            self._index = index
            self._units.clear()
        builder = _TreeBuilder(index, figures, self._units)
        by_component = query.arrangement == "component"
        roots = builder.by_component() if by_component else builder.by_process()
        if query.filter_text:
            shown = [row for root in roots for row in _filtered(root, query.filter_text, 0)]
        else:
            shown = [row for root in roots for row in _opened(root, query.toggled, 0)]
        kept = self._rows
        rows = [old if (old := kept.get(row.key)) is not None and old == row else row for row in shown]
        self._rows = {row.key: row for row in rows}
        return Table(
            COLUMNS,
            tuple(rows),
            title=f"Topology by {'component' if by_component else 'process'}",
            footer=counted(index.unit_count, "unit"),
            empty_text="nothing matches the filter" if query.filter_text and roots else empty_text,
            total=sum(_size(root) for root in roots),
            matched=sum(matches(row, query.filter_text) for row in rows) if query.filter_text else -1,
        )


class _TreeBuilder:
    def __init__(self, index: GraphIndex, figures: FigureBook, units: UnitCells) -> None:
        self._index = index
        self._traffic = Traffic(index, figures)
        self._units = units

    def by_process(self) -> list[_Node]:
        nodes = [(process.host, self._process(process)) for process in self._index.processes.values()]
        orphans = [
            self._unit(address, address)
            for address, metadata in self._index.components.items()
            if isinstance(metadata, UnitMetadata) and address not in self._index.unit_process
        ]
        hosts = sorted({host for host, _ in nodes})
        if len(hosts) < 2:
            return [*(node for _, node in nodes), *orphans]
        return [*(_host_node(host, [node for on, node in nodes if on == host]) for host in hosts), *orphans]

    def by_component(self) -> list[_Node]:
        nodes: dict[str, _Node] = {}
        roots: list[_Node] = []
        for address in sorted({*self._index.components, *self._index.unit_process}):
            above = _nearest(address, nodes)
            name = address[len(above) + 1 :] if above else address
            is_collection = isinstance(self._index.components.get(address), CollectionMetadata)
            nodes[address] = node = self._collection(address, name) if is_collection else self._unit(address, name)
            (nodes[above].children if above else roots).append(node)
        for process in self._index.processes.values():
            topics = self._index.strays_of(process.process_id)
            if topics:
                name = address_cell(process_name(process), "title")
                cells = (name, Cell("no unit", "dim"), *self._traffic.cells(topics), OK)
                children = self._strays(process, topics)
                roots.append(_Node(Row(f"{PROCESS}{process.process_id}", cells), children=children))
        return roots

    def _process(self, process: ProcessNode) -> _Node:
        strays = self._index.strays_of(process.process_id)
        topics = [*(topic for unit in process.units for topic in self._index.streams_of(unit)), *strays]
        rate, _ = self._traffic.cells(topics)
        label = process_label(process)
        pid = f"pid {process.pid}"
        name, kind = address_cell(label, "title"), Cell("process" if label == pid else pid, "dim")
        cells = (name, kind, rate, NOTHING, self._state(process, topics))
        children = [self._unit(unit, below(unit, label)) for unit in process.units]
        return _Node(Row(f"{PROCESS}{process.process_id}", cells), children=[*children, *self._strays(process, strays)])

    def _collection(self, address: str, name: str) -> _Node:
        kind = class_name(self._index.components[address].component_type)
        topics = [topic for topic in self._index.topics if topic.startswith(f"{address}/")]
        rate, _ = self._traffic.cells(topics)
        state = self._traffic.state(topics)
        shown = state if SEVERITY[state.meaning] > SEVERITY["ok"] else NOTHING
        return _Node(
            Row(
                address,
                (address_cell(name, "title"), Cell(kind, "dim"), rate, NOTHING, shown),
                address=address,
            )
        )

    def _unit(self, address: str, name: str) -> _Node:
        metadata = self._index.components.get(address)
        topics = self._index.streams_of(address)
        process = self._index.unit_process.get(address)
        kind = Cell(class_name(metadata.component_type) if metadata is not None else "", "dim")
        fingerprint = self._traffic.fingerprint(topics)
        kept = self._units.get(address)
        if kept is None or kept[0] != fingerprint:
            state = Cell("no process", "dim") if process is None else self._state(process, topics)
            kept = self._units[address] = (fingerprint, (*self._traffic.cells(topics), state))
        row = Row(address, (address_cell(name), kind, *kept[1]), address=address)
        return _Node(
            row,
            is_open_by_default=False,
            late_children=lambda: self._streams(topics, address),
            late_count=len(topics),
        )

    def _streams(self, topics: list[str], unit: str) -> list[_Node]:
        nodes: list[_Node] = []
        for topic in topics:
            name = topic[len(unit) + 1 :] if topic.startswith(f"{unit}/") else topic
            figures = self._traffic
            cells = figures.output_cells(topic) if figures.is_output(topic) else figures.input_cells(topic)
            nodes.append(_Node(Row(topic, (address_cell(name), *cells), address=topic)))
        return nodes

    def _strays(self, process: ProcessNode, topics: list[str]) -> list[_Node]:
        """Topics of a process outside its units; others may have endpoints there too, so the row is its own."""
        key, nodes = process.process_id, list[_Node]()
        for topic in topics:
            is_output = self._index.publishes(key, topic)
            cells = self._traffic.output_cells(topic, key) if is_output else self._traffic.input_cells(topic, key)
            nodes.append(_Node(Row(f"{STRAY}{key}:{topic}", (address_cell(topic), *cells), address=topic)))
        return nodes

    def _state(self, process: ProcessNode, topics: list[str]) -> Cell:
        if process.gone_wall_s is not None:
            return Cell(f"✝ {clock_text(process.gone_wall_s)}", "stale")
        own, traffic = _PHASES[process.phase], self._traffic.state(topics)
        return own if own is not OK and SEVERITY[own.meaning] >= SEVERITY[traffic.meaning] else traffic


def topic_of_stray(key: str) -> str:
    """The topic that a row of a process's topic outside its units stands for."""
    return key[len(STRAY) + _UUID_LENGTH + 1 :]


def _host_node(host: str, children: list[_Node]) -> _Node:
    cells = (Cell(safe_text(host, 60), "title"), Cell("host", "dim"), NOTHING, NOTHING, NOTHING)
    return _Node(Row(f"{HOST}{host}", cells), children=children)


def _nearest(address: str, nodes: dict[str, _Node]) -> str:
    """The component above an address; empty if there is none."""
    while "/" in address:
        address = address.rpartition("/")[0]
        if address in nodes:
            return address
    return ""


def _opened(node: _Node, toggled: frozenset[str], depth: int) -> Iterator[Row]:
    row = node.row
    is_open = node.is_open_by_default != (row.key in toggled)
    yield Row(row.key, row.cells, depth, is_open if node.has_children else None, row.address)
    if is_open:
        for child in node.below():
            yield from _opened(child, toggled, depth + 1)


def _filtered(node: _Node, filter_text: str, depth: int) -> list[Row]:
    """The rows at and below a node that match, with all above them; everything below a row that matches itself."""
    row = node.row
    if matches(row, filter_text):
        return list(_opened(node, frozenset(), depth))
    found = [match for child in node.below() for match in _filtered(child, filter_text, depth + 1)]
    return [Row(row.key, row.cells, depth, True, row.address), *found] if found else []


def _size(node: _Node) -> int:
    return 1 + node.late_count + sum(_size(child) for child in node.children)
