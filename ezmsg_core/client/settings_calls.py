"""Settings changed from outside: a patch goes to the unit's owner, which applies it or says why not."""

from collections.abc import Mapping
from typing import Any

import msgspec

from ezmsg_core.client.link import Link
from ezmsg_core.errors import CallError, error_from_fault
from ezmsg_core.model.control import ProcessControlErrorCode, ProcessControlOperation, ProcessControlResponse
from ezmsg_core.model.plain import to_plain
from ezmsg_core.model.settings import SettingsSnapshotValue
from ezmsg_core.wire.answers import CallEnded
from ezmsg_core.wire.commands import CallUnit

ANSWER_SLACK_S = 2.0  # beyond the call's own deadline, which the server keeps


async def patch_settings(
    link: Link,
    component: str,
    fields: Mapping[str, Any],
    *,
    expected_revision: int | None = None,
    timeout_s: float = 5.0,
) -> SettingsSnapshotValue:
    """Change fields of a component's settings, together or not at all.

    Args:
        link: with the role control or more.
        component: address of the unit.
        fields: new values by dotted path.
        expected_revision: refuse if the value in force has another one.
        timeout_s: how long the owner may take.

    Returns:
        The value that the owner has applied, with its revision.

    Raises:
        SettingsValueError, UnknownSettingError, SettingsConflictError: refused; nothing was applied.
        CallError: nobody owns the component, or its owner cannot change it, left, or took too long (then whether it
            was applied is unknown).
    """
    plain = {path: to_plain(value, where=path) for path, value in fields.items()}
    data = {"fields": plain, "expected_revision": expected_revision}
    operation = ProcessControlOperation.UPDATE_SETTING_FIELD.value
    answer = await link.ask(
        CallUnit(operation, timeout_s, unit=component, data=data), timeout_s=timeout_s + ANSWER_SLACK_S
    )
    assert isinstance(answer, CallEnded)
    response = answer.response
    if not response.ok:
        raise call_error(response, component, operation)
    return msgspec.convert(response.data, SettingsSnapshotValue)


def call_error(response: ProcessControlResponse, unit: str, operation: str) -> Exception:
    """The error behind a call that failed."""
    if response.fault is not None:
        fault = response.fault
        return error_from_fault(str(fault.get("code")), str(fault.get("text")), dict(fault.get("parts") or {}))
    code = response.error_code or ProcessControlErrorCode.HANDLER_ERROR
    text = response.error or f"The call {operation} failed."
    return CallError(text, error_code=code.value, unit=unit, operation=operation)
