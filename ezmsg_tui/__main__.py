"""`python -m ezmsg_tui` is `ezmsg-tui`."""

import sys

from ezmsg_tui.cli import main

if __name__ == "__main__":
    sys.exit(main())
