"""The main screen: bars, the views and what is said in their place; it knows which view is shown."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Horizontal
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Input

from ezmsg_tui.keys import KeyBinding, keys_of
from ezmsg_tui.present.desk import InspectorDesk, LinkPhase, Status
from ezmsg_tui.present.table import Cell
from ezmsg_tui.present.text import safe_text
from ezmsg_tui.screens.events import EventsPane
from ezmsg_tui.screens.help import HelpScreen
from ezmsg_tui.screens.leaving import LeaveScreen
from ezmsg_tui.screens.message_page import bad_state_lines, is_too_small, too_small_lines
from ezmsg_tui.screens.pane import AddressPicked, Pane, Said, ViewAsked
from ezmsg_tui.screens.profile import ProfilePane
from ezmsg_tui.screens.settings import SettingsPane
from ezmsg_tui.screens.topology import TopologyPane
from ezmsg_tui.theme import MONOCHROME
from ezmsg_tui.widgets.bars import KeyBar, ViewTabs
from ezmsg_tui.widgets.bindings import bindings_of
from ezmsg_tui.widgets.form_view import FieldInput, FieldTable, FormView, KeyUnused
from ezmsg_tui.widgets.host import app_of
from ezmsg_tui.widgets.line_block import Line, LineBlock
from ezmsg_tui.widgets.paint import paint_of
from ezmsg_tui.widgets.status_bar import StatusBar, TerminalPace

VIEWS = (("topology", "Topology"), ("settings", "Settings"), ("profile", "Profile"), ("events", "Events"))
"""Name and label of each view, in the order of their keys."""

_WIDE = 100  # columns from which two panes stand side by side
_TALL = 30  # lines from which two tables stand one above the other
_LONGEST_FILTER = 200
_LONGEST_SAYING = 60
_SAID_S = 3.0


class FilterInput(Input):
    """Takes the place of the key bar while a filter is typed."""


class MainScreen(Screen[None]):
    """Everything that is not a dialog."""

    DEFAULT_CSS = """
    MainScreen { background: ansi_default; color: ansi_default; }
    MainScreen #views { height: 1fr; }
    MainScreen #page { display: none; height: 1fr; }
    MainScreen.-page #views { display: none; }
    MainScreen.-page #page { display: block; }
    MainScreen #filter { height: 1; display: none; }
    MainScreen #filter-prompt { width: 9; }
    MainScreen FilterInput { width: 1fr; height: 1; border: none; padding: 0; }
    MainScreen.-filtering #filter { display: block; }
    MainScreen.-filtering KeyBar { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("global")]
    AUTO_FOCUS = ""

    def __init__(self, desk: InspectorDesk, *, view: str = "topology", address: str = "") -> None:
        super().__init__()
        self.desk = desk
        self._view = view if view in dict(VIEWS) else VIEWS[0][0]
        self._view_before = self._view
        self._address = address
        self.first_filter = ""  # what the rows of the first view have to hold
        self._revision: int | None = None
        self._status = Status(LinkPhase.CONNECTING)
        self._panes: dict[str, Pane] = {}
        self._has_focused = False
        self._said: Cell | None = None
        self._silence: Timer | None = None
        self._is_address_checked = not address

    def compose(self) -> ComposeResult:
        yield StatusBar(id="status")
        yield ViewTabs(VIEWS, id="tabs")
        with Container(id="views"):
            for pane in (
                TopologyPane(self.desk),
                SettingsPane(self.desk),
                ProfilePane(self.desk),
                EventsPane(self.desk),
            ):
                self._panes[pane.id or ""] = pane
                pane.display = pane.id == self._view
                pane.filter_text = self.first_filter if pane.display else ""
                yield pane
        yield LineBlock(id="page", align="middle", pad=2)
        filter_input = FilterInput(placeholder="words that must all occur", compact=True, max_length=_LONGEST_FILTER)
        filter_input.cursor_blink = False
        with Horizontal(id="filter"):
            prompt = LineBlock(id="filter-prompt")
            prompt.show_lines((Line((Cell(" filter", "accent"), Cell("/", "dim"))),))
            yield prompt
            yield filter_input
        yield KeyBar(id="keys")

    @property
    def pane(self) -> Pane:
        """The view that is shown."""
        return self._panes[self._view]

    @property
    def view(self) -> str:
        return self._view

    # Being told that time has passed

    def on_mount(self) -> None:
        paint = paint_of(self)
        self.set_class(paint.is_ascii, "-ascii")
        self.set_class(paint.palette is MONOCHROME, "-plain")
        if self._address:
            self.pane.go_to(self._address)
        self.call_after_refresh(self.advance)

    def advance(self, pace: TerminalPace | None = None, *, is_forced: bool = False) -> None:
        """Take in what has come, and show it. The only thing that is done again and again."""
        revision = self.desk.poll()
        status = self.desk.status()
        self.query_one(StatusBar).show(status, pace)
        has_new_phase = (status.phase, status.frozen_s is None) != (self._status.phase, self._status.frozen_s is None)
        self._status = status
        self._show_page()
        if self.has_class("-page"):
            self._revision = None
            return
        pane = self.pane
        pane.take_status(status)
        if is_forced or has_new_phase or revision != self._revision or status.phase in (LinkPhase.LOST, LinkPhase.SLOW):
            self._revision = revision
            pane.advance()
            self._check_first_address()
        if not self._has_focused:
            self._has_focused = True
            self.focus_next()
        self._show_keys()

    def _check_first_address(self) -> None:
        """Say it if what was to be selected first is not there; it is selected all the same when it comes."""
        if not self._is_address_checked and self._status.phase is LinkPhase.LIVE:
            self._is_address_checked = True
            if self.pane.wanted_address:
                self._say(f"{self.pane.wanted_address} is not in this graph", "warning")

    def _show_page(self) -> None:
        width, height = self.size
        lines = too_small_lines(width, height) if is_too_small(width, height) else bad_state_lines(self._status, width)
        page = self.query_one("#page", LineBlock)
        page.show_lines(lines)
        if bool(lines) != self.has_class("-page"):
            self.set_class(bool(lines), "-page")
            if lines:
                self.set_focus(None)
                self._has_focused = False
        is_small = is_too_small(width, height)
        self.query_one(StatusBar).display = not is_small
        self.query_one(ViewTabs).display = not is_small
        self.query_one(KeyBar).display = not is_small and not self.has_class("-filtering")

    def _show_keys(self) -> None:
        self.query_one(ViewTabs).show(self._view, self._chip())
        if isinstance(self.focused, FieldInput):
            self.query_one(KeyBar).show(keys_of("editor"))
            return
        scopes = ["field"] if isinstance(self.focused, FieldTable) else []
        shown: list[KeyBinding] = []
        for scope in (*scopes, self._view, "global"):
            taken = {binding.shown_as for binding in shown}
            shown += [binding for binding in keys_of(scope) if binding.is_in_footer and binding.shown_as not in taken]
        self.query_one(KeyBar).show(tuple(shown))

    def _chip(self) -> tuple[Cell, ...]:
        if self._said is not None:
            return (self._said,)
        if self._status.phase is LinkPhase.LOST:
            return (Cell("^r", "accent"), Cell(" now  ", "dim"), Cell(self._status.reason, "warning"))
        text = self.pane.filter_text
        return (Cell(f" /{text} ", "accent"), Cell("esc clears", "dim")) if text else ()

    def on_resize(self, event: events.Resize) -> None:
        for pane in self._panes.values():
            pane.set_class(event.size.width >= _WIDE, "-wide")
            pane.set_class(event.size.height >= _TALL, "-tall")
        self.call_after_refresh(self.advance, is_forced=True)

    def on_screen_resume(self) -> None:
        self.call_after_refresh(self.advance, is_forced=True)

    # Views

    def action_view(self, name: str) -> None:
        if name == self._view or self.has_class("-page"):
            return
        self._view_before, self._view = self._view, name
        for pane_name, pane in self._panes.items():
            pane.display = pane_name == name
        self.set_focus(None)
        if self._address:
            self.pane.go_to(self._address)
        self._has_focused = False
        self.advance(is_forced=True)
        self.call_after_refresh(self.advance, is_forced=True)  # with the sizes that it has then

    def action_last_view(self) -> None:
        self.action_view(self._view_before)

    @on(ViewTabs.Picked)
    def _click_tab(self, message: ViewTabs.Picked) -> None:
        self.action_view(message.name)

    @on(AddressPicked)
    def _remember(self, message: AddressPicked) -> None:
        self._address = message.address

    @on(ViewAsked)
    def _follow(self, message: ViewAsked) -> None:
        self._address = message.address
        self.action_view(message.view)

    def action_next_pane(self) -> None:
        self.focus_next()

    def action_previous_pane(self) -> None:
        self.focus_previous()

    def on_descendant_focus(self, _event: events.DescendantFocus) -> None:
        self._show_keys()

    # The filter

    def action_filter(self) -> None:
        if self.has_class("-page"):
            return
        filter_input = self.query_one(FilterInput)
        with filter_input.prevent(Input.Changed):
            filter_input.value = self.pane.filter_text
        self.add_class("-filtering")
        self.query_one(KeyBar).display = False
        filter_input.focus()

    @on(Input.Changed, "FilterInput")
    def _filter(self, message: Input.Changed) -> None:
        message.stop()
        self.pane.filter_text = message.value.strip()
        self.advance(is_forced=True)

    @on(Input.Submitted, "FilterInput")
    def _keep_filter(self, message: Input.Submitted) -> None:
        message.stop()
        self._end_filter()

    def _end_filter(self) -> None:
        self.remove_class("-filtering")
        self.set_focus(None)
        self._has_focused = False
        self.advance(is_forced=True)

    def action_clear(self) -> None:
        if self.has_class("-filtering") or self.pane.filter_text:
            self.pane.filter_text = ""
            self._end_filter()

    # Commands

    def action_freeze(self) -> None:
        self.desk.freeze(is_frozen=self._status.frozen_s is None)
        self.advance(is_forced=True)

    @on(KeyUnused)
    async def _use_key(self, message: KeyUnused) -> None:
        await self.run_action(message.action)

    def action_copy(self) -> None:
        text = self.pane.copy_text
        if text:
            app_of(self).copy_to_clipboard(text)
            self._say(f"copied {text}", "ok")

    @on(Said)
    def _pass_on(self, message: Said) -> None:
        self._say(message.text, "warning")

    def _say(self, text: str, meaning: str) -> None:
        """Tell in the line of views, for a moment, what a key did that cannot be seen, or why it did nothing."""
        self._said = Cell(safe_text(text, _LONGEST_SAYING), meaning, has_address=True)
        self._show_keys()
        if self._silence is not None:
            self._silence.stop()
        self._silence = self.set_timer(_SAID_S, self._fall_silent)

    def _fall_silent(self) -> None:
        self._said = None
        self._show_keys()

    def action_reconnect(self) -> None:
        self.desk.reconnect_now()
        self.advance(is_forced=True)

    def action_redraw(self) -> None:
        self.refresh(repaint=True, layout=True)
        self.advance(is_forced=True)

    def action_help(self) -> None:
        app_of(self).push_screen(HelpScreen())

    def action_leave(self) -> None:
        staged = self.desk.status().staged
        if not staged:
            app_of(self).exit()
            return
        app_of(self).push_screen(LeaveScreen(staged), self._left)

    def _left(self, is_leaving: bool | None) -> None:
        if is_leaving:
            app_of(self).exit()

    @property
    def is_typing(self) -> bool:
        """Whether keys go into a text."""
        return self.has_class("-filtering") or any(form.is_editing for form in self.query(FormView))
