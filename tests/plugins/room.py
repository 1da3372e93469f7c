"""A room for every test: its own runtime directory, and an environment without the settings of whoever runs it.

Processes that a test starts find the room through the environment, and the checkout through PYTHONPATH: they run the
same files as the test, in whatever folder they start and whether or not a copy is installed.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = "/tmp"  # the path of a Unix socket is limited to 107 bytes, so the rooms are not with the test's other files
RUNTIME_VARIABLE = "EZMSG_RUNTIME_DIR"


def pytest_configure() -> None:
    for name in [name for name in os.environ if name.startswith("EZMSG_")]:
        del os.environ[name]
    places = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(ROOT), *(place for place in places if place not in {"", str(ROOT)})]
    )


@pytest.fixture(autouse=True)
def runtime_dir(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The test's runtime directory, not made yet: a server makes it."""
    room = Path(tempfile.mkdtemp(prefix="ez", dir=ROOMS))
    path = room / "r"
    monkeypatch.setenv(RUNTIME_VARIABLE, str(path))
    yield path
    shutil.rmtree(room)
