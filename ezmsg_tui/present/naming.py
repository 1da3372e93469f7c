"""How things are called in every view, so that a name means the same everywhere."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence
from uuid import UUID

from ezmsg_core.model.profiles import ProfileChannelType
from ezmsg_tui.present.graph_index import GraphIndex, ProcessNode
from ezmsg_tui.present.table import Cell
from ezmsg_tui.present.text import elided_address, safe_text

PATH_MEANINGS = {
    ProfileChannelType.LOCAL: "local",
    ProfileChannelType.SHM: "shm",
    ProfileChannelType.UNIX: "tcp",
    ProfileChannelType.TCP: "tcp",
    ProfileChannelType.UNKNOWN: "dim",
}


_LONGEST_ADDRESS = 200  # characters; what draws it shortens it further


def address_cell(address: str, meaning: str = "", *, more: str = "") -> Cell:
    """An address, and what is said after it."""
    text = elided_address(safe_text(address[-4 * _LONGEST_ADDRESS :], 4 * _LONGEST_ADDRESS), _LONGEST_ADDRESS)
    return Cell(f"{text}{more}", meaning, has_address=True)


def process_label(node: ProcessNode) -> str:
    """What a process calls itself, without the host; its pid where it does not. Often an address: what it runs."""
    return safe_text(node.label.partition("@")[0], 80) or f"pid {node.pid}"


def process_name(node: ProcessNode) -> str:
    """A process where its pid is not beside it."""
    label = process_label(node)
    return label if label.startswith("pid ") else f"{label} pid {node.pid}"


def below(address: str, above: str) -> str:
    """What an address adds to the one above it; its last part where that is itself; all of it below neither."""
    if address == above:
        return address.rpartition("/")[2]
    return address.removeprefix(f"{above}/") if above else address


def common_address(addresses: Sequence[str]) -> str:
    """The longest address that all of these are at or below; empty if there is none."""
    levels = zip(*(address.split("/") for address in addresses), strict=False)
    return "/".join(level[0] for level in itertools.takewhile(lambda level: len(set(level)) == 1, levels))


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
