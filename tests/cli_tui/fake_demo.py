"""A demo graph that misbehaves in the way its environment asks for: `python -m tests.cli_tui.fake_demo`."""

import json
import os
import signal
import sys


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    match os.environ["FAKE_DEMO"]:
        case "fails":
            sys.stderr.write("Traceback\nConfigError: no port is free\n")
            return 2
        case "says nothing":
            signal.pause()
        case "says something else":
            say("hello")
            sys.stdin.read()
        case "well":
            say(json.dumps({"connection_file": "/nowhere/graph.json"}))
            sys.stdin.read()
        case "never ends":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            say(json.dumps({"connection_file": "/nowhere/graph.json"}))
            signal.pause()
    return 0


if __name__ == "__main__":
    sys.exit(main())
