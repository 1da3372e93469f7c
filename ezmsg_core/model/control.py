"""Processes and the calls that are routed to them."""

import enum
from typing import Any
from uuid import UUID

from ezmsg_core.model.record import Record


class ProcessControlOperation(enum.Enum):
    """Operations that every process answers; a process handler may define others by name."""

    PING = "PING"
    GET_PROCESS_STATS = "GET_PROCESS_STATS"
    GET_PROFILING_SNAPSHOT = "GET_PROFILING_SNAPSHOT"
    SET_PROFILING_TRACE = "SET_PROFILING_TRACE"
    GET_PROFILING_TRACE_BATCH = "GET_PROFILING_TRACE_BATCH"
    UPDATE_SETTING_FIELD = "UPDATE_SETTING_FIELD"


class ProcessControlErrorCode(enum.Enum):
    """How a routed call can fail."""

    UNROUTABLE_UNIT = "UNROUTABLE_UNIT"  # nobody owns the unit
    ROUTE_WRITE_FAILED = "ROUTE_WRITE_FAILED"  # the owner's link could not take the call
    TIMEOUT = "TIMEOUT"  # no answer in time; whether it was done is unknown
    PROCESS_DISCONNECTED = "PROCESS_DISCONNECTED"  # the owner left before it answered
    UNSUPPORTED_OPERATION = "UNSUPPORTED_OPERATION"  # the owner knows no such operation
    HANDLER_NOT_CONFIGURED = "HANDLER_NOT_CONFIGURED"  # no built-in, and no handler set
    HANDLER_ERROR = "HANDLER_ERROR"  # the handler raised or refused
    INVALID_RESPONSE = "INVALID_RESPONSE"  # the payload or the answer has the wrong form


class ProcessControlRequest(Record, frozen=True):
    """A call as its owner receives it."""

    request_id: str
    unit_address: str
    operation: ProcessControlOperation | str
    payload: bytes | None = None  # kept for handlers written for ezmsg 3.9; None here
    data: Any = None  # the payload as plain data
    actor: str = ""  # label of the caller's link
    timeout_s: float = 2.0  # what is left of the caller's deadline


class ProcessControlResponse(Record, frozen=True):
    """How a call ended."""

    request_id: str
    ok: bool
    payload: bytes | None = None
    error: str | None = None  # a sentence
    error_code: ProcessControlErrorCode | None = None
    process_id: UUID | None = None  # the process that answered, or should have
    data: Any = None  # the result as plain data
    fault: dict[str, Any] | None = None  # code and parts of the error behind a refusal


class ProcessRegistration(Record, frozen=True):
    """A process with all its units."""

    pid: int
    host: str
    units: list[str]


class ProcessOwnershipUpdate(Record, frozen=True):
    """Units that a process takes or gives up; added first."""

    added_units: list[str] = []
    removed_units: list[str] = []


class ProcessPing(Record, frozen=True):
    """A sign of life."""

    process_id: UUID
    pid: int
    host: str
    timestamp: float  # seconds since the epoch


class ProcessStats(Record, frozen=True):
    """What a process says of itself."""

    process_id: UUID
    pid: int
    host: str
    owned_units: list[str]  # sorted
    timestamp: float  # seconds since the epoch
    cpu_percent: float = 0.0  # of one core, since the previous look
    rss_bytes: int = 0
    loop_lag_ns: int = 0  # how late the units' event loop ran, at worst since the previous look
    uptime_s: float = 0.0
    num_threads: int = 0
