"""Calls that are routed to the process that owns a unit; each ends exactly once."""

from uuid import UUID

import msgspec

from ezmsg_core.graph.stimuli import LinkKey
from ezmsg_core.model.control import ProcessControlErrorCode, ProcessControlResponse


class OpenCall(msgspec.Struct, frozen=True):
    """A call that its owner has not answered yet."""

    call_id: int
    link: LinkKey  # of the caller
    ask_id: int
    process_id: UUID
    process_link: LinkKey
    unit: str
    operation: str
    timeout_s: float
    deadline_s: float  # monotonic


class OpenCalls:
    """Calls by id."""

    def __init__(self) -> None:
        self._next_id = 1
        self._calls: dict[int, OpenCall] = {}

    def next_id(self) -> int:
        """An id that no call had before."""
        number = self._next_id
        self._next_id += 1
        return number

    def add(self, call: OpenCall) -> None:
        """A call that was sent to its owner."""
        self._calls[call.call_id] = call

    def end(self, call_id: int, process_link: LinkKey) -> OpenCall | None:
        """The call that its owner answered; None if it is over, or if another link answers."""
        call = self._calls.get(call_id)
        if call is None or call.process_link != process_link:
            return None
        return self._calls.pop(call_id)

    def end_process(self, process_id: UUID) -> list[OpenCall]:
        """Calls that their process can no longer answer."""
        return self._take([call for call in self._calls.values() if call.process_id == process_id])

    def forget_caller(self, link: LinkKey) -> None:
        """Nobody is left to hear how these calls end."""
        self._take([call for call in self._calls.values() if call.link == link])

    def forget(self, link: LinkKey, ask_id: int) -> None:
        """The caller does not want to hear how this call ends."""
        self._take([call for call in self._calls.values() if (call.link, call.ask_id) == (link, ask_id)])

    def expired(self, now_s: float) -> list[OpenCall]:
        """Calls whose deadline has passed."""
        return self._take([call for call in self._calls.values() if call.deadline_s <= now_s])

    def next_deadline(self) -> float | None:
        """The earliest deadline, monotonic seconds."""
        return min((call.deadline_s for call in self._calls.values()), default=None)

    def _take(self, calls: list[OpenCall]) -> list[OpenCall]:
        for call in calls:
            del self._calls[call.call_id]
        return calls


def failed(request_id: str, code: ProcessControlErrorCode, text: str) -> ProcessControlResponse:
    """How a call ends that its owner did not answer."""
    return ProcessControlResponse(request_id, ok=False, error=text, error_code=code)
