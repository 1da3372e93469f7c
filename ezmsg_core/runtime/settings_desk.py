"""Settings of the units of one process: patched from outside, applied by the unit, reported to the server."""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec

from ezmsg_core.channel.publisher import Publisher
from ezmsg_core.client.process_agent import ProcessAgent, refusal
from ezmsg_core.component.patching import apply_patch
from ezmsg_core.component.schema import schema_of
from ezmsg_core.component.structured import snapshot_value
from ezmsg_core.component.unit import Unit
from ezmsg_core.errors import EzmsgError, SettingsConflictError, SettingsError, UnknownRecordError, WireError
from ezmsg_core.model.control import (
    ProcessControlErrorCode,
    ProcessControlOperation,
    ProcessControlRequest,
    ProcessControlResponse,
)
from ezmsg_core.model.settings import SettingsSchemaMetadata, SettingsSnapshotValue

logger = logging.getLogger("ezmsg")


@dataclass
class _Pending:
    """A patched value on its way through the unit's own handler."""

    settings: Any
    actor: str
    handled: "asyncio.Future[SettingsSnapshotValue]"


@dataclass
class _Record:
    """What is known of one unit's settings."""

    unit: Unit
    current: Any  # in force, as far as the unit has said
    described: tuple[type[Any], SettingsSchemaMetadata | None]  # class of the settings, and its schema
    revision: int = 1  # as the server counts
    publisher: Publisher | None = None  # on its settings input; None: it takes no settings while it runs
    is_reading: bool = True  # its functions are not complete
    pending: _Pending | None = None
    is_handling: bool = False
    applied: list[Any] = field(default_factory=list[Any])  # by apply_settings, while its handler runs
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)  # one patch at a time
    is_report_due: bool = False


class SettingsDesk:
    """Lives on the event loop of the units; `answer` may be called from any loop.

    Args:
        agent: speaks for the process.
        loop: of the units.
    """

    def __init__(self, agent: ProcessAgent, loop: asyncio.AbstractEventLoop) -> None:
        self._agent = agent
        self._loop = loop
        self._records: dict[str, _Record] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, unit: Unit, publisher: Publisher | None) -> None:
        """Look after a unit's settings.

        Args:
            unit: whose.
            publisher: on its settings input, if it has one that is read.
        """
        record = _Record(unit, unit.SETTINGS, _described(unit.SETTINGS), publisher=publisher)
        self._records[unit.address] = record
        unit.on_settings_applied = lambda settings: self._applied(record, settings)

    def close(self) -> list[Publisher]:
        """Look after nothing any longer; the publishers that are to be closed."""
        for record in self._records.values():
            record.unit.on_settings_applied = None
        for task in self._tasks:
            task.cancel()
        return [record.publisher for record in self._records.values() if record.publisher is not None]

    async def answer(self, request: ProcessControlRequest) -> ProcessControlResponse:
        """Answer a call that is not built in: patches of settings."""
        if request.operation != ProcessControlOperation.UPDATE_SETTING_FIELD.value:
            return ProcessControlResponse(
                request.request_id,
                ok=False,
                error=f"No unit of this process answers {request.operation}.",
                error_code=ProcessControlErrorCode.UNSUPPORTED_OPERATION,
            )
        work = asyncio.run_coroutine_threadsafe(self._patch(request), self._loop)
        return await asyncio.wrap_future(work)

    async def handled(self, unit: Unit, settings: Any, failure: BaseException | None) -> None:
        """The unit's handler is done with a message of its settings input."""
        record = self._records[unit.address]
        record.is_handling = False
        handed_over = record.current if failure is not None else settings
        in_force = record.applied[-1] if record.applied else handed_over
        record.applied.clear()
        pending = record.pending if _is_pending(record, settings) else None
        actor = pending.actor if pending is not None else unit.address
        record.current = in_force
        try:
            value = await self._report(record, actor, is_uncertain=failure is not None)
        except EzmsgError as error:
            value = None
            logger.warning("Settings of %s could not be reported: %s", unit.address, error)
        if pending is None or pending.handled.done():
            return
        if failure is not None:
            text = f"The settings handler of {unit.address} raised {type(failure).__name__}: {failure}"
            pending.handled.set_exception(
                SettingsError(f"{text}. What is in force is uncertain.", component=unit.address)
            )
        elif value is not None:
            pending.handled.set_result(value)
        else:
            pending.handled.set_exception(
                SettingsError(f"{unit.address} applied the value, but could not report it.", component=unit.address)
            )

    def handling(self, unit: Unit) -> None:
        """The unit's handler gets a message of its settings input now."""
        self._records[unit.address].is_handling = True

    def takes_no_more(self, unit: Unit) -> None:
        """The unit's functions no longer read its settings input."""
        record = self._records[unit.address]
        record.is_reading = False
        pending = record.pending
        if pending is not None and not pending.handled.done():
            pending.handled.set_exception(_takes_none(unit.address))

    async def _patch(self, request: ProcessControlRequest) -> ProcessControlResponse:
        try:
            async with asyncio.timeout(request.timeout_s):
                value = await self._patched(request)
        except TimeoutError:
            return ProcessControlResponse(
                request.request_id,
                ok=False,
                error=f"Timed out waiting for process response: the settings handler of {request.unit_address} did not "
                f"end within {request.timeout_s:g} s. Whether the value was applied is unknown.",
                error_code=ProcessControlErrorCode.TIMEOUT,
            )
        except EzmsgError as error:
            return refusal(request.request_id, error)
        data = msgspec.to_builtins(value, builtin_types=(bytes,))
        return ProcessControlResponse(request.request_id, ok=True, data=data)

    async def _patched(self, request: ProcessControlRequest) -> SettingsSnapshotValue:
        record = self._records.get(request.unit_address)
        if record is None:
            raise UnknownRecordError(
                f"This process does not run {request.unit_address}.", kind="unit", key=request.unit_address
            )
        fields, expected = _patch_of(request.data)
        async with record.lock:
            if expected is not None and expected != record.revision:
                raise SettingsConflictError(
                    f"The settings of {request.unit_address} have revision {record.revision}, not {expected}: somebody "
                    "changed them meanwhile. Look at the value in force, and try again.",
                    component=request.unit_address,
                    expected_revision=expected,
                    revision=record.revision,
                )
            patched = apply_patch(record.current, fields, component=request.unit_address)
            if record.publisher is None or not record.is_reading:
                raise _takes_none(request.unit_address)
            pending = _Pending(patched, request.actor, self._loop.create_future())
            record.pending = pending
            try:
                await record.publisher.broadcast(patched)
                return await pending.handled
            finally:
                record.pending = None

    def _applied(self, record: _Record, settings: Any) -> None:
        """The unit took settings by itself; called wherever it does."""
        if record.is_handling:
            record.applied.append(settings)
            return
        record.current = settings
        if not record.is_report_due:
            record.is_report_due = True
            self._loop.call_soon_threadsafe(self._report_soon, record)

    def _report_soon(self, record: _Record) -> None:
        task = self._loop.create_task(self._report_applied(record))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _report_applied(self, record: _Record) -> None:
        async with record.lock:
            record.is_report_due = False
            try:
                await self._report(record, record.unit.address, is_uncertain=False)
            except EzmsgError as error:
                logger.warning("Settings of %s could not be reported: %s", record.unit.address, error)

    async def _report(self, record: _Record, actor: str, *, is_uncertain: bool) -> SettingsSnapshotValue:
        now_s = time.time()
        if record.described[0] is not type(record.current):
            record.described = _described(record.current)
        value = snapshot_value(
            record.current, actor=actor, timestamp=now_s, is_uncertain=is_uncertain, schema=record.described[1]
        )
        record.revision = await self._agent.report_settings(record.unit.address, value, now_s)
        return msgspec.structs.replace(value, revision=record.revision)


def _described(settings: Any) -> tuple[type[Any], SettingsSchemaMetadata | None]:
    kind = cast("type[Any]", type(settings))
    return kind, schema_of(kind)


def _takes_none(component: str) -> SettingsError:
    return SettingsError(
        f"{component} takes no settings while it runs: it has no INPUT_SETTINGS stream with a subscriber function that "
        "goes on.",
        component=component,
    )


def _is_pending(record: _Record, settings: Any) -> bool:
    """Whether a handled message is the patched value; a leaky settings input hands over a copy of it."""
    pending = record.pending
    if pending is None:
        return False
    if pending.settings is settings:
        return True
    try:
        return bool(pending.settings == settings)
    except ValueError:  # arrays do not say whether they are equal
        return False


def _patch_of(data: Any) -> tuple[Mapping[str, Any], int | None]:
    """The fields and the expected revision of a patch, in its present form or as one field."""
    if isinstance(data, dict):
        parts = cast("dict[str, Any]", data)
        fields = parts.get("fields")
        if fields is None and isinstance(parts.get("field_path"), str):
            fields = {parts["field_path"]: parts.get("value")}
        expected = parts.get("expected_revision")
        if isinstance(fields, dict) and fields and (expected is None or type(expected) is int):
            return cast("dict[str, Any]", fields), expected
    raise WireError("A patch of settings has the form {fields: {path: value}, expected_revision: number or nothing}.")
