"""A process's side of routed calls: the built-in operations, a handler for others, settings reports."""

import asyncio
import inspect
import os
import platform
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from uuid import UUID

import msgspec
import psutil

from ezmsg_core.client.link import Link
from ezmsg_core.errors import EzmsgError
from ezmsg_core.model.control import (
    ProcessControlErrorCode,
    ProcessControlOperation,
    ProcessControlRequest,
    ProcessControlResponse,
    ProcessPing,
    ProcessStats,
)
from ezmsg_core.model.settings import SettingsSnapshotValue
from ezmsg_core.wire.answers import ProcessOpened, SettingsReported
from ezmsg_core.wire.commands import CloseProcess, OpenProcess, RegisterUnits, ReportSettings, UpdateOwnership
from ezmsg_core.wire.frames import Invoked

Handler = Callable[[ProcessControlRequest], "ProcessControlResponse | Awaitable[ProcessControlResponse]"]


class ProcessAgent:
    """Speaks for one registered process on a link. Made by `ProcessAgent.open`.

    Thread: its methods may be used from any event loop; calls are answered on the link's loop, concurrently.
    """

    def __init__(self, link: Link, process_id: UUID) -> None:
        self.link = link
        self.process_id = process_id
        self.units: list[str] = []
        self._handler: Handler | None = None
        self._process = psutil.Process()
        self._process.cpu_percent()  # the first figure is since here
        self._started_s = time.monotonic()
        link.on_invoked(process_id, self._answer)

    @classmethod
    async def open(cls, link: Link, *, label: str = "") -> "ProcessAgent":
        """Register this process."""
        answer = await link.ask(OpenProcess(os.getpid(), platform.node(), label))
        assert isinstance(answer, ProcessOpened)
        return cls(link, answer.process_id)

    def set_handler(self, handler: Handler | None) -> None:
        """Say who answers operations that are not built in."""
        self._handler = handler

    async def register(self, units: Iterable[str]) -> None:
        """Own exactly these units.

        Raises:
            OwnershipError: another process owns some unit; nothing has changed.
        """
        wanted = sorted(set(units))
        await self.link.ask(RegisterUnits(self.process_id, wanted, os.getpid(), platform.node()))
        self.units = wanted

    async def update_ownership(self, added: Iterable[str] = (), removed: Iterable[str] = ()) -> None:
        """Take and give up units; all or nothing."""
        taken, given_up = list(added), list(removed)
        await self.link.ask(UpdateOwnership(self.process_id, taken, given_up))
        self.units = sorted((set(self.units) | set(taken)) - set(given_up))

    async def report_settings(self, component: str, value: SettingsSnapshotValue, timestamp: float) -> int:
        """Tell the server that a value is in force; its revision."""
        answer = await self.link.ask(ReportSettings(self.process_id, component, value, timestamp))
        assert isinstance(answer, SettingsReported)
        return answer.revision

    def stats(self) -> ProcessStats:
        """What this process says of itself."""
        with self._process.oneshot():
            return ProcessStats(
                process_id=self.process_id,
                pid=os.getpid(),
                host=platform.node(),
                owned_units=list(self.units),
                timestamp=time.time(),
                cpu_percent=self._process.cpu_percent(),
                rss_bytes=self._process.memory_info().rss,
                loop_lag_ns=self.link.loop_lag_ns(),
                uptime_s=time.monotonic() - self._started_s,
                num_threads=self._process.num_threads(),
            )

    async def close(self) -> None:
        """End the registration; the link stays."""
        self.link.on_invoked(self.process_id, None)
        if not self.link.is_lost:
            try:
                await self.link.ask(CloseProcess(self.process_id))
            except EzmsgError:
                pass  # it went with its link

    async def _answer(self, call: Invoked) -> ProcessControlResponse:
        request_id = str(call.call_id)
        try:
            match call.operation:
                case ProcessControlOperation.PING.value:
                    ping = ProcessPing(self.process_id, os.getpid(), platform.node(), time.time())
                    return self._done(request_id, ping)
                case ProcessControlOperation.GET_PROCESS_STATS.value:
                    return self._done(request_id, self.stats())
                case ProcessControlOperation.GET_PROFILING_SNAPSHOT.value:
                    return self._done(request_id, self.link.profiles.profile())
                case _:
                    return await self._hand_over(call, request_id)
        except asyncio.CancelledError:
            raise
        except EzmsgError as error:
            return refusal(request_id, error)
        except Exception as error:  # noqa: BLE001 - whatever the handler raises is its answer
            text = f"The handler of {call.operation} raised {type(error).__name__}: {error}"
            return _failure(request_id, ProcessControlErrorCode.HANDLER_ERROR, text)

    async def _hand_over(self, call: Invoked, request_id: str) -> ProcessControlResponse:
        handler = self._handler
        if handler is None:
            text = f"The process has no handler for {call.operation}."
            return _failure(request_id, ProcessControlErrorCode.HANDLER_NOT_CONFIGURED, text)
        request = ProcessControlRequest(
            request_id, call.unit, call.operation, data=call.data, actor=call.actor, timeout_s=call.timeout_s
        )
        response: Any = handler(request)
        if inspect.isawaitable(response):
            response = await response
        if not isinstance(response, ProcessControlResponse) or response.request_id != request_id:
            text = f"The handler of {call.operation} gave no response to this request, but a {type(response).__name__}."
            return _failure(request_id, ProcessControlErrorCode.INVALID_RESPONSE, text)
        return response

    def _done(self, request_id: str, result: object) -> ProcessControlResponse:
        return ProcessControlResponse(request_id, ok=True, data=msgspec.to_builtins(result), process_id=self.process_id)


def refusal(request_id: str, error: EzmsgError) -> ProcessControlResponse:
    """The response for a call that is refused with an error, which the caller gets back as it is."""
    return ProcessControlResponse(
        request_id,
        ok=False,
        error=error.text,
        error_code=ProcessControlErrorCode.HANDLER_ERROR,
        fault={"code": error.code, "text": error.text, "parts": error.parts},
    )


def _failure(request_id: str, code: ProcessControlErrorCode, text: str) -> ProcessControlResponse:
    return ProcessControlResponse(request_id, ok=False, error=text, error_code=code)
