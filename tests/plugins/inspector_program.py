"""The inspector as a program of its own, on a desk without a graph: `python -m tests.plugins.inspector_program [crash]`."""

from __future__ import annotations

import sys

from ezmsg_tui.app.launch import run_inspector


def main() -> int:
    def make_app():  # its type may be imported only after the environment is prepared
        from ezmsg_tui.app.inspector import InspectorApp
        from tests.plugins.fake_desk import FakeDesk

        desk = FakeDesk(fields={})
        if "crash" in sys.argv:
            polls = 0

            def fail() -> None:
                nonlocal polls
                polls += 1
                if polls > 3:
                    raise ZeroDivisionError("the\nwheel came off")

            desk.before_poll = fail
        else:
            desk.before_poll = desk.touch
        return InspectorApp(desk)

    return run_inspector(make_app, has_traceback="--debug" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
