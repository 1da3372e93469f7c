"""The help page: every key, and what the glyphs mean."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import ModalScreen

from ezmsg_tui.keys import GLYPHS, SCOPES, keys_of
from ezmsg_tui.present.sheet import Sheet, SheetLine
from ezmsg_tui.present.table import Cell
from ezmsg_tui.widgets.paint import paint_of
from ezmsg_tui.widgets.sheet_view import SheetView


def help_sheet() -> Sheet:
    """All keys by scope, then the legend."""
    lines: list[SheetLine] = []
    for scope, heading in SCOPES.items():
        if lines:
            lines.append(SheetLine(""))
        lines.append(SheetLine("", (Cell(heading, "accent"),)))
        lines += [SheetLine(binding.shown_as, (Cell(binding.meaning),)) for binding in keys_of(scope)]
    lines += [SheetLine(""), SheetLine("", (Cell("Signs", "accent"),))]
    lines += [SheetLine(glyph, (Cell(meaning),)) for glyph, meaning in GLYPHS]
    return Sheet("Keys", tuple(lines))


class HelpScreen(ModalScreen[None]):
    """Covers the views until it is closed."""

    DEFAULT_CSS = """
    HelpScreen { align: center middle; }
    HelpScreen #help-frame {
        width: 76; max-width: 96%; height: 90%;
        border: heavy ansi_bright_cyan; border-title-style: reverse; background: ansi_default;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1", "close", "Close"),
        Binding("j", "scroll(1)", show=False),
        Binding("k", "scroll(-1)", show=False),
    ]

    def compose(self) -> ComposeResult:
        with Container(id="help-frame") as frame:
            frame.border_title = paint_of(self).spell("Keys")
            frame.border_subtitle = paint_of(self).spell("↑↓ scroll · esc close")
            yield SheetView()

    def on_mount(self) -> None:
        sheet = self.query_one(SheetView)
        sheet.show(help_sheet())
        sheet.focus()

    def action_scroll(self, by: int) -> None:
        self.query_one(SheetView).scroll_relative(y=by, animate=False)

    def action_close(self) -> None:
        self.dismiss()
