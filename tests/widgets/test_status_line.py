"""The status line says the most telling things first."""

import pytest

from ezmsg_tui.present.desk import LinkPhase, Status
from ezmsg_tui.present.table import Cell
from ezmsg_tui.widgets.line_block import draw_line
from ezmsg_tui.widgets.paint import Paint
from ezmsg_tui.widgets.status_bar import TerminalPace, status_line

PACE = TerminalPace(10, 10, 0.0142, 4096)


def drawn(status: Status, width: int = 118, pace: TerminalPace | None = PACE) -> str:
    return draw_line(status_line(status, pace, width), width, Paint()).text.rstrip()


LIVE = Status(
    LinkPhase.LIVE,
    "127.0.0.1:25978",
    "lab-rig",
    age_s=0.1,
    counts=(("process", 3), ("unit", 10)),
    rate=Cell("2.3k msg/s"),
    wait=Cell("waits 2%"),
)


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (Status(LinkPhase.CONNECTING, "h:1", elapsed_s=0.8), "◌ CONNECTING 0.8 s"),
        (
            Status(LinkPhase.SYNCING, "h:1", parts=(("topology", True), ("settings", False))),
            "◐ SYNC topology ✓ settings …",
        ),
        (LIVE, "● LIVE │ 3 processes 10 units │ 2.3k msg/s │ waits 2% │ on lab-rig"),
        (Status(LinkPhase.SLOW, "h:1", age_s=2.4), "▲ SLOW 2 s"),
        (Status(LinkPhase.LOST, "h:1", elapsed_s=12, attempt=3, retry_in_s=2.4), "○ LOST 12 s retry 3 in 2.4 s"),
        (Status(LinkPhase.LOST, "h:1", elapsed_s=12, attempt=3), "○ LOST 12 s try 3"),
        (Status(LinkPhase.ERROR, "h:1"), "✖ ERROR"),
        (Status(LinkPhase.LIVE, "h:1", frozen_s=34, frozen_behind=412), "❚❚ FROZEN 34 s +412 events"),
        (Status(LinkPhase.LIVE, "h:1", is_read_only=True), "● LIVE │ RO"),
        (
            Status(LinkPhase.LIVE, "h:1", staged=2, invalid=1, applying=3, failed=4),
            "2 staged 1 invalid 3 applying 4 failed",
        ),
    ],
)
def test_every_phase_has_its_words(status: Status, text: str):
    assert text in drawn(status)


def test_what_the_terminal_takes_stands_at_the_right():
    assert drawn(LIVE).endswith("rtt 15ms 10 fps 4 KiB/s")
    assert "fps" not in drawn(LIVE, pace=None)


@pytest.mark.parametrize("width", range(20, 140, 7))
def test_a_narrow_line_leaves_out_whole_groups_and_never_the_phase(width: int):
    text = drawn(LIVE, width)
    assert len(text) <= width
    if width >= 30:
        assert "● LIVE" in text
    assert ("P3 U10" in text or "3 processes 10 units" in text) or not any(part in text for part in ("P3", "10"))
    assert "2.3k msg/s" in text or "2.3k" not in text
    assert "waits 2%" in text or "waits" not in text
