"""Running the application in a terminal, and leaving the terminal as it was, whatever happens."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ezmsg_tui.app.inspector import InspectorApp

EXIT_OK = 0
EXIT_CRASH = 70
EXIT_INTERRUPTED = 130

_TERMINAL_FRAMES = "20"
"""Frames a second that the terminal library may draw for the user; its own default would only heat a slow line."""

_ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_MOST_CAUSE = 300  # characters


def prepare_environment() -> None:
    """Set what the terminal library reads when it is first imported."""
    os.environ.setdefault("TEXTUAL_FPS", _TERMINAL_FRAMES)
    if "SSH_CONNECTION" in os.environ:
        os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")


def run_inspector(make_app: Callable[[], InspectorApp], *, has_mouse: bool = True, has_traceback: bool = False) -> int:
    """Run until the user leaves, a signal comes or it crashes; then the terminal is as it was.

    Args:
        make_app: Called once the environment is prepared, on the event loop that the application will run on; it may
            import the application only now.
        has_mouse: Take mouse events from the terminal, which then selects text only with a modifier.
        has_traceback: Write the traceback of a crash too.

    Returns:
        The exit code: 0; 70 after a crash, of which one line on standard error tells the cause; 128 and the number of
        the signal that ended it.
    """
    prepare_environment()
    try:
        return asyncio.run(_run(make_app, has_mouse=has_mouse, has_traceback=has_traceback))
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


async def _run(make_app: Callable[[], InspectorApp], *, has_mouse: bool, has_traceback: bool) -> int:
    ended_by: list[int] = []
    loop = asyncio.get_running_loop()
    app = make_app()

    def end(signum: int) -> None:
        ended_by.append(signum)
        app.exit()

    for signum in _ENDING_SIGNALS:
        loop.add_signal_handler(signum, end, signum)
    crash: BaseException | None = None
    try:
        await app.run_async(mouse=has_mouse)
    except Exception as error:  # noqa: BLE001 # whatever it is, the terminal must come back and the user must read why
        crash = error
    finally:
        for signum in _ENDING_SIGNALS:
            loop.remove_signal_handler(signum)
    crash = crash or app.crash
    if crash is not None:
        _say_crash(crash, has_traceback=has_traceback)
        return EXIT_CRASH
    if ended_by:
        return 128 + ended_by[0]
    return EXIT_INTERRUPTED if app.was_interrupted else EXIT_OK


def _say_crash(crash: BaseException, *, has_traceback: bool) -> None:
    cause = " ".join(str(crash).split())[:_MOST_CAUSE]
    frames = traceback.extract_tb(crash.__traceback__)
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    more = "" if has_traceback else "; --debug shows more"
    sys.stderr.write(f"ezmsg-tui ended by a fault of its own: {type(crash).__name__}: {cause}{where}{more}\n")
    if has_traceback:
        sys.stderr.write("".join(traceback.format_exception(crash)))
