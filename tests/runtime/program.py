"""A program that runs units as its arguments say: notes, behaviours by name as JSON, and where the units run.

Together is in the process of the program; apart, each has a worker of its own, and one more unit runs in the program.
"""

import json
import sys
from pathlib import Path

import ezmsg_core as ez
from tests.runtime.units import fates


def main() -> None:
    """Run them until the graph ends."""
    notes, behaviours, place = sys.argv[1:]
    units = fates(Path(notes), **json.loads(behaviours))
    if place == "apart":
        ez.run({**fates(Path(notes), HERE={}), **units}, process_components=list(units.values()))
    else:
        ez.run(units)


if __name__ == "__main__":
    main()
