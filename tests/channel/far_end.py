"""An end of a channel in a process of its own: one command a line comes in, one JSON line goes out for each."""

import asyncio
import json
import os
import signal
import sys
from typing import Any

import numpy as np

from ezmsg_core.channel import Publisher, Subscriber


class FarEnd:
    """Does as it is told."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self.publisher: Publisher | None = None
        self.subscriber: Subscriber | None = None
        self.loan: Any = None

    async def subscribe(self, topic: str, **options: Any) -> str:
        self.subscriber = await Subscriber.create(topic, self.address, **options)
        return self.subscriber.endpoint_id

    async def publish(self, topic: str, **options: Any) -> str:
        self.publisher = await Publisher.create(topic, self.address, **options)
        return self.publisher.endpoint_id

    async def take(self, count: int) -> list[Any]:
        assert self.subscriber is not None
        return [plain(await self.subscriber.recv()) for _ in range(count)]

    async def hold(self) -> Any:
        assert self.subscriber is not None
        self.loan = self.subscriber.recv_zero_copy()
        return plain(await self.loan.__aenter__())

    async def send(self, first: int, count: int, size: int = 0) -> int:
        assert self.publisher is not None
        for number in range(first, first + count):
            await self.publisher.broadcast(np.full(size, number) if size else number)
        return count

    async def counters(self) -> dict[str, int]:
        assert self.subscriber is not None
        counters = self.subscriber.counters()
        return {"received": counters.received_total, "dropped": counters.dropped_total}

    async def fork(self) -> int:
        """Have a child that does nothing, and lives on."""
        child = os.fork()
        if not child:
            signal.pause()
            os._exit(0)
        return child

    async def exit_without_a_word(self) -> None:
        os._exit(0)

    async def close(self) -> str:
        for endpoint in (self.publisher, self.subscriber):
            if endpoint is not None:
                endpoint.close()
                await endpoint.wait_closed()
        return "closed"


def plain(message: Any) -> Any:
    return [int(message[0]), int(message[-1]), len(message)] if isinstance(message, np.ndarray) else message


async def main() -> None:
    far_end = FarEnd((sys.argv[1], int(sys.argv[2])))
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        name, options = json.loads(line)
        result = await getattr(far_end, name)(**options)
        sys.stdout.write(json.dumps(result) + "\n")
        sys.stdout.flush()
    await far_end.close()


if __name__ == "__main__":
    asyncio.run(main())
