"""The question asked before edits are thrown away."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from ezmsg_tui.present.table import Cell
from ezmsg_tui.widgets.line_block import Line, LineBlock


class LeaveScreen(ModalScreen[bool]):
    """Answers whether to leave all the same."""

    DEFAULT_CSS = """
    LeaveScreen { align: center middle; }
    LeaveScreen LineBlock {
        width: 52; height: 7;
        border: heavy ansi_bright_yellow; border-title-style: reverse; background: ansi_default;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "answer(True)", "Leave"),
        Binding("n,escape,q", "answer(False)", "Stay"),
    ]

    def __init__(self, staged: int) -> None:
        super().__init__()
        self._staged = staged

    def compose(self) -> ComposeResult:
        block = LineBlock(align="middle")
        block.border_title = "Leave?"
        count = "1 edit was" if self._staged == 1 else f"{self._staged} edits were"
        block.show_lines(
            (
                Line((Cell(f"{count} not sent", "changed"), Cell("and would be lost."))),
                Line(),
                Line((Cell("y", "accent"), Cell("leave", "dim"), Cell(" n", "accent"), Cell("stay", "dim"))),
            )
        )
        yield block

    def action_answer(self, is_leaving: bool) -> None:
        self.dismiss(is_leaving)
