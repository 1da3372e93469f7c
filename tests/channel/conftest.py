"""One stage for each path."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.channel.far_process import Launch, Process, start_process
from tests.channel.stage import PATHS, Stage, open_stage


@pytest_asyncio.fixture(params=PATHS)
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    async with open_stage(request.param) as stage:
        yield stage


@pytest_asyncio.fixture(params=[path for path in PATHS if path != "local"])
async def stream_stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """Only paths on which messages leave the process."""
    async with open_stage(request.param) as stage:
        yield stage


@pytest_asyncio.fixture
async def local_stage() -> AsyncIterator[Stage]:
    async with open_stage("local") as stage:
        yield stage


@pytest_asyncio.fixture
async def launch(stream_stage: Stage, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Launch]:
    """Starts far ends that take the path of the stage."""
    if stream_stage.path == "tcp":
        monkeypatch.setenv("EZMSG_FORCE_TCP", "1")
    started: list[Process] = []

    async def start() -> Process:
        started.append(await start_process(stream_stage.server.address))
        return started[-1]

    yield start
    for process in started:
        await process.end()
