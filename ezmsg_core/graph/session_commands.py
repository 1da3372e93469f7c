"""Commands on sessions: what they hold and what they declare."""

from ezmsg_core.graph.roster import Peer, unknown
from ezmsg_core.graph.state import GraphState, OnceAttached, Outcome
from ezmsg_core.graph.step import Step
from ezmsg_core.model.topology import PERSISTENT, Edge, SessionRecord
from ezmsg_core.wire.answers import Done, EdgeHeld, SessionOpened
from ezmsg_core.wire.commands import (
    ClearSession,
    CloseSession,
    ConnectEdge,
    DisconnectEdge,
    OpenSession,
    RegisterMetadata,
)


def open_session(state: GraphState, step: Step, peer: Peer, _ask_id: int, command: OpenSession) -> Outcome:
    """A new session of the link."""
    label = state.check_name("label", command.label or peer.label or "client")
    session = SessionRecord(str(state.fresh_id()), label, peer.pid, peer.host, None)
    peer.sessions.add(session.session_id)
    state.topology.open_session(step, session)
    return SessionOpened(session.session_id)


def close_session(state: GraphState, step: Step, peer: Peer, _ask_id: int, command: CloseSession) -> Outcome:
    """The end of a session."""
    end_session(state, step, peer, _own_session(peer, command.session_id))
    return OnceAttached(Done())


def end_session(state: GraphState, step: Step, peer: Peer, session_id: str) -> None:
    """Release what a session holds and forget it."""
    peer.sessions.discard(session_id)
    state.topology.close_session(step, session_id)
    state.write_settings(state.settings.end_session(session_id, step.now.wall_s))


def clear_session(state: GraphState, step: Step, peer: Peer, _ask_id: int, command: ClearSession) -> Outcome:
    """Release what a session holds."""
    session_id = _own_session(peer, command.session_id)
    state.topology.clear_session(step, session_id)
    state.write_settings(state.settings.end_session(session_id, step.now.wall_s))
    return OnceAttached(Done())


def connect(state: GraphState, step: Step, peer: Peer, _ask_id: int, command: ConnectEdge) -> Outcome:
    """Hold an edge."""
    edge, owner = _edge_and_owner(state, step, peer, command)
    return OnceAttached(EdgeHeld(state.topology.hold(step, edge, owner)))


def disconnect(state: GraphState, step: Step, peer: Peer, _ask_id: int, command: DisconnectEdge) -> Outcome:
    """Release an edge."""
    edge, owner = _edge_and_owner(state, step, peer, command)
    return OnceAttached(EdgeHeld(state.topology.release(step, edge, owner)))


def register_metadata(state: GraphState, step: Step, peer: Peer, _ask_id: int, command: RegisterMetadata) -> Outcome:
    """Replace what a session declares."""
    session_id = _own_session(peer, command.session_id)
    for address in command.metadata.components:
        state.check_name("component address", address)
    state.topology.register(step, session_id, command.metadata)
    label = state.fold.sessions[session_id].label
    state.write_settings(state.settings.declare(session_id, label, command.metadata, step.now.wall_s))
    return Done()


def _own_session(peer: Peer, session_id: str) -> str:
    if session_id not in peer.sessions:
        raise unknown("session", session_id)
    return session_id


def _edge_and_owner(
    state: GraphState, step: Step, peer: Peer, command: ConnectEdge | DisconnectEdge
) -> tuple[Edge, str]:
    owner = PERSISTENT
    if command.session_id is not None:
        owner = step.session_id = _own_session(peer, command.session_id)
    source = state.check_name("topic", command.source)
    return Edge(source, state.check_name("topic", command.target)), owner
