"""`ezmsg-tui --demo` in a terminal, as a person uses it: rates that are right, a filter that obeys, nothing left."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from ezmsg_core.demo import CONFIGURED_RATES
from tests.cli_tui.pty_program import DEADLINE_S, PtyProgram

Start = Callable[..., PtyProgram]


@pytest.fixture
def start() -> Iterator[Start]:
    opened: list[PtyProgram] = []

    def open_program(*arguments: str, size: tuple[int, int] = (120, 40)) -> PtyProgram:
        opened.append(PtyProgram(*arguments, size=size))
        return opened[-1]

    yield open_program
    for program in opened:
        program.close()


def rates_of(program: PtyProgram) -> dict[str, float]:
    """Messages a second by the address as it is drawn, in the table of publishers."""
    rows = re.findall(r"^┃.(\S+) +(?:\d+ +)?(\d+\.\d+) ", program.screen.text, re.MULTILINE)
    return {address: float(rate) for address, rate in rows}


def rate_of(topic: str, drawn: dict[str, float]) -> float | None:
    """The rate of a topic that may be drawn without its first parts."""
    parts = topic.split("/")
    names = (topic, *(f"…/{'/'.join(parts[first:])}" for first in range(1, len(parts))))
    return next((drawn[name] for name in names if name in drawn), None)


def wait_until(program: PtyProgram, is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not is_so():
        assert time.monotonic() < deadline, program.screen.text
        program.read()


def field_of(program: PtyProgram, name: str) -> float:
    """The value of a field in the settings form."""
    found = re.search(rf" {name} +(-?\d+\.\d+)", program.screen.text)
    assert found is not None, program.screen.text
    return float(found[1])


def assert_nothing_runs(children: list[psutil.Process], runtime_dir: Path) -> None:
    _, alive = psutil.wait_procs(children, DEADLINE_S)
    assert not alive
    assert not runtime_dir.exists() or list(runtime_dir.iterdir()) == []


def test_its_rates_are_the_configured_ones_and_a_filter_that_is_set_changes_what_follows_it(
    start: Start, runtime_dir: Path
) -> None:
    inspector = start("--demo", "--view", "profile")
    wait_until(inspector, lambda: rate_of("DEMO/SOURCES/AMPLIFIER/OUTPUT", rates_of(inspector)) not in (None, 0.0))
    children = psutil.Process(inspector.process.pid).children(recursive=True)
    assert len(children) >= 5

    def agree() -> bool:
        drawn = rates_of(inspector)
        shown = {topic: rate_of(topic, drawn) for topic in CONFIGURED_RATES}
        return all(
            rate is not None and abs(rate - CONFIGURED_RATES[topic]) <= 0.05 * CONFIGURED_RATES[topic]
            for topic, rate in shown.items()
        )

    wait_until(inspector, agree)

    inspector.press("2")
    inspector.press("/", *"readout", "\r")
    inspector.wait_for(r"DEMO/DISPLAY/READOUT +ReadoutSettings")
    wait_until(inspector, lambda: field_of(inspector, "band_power") > 1.0)
    inspector.press("\x1b")
    inspector.press("/", *"bandpass", "\r")
    inspector.press_until("\r", "┏━ .*BANDPASS +BandpassSettings")
    inspector.press_until("\r", "low_hz .*\n.*\n.* ✓ valid")
    inspector.press("\x15", *"500")
    inspector.wait_for("✖ cannot be 500.0: it has to be at most 200 Hz")
    inspector.press_until("\r", "✖ invalid")
    inspector.press_until("a", "nothing was sent: 1 edit to correct first")
    inspector.press("\r", "\x15", *"30", "\r")
    inspector.wait_for("30 Hz .*● staged")
    inspector.press_until("j", "▌.high_hz")
    inspector.press("\r", "\x15", *"20", "\r")
    inspector.wait_for("20 Hz .*● staged")
    inspector.press("a")
    inspector.wait_for("✖ rejected")
    inspector.wait_for("low_hz must be below high_hz")  # the owner's rule, which no field breaks alone
    inspector.press("\r", "\x15", *"45", "\r")
    inspector.wait_for("45 Hz .*● staged")
    inspector.press_until("a", "✓ applied .*revision 2")
    inspector.press("k")  # the other one was refused with it, and is sent again
    inspector.press("a")
    inspector.wait_for(r"low_hz +30.0 Hz .*✓")
    inspector.press("\x1b")
    inspector.press("/", *"readout", "\r")
    inspector.wait_for(r"DEMO/DISPLAY/READOUT +ReadoutSettings")
    wait_until(inspector, lambda: field_of(inspector, "band_power") < 0.5)
    inspector.press("q")
    assert inspector.wait_ended() == 0
    inspector.assert_restored()
    assert "Traceback" not in inspector.after_screen
    assert_nothing_runs(children, runtime_dir)


@pytest.mark.parametrize(("ending", "code"), [("ctrl-c", 130), ("SIGTERM", 143)])
def test_however_it_ends_nothing_of_the_demo_is_left(start: Start, ending: str, code: int, runtime_dir: Path) -> None:
    inspector = start("--demo")
    inspector.wait_for("● LIVE")
    inspector.wait_for("AMPLIFIER")
    children = psutil.Process(inspector.process.pid).children(recursive=True)
    assert len(children) >= 5
    if ending == "ctrl-c":
        inspector.press("\x03")
    else:
        inspector.process.send_signal(signal.SIGTERM)
    assert inspector.wait_ended() == code
    inspector.assert_restored()
    assert_nothing_runs(children, runtime_dir)
