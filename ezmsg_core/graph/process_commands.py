"""Commands on processes: the units they own, the settings they apply, the calls routed to them."""

from uuid import UUID

import msgspec

from ezmsg_core.errors import OwnershipError
from ezmsg_core.graph.calls import OpenCall, failed
from ezmsg_core.graph.limits import clamped
from ezmsg_core.graph.roster import Peer, unknown
from ezmsg_core.graph.state import GraphState, Later, Outcome
from ezmsg_core.graph.step import Step
from ezmsg_core.graph.stimuli import LinkKey
from ezmsg_core.model.control import ProcessControlErrorCode, ProcessControlResponse
from ezmsg_core.model.topology import ProcessRecord
from ezmsg_core.wire.answers import CallEnded, Done, ProcessOpened, SettingsReported
from ezmsg_core.wire.commands import (
    CallUnit,
    CloseProcess,
    OpenProcess,
    RegisterUnits,
    ReportSettings,
    UpdateOwnership,
)
from ezmsg_core.wire.frames import CallReply, Invoked


def open_process(state: GraphState, step: Step, peer: Peer, _ask_id: int, command: OpenProcess) -> Outcome:
    """A new process of the link; the first one has the link's id."""
    is_first = peer.link_id not in state.fold.processes
    process_id = peer.link_id if is_first else state.fresh_id()
    label = state.check_name("label", command.label or peer.label or "process")
    peer.processes.add(process_id)
    state.topology.open_process(step, ProcessRecord(process_id, command.pid, command.host, [], label))
    return ProcessOpened(process_id)


def register_units(state: GraphState, step: Step, peer: Peer, _ask_id: int, command: RegisterUnits) -> Outcome:
    """All units of a process."""
    process_id = _own_process(peer, command.process_id)
    parts: dict[str, object] = {"pid": command.pid, "host": command.host}
    known = {name: value for name, value in parts.items() if value is not None}
    _own_units(state, step, process_id, set(command.units), known)
    return Done()


def update_ownership(state: GraphState, step: Step, peer: Peer, _ask_id: int, command: UpdateOwnership) -> Outcome:
    """Units that a process takes and gives up."""
    process_id = _own_process(peer, command.process_id)
    before = set(state.fold.processes[process_id].units)
    _own_units(state, step, process_id, (before | set(command.added_units)) - set(command.removed_units), {})
    return Done()


def close_process(state: GraphState, step: Step, peer: Peer, _ask_id: int, command: CloseProcess) -> Outcome:
    """The end of a registration."""
    end_process(state, step, peer, _own_process(peer, command.process_id))
    return Done()


def end_process(state: GraphState, step: Step, peer: Peer, process_id: UUID) -> None:
    """Forget a process; its pending calls end."""
    peer.processes.discard(process_id)
    units = state.topology.close_process(step, process_id)
    state.write_settings(state.settings.end_process(process_id, units, step.now.wall_s))
    for call in state.calls.end_process(process_id):
        text = f"The process {process_id} left before it answered {call.operation} for {call.unit or 'itself'}."
        end_call(state, step, call, failed(str(call.call_id), ProcessControlErrorCode.PROCESS_DISCONNECTED, text))


def report_settings(state: GraphState, step: Step, peer: Peer, _ask_id: int, command: ReportSettings) -> Outcome:
    """A value that the owner has applied."""
    process_id = _own_process(peer, command.process_id)
    address = command.component_address
    if state.topology.owner_of(address) != process_id:
        raise OwnershipError(
            f"The process {process_id} reports settings of {address[:120]!r}, which it does not own. "
            "Register the unit first.",
            units=[address],
            holder=str(state.topology.owner_of(address) or ""),
        )
    event = state.settings.apply(process_id, address, command.value, step.now.wall_s)
    state.write_settings([event])
    return SettingsReported(event.value.revision, event.seq)


def call_unit(state: GraphState, step: Step, peer: Peer, ask_id: int, command: CallUnit) -> Outcome:
    """Send a call to its owner."""
    process_id = command.process_id
    if command.unit is not None:
        process_id = state.topology.owner_of(command.unit)
    call_id = state.calls.next_id()
    target = _link_of(state, process_id) if process_id is not None else None
    if process_id is None or target is None:
        what = f"No process owns unit {command.unit!r}." if command.unit is not None else "No such process."
        text = f"{what} Look at the topology for what runs."
        return CallEnded(failed(str(call_id), ProcessControlErrorCode.UNROUTABLE_UNIT, text))
    limits = state.limits
    timeout_s = clamped(command.timeout_s, limits.min_call_timeout_s, limits.max_call_timeout_s)
    unit = command.unit or ""
    state.calls.add(
        OpenCall(
            call_id=call_id,
            link=peer.link,
            ask_id=ask_id,
            process_id=process_id,
            process_link=target,
            unit=unit,
            operation=command.operation,
            timeout_s=timeout_s,
            deadline_s=step.now.monotonic_s + timeout_s,
        )
    )
    step.send(target, Invoked(call_id, process_id, unit, command.operation, command.data, peer.label, timeout_s))
    return Later()


def call_replied(state: GraphState, step: Step, peer: Peer, frame: CallReply) -> None:
    """The owner answered a call."""
    call = state.calls.end(frame.call_id, peer.link)
    if call is not None:
        response = msgspec.structs.replace(frame.response, request_id=str(call.call_id), payload=None)
        end_call(state, step, call, response)


def expire_calls(state: GraphState, step: Step) -> None:
    """Calls that took too long end; whether they were done is unknown."""
    for call in state.calls.expired(step.now.monotonic_s):
        text = (
            f"Timed out waiting for process response: {call.operation} for {call.unit or 'the process'} took more "
            f"than {call.timeout_s:g} s. Whether it was done is unknown."
        )
        end_call(state, step, call, failed(str(call.call_id), ProcessControlErrorCode.TIMEOUT, text))


def end_call(state: GraphState, step: Step, call: OpenCall, response: ProcessControlResponse) -> None:
    """Tell the caller how its call ended."""
    response = msgspec.structs.replace(response, process_id=call.process_id)
    state.answer(step, state.roster.get(call.link), call.ask_id, CallEnded(response))


def _own_units(state: GraphState, step: Step, process_id: UUID, units: set[str], parts: dict[str, object]) -> None:
    for unit in units:
        state.check_name("unit", unit)
    given_up = state.topology.own_units(step, process_id, units, **parts)
    state.write_settings(state.settings.end_process(process_id, given_up, step.now.wall_s))


def _own_process(peer: Peer, process_id: UUID) -> UUID:
    if process_id not in peer.processes:
        raise unknown("process", process_id)
    return process_id


def _link_of(state: GraphState, process_id: UUID) -> LinkKey | None:
    return next((peer.link for peer in state.roster if process_id in peer.processes), None)
