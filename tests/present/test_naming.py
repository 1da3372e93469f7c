"""Names are as short as they can be where they stand."""

from uuid import UUID

import pytest

from ezmsg_tui.present.graph_index import ProcessNode
from ezmsg_tui.present.naming import address_cell, below, common_address, process_label, process_name


@pytest.mark.parametrize(
    ("address", "above", "name"),
    [
        ("SYS/BAND/LOW", "SYS/BAND", "LOW"),
        ("SYS/BAND", "SYS/BAND", "BAND"),
        ("SYS", "SYS", "SYS"),
        ("SYS/BANDPASS", "SYS/BAND", "SYS/BANDPASS"),
        ("OTHER/BAND", "SYS", "OTHER/BAND"),
        ("SYS/BAND", "worker 1", "SYS/BAND"),
        ("SYS/BAND", "", "SYS/BAND"),
    ],
)
def test_below_another_an_address_is_what_it_adds_to_it(address: str, above: str, name: str) -> None:
    assert below(address, above) == name


def test_what_addresses_have_in_common_is_whole_parts() -> None:
    assert common_address(["SYS/A/X", "SYS/A/Y"]) == "SYS/A"
    assert common_address(["SYS/BAND", "SYS/BANDPASS"]) == "SYS"
    assert common_address(["SYS/A"]) == "SYS/A"
    assert common_address(["A", "B"]) == common_address([]) == ""


def test_a_process_is_called_by_its_label_or_its_pid() -> None:
    def node(label: str) -> ProcessNode:
        return ProcessNode(UUID(int=1), label, 42, "rig", ())

    assert [process_label(node(text)) for text in ("SYS/A@rig", "worker 1", "")] == ["SYS/A", "worker 1", "pid 42"]
    assert [process_name(node(text)) for text in ("SYS/A@rig", "")] == ["SYS/A pid 42", "pid 42"]


def test_an_address_of_any_length_keeps_its_end() -> None:
    cell = address_cell("X/" * 5000 + "LAST", more=" leaky")
    assert cell.text.endswith("/LAST leaky") and len(cell.text) <= 206
    assert address_cell("\x1b[31mX/Y").text == "X/Y"
