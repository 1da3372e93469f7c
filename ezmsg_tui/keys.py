"""Every key of the inspector: its name, where it works, and what it does."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KeyBinding:
    """One action and the keys that start it."""

    name: str  # unique; what a key map refers to
    keys: tuple[str, ...]  # as the terminal library names them; the first is the one shown
    shown_as: str  # as a person reads them
    action: str  # with its argument, if it has one
    label: str  # for the footer: one or two words
    meaning: str  # for the help page: a sentence without its full stop
    scope: str  # in SCOPES
    is_in_footer: bool = False


SCOPES: dict[str, str] = {
    "global": "Everywhere",
    "table": "In tables and trees",
    "topology": "Topology",
    "settings": "Settings",
    "field": "On a field of a component's settings",
    "editor": "While a value is being typed",
    "profile": "Profile",
    "events": "Events",
}
"""Where keys work, in the order of the help page."""

KEYS: tuple[KeyBinding, ...] = (
    KeyBinding("view.topology", ("1",), "1", "view('topology')", "topology", "Show the topology", "global"),
    KeyBinding("view.settings", ("2",), "2", "view('settings')", "settings", "Show the settings", "global"),
    KeyBinding("view.profile", ("3",), "3", "view('profile')", "profile", "Show rates and backpressure", "global"),
    KeyBinding("view.events", ("4",), "4", "view('events')", "events", "Show what has happened", "global"),
    KeyBinding("view.last", ("minus",), "-", "last_view", "back", "Return to the view before", "global"),
    KeyBinding("pane.next", ("tab",), "tab", "next_pane", "pane", "Go to the next pane", "global", is_in_footer=True),
    KeyBinding(
        "pane.previous", ("shift+tab",), "shift+tab", "previous_pane", "pane back", "Go to the pane before", "global"
    ),
    KeyBinding(
        "filter",
        ("slash",),
        "/",
        "filter",
        "filter",
        "Show only rows that hold all the words typed",
        "global",
        is_in_footer=True,
    ),
    KeyBinding(
        "filter.clear", ("escape",), "esc", "clear", "clear", "Close what is open, or clear the filter", "global"
    ),
    KeyBinding(
        "freeze",
        ("space",),
        "space",
        "freeze",
        "freeze",
        "Hold what is shown; again: let it run",
        "global",
        is_in_footer=True,
    ),
    KeyBinding("copy", ("y",), "y", "copy", "copy", "Copy the address of the selected row", "global"),
    KeyBinding(
        "reconnect", ("ctrl+r",), "^r", "reconnect", "resync", "Reconnect now, or ask for fresh snapshots", "global"
    ),
    KeyBinding("redraw", ("ctrl+l",), "^l", "redraw", "redraw", "Draw the whole screen again", "global"),
    KeyBinding("help", ("question_mark", "f1"), "?", "help", "help", "Show this page", "global", is_in_footer=True),
    KeyBinding(
        "quit",
        ("q",),
        "q",
        "leave",
        "quit",
        "Leave; asks when there are edits that were not sent",
        "global",
        is_in_footer=True,
    ),
    KeyBinding("row.up", ("up", "k"), "↑ k", "row(-1)", "up", "Go up", "table"),
    KeyBinding("row.down", ("down", "j"), "↓ j", "row(1)", "down", "Go down", "table"),
    KeyBinding("row.page_up", ("pageup", "ctrl+u"), "pgup", "page(-1)", "page up", "Go up by a page", "table"),
    KeyBinding("row.page_down", ("pagedown", "ctrl+d"), "pgdn", "page(1)", "page down", "Go down by a page", "table"),
    KeyBinding("row.first", ("home", "g"), "g", "end(-1)", "first", "Go to the first row", "table"),
    KeyBinding("row.last", ("end", "G"), "G", "end(1)", "last", "Go to the last row", "table"),
    KeyBinding(
        "row.close",
        ("left", "h"),
        "← h",
        "fold(False)",
        "close",
        "Close the row, or go to the one it belongs to",
        "table",
    ),
    KeyBinding("row.open", ("right", "l"), "→ l", "fold(True)", "open", "Open the row, or go into it", "table"),
    KeyBinding(
        "row.choose", ("enter",), "⏎", "choose", "open", "Open the row, or follow it to where its evidence is", "table"
    ),
    KeyBinding("sort.next", ("s",), "s", "sort(1)", "sort", "Sort by the next column", "table"),
    KeyBinding("sort.previous", ("S",), "S", "sort(-1)", "sort back", "Sort by the column before", "table"),
    KeyBinding("sort.invert", ("i",), "i", "sort(0)", "invert", "Turn the order round", "table"),
    KeyBinding(
        "topology.arrange",
        ("v",),
        "v",
        "arrange",
        "view",
        "Arrange by process or by component",
        "topology",
        is_in_footer=True,
    ),
    KeyBinding(
        "topology.strip",
        ("x",),
        "x",
        "strip",
        "edges/detail",
        "On a narrow screen: edges or detail below the tree",
        "topology",
    ),
    KeyBinding(
        "field.edit",
        ("enter",),
        "⏎",
        "edit",
        "edit",
        "Edit the field; a switch turns over at once",
        "field",
        is_in_footer=True,
    ),
    KeyBinding(
        "field.toggle", ("space",), "space", "turn_over", "toggle", "Turn a switch over; elsewhere, freeze", "field"
    ),
    KeyBinding(
        "field.step_down", ("left", "h"), "←", "step(-1)", "less", "One step less, or the choice before", "field"
    ),
    KeyBinding("field.step_up", ("right", "l"), "→", "step(1)", "more", "One step more, or the next choice", "field"),
    KeyBinding("field.leap_down", ("shift+left", "H"), "H", "step(-10)", "10 less", "Ten steps less", "field"),
    KeyBinding("field.leap_up", ("shift+right", "L"), "L", "step(10)", "10 more", "Ten steps more", "field"),
    KeyBinding(
        "settings.none", ("n",), "n", "none", "none", "Set the field to None, where that is a value", "settings"
    ),
    KeyBinding(
        "settings.apply",
        ("a",),
        "a",
        "apply",
        "apply",
        "Send the valid edits of this component",
        "settings",
        is_in_footer=True,
    ),
    KeyBinding(
        "settings.apply_all",
        ("A",),
        "A",
        "apply_all",
        "apply all",
        "Send the valid edits of all components",
        "settings",
    ),
    KeyBinding(
        "settings.revert", ("u",), "u", "revert", "revert", "Drop the edit of this field", "settings", is_in_footer=True
    ),
    KeyBinding(
        "settings.revert_all", ("U",), "U", "revert_all", "revert all", "Drop every edit of this component", "settings"
    ),
    KeyBinding("settings.keep", ("m",), "m", "keep_mine", "keep mine", "Settle a conflict: keep this edit", "settings"),
    KeyBinding(
        "settings.take", ("t",), "t", "take_theirs", "take theirs", "Settle a conflict: drop this edit", "settings"
    ),
    KeyBinding("editor.accept", ("enter",), "⏎", "accept", "stage", "Keep the edit; it is sent with `a`", "editor"),
    KeyBinding("editor.dismiss", ("escape",), "esc", "dismiss", "cancel", "Leave the field as it was", "editor"),
    KeyBinding(
        "profile.publishers",
        ("p",),
        "p",
        "show('publishers')",
        "publishers",
        "Go to the publishers",
        "profile",
        is_in_footer=True,
    ),
    KeyBinding(
        "profile.subscribers",
        ("b",),
        "b",
        "show('subscribers')",
        "subscribers",
        "Go to the subscribers",
        "profile",
        is_in_footer=True,
    ),
    KeyBinding(
        "events.follow",
        ("f",),
        "f",
        "follow",
        "follow",
        "Stay at the newest event, or stop",
        "events",
        is_in_footer=True,
    ),
)
"""All bindings; a key means the same in every view unless its scope is narrower."""

GLYPHS: tuple[tuple[str, str], ...] = (
    ("●", "as it should be; of a field: edited, not sent"),
    ("▲", "a warning"),
    ("✖", "an error, a refusal"),
    ("⟳", "sent, no answer yet"),
    ("✓", "in force"),
    ("≠", "changed by someone else meanwhile"),
    ("⊘", "not applicable, read-only"),
    ("*", "differs from its default"),
    ("-", "unknown; never zero"),
)
"""The legend of the help page."""


def keys_of(scope: str) -> tuple[KeyBinding, ...]:
    """The bindings of one scope, in the order of the help page."""
    return tuple(binding for binding in KEYS if binding.scope == scope)
