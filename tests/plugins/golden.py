"""Golden pictures of screens: a fixture that compares a running application with SVG and text files.

Register it with `-p tests.plugins.golden`, before anything imports the terminal library: what it reads from the environment, it reads once.
"""

from __future__ import annotations

import difflib
import os
import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

for _name in (
    "NO_COLOR",
    "TEXTUAL_THEME",
    "TEXTUAL_FILTERS",
    "TEXTUAL_DRIVER",
    "TEXTUAL_COLOR_SYSTEM",
    "TEXTUAL_DIM_FACTOR",
):
    os.environ.pop(_name, None)
os.environ["TEXTUAL_ANIMATIONS"] = "none"
os.environ["TEXTUAL_FPS"] = "200"
os.environ["TZ"] = "UTC"  # times of day in pictures
time.tzset()

if TYPE_CHECKING:
    from textual.app import App
    from textual.pilot import Pilot

Snap = Callable[..., Awaitable[None]]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("golden", "golden pictures of screens")
    group.addoption("--snap-update", action="store_true", help="accept what is drawn as the new goldens")
    group.addoption(
        "--snap",
        choices=("both", "txt"),
        default="both",
        help="what to compare; txt where the terminal library is of another version than the goldens",
    )


def screen_text(app: App[Any]) -> str:
    """What is drawn, as plain text."""
    strips = app.screen._compositor.render_strips()  # pyright: ignore[reportPrivateUsage] # the library has no public way to the drawn text
    return "\n".join(strip.text.rstrip() for strip in strips) + "\n"


def screen_svg(app: App[Any]) -> str:
    """What is drawn, as a picture without the random parts of its names."""
    svg = app.export_screenshot(simplify=True)
    return re.sub(r"terminal-\d+-", "terminal-", svg)


@pytest.fixture
def snap(request: pytest.FixtureRequest) -> Snap:
    """`await snap(pilot, "name")` compares with `__snapshots__/<module>/<test>[-name].txt` and `.svg` beside the test."""
    folder = Path(request.path).parent / "__snapshots__" / Path(request.path).stem
    base = re.sub(r"[^\w.-]+", "-", request.node.name).strip("-")
    is_update = bool(request.config.getoption("--snap-update"))
    with_svg = request.config.getoption("--snap") == "both"

    from tests.plugins.keyboard import settle

    async def compare(pilot: Pilot[Any], name: str = "") -> None:
        await settle(pilot)
        stem = f"{base}-{name}" if name else base
        _compare(folder / f"{stem}.txt", screen_text(pilot.app), is_update=is_update, is_shown=True)
        if with_svg or is_update:
            _compare(folder / f"{stem}.svg", screen_svg(pilot.app), is_update=is_update, is_shown=False)

    return compare


def _compare(path: Path, drawn: str, *, is_update: bool, is_shown: bool) -> None:
    rejected = path.with_suffix(".new" + path.suffix)
    golden = path.read_text(encoding="utf-8") if path.exists() else None
    if golden == drawn:
        rejected.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if is_update:
        path.write_text(drawn, encoding="utf-8", newline="\n")
        rejected.unlink(missing_ok=True)
        return
    rejected.write_text(drawn, encoding="utf-8", newline="\n")
    if golden is None:
        pytest.fail(
            f"there is no golden {path.name}; look at {rejected} and accept it with --snap-update", pytrace=False
        )
    if is_shown:
        diff = difflib.unified_diff(golden.splitlines(), drawn.splitlines(), path.name, rejected.name, lineterm="")
        pytest.fail(
            "what is drawn differs from its golden (accept with --snap-update):\n" + "\n".join(diff), pytrace=False
        )
    pytest.fail(f"the text is the same but colours or styles differ from {path.name}; see {rejected}", pytrace=False)
