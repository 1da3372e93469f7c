"""Edges as people write them, as pairs of topics, and without loops."""

import enum
import graphlib
from collections.abc import Iterable
from typing import Any, cast

from ezmsg_core.component.other_tree import REMEDY, is_of_other_tree
from ezmsg_core.component.stream import Stream
from ezmsg_core.errors import ConfigError, CycleError

Edges = list[tuple[str, str]]


def topic_edges(network: Any, *, where: str) -> Edges:
    """Pairs of topics.

    Args:
        network: pairs of streams, enum members (their names count) or topics, to be iterated over once.
        where: what the edges come from, for errors.

    Raises:
        TypeError: it cannot be iterated over, or an end is of another type.
        ConfigError: an edge does not have two ends, or a stream is part of no graph.
    """
    if not isinstance(network, Iterable):
        raise TypeError(
            f"{where} gives {type(network).__name__} instead of edges. Give a tuple of pairs (source, target); of "
            "none, ()."
        )
    return [_topic_edge(edge, where) for edge in cast("Iterable[Any]", network)]


def _topic_edge(edge: Any, where: str) -> tuple[str, str]:
    ends: list[Any] = list(cast("list[Any]", edge)) if isinstance(edge, (tuple, list)) else []
    if len(ends) != 2:
        shown = repr(cast("object", edge))
        raise ConfigError(
            f"{where} gives {shown:.80} for an edge. An edge is a pair (source, target); edges are a tuple of pairs, "
            "with a comma even after a single one.",
            name="edge",
            value=shown,
        )
    return _topic(ends[0], where), _topic(ends[1], where)


def _topic(end: Any, where: str) -> str:
    match end:
        case Stream():
            if not end.is_placed:
                raise ConfigError(
                    f"{where} connects {end!r}, which is part of no component of this graph. Connect the streams of "
                    "instances, such as self.UNIT.OUTPUT.",
                    name="edge",
                    value=repr(end),
                )
            return end.address
        case enum.Enum():
            return end.name
        case str():
            return end
        case _:
            hint = REMEDY if is_of_other_tree(end) else "Connect streams, topics by name, or enum members."
            raise TypeError(f"{where} connects {end!r:.80}, a {type(end).__name__}. {hint}")


def check_acyclic(edges: Edges) -> None:
    """See that no message can come back to where it was published.

    Raises:
        CycleError: the edges close a loop, which the error names.
    """
    sorter: graphlib.TopologicalSorter[str] = graphlib.TopologicalSorter()
    for source, target in edges:
        sorter.add(target, source)
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        loop: list[str] = error.args[1]
        raise CycleError(
            f"The edges of the graph close a loop: {' → '.join(loop)}. Messages would go round for ever. Leave one of "
            "these edges out.",
            edge=loop[-2:],
            path=loop[:-1],
        ) from None
