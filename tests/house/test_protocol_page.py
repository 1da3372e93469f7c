"""The protocol page says what the types say, and a client that was written after it works."""

import asyncio
import runpy
import subprocess
import sys
from pathlib import Path
from typing import IO

from ezmsg_core.client import Link
from ezmsg_core.model.roles import Role
from ezmsg_core.server import Serving
from ezmsg_core.wire import commands

ROOT = Path(__file__).resolve().parents[2]
CLIENT = ROOT / "examples" / "attach_with_msgpack.py"


def test_the_page_is_what_its_program_writes() -> None:
    program = runpy.run_path(str(ROOT / "docs" / "make_protocol.py"))
    assert (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8") == program["page"]()


async def line_of(output: IO[str]) -> str:
    return await asyncio.wait_for(asyncio.to_thread(output.readline), 10.0)


async def test_a_client_in_forty_lines_sees_the_graph_and_its_changes() -> None:
    assert sum(1 for line in CLIENT.read_text(encoding="utf-8").splitlines() if line.strip()) <= 42
    serving = await Serving.start()
    link = await Link.open(serving.entry, Role.PARTICIPATE)
    process = await link.ask(commands.OpenProcess(1, "test"))
    await link.ask(commands.RegisterUnits(process.process_id, ["SYSTEM/UNIT"]))  # type: ignore[union-attr]
    command = [sys.executable, str(CLIENT), str(serving.files[0])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:  # noqa: ASYNC220 - it starts at once
        assert client.stdout is not None
        try:
            assert await line_of(client.stdout) == "SYSTEM/UNIT\n"
            for number in range(100):  # more than it has credit for at first
                await link.ask(commands.ConnectEdge("a", f"b{number}"))
            for number in range(100):
                assert f"b{number}" in await line_of(client.stdout)
        finally:
            client.kill()
    await link.aclose()
    await serving.stop()
