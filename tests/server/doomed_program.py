"""A program that declares a graph, says so in one line, and waits to be killed.

Arguments: a connection file, and `forks` if it is to leave a child, whose end is the end of the standard input.
"""

import asyncio
import os
import sys
from pathlib import Path

from ezmsg_core.client import Link
from ezmsg_core.client.process_agent import ProcessAgent
from ezmsg_core.model.components import GraphMetadata
from ezmsg_core.model.roles import Role
from ezmsg_core.transport.connection_file import read_entry
from ezmsg_core.wire import commands
from ezmsg_core.wire.answers import SessionOpened
from tests.present.stage import unit


async def main() -> None:
    link = await Link.open(read_entry(Path(sys.argv[1])), Role.PARTICIPATE, label="doomed")
    session = await link.ask(commands.OpenSession())
    assert isinstance(session, SessionOpened)
    metadata = GraphMetadata(1, "DOOMED", {"DOOMED/UNIT": unit("DOOMED/UNIT")})
    await link.ask(commands.RegisterMetadata(session.session_id, metadata))
    for number in range(10):
        await link.ask(commands.ConnectEdge(f"DOOMED/{number}", f"DOOMED/{number + 1}", session.session_id))
    agent = await ProcessAgent.open(link, label="doomed")
    await agent.register(["DOOMED/UNIT"])
    await link.ask(commands.AdvertisePublisher("DOOMED/0", 4, []))
    child = os.fork() if "forks" in sys.argv else 0
    if "forks" in sys.argv and child == 0:
        os.read(0, 1)
        os._exit(0)
    os.write(1, b"declared\n")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
