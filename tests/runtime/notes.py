"""Notes that processes leave for a test: lines of JSON, each written whole."""

import json
import os
from typing import Any


def note(path: str, **facts: Any) -> None:
    """Append a line."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, (json.dumps(facts) + "\n").encode())
    finally:
        os.close(descriptor)
