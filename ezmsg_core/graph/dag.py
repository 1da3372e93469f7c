"""Topics and owned edges: an acyclic graph in which an edge lives while somebody holds it."""

from ezmsg_core.errors import CycleError
from ezmsg_core.model.topology import PERSISTENT, Edge, OwnedEdge


class OwnedDag:
    """Edges with their owners, indexed both ways.

    Invariant: no path leads from a topic to itself. A refused edge leaves no trace.
    """

    def __init__(self) -> None:
        self._owners: dict[Edge, set[str]] = {}
        self._targets: dict[str, set[str]] = {}
        self._sources: dict[str, set[str]] = {}

    def __contains__(self, edge: Edge) -> bool:
        return edge in self._owners

    def owned(self, edge: Edge) -> OwnedEdge:
        """The edge with its owners, persistent first; without owners if it is not there."""
        owners = self._owners.get(edge, set())
        named = sorted(owner for owner in owners if owner != PERSISTENT)
        return OwnedEdge(edge.from_topic, edge.to_topic, [PERSISTENT, *named] if PERSISTENT in owners else named)

    def held_by(self, owner: str) -> list[Edge]:
        """Edges that the owner holds, sorted. Cost: all edges."""
        return sorted(edge for edge, owners in self._owners.items() if owner in owners)

    def hold(self, edge: Edge, owner: str) -> bool:
        """Let the owner hold the edge; True if it is a new hold.

        Cost: the topics downstream of the target, if the edge itself is new.

        Raises:
            CycleError: the edge would close a loop; nothing has changed.
        """
        owners = self._owners.get(edge)
        if owners is not None:
            if owner in owners:
                return False
            owners.add(owner)
            return True
        loop = self._path(edge.to_topic, edge.from_topic)
        if loop:
            raise CycleError(
                f"The edge {edge.from_topic} → {edge.to_topic} would close a loop: "
                f"{' → '.join([*loop, edge.to_topic])}. "
                "Messages would go round for ever; leave out one edge of it.",
                edge=list(edge),
                path=loop,
            )
        self._owners[edge] = {owner}
        self._targets.setdefault(edge.from_topic, set()).add(edge.to_topic)
        self._sources.setdefault(edge.to_topic, set()).add(edge.from_topic)
        return True

    def release(self, edge: Edge, owner: str) -> bool:
        """End the owner's hold; True if it held the edge. The last one takes the edge with it."""
        owners = self._owners.get(edge)
        if owners is None or owner not in owners:
            return False
        owners.discard(owner)
        if not owners:
            del self._owners[edge]
            _drop(self._targets, edge.from_topic, edge.to_topic)
            _drop(self._sources, edge.to_topic, edge.from_topic)
        return True

    def downstream(self, topic: str) -> set[str]:
        """The topic and every topic that its messages reach."""
        return _reachable(self._targets, topic)

    def upstream(self, topic: str) -> set[str]:
        """The topic and every topic whose messages reach it."""
        return _reachable(self._sources, topic)

    def _path(self, start: str, goal: str) -> list[str]:
        """Topics from start to goal along edges, both included; empty if there is no way."""
        came_from: dict[str, str] = {start: start}
        frontier = [start]
        while frontier:
            topic = frontier.pop()
            if topic == goal:
                path = [topic]
                while path[-1] != start:
                    path.append(came_from[path[-1]])
                return path[::-1]
            for target in sorted(self._targets.get(topic, ()), reverse=True):
                if target not in came_from:
                    came_from[target] = topic
                    frontier.append(target)
        return []


def _drop(index: dict[str, set[str]], key: str, value: str) -> None:
    index[key].discard(value)
    if not index[key]:
        del index[key]


def _reachable(index: dict[str, set[str]], start: str) -> set[str]:
    seen = {start}
    frontier = [start]
    while frontier:
        for topic in index.get(frontier.pop(), ()):
            if topic not in seen:
                seen.add(topic)
                frontier.append(topic)
    return seen
