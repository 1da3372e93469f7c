"""A server that records everything in its process that could run received bytes, with a client beside it that watches.

One command a line comes in, one line of JSON goes out for each: `arm`, `report`, and `unpickle FILE`, which does what
must never happen. The first line that goes out names the connection file.
"""

import asyncio
import json
import marshal
import pickle
import sys
from pathlib import Path
from typing import Any

from ezmsg_core.client import Link
from ezmsg_core.model.address import Address
from ezmsg_core.model.roles import Role
from ezmsg_core.model.watching import StreamName
from ezmsg_core.server import Serving, ServingOptions

RUNS_CODE = (
    "code.",
    "compile",
    "ctypes.",
    "exec",
    "function.",
    "import",
    "marshal.",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
)
RUNS_CODE += ("os.spawn", "os.startfile", "os.system", "pickle.", "pty.", "subprocess.")


class Record:
    """What happened since it was armed."""

    def __init__(self) -> None:
        self.happened: list[str] = []
        self.is_armed = False
        sys.addaudithook(self._audit)
        for module, names in ((pickle, ("load", "loads", "Unpickler", "_Unpickler")), (marshal, ("load", "loads"))):
            for name in names:  # reading plain data with these raises no audit event
                setattr(module, name, self._noting(f"{module.__name__}.{name}", getattr(module, name)))

    def _audit(self, event: str, _arguments: tuple[Any, ...]) -> None:
        if self.is_armed and event.startswith(RUNS_CODE):
            self.happened.append(event)

    def _noting(self, name: str, real: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            if self.is_armed:
                self.happened.append(name)
            return real(*arguments, **options)

        return call


async def read_all(watch: Any) -> None:
    async for _ in watch:
        pass


def obey(record: Record, line: str) -> object:
    match line.split():
        case ["arm"]:
            record.is_armed = True
        case ["report"]:
            pass
        case ["unpickle", path]:
            pickle.loads(Path(path).read_bytes())
    return record.happened


def say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


async def main() -> None:
    record = Record()
    serving = await Serving.start(ServingOptions(address=Address("127.0.0.1", 0)))
    link = await Link.open(serving.entry, Role.PARTICIPATE)
    reading = [asyncio.create_task(read_all(await link.watch(stream))) for stream in StreamName]
    say(str(serving.files[0]))
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        say(obey(record, line))
    for task in reading:
        task.cancel()
    await asyncio.wait(reading)
    await link.aclose()
    await serving.stop()


if __name__ == "__main__":
    asyncio.run(main())
