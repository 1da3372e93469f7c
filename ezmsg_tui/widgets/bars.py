"""The line of views, and the line of keys."""

from __future__ import annotations

from textual import events
from textual.message import Message

from ezmsg_tui.keys import KeyBinding
from ezmsg_tui.present.table import Cell
from ezmsg_tui.widgets.line_block import Line, LineBlock


class ViewTabs(LineBlock):
    """Names the views with their keys; the one that is shown stands between bars."""

    DEFAULT_CSS = "ViewTabs { height: 1; }"

    class Picked(Message):
        """A view was clicked."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self, views: tuple[tuple[str, str], ...], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._views = views  # name and label, in the order of their keys

    def show(self, name: str, right: tuple[Cell, ...] = ()) -> None:
        cells: list[Cell] = []
        for number, (view, label) in enumerate(self._views, start=1):
            is_shown = view == name
            cells.append(Cell("▌" if is_shown else " ", "accent"))
            cells.append(Cell(f"{number} {label}", "accent" if is_shown else ""))
            cells.append(Cell("▐" if is_shown else " ", "accent"))
        self.show_lines((Line(tuple(cells), (*right, Cell(" ")) if right else (), gap=""),))

    def on_click(self, event: events.Click) -> None:
        x = 0
        for number, (view, label) in enumerate(self._views, start=1):
            width = len(f" {number} {label} ")
            if x <= event.x < x + width:
                self.post_message(self.Picked(view))
                return
            x += width


class KeyBar(LineBlock):
    """The keys that matter here, the most useful first; what does not fit is left out, the help page has all."""

    DEFAULT_CSS = "KeyBar { height: 1; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._bindings: tuple[KeyBinding, ...] = ()

    def on_resize(self, _event: events.Resize) -> None:
        self.show(self._bindings)

    def show(self, bindings: tuple[KeyBinding, ...]) -> None:
        self._bindings = bindings
        room = self.size.width - 1
        cells: list[Cell] = [Cell(" ")]
        for binding in bindings:
            width = len(binding.shown_as) + 1 + len(binding.label) + 2
            if width - 2 > room:
                continue
            room -= width
            cells += [Cell(binding.shown_as, "accent"), Cell(" "), Cell(binding.label, "dim"), Cell("  ")]
        self.show_lines((Line(tuple(cells), gap=""),))
