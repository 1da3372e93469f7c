"""A program with one unit whose settings can be changed, on a graph server in this process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, Self

import msgspec

from ezmsg_core.client import Link
from ezmsg_core.client.process_agent import ProcessAgent, refusal
from ezmsg_core.errors import EzmsgError, SettingsConflictError, SettingsValueError
from ezmsg_core.model.components import GraphMetadata
from ezmsg_core.model.control import ProcessControlRequest, ProcessControlResponse
from ezmsg_core.model.profiles import PublisherCounters, SubscriberCounters
from ezmsg_core.model.roles import Role
from ezmsg_core.model.settings import SettingsSnapshotValue
from ezmsg_core.server.threaded import GraphServer
from ezmsg_core.wire.answers import PublisherPlaced, SessionOpened
from ezmsg_core.wire.commands import AdvertisePublisher, ConnectEdge, OpenSession, RegisterMetadata
from tests.present.stage import BAND, BAND_FIELDS, into, out, settings_value, unit

UNIT = "SYS/BAND"


class Program:
    """Lives on a thread of its own; its unit obeys patches that keep `low` below `high`."""

    def __init__(self, server: GraphServer) -> None:
        self._server = server
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_up = threading.Event()
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="program")
        self.value = settings_value(dict(BAND), BAND_FIELDS)
        self.published = 0
        self.link: Link
        self.agent: ProcessAgent

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._is_up.wait(10.0)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10.0)

    def do(self, work: Callable[[], Any]) -> Any:
        """Run a coroutine function on the program's loop."""
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(work(), self._loop).result(10.0)

    async def set_from_inside(self, **fields: Any) -> None:
        """The unit changes its own settings."""
        await self._put_in_force({**BAND, **(self.value.structured_value or {}), **fields}, "unit")

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.link = await Link.open(self._server.entry, Role.PARTICIPATE, label="lab@rig")
        session = await self.link.ask(OpenSession())
        assert isinstance(session, SessionOpened)
        declared = msgspec.structs.replace(
            unit(UNIT, into(UNIT), out(UNIT), settings=True),
            initial_settings=(None, dict(BAND)),
            settings_schema=self.value.settings_schema,
        )
        await self.link.ask(RegisterMetadata(session.session_id, GraphMetadata(1, "SYS", {UNIT: declared})))
        self.agent = await ProcessAgent.open(self.link, label="worker-1")
        self.agent.set_handler(self._handle)
        await self.agent.register([UNIT])
        placed = await self.link.ask(AdvertisePublisher(f"{UNIT}/OUT", 32, []))
        assert isinstance(placed, PublisherPlaced)
        self.link.profiles.set_source(lambda: self._counters(placed.endpoint_id))
        await self.link.ask(ConnectEdge(f"{UNIT}/OUT", "LOG", session.session_id))
        self._is_up.set()
        await self._end.wait()
        await self.link.aclose()

    def _counters(self, endpoint_id: str) -> tuple[list[PublisherCounters], list[SubscriberCounters]]:
        self.published += 5
        return [PublisherCounters(endpoint_id, f"{UNIT}/OUT", self.published, num_buffers=32)], []

    async def _handle(self, request: ProcessControlRequest) -> ProcessControlResponse:
        try:
            expected = request.data["expected_revision"]
            if expected is not None and expected != self.value.revision:
                raise SettingsConflictError("The value in force is another one.", expected_revision=expected)
            tree = {**(self.value.structured_value or {}), **request.data["fields"]}
            if tree["low"] >= tree["high"]:
                raise SettingsValueError("low must be below high.", field_path="low", rule="low < high")
            await self._put_in_force(tree, request.actor)
        except EzmsgError as error:
            return refusal(request.request_id, error)
        return ProcessControlResponse(request.request_id, ok=True, data=msgspec.to_builtins(self.value))

    async def _put_in_force(self, tree: dict[str, Any], actor: str) -> None:
        value: SettingsSnapshotValue = msgspec.structs.replace(
            self.value, structured_value=tree, repr_value=tree, actor=actor
        )
        revision = await self.agent.report_settings(UNIT, value, 1000.0)
        self.value = msgspec.structs.replace(value, revision=revision)
