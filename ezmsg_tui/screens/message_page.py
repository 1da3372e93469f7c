"""What is said in place of the views: connecting, refused, too small."""

from __future__ import annotations

import textwrap

from ezmsg_tui.present.desk import LinkPhase, Status
from ezmsg_tui.present.table import Cell
from ezmsg_tui.present.text import ago_text
from ezmsg_tui.widgets.line_block import Line

LEAST_WIDTH = 60
"""Columns below which no view can be read."""

LEAST_HEIGHT = 16
"""Lines below which no view can be read."""

_MOST_LINE = 100


def is_too_small(width: int, height: int) -> bool:
    """Whether the views give way to a message."""
    return width < LEAST_WIDTH or height < LEAST_HEIGHT


def too_small_lines(width: int, height: int) -> tuple[Line, ...]:
    """What is said on a terminal that is too small."""
    return (
        Line(
            (
                Cell(f"{width}×{height}", "error"),
                Cell("is too small: the inspector needs"),
                Cell(f"{LEAST_WIDTH}×{LEAST_HEIGHT}", "accent"),
            )
        ),
        Line((Cell("enlarge the window, or"), Cell("q", "accent"), Cell("quit"))),
    )


def bad_state_lines(status: Status, width: int) -> tuple[Line, ...]:
    """What is said while there is nothing to show; nothing when there is."""
    if status.phase is LinkPhase.CONNECTING:
        tries = Cell(f"try {max(status.attempt, 1)}, {ago_text(status.elapsed_s)}", "dim")
        lines = [Line((Cell("connecting to"), Cell(status.address, "accent"))), Line((tries,))]
        if status.retry_in_s is not None:
            lines.append(Line((Cell(f"next try in {status.retry_in_s:.1f} s", "dim"),)))
        if status.reason:
            lines += [Line(), *_wrapped("last error: ", status.reason, "warning", width)]
        if status.remedy:
            lines += _wrapped("", status.remedy, "", width)
        return (
            *lines,
            Line(),
            Line((Cell("^r", "accent"), Cell("try now", "dim"), Cell("q", "accent"), Cell("quit", "dim"))),
        )
    if status.phase is LinkPhase.ERROR:
        return (
            Line(
                (
                    Cell("✖", "error"),
                    Cell("no graph at" if not status.address else "cannot show", "error"),
                    Cell(status.address, "accent"),
                )
            ),
            Line(),
            *_wrapped("", status.reason, "", width),
            *((Line(), *_wrapped("", status.remedy, "ok", width)) if status.remedy else ()),
            Line(),
            Line((Cell("^r", "accent"), Cell("try again", "dim"), Cell("q", "accent"), Cell("quit", "dim"))),
        )
    return ()


def _wrapped(prefix: str, text: str, meaning: str, width: int) -> list[Line]:
    """A sentence over as many lines as it needs."""
    room = max(20, min(width - 6, _MOST_LINE))
    return [Line((Cell(part, meaning),)) for part in textwrap.wrap(prefix + text, room)]
