"""``python -m ezmsg_core`` is `ezmsg-core`."""

import sys

from ezmsg_core.cli import main

sys.exit(main())
