"""Commands of those who look: states, events, watches, and how often processes report."""

from ezmsg_core.errors import LimitExceededError
from ezmsg_core.graph.effects import EndServer
from ezmsg_core.graph.limits import clamped
from ezmsg_core.graph.roster import Peer, unknown
from ezmsg_core.graph.state import GraphState, Outcome
from ezmsg_core.graph.step import Step
from ezmsg_core.model.roles import Role
from ezmsg_core.model.watching import StreamName
from ezmsg_core.wire.answers import Done, SettingsAnswer, SettingsEvents, TopologyAnswer, WatchOpened
from ezmsg_core.wire.commands import (
    CloseWatch,
    GetSettings,
    GetSettingsEvents,
    GetTopology,
    OpenWatch,
    StopServer,
)
from ezmsg_core.wire.frames import CreditGranted, Sampling


def get_topology(state: GraphState, _step: Step, _peer: Peer, _ask_id: int, _command: GetTopology) -> Outcome:
    """The whole graph."""
    return TopologyAnswer(state.fold.state())


def get_settings(state: GraphState, _step: Step, _peer: Peer, _ask_id: int, _command: GetSettings) -> Outcome:
    """All settings."""
    return SettingsAnswer(state.settings.state())


def get_settings_events(
    state: GraphState, _step: Step, _peer: Peer, _ask_id: int, command: GetSettingsEvents
) -> Outcome:
    """Retained settings events."""
    journal = state.settings_journal
    return SettingsEvents(journal.events_after(max(command.after_seq, 0)), journal.first_seq)


def open_watch(state: GraphState, step: Step, peer: Peer, ask_id: int, command: OpenWatch) -> Outcome:
    """A new watch of the link."""
    if len(peer.watches) >= state.limits.watches_per_link:
        raise LimitExceededError(
            f"This link has {len(peer.watches)} watches, as many as it may; close some.",
            what="watches",
            limit=state.limits.watches_per_link,
            size=len(peer.watches) + 1,
        )
    watch = state.watches.open(
        peer.link, command.stream, after_seq=command.after_seq, epoch=command.epoch, interval_s=command.interval_s
    )
    peer.watches.add(watch.watch_id)
    update_sampling(state, step)
    return WatchOpened(watch.watch_id)


def close_watch(state: GraphState, step: Step, peer: Peer, _ask_id: int, command: CloseWatch) -> Outcome:
    """The end of a watch."""
    if command.watch_id not in peer.watches:
        raise unknown("watch", command.watch_id)
    end_watch(state, step, peer, command.watch_id)
    return Done()


def end_watch(state: GraphState, step: Step, peer: Peer, watch_id: int) -> None:
    """Forget a watch; processes may no longer need to report."""
    peer.watches.discard(watch_id)
    state.watches.close(watch_id)
    update_sampling(state, step)


def credit_granted(state: GraphState, peer: Peer, frame: CreditGranted) -> None:
    """A consumer has room for more."""
    watch = state.watches.find(frame.watch_id)
    if watch is not None and watch.link == peer.link:
        state.watches.grant(watch, frame.items)


def update_sampling(state: GraphState, step: Step) -> None:
    """Tell participants how often to report profiles, as the most eager watcher wants it; never, without one."""
    limits = state.limits
    watches = state.watches.of_stream(StreamName.PROFILING)
    wanted = [clamped(watch.interval_s, limits.min_sampling_s, limits.max_sampling_s) for watch in watches]
    interval_s = min(wanted, default=0.0)
    for peer in state.roster:
        if peer.role is Role.PARTICIPATE and peer.has_said_hello and peer.sampling_s != interval_s:
            peer.sampling_s = interval_s
            step.send(peer.link, Sampling(interval_s))


def stop_server(state: GraphState, step: Step, peer: Peer, ask_id: int, _command: StopServer) -> Outcome:
    """End the server, after the answer."""
    step.at_end.append(EndServer(f"{peer.label or peer.address} stopped the server."))
    return Done()
