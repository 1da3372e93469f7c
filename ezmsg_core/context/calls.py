"""Routed calls with typed results."""

from typing import Any, TypeVar
from uuid import UUID

import msgspec

from ezmsg_core.client.link import Link
from ezmsg_core.client.settings_calls import ANSWER_SLACK_S, call_error
from ezmsg_core.errors import CallError, ConfigError
from ezmsg_core.model.control import (
    ProcessControlErrorCode,
    ProcessControlOperation,
    ProcessControlResponse,
)
from ezmsg_core.model.plain import to_plain
from ezmsg_core.wire.answers import CallEnded
from ezmsg_core.wire.commands import CallUnit

R = TypeVar("R")


async def call(
    link: Link,
    operation: ProcessControlOperation | str,
    *,
    unit: str | None = None,
    process_id: UUID | None = None,
    data: Any = None,
    timeout_s: float = 2.0,
) -> ProcessControlResponse:
    """Call the owner of a unit, or a process; how it ended, well or not."""
    name = operation.value if isinstance(operation, ProcessControlOperation) else operation
    if not name:
        raise ConfigError("A call needs the name of an operation.", name="operation", value=name)
    command = CallUnit(name, timeout_s, unit=unit, process_id=process_id, data=to_plain(data))
    answer = await link.ask(command, timeout_s=timeout_s + ANSWER_SLACK_S)
    assert isinstance(answer, CallEnded)
    return answer.response


def result_of(response: ProcessControlResponse, kind: type[R], unit: str, operation: str) -> R:
    """The typed result of a call that ended well.

    Raises:
        CallError: it did not, or its result has another form.
    """
    if not response.ok:
        raise call_error(response, unit, operation)
    try:
        return msgspec.convert(response.data, kind)
    except msgspec.ValidationError as error:
        raise CallError(
            f"The answer to {operation} of {unit} is no {kind.__name__}: {error}.",
            error_code=ProcessControlErrorCode.INVALID_RESPONSE.value,
            unit=unit,
            operation=operation,
        ) from error
