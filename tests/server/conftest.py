"""A server on a thread of its own, for tests that block."""

from collections.abc import Iterator

import pytest

from ezmsg_core.server import GraphServer


@pytest.fixture
def server() -> Iterator[GraphServer]:
    server = GraphServer()
    server.start()
    yield server
    server.stop()
