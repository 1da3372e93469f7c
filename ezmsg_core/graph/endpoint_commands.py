"""Commands on publishers and subscribers: where they are, who reaches whom, tickets, channels, steering."""

from ezmsg_core.errors import ConfigError, UnknownRecordError
from ezmsg_core.graph.effects import IssueTicket
from ezmsg_core.graph.limits import clamped
from ezmsg_core.graph.roster import Peer, unknown
from ezmsg_core.graph.state import GraphState, Later, OnceAttached, Outcome
from ezmsg_core.graph.step import Step
from ezmsg_core.graph.waits import Wait
from ezmsg_core.model.topology import ChannelRecord, PublisherRecord, SubscriberRecord
from ezmsg_core.wire.answers import Answer, Done, PublisherPlaced, SubscriberPlaced
from ezmsg_core.wire.commands import (
    AdvertisePublisher,
    AdvertiseSubscriber,
    GetTicket,
    SteerPublishers,
    Withdraw,
)
from ezmsg_core.wire.frames import ChannelReport, Routed, Steered

STEERING = ("pause", "resume", "sync")


def advertise_publisher(
    state: GraphState, step: Step, peer: Peer, _ask_id: int, command: AdvertisePublisher
) -> Outcome:
    """A new publisher of the link."""
    topic = state.check_name("topic", command.topic)
    endpoint_id = command.endpoint_id or f"{topic}:{state.fresh_id()}"
    if not endpoint_id.startswith(f"{topic}:") or len(endpoint_id) - len(topic) > 64:
        raise ConfigError(
            f"{endpoint_id[:120]!r} is not an id for a publisher of {topic!r}; use TOPIC:UUID.",
            name="endpoint_id",
            value=endpoint_id[:120],
        )
    if endpoint_id in state.fold.publishers or endpoint_id in state.fold.subscribers:
        raise ConfigError(f"There is an endpoint {endpoint_id!r} already.", name="endpoint_id", value=endpoint_id)
    peer.endpoints.add(endpoint_id)
    state.topology.add_publisher(
        step,
        PublisherRecord(endpoint_id, topic, peer.link_id, peer.pid, peer.host, command.num_buffers, command.addresses),
    )
    step.touch(topic)
    return OnceAttached(PublisherPlaced(endpoint_id))


def advertise_subscriber(
    state: GraphState, step: Step, peer: Peer, _ask_id: int, command: AdvertiseSubscriber
) -> Outcome:
    """A new subscriber of the link."""
    topic = state.check_name("topic", command.topic)
    endpoint_id = f"{topic}:{state.fresh_id()}"
    peer.endpoints.add(endpoint_id)
    state.topology.add_subscriber(
        step,
        SubscriberRecord(endpoint_id, topic, peer.link_id, peer.pid, peer.host, command.is_leaky, command.max_queue),
    )
    reaching = state.topology.publishers_reaching(topic)
    state.routed[endpoint_id] = reaching
    return SubscriberPlaced(endpoint_id, [state.fold.publishers[key] for key in reaching])


def withdraw(state: GraphState, step: Step, peer: Peer, _ask_id: int, command: Withdraw) -> Outcome:
    """The end of an endpoint."""
    if command.endpoint_id not in peer.endpoints:
        raise unknown("endpoint", command.endpoint_id)
    end_endpoint(state, step, peer, command.endpoint_id)
    return Done()


def end_endpoint(state: GraphState, step: Step, peer: Peer, endpoint_id: str) -> None:
    """Forget an endpoint; subscribers that it reached are told."""
    peer.endpoints.discard(endpoint_id)
    publisher = state.fold.publishers.get(endpoint_id)
    if publisher is not None:
        step.touch(publisher.topic)
    state.routed.pop(endpoint_id, None)
    state.topology.remove_endpoint(step, endpoint_id)


def get_ticket(state: GraphState, step: Step, peer: Peer, ask_id: int, command: GetTicket) -> Outcome:
    """Let the shell make a ticket for a subscriber of the link to a publisher that reaches it."""
    publisher = state.fold.publishers.get(command.publisher_id)
    reaching = state.routed.get(command.subscriber_id)
    if command.subscriber_id not in peer.endpoints or reaching is None:
        raise unknown("subscriber", command.subscriber_id)
    holder = _peer_of(state, command.publisher_id)
    if publisher is None or holder is None or command.publisher_id not in reaching:
        raise UnknownRecordError(
            f"No publisher {command.publisher_id[:120]!r} reaches {command.subscriber_id}; "
            "it has left, or an edge has.",
            kind="publisher",
            key=command.publisher_id[:120],
        )
    step.effects.append(IssueTicket(holder.link, peer.link, ask_id, publisher, command.subscriber_id))
    peer.open_asks.discard(ask_id)
    return Later()


def report_channel(state: GraphState, step: Step, peer: Peer, frame: ChannelReport) -> None:
    """A subscriber of the link got or lost its channel to a publisher."""
    is_ours = frame.subscriber_id in peer.endpoints and frame.subscriber_id in state.fold.subscribers
    if not is_ours or frame.publisher_id not in state.fold.publishers:
        return
    if frame.path is None:
        state.topology.remove_channel(step, frame.publisher_id, frame.subscriber_id)
    else:
        state.topology.set_channel(
            step, ChannelRecord(frame.publisher_id, frame.subscriber_id, frame.path, frame.reason[:200])
        )


def steer(state: GraphState, step: Step, peer: Peer, ask_id: int, command: SteerPublishers) -> Outcome:
    """Tell every link with publishers to pause, resume or sync them."""
    if command.action not in STEERING:
        raise ConfigError(
            f"{command.action[:40]!r} is not a way to steer publishers; use one of {', '.join(STEERING)}.",
            name="action",
            value=command.action[:40],
        )
    publishers = state.fold.publishers
    targets = [other for other in state.roster if any(key in publishers for key in other.endpoints)]
    if not targets:
        return Done()
    orders: set[int] = set()
    for other in targets:
        order = state.waits.order(other.link)
        orders.add(order)
        step.send(other.link, Steered(order, command.action))
    longest_s = state.limits.max_steering_s
    patience_s = longest_s if command.timeout_s is None else clamped(command.timeout_s, 0.0, longest_s)
    state.waits.add(Wait(peer.link, ask_id, Done(), orders, step.now.monotonic_s + patience_s, is_strict=True))
    return Later()


def reroute(state: GraphState, step: Step, waiting: tuple[Peer, int, Answer] | None) -> None:
    """Tell subscribers below the touched topics who reaches them now; then answer, once they are attached."""
    orders: set[int] = set()
    reached = {s for topic in step.touched for s in state.topology.subscribers_reached_from(topic)}
    for subscriber_id in sorted(reached):
        reaching = state.topology.publishers_reaching(state.fold.subscribers[subscriber_id].topic)
        holder = _peer_of(state, subscriber_id)
        if holder is None or reaching == state.routed[subscriber_id]:
            continue
        state.routed[subscriber_id] = reaching
        order = 0
        if waiting is not None and not holder.is_lagging:
            order = state.waits.order(holder.link)
            orders.add(order)
        publishers = [state.fold.publishers[key] for key in reaching]
        step.send(holder.link, Routed(order, subscriber_id, publishers))
    if waiting is None:
        return
    peer, ask_id, answer = waiting
    if orders:
        deadline_s = step.now.monotonic_s + state.limits.attach_wait_s
        state.waits.add(Wait(peer.link, ask_id, answer, orders, deadline_s, is_strict=False))
    else:
        state.answer(step, peer, ask_id, answer)


def _peer_of(state: GraphState, endpoint_id: str) -> Peer | None:
    return next((peer for peer in state.roster if endpoint_id in peer.endpoints), None)
