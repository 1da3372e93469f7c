"""Sheets about one thing: a process, a component, a stream, a publisher or a subscriber."""

from __future__ import annotations

from collections.abc import Sequence

from ezmsg_core.model.components import CollectionMetadata, ComponentMetadata, UnitMetadata
from ezmsg_core.model.settings import SettingsSnapshotValue
from ezmsg_core.model.topology import Edge, PublisherRecord, SubscriberRecord
from ezmsg_tui.present.figure_lines import process_lines, publisher_lines, subscriber_lines
from ezmsg_tui.present.figures import FigureBook
from ezmsg_tui.present.graph_index import GraphIndex, ProcessNode
from ezmsg_tui.present.naming import address_cell, class_name, clock_text, endpoint_topic, path_cell, process_name
from ezmsg_tui.present.sheet import Sheet, SheetLine
from ezmsg_tui.present.table import Cell
from ezmsg_tui.present.text import counted, safe_text, size_text
from ezmsg_tui.present.traffic import Traffic
from ezmsg_tui.present.tree import HOST, PROCESS, STRAY, topic_of_stray
from ezmsg_tui.store.reducer import InspectorStore

MAX_PEERS = 6  # of one stream; the edges beside the sheet have them all
MAX_PARTS = 12  # of one process or collection; the tree beside the sheet has them all
BLANK = SheetLine("")


class SheetMaker:
    """Builds sheets from the state of one moment."""

    def __init__(self, store: InspectorStore, index: GraphIndex, book: FigureBook) -> None:
        self._store = store
        self._index = index
        self._book = book
        self._traffic = Traffic(index, book)

    def node(self, key: str) -> Sheet:
        """About a row of the tree."""
        index = self._index
        if not key:
            return Sheet("Detail", empty_text="nothing selected")
        if key.startswith(PROCESS):
            process = next((p for p in index.processes.values() if f"{PROCESS}{p.process_id}" == key), None)
            return self._process(process) if process is not None else _gone(key)
        if key.startswith(HOST):
            return self._host(key)
        if key.startswith(STRAY):
            key = topic_of_stray(key)
        if key in index.components or key in index.unit_process:
            return self._component(key, index.components.get(key))
        if key in index.publishers_of or key in index.subscribers_of or index.component_of(key):
            return self._stream(key)
        return _gone(key)

    def endpoint(self, key: str) -> Sheet:
        """About one publisher or subscriber, by its id."""
        if not key:
            return Sheet("Figures", empty_text="nothing selected")
        publisher, subscriber = self._index.publishers.get(key), self._index.subscribers.get(key)
        if publisher is not None:
            figures = self._book.publishers.get(key)
            lines = [*self._where(publisher), *publisher_lines(publisher, figures)]
            return Sheet(safe_text(publisher.topic), tuple(lines), address=publisher.topic)
        if subscriber is not None:
            received = self._book.subscribers.get(key)
            share = self._book.holding_share(key)
            lines = [*self._where(subscriber), *subscriber_lines(subscriber, received, share)]
            channels = [
                SheetLine(
                    "from" if number == 0 else "",
                    (
                        address_cell(endpoint_topic(channel.publisher_id), "link"),
                        path_cell(channel.path),
                        Cell(safe_text(channel.reason, 80), "dim"),
                    ),
                )
                for number, channel in enumerate(self._index.channels_of.get(key, ())[:MAX_PEERS])
            ]
            return Sheet(safe_text(subscriber.topic), (*lines, *channels), address=subscriber.topic)
        return _gone(key)

    def _where(self, record: PublisherRecord | SubscriberRecord) -> list[SheetLine]:
        process = self._index.processes.get(record.process_id)
        name = process_name(process) if process is not None else f"pid {record.pid}"
        unit = self._index.component_of(record.topic)
        lines = [SheetLine("process", (address_cell(name, "title"), self._on(record.host)))]
        return [SheetLine("unit", (address_cell(unit, "link"),)), *lines] if unit else lines

    def _on(self, host: str) -> Cell:
        """On which host, where there are several."""
        is_only = all(process.host == host for process in self._index.processes.values())
        return Cell("" if is_only else f"on {safe_text(host, 60)}", "dim")

    def _host(self, key: str) -> Sheet:
        host = key.removeprefix(HOST)
        processes = [p for p in self._index.processes.values() if p.host == host]
        meters = [m for p in processes if (m := self._store.profiles.processes.get(p.process_id)) is not None]
        lines = (
            SheetLine("processes", (Cell(str(len(processes))),)),
            SheetLine("cpu", (Cell(f"{sum(m.profile.cpu_percent for m in meters):.0f}%"), Cell("of a core", "dim"))),
            SheetLine("memory", (Cell(size_text(sum(m.profile.rss_bytes for m in meters))),)),
        )
        return Sheet(safe_text(host, 60), lines)

    def _process(self, process: ProcessNode) -> Sheet:
        lines = [
            SheetLine("pid", (Cell(str(process.pid), "title"), Cell(f"on {safe_text(process.host, 60)}", "dim"))),
            SheetLine("label", (Cell(safe_text(process.label) or "-"),)),
            SheetLine("phase", (Cell(str(process.phase) if process.phase is not None else "takes no calls"),)),
        ]
        if process.gone_wall_s is not None:
            lines.append(SheetLine("gone", (Cell(f"✝ {clock_text(process.gone_wall_s)}", "stale"),)))
        meter = self._store.profiles.processes.get(process.process_id)
        lines += process_lines(meter)
        lines += _link_lines("units", process.units)
        return Sheet(process_name(process), tuple(lines), counted(len(process.units), "unit"))

    def _component(self, address: str, metadata: ComponentMetadata | None) -> Sheet:
        index = self._index
        lines: list[SheetLine] = []
        if metadata is not None:
            kind = metadata.component_type
            module = safe_text(kind.rpartition(".")[0], 80)
            lines.append(SheetLine("class", (Cell(class_name(kind), "title"), Cell(module, "dim"))))
            session = self._store.topology.fold.sessions.get(index.sessions.get(address, ""))
            if session is not None:
                lines.append(SheetLine("session", (Cell(safe_text(session.label, 60)),)))
        process = index.unit_process.get(address)
        if process is not None:
            lines.append(SheetLine("process", (address_cell(process_name(process)), self._on(process.host))))
        if isinstance(metadata, CollectionMetadata):
            lines += _link_lines("has", metadata.children)
        else:
            lines.append(SheetLine("state", (self._traffic.state(index.streams_of(address)),)))
            for topic in index.streams_of(address):
                lines += [BLANK, *self._stream_lines(topic, topic[len(address) + 1 :] or topic)]
        lines += [BLANK, *_settings_lines(metadata, self._store.settings.values.get(address))]
        if isinstance(metadata, UnitMetadata):
            lines += _task_lines(metadata, address)
        return Sheet(safe_text(address), tuple(lines), address=address)

    def _stream(self, topic: str) -> Sheet:
        index = self._index
        lines = self._stream_lines(topic, "output" if self._traffic.is_output(topic) else "input")
        for publisher in index.publishers_of.get(topic, ()):
            lines += [BLANK, *self._where(publisher)]
            lines += publisher_lines(publisher, self._book.publishers.get(publisher.endpoint_id))
        for subscriber in index.subscribers_of.get(topic, ()):
            key = subscriber.endpoint_id
            lines += [BLANK, *self._where(subscriber)]
            lines += subscriber_lines(subscriber, self._book.subscribers.get(key), self._book.holding_share(key))
        owners = [o for e in index.edges if topic in e for o in index.edges[Edge(*e)].owners]
        if owners:
            names = sorted({self._owner_name(owner) for owner in owners})
            lines += [BLANK, SheetLine("edges by", tuple(Cell(name, "dim") for name in names[:MAX_PEERS]))]
        return Sheet(safe_text(topic), tuple(lines), address=topic)

    def _owner_name(self, owner: str) -> str:
        session = self._store.topology.fold.sessions.get(owner)
        return safe_text(session.label if session is not None else owner, 40)

    def _stream_lines(self, topic: str, label: str) -> list[SheetLine]:
        """A stream's figures, and whom it reaches or who reaches it."""
        index = self._index
        is_output = self._traffic.is_output(topic)
        _, rate, history, state = self._traffic.output_cells(topic) if is_output else self._traffic.input_cells(topic)
        recent = Cell(history.text.lstrip(), history.meaning)
        lines = [SheetLine(safe_text(label, 24), (Cell(f"{rate.text}/s", "rate"), recent, state))]
        ids = [e.endpoint_id for e in (index.publishers_of if is_output else index.subscribers_of).get(topic, ())]
        found = index.reached_subscribers(topic) if is_output else index.reaching_publishers(topic)
        is_of_unit = not is_output and bool(index.component_of(topic))  # which publishes its settings to itself
        peers = [peer for peer in found if not (is_of_unit and peer.topic == topic)]
        for peer in peers[:MAX_PEERS]:
            pair = [(i, peer.endpoint_id) if is_output else (peer.endpoint_id, i) for i in ids]
            channel = next((index.channel[key] for key in pair if key in index.channel), None)
            path = path_cell(channel.path if channel is not None else None)
            lines.append(
                SheetLine("", (Cell("▶" if is_output else "◀", "dim"), address_cell(peer.topic, "link"), path))
            )
        if len(peers) > MAX_PEERS:
            lines.append(SheetLine("", (Cell(f"and {len(peers) - MAX_PEERS} more", "dim"),)))
        return lines


def _link_lines(label: str, addresses: Sequence[str]) -> list[SheetLine]:
    return [
        SheetLine("" if number else label, (address_cell(address, "link"),))
        for number, address in enumerate(addresses[:MAX_PARTS])
    ]


def _gone(key: str) -> Sheet:
    name = safe_text(key.rpartition(":")[0] or key, 80)
    return Sheet(name, empty_text="it has left the graph")


def _settings_lines(metadata: ComponentMetadata | None, value: SettingsSnapshotValue | None) -> list[SheetLine]:
    if value is None:
        return [SheetLine("settings", (Cell("none known", "dim"),))]
    dynamic = metadata is not None and metadata.dynamic_settings.enabled
    lines = [
        SheetLine(
            "settings",
            (
                Cell(f"revision {value.revision}"),
                Cell("can be changed" if dynamic else "fixed at the start", "" if dynamic else "dim"),
                Cell(f"{clock_text(value.timestamp)} {safe_text(value.actor, 40)}".strip(), "dim"),
            ),
        )
    ]
    if value.is_uncertain:
        lines.append(SheetLine("", (Cell("the unit failed on them: maybe half applied", "error"),)))
    return lines


def _task_lines(metadata: UnitMetadata, address: str) -> list[SheetLine]:
    def short(topic: str) -> str:
        return safe_text(topic.removeprefix(f"{address}/"), 40)

    lines: list[SheetLine] = []
    for task in metadata.tasks[:8]:
        reads = short(task.subscribes) if task.subscribes else ""
        writes = ", ".join(short(topic) for topic in task.publishes[:4])
        flow = f"{reads} → {writes}" if reads and writes else reads or (f"→ {writes}" if writes else "")
        lines.append(SheetLine("tasks" if not lines else "", (Cell(safe_text(task.name, 40)), Cell(flow, "dim"))))
    return lines
