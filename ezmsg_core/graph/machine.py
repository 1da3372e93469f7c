"""The one place where the server's state changes: stimuli in, effects out."""

from collections.abc import Callable
from typing import Any, assert_never

import msgspec

from ezmsg_core.errors import EzmsgError, LimitExceededError, RequestTimeoutError
from ezmsg_core.graph import (
    endpoint_commands,
    process_commands,
    session_commands,
    watch_commands,
)
from ezmsg_core.graph.access import FRAME_ROLES, check_command, may
from ezmsg_core.graph.effects import Effect
from ezmsg_core.graph.limits import GraphLimits
from ezmsg_core.graph.roster import Peer
from ezmsg_core.graph.state import GraphState, Later, OnceAttached, Outcome
from ezmsg_core.graph.step import Step
from ezmsg_core.graph.stimuli import FrameReceived, LinkClosed, LinkOpened, Now, Stimulus, Ticked
from ezmsg_core.graph.waits import Wait
from ezmsg_core.model.settings import SettingsState
from ezmsg_core.model.topology import Phase, TopologyState
from ezmsg_core.wire import commands, frames
from ezmsg_core.wire.answers import Answer

Carry = Callable[[GraphState, Step, Peer, int, Any], Outcome]

_COMMANDS: dict[type[commands.CommandBase], Carry] = {
    commands.OpenSession: session_commands.open_session,
    commands.CloseSession: session_commands.close_session,
    commands.ClearSession: session_commands.clear_session,
    commands.ConnectEdge: session_commands.connect,
    commands.DisconnectEdge: session_commands.disconnect,
    commands.RegisterMetadata: session_commands.register_metadata,
    commands.OpenProcess: process_commands.open_process,
    commands.RegisterUnits: process_commands.register_units,
    commands.UpdateOwnership: process_commands.update_ownership,
    commands.CloseProcess: process_commands.close_process,
    commands.ReportSettings: process_commands.report_settings,
    commands.CallUnit: process_commands.call_unit,
    commands.AdvertisePublisher: endpoint_commands.advertise_publisher,
    commands.AdvertiseSubscriber: endpoint_commands.advertise_subscriber,
    commands.Withdraw: endpoint_commands.withdraw,
    commands.GetTicket: endpoint_commands.get_ticket,
    commands.SteerPublishers: endpoint_commands.steer,
    commands.GetTopology: watch_commands.get_topology,
    commands.GetSettings: watch_commands.get_settings,
    commands.GetSettingsEvents: watch_commands.get_settings_events,
    commands.OpenWatch: watch_commands.open_watch,
    commands.CloseWatch: watch_commands.close_watch,
    commands.StopServer: watch_commands.stop_server,
}


class GraphMachine:
    """The graph server without its shell. Not thread-safe; every call is short and never waits.

    Args:
        epoch: a UUID in hex, new for every server; tells watchers that the state is another one.
        graph_id: name of the graph, kept over restarts that reuse a connection file.
        pid: process id of the server.
        host: host name of the server.
        limits: bounds of everything kept.
    """

    def __init__(self, *, epoch: str, graph_id: str, pid: int, host: str, limits: GraphLimits | None = None) -> None:
        self._limits = limits or GraphLimits()
        self._state = GraphState(epoch=epoch, graph_id=graph_id, pid=pid, host=host, limits=self._limits)
        self._next_beat_s: float | None = None

    def topology(self) -> TopologyState:
        """The graph as it is."""
        return self._state.fold.state()

    def settings(self) -> SettingsState:
        """The settings as they are."""
        return self._state.settings.state()

    def next_deadline(self) -> float | None:
        """When a `Ticked` is due, monotonic seconds; None while nothing waits."""
        due = [self._next_beat_s, self._state.calls.next_deadline(), self._state.waits.next_deadline()]
        return min((moment for moment in due if moment is not None), default=None)

    def handle(self, stimulus: Stimulus, now: Now) -> list[Effect]:
        """Take in one stimulus; return what the shell has to do, in order."""
        state = self._state
        step = Step(now, state.fold)
        waiting: tuple[Peer, int, Answer] | None = None
        match stimulus:
            case LinkOpened():
                self._link_opened(step, stimulus)
            case FrameReceived(link, frame):
                peer = state.roster.find(link)
                if peer is not None:
                    waiting = self._frame_received(step, peer, frame)
            case LinkClosed():
                self._link_closed(step, stimulus.link, stimulus.reason)
            case Ticked():
                self._ticked(step)
            case _:
                assert_never(stimulus)
        endpoint_commands.reroute(state, step, waiting)
        state.write_topology(step)
        state.watches.pump(step)
        return [*step.effects, *step.at_end]

    def _link_opened(self, step: Step, stimulus: LinkOpened) -> None:
        state = self._state
        peer = Peer(
            stimulus.link,
            state.fresh_id(),
            stimulus.role,
            is_remote=stimulus.is_remote,
            address=stimulus.peer,
            now_s=step.now.monotonic_s,
        )
        state.roster.add(peer)
        if self._next_beat_s is None:
            self._next_beat_s = step.now.monotonic_s + self._limits.heartbeat_s
        step.send(
            peer.link,
            frames.Welcome(
                link_id=peer.link_id,
                graph_id=state.graph_id,
                epoch=state.epoch,
                pid=state.pid,
                host=state.host,
                role=str(peer.role),
                heartbeat_s=self._limits.heartbeat_s,
            ),
        )

    def _frame_received(self, step: Step, peer: Peer, frame: frames.ClientFrame) -> tuple[Peer, int, Answer] | None:
        peer.heard_s = step.now.monotonic_s
        peer.is_lagging = False
        if not peer.has_said_hello and not isinstance(frame, frames.Hello):
            step.close(peer.link, "WIRE", f"The first frame must be Hello, not {type(frame).__name__}.")
            return None
        least = FRAME_ROLES[type(frame)]
        if not may(peer.role, least):
            text = f"A link with the role {peer.role} may not send {type(frame).__name__}; that needs {least}."
            step.close(peer.link, "NOT_PERMITTED", text)
            return None
        if isinstance(frame, frames.Ask):
            return self._asked(step, peer, frame)
        self._noticed(step, peer, frame)
        return None

    def _asked(self, step: Step, peer: Peer, ask: frames.Ask) -> tuple[Peer, int, Answer] | None:
        state = self._state
        if ask.id in peer.open_asks:
            step.close(peer.link, "WIRE", f"Two commands with the id {ask.id} are in flight.")
            return None
        try:
            if len(peer.open_asks) >= self._limits.asks_in_flight:
                raise LimitExceededError(
                    f"{len(peer.open_asks)} commands are in flight on this link; wait for some to end.",
                    what="asks",
                    limit=self._limits.asks_in_flight,
                    size=len(peer.open_asks) + 1,
                )
            check_command(peer.role, ask.command)
            peer.open_asks.add(ask.id)
            outcome = _COMMANDS[type(ask.command)](state, step, peer, ask.id, ask.command)
        except EzmsgError as error:
            state.refuse(step, peer, ask.id, error)
            return None
        match outcome:
            case Later():
                return None
            case OnceAttached(answer):
                return peer, ask.id, answer
            case _:
                state.answer(step, peer, ask.id, outcome)
                return None

    def _noticed(self, step: Step, peer: Peer, frame: frames.Notice) -> None:
        state = self._state
        match frame:
            case frames.Hello(label, pid, host):
                limit = self._limits.name_bytes // 4  # characters of up to four bytes
                peer.label, peer.pid, peer.host = label[:limit], pid, host[:limit]
                peer.has_said_hello = True
                step.note(f"{peer.label} (pid {peer.pid} on {peer.host}) joined from {peer.address} to {peer.role}.")
                watch_commands.update_sampling(state, step)
            case frames.Forget(ask_id):
                if ask_id in peer.open_asks:
                    peer.open_asks.discard(ask_id)
                    state.calls.forget(peer.link, ask_id)
                    state.waits.forget(peer.link, ask_id)
            case frames.CallReply():
                process_commands.call_replied(state, step, peer, frame)
            case frames.RouteTaken(order) | frames.SteerTaken(order):
                self._obeyed(step, peer, order)
            case frames.ProfileReport(profile):
                own = msgspec.structs.replace(profile, process_id=peer.link_id)
                state.write_profile(own)
            case frames.ChannelReport():
                endpoint_commands.report_channel(state, step, peer, frame)
            case frames.CreditGranted():
                watch_commands.credit_granted(state, peer, frame)
            case frames.Alive(loop_lag_ns):
                is_busy = loop_lag_ns > self._limits.busy_lag_s * 1e9
                self._set_phase(step, peer, Phase.BUSY if is_busy else Phase.LIVE)
            case _:
                assert_never(frame)

    def _obeyed(self, step: Step, peer: Peer, order: int) -> None:
        wait = self._state.waits.obeyed(peer.link, order)
        if wait is not None:
            self._answer_wait(step, wait)

    def _link_closed(self, step: Step, link: int, reason: str) -> None:
        state = self._state
        peer = state.roster.remove(link)
        if peer is None:
            return
        step.note(f"{peer.label or peer.address} (pid {peer.pid}) left: {reason}")
        state.calls.forget_caller(link)
        for wait in state.waits.link_closed(link):
            self._answer_wait(step, wait)
        for watch_id in sorted(peer.watches):
            watch_commands.end_watch(state, step, peer, watch_id)
        for endpoint_id in sorted(peer.endpoints):
            endpoint_commands.end_endpoint(state, step, peer, endpoint_id)
        for process_id in sorted(peer.processes):
            process_commands.end_process(state, step, peer, process_id)
        for session_id in sorted(peer.sessions):
            session_commands.end_session(state, step, peer, session_id)
        state.profiles.pop(peer.link_id, None)
        if len(state.roster) == 0:
            self._next_beat_s = None

    def _ticked(self, step: Step) -> None:
        state = self._state
        process_commands.expire_calls(state, step)
        for wait, late in state.waits.expired(step.now.monotonic_s):
            self._wait_expired(step, wait, late)
        if self._next_beat_s is not None and step.now.monotonic_s >= self._next_beat_s:
            self._beat(step, late_s=step.now.monotonic_s - self._next_beat_s)
            self._next_beat_s = step.now.monotonic_s + self._limits.heartbeat_s

    def _answer_wait(self, step: Step, wait: Wait) -> None:
        self._state.answer(step, self._state.roster.get(wait.link), wait.ask_id, wait.answer)

    def _wait_expired(self, step: Step, wait: Wait, late: set[int]) -> None:
        roster = self._state.roster
        peers = [roster.get(link) for link in sorted(late)]
        for peer in peers:
            peer.is_lagging = True
        if not wait.is_strict:
            self._answer_wait(step, wait)
            return
        names = ", ".join(f"{peer.label} (pid {peer.pid})" for peer in peers)
        text = f"Not all publishers obeyed in time; still waiting for {names}."
        error = RequestTimeoutError(text, late=[peer.label for peer in peers])
        self._state.refuse(step, roster.get(wait.link), wait.ask_id, error)

    def _beat(self, step: Step, *, late_s: float) -> None:
        """Signs of life, and judgement of silence; what the judge itself was late is not held against anyone."""
        limits = self._limits
        for peer in list(self._state.roster):
            peer.heard_s += late_s
            silent_s = step.now.monotonic_s - peer.heard_s
            if silent_s <= limits.silence_s:
                step.send(peer.link, frames.ServerAlive())
            elif peer.is_remote:
                step.close(peer.link, "SILENT", f"Nothing was heard for {silent_s:.0f} s.")
            else:
                self._set_phase(step, peer, Phase.UNRESPONSIVE)
        self._state.watches.bookmark(step)

    def _set_phase(self, step: Step, peer: Peer, phase: Phase) -> None:
        for process_id in sorted(peer.processes):
            self._state.topology.set_phase(step, process_id, phase)
