"""How things are called in every view, so that a name means the same everywhere."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from ezmsg_core.model.profiles import ProfileChannelType
from ezmsg_tui.present.graph_index import GraphIndex, ProcessNode
from ezmsg_tui.present.table import Cell
from ezmsg_tui.present.text import safe_text

PATH_MEANINGS = {
    ProfileChannelType.LOCAL: "local",
    ProfileChannelType.SHM: "shm",
    ProfileChannelType.TCP: "tcp",
    ProfileChannelType.UNKNOWN: "dim",
}


def process_name(node: ProcessNode) -> str:
    """A process in a row of its own."""
    label = safe_text(node.label.partition("@")[0], 40)
    return f"{label} pid {node.pid}" if label else f"pid {node.pid}"


def process_tag(index: GraphIndex, process_id: UUID) -> str:
    """A process in a narrow column: its pid."""
    node = index.processes.get(process_id)
    return str(node.pid) if node is not None else "-"


def path_cell(path: ProfileChannelType | None) -> Cell:
    """The way messages take."""
    if path is None or path is ProfileChannelType.UNKNOWN:
        return Cell("-", "dim")
    return Cell(path.value, PATH_MEANINGS[path])


def class_name(qualified: str) -> str:
    """The last part of module.qualname, without the places where a local class was made."""
    return safe_text(qualified.rpartition(".")[2] or qualified, 60)


def clock_text(wall_s: float, *, has_millis: bool = False) -> str:
    """The time of day in this machine's zone: `14:02:11`."""
    try:
        moment = dt.datetime.fromtimestamp(wall_s, tz=dt.UTC).astimezone()
    except (ValueError, OverflowError, OSError):
        return "-"
    text = moment.strftime("%H:%M:%S")
    return f"{text}.{moment.microsecond // 1000:03d}" if has_millis else text


def endpoint_topic(endpoint_id: str) -> str:
    """The topic of an endpoint id, TOPIC:UUID."""
    return endpoint_id.rpartition(":")[0] or endpoint_id
