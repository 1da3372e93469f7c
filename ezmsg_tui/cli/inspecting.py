"""`ezmsg-tui` itself: the application on a live graph, or a snapshot where there is no terminal."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from ezmsg_tui.cli.exits import CommandError, Exit
from ezmsg_tui.cli.servers import chosen_server

if TYPE_CHECKING:
    from ezmsg_tui.app.inspector import InspectorApp

SNAPSHOT_WINDOW_S = 2.0


def inspect_graph(options: argparse.Namespace) -> int:
    """Show the graph until the user leaves; answers the exit code."""
    if not has_screen():
        return _print_instead(options)
    from ezmsg_core.model.roles import Role
    from ezmsg_tui.app.launch import run_inspector
    from ezmsg_tui.feed.clocks import Clocks
    from ezmsg_tui.feed.connecting import connect_to
    from ezmsg_tui.feed.running import Feed
    from ezmsg_tui.present.live_desk import LiveDesk
    from ezmsg_tui.theme import MONOCHROME, SIXTEEN

    role = Role.OBSERVE if options.read_only else Role.CONTROL
    clocks = Clocks()
    with chosen_server(options) as choice:
        feed = Feed(lambda: connect_to(choice, role), choice.label, clocks=clocks)
        desk = LiveDesk(feed, clocks, is_read_only=options.read_only)

        def make_app() -> InspectorApp:
            from ezmsg_tui.app.inspector import InspectorApp
            from ezmsg_tui.widgets.paint import Paint

            palette = MONOCHROME if os.environ.get("NO_COLOR") else SIXTEEN
            app = InspectorApp(
                desk,
                view=options.view,
                address=options.select,
                rate_hz=options.fps,
                paint=Paint(palette, is_ascii=options.ascii),
            )
            app.main.first_filter = options.filter
            return app

        feed.start()
        try:
            code = run_inspector(make_app, has_mouse=not options.no_mouse, has_traceback=options.debug)
        finally:
            feed.close()
    connection = desk.store.connection
    if code == Exit.OK and connection.attached_total == 0 and connection.reason:
        raise CommandError(f"{connection.reason} {connection.remedy}".strip(), Exit.NO_CONNECTION)
    return code


def has_screen() -> bool:
    """Whether there is a terminal to draw on."""
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def _print_instead(options: argparse.Namespace) -> int:
    from ezmsg_tui.cli.arguments import PARTS
    from ezmsg_tui.cli.snapshots import take_snapshot

    sys.stderr.write("there is no terminal to draw on: this is `ezmsg-tui snapshot`\n")
    options.json, options.window, options.output = False, SNAPSHOT_WINDOW_S, None
    options.only = frozenset(PARTS)
    return take_snapshot(options)
