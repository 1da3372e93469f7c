"""From meanings to the terminal's styles: the palette in use, and the spelling of glyphs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style

from ezmsg_tui.present.table import Cell
from ezmsg_tui.present.text import elided_addresses, safe_text
from ezmsg_tui.theme import ASCII_SPELLING, MONOCHROME, SIXTEEN, Palette
from ezmsg_tui.widgets.host import app_of

if TYPE_CHECKING:
    from textual.message_pump import MessagePump

_LONGEST = 1000  # characters of one cell: more than any terminal is wide
_CURSOR = Style(color="bright_white", bgcolor="blue", bold=True)
_CURSOR_WITHOUT_COLOR = Style(reverse=True, bold=True)


class Paint:
    """Styles of one palette, made once."""

    def __init__(self, palette: Palette = SIXTEEN, *, is_ascii: bool = False) -> None:
        self.palette = palette
        self.is_ascii = is_ascii
        self._styles: dict[str, Style] = {}

    def style(self, meaning: str) -> Style:
        style = self._styles.get(meaning)
        if style is None:
            ink = self.palette.ink(meaning)
            style = Style(
                color=ink.color or None,
                bold=ink.is_bold or None,
                dim=ink.is_dim or None,
                reverse=ink.is_reversed or None,
                underline=ink.is_underlined or None,
            )
            self._styles[meaning] = style
        return style

    @property
    def cursor(self) -> Style:
        """The bar over the selected row of the pane that has the focus."""
        return _CURSOR_WITHOUT_COLOR if self.palette is MONOCHROME else _CURSOR

    def spell(self, text: str) -> str:
        """The text in the characters that the terminal is known to have.

        Presenters make foreign text harmless; what slipped past them is stopped here.
        """
        if len(text) > _LONGEST or not text.isprintable():
            text = safe_text(text, _LONGEST)
        return text.translate(ASCII_SPELLING) if self.is_ascii else text

    def segments(self, cells: Iterable[Cell], *, gap: str = " ", base: Style | None = None) -> list[Segment]:
        """Cells one after the other; those without text are left out."""
        segments: list[Segment] = []
        for cell in cells:
            if not cell.text:
                continue
            if segments and gap:
                segments.append(Segment(gap, base))
            style = self.style(cell.meaning)
            segments.append(Segment(self.spell(cell.text), base + style if base is not None else style))
        return segments


_DEFAULT_PAINT = Paint()


def paint_of(widget: MessagePump) -> Paint:
    """The paint of the application that a widget belongs to."""
    paint = getattr(app_of(widget), "paint", None)
    return paint if isinstance(paint, Paint) else _DEFAULT_PAINT


def fit_text(text: str, width: int, *, align: str = "left", has_address: bool = False) -> str:
    """Text of exactly `width` cells: padded, or cut with `…` at its end, addresses in it at their fronts."""
    if width <= 0:
        return ""
    if has_address:
        text = elided_addresses(text, width, cell_len)
    if not text.isprintable():
        text = safe_text(text, 4 * width + 16)
    elif len(text) > 4 * width + 16:
        text = text[: 4 * width + 16]  # marks take no cell, and there may be a few on each letter
    if text.isascii():
        if len(text) > width:
            return text[: width - 1] + "…"
        return text.rjust(width) if align == "right" else text.ljust(width)
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + "…"
    return " " * (width - length) + text if align == "right" else text + " " * (width - length)
