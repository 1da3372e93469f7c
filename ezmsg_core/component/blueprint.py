"""From a tree of components to what is to run: units with addresses, edges, processes."""

import enum
import graphlib
from collections.abc import Collection as AnyCollection
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ezmsg_core.component.collection import Collection
from ezmsg_core.component.component import Component
from ezmsg_core.component.relays import add_relay_units, configure_relay_units, relayed_edges
from ezmsg_core.component.stream import Stream
from ezmsg_core.component.tasks import PROCESS_ATTR
from ezmsg_core.component.unit import Unit
from ezmsg_core.errors import ConfigError, CycleError


@dataclass(frozen=True, slots=True)
class Blueprint:
    """What is to run."""

    root_name: str | None
    units: dict[str, Unit]  # by address
    collections: dict[str, Collection]  # by address
    children: dict[str, list[str]]  # addresses by collection address
    edges: list[tuple[str, str]]  # source, target
    groups: list[list[Unit]]  # one a process; the first may run in the launching one


def flatten(
    components: Mapping[str, Component],
    *,
    root_name: str | None = None,
    connections: Iterable[tuple[Any, Any]] = (),
    process_components: AnyCollection[Component] = (),
    force_single_process: bool = False,
) -> Blueprint:
    """Lay a graph out. Components get their addresses, and can be laid out once only.

    Args:
        components: by name.
        root_name: first part of all addresses.
        connections: edges besides those of the collections' networks.
        process_components: components that get a process of their own.
        force_single_process: everything in one process.

    Raises:
        ConfigError: a component was laid out before, or names clash.
        TypeError: an end of an edge is no stream, topic or name.
        CycleError: the edges close a loop.
    """
    location = [root_name] if root_name else []
    for name, component in components.items():
        _place(component, name, location)
    tree = [component for top in components.values() for component in _walk(top)]
    collections = [component for component in tree if isinstance(component, Collection)]
    edges = [_edge(connection) for connection in connections]
    for collection in collections:
        edges += [_edge(connection) for connection in collection.network()]
    for collection in collections:
        edges = relayed_edges(collection, edges)
    edges = list(dict.fromkeys(edges))
    _check_acyclic(edges)
    groups = _groups(components.values(), process_components)
    for collection in collections:
        collection.configure()
        configure_relay_units(collection)
    units = {component.address: component for component in tree if isinstance(component, Unit)}
    return Blueprint(
        root_name=root_name,
        units=units,
        collections={collection.address: collection for collection in collections},
        children={c.address: [child.address for child in c.components.values()] for c in collections},
        edges=edges,
        groups=[list(units.values())] if force_single_process and units else groups,
    )


def _place(component: Component, name: str, location: list[str]) -> None:
    if component.is_placed:
        raise ConfigError(
            f"The component {component.address} was laid out before; make a new {type(component).__name__} for each run "
            "and each place.",
            name="components",
            value=name,
        )
    component.place(name, location)
    if isinstance(component, Collection):
        add_relay_units(component)
    inner = [*location, name]
    for stream_name, stream in component.streams.items():
        stream.place(stream_name, inner)
    for child_name, child in component.components.items():
        _place(child, child_name, inner)


def _walk(component: Component) -> Iterator[Component]:
    """The component and everything in it, parents first."""
    yield component
    for child in component.components.values():
        yield from _walk(child)


def _edge(connection: tuple[Any, Any]) -> tuple[str, str]:
    source, target = connection
    return _topic(source), _topic(target)


def _topic(end: Any) -> str:
    if isinstance(end, Stream):
        if not end.is_placed:
            raise ConfigError(
                f"{end!r} belongs to no component of this graph; connect the streams of instances, such as self.UNIT.OUTPUT.",
                name="connections",
                value=repr(end),
            )
        return end.address
    if isinstance(end, enum.Enum):
        return end.name
    if isinstance(end, str):
        return end
    raise TypeError(f"An end of an edge is {end!r}; it has to be a stream, a topic, an enum member or a name.")


def _check_acyclic(edges: list[tuple[str, str]]) -> None:
    sorter: graphlib.TopologicalSorter[str] = graphlib.TopologicalSorter()
    for source, target in edges:
        sorter.add(target, source)
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        loop: list[str] = error.args[1]
        raise CycleError(
            f"The edges of the graph close a loop: {' → '.join(loop)}. Messages would go round for ever; leave out one "
            "edge of it.",
            edge=[loop[-2], loop[-1]],
            path=loop[:-1],
        ) from None


def _groups(components: Iterable[Component], listed: AnyCollection[Component]) -> list[list[Unit]]:
    own: list[list[Unit]] = []
    rest: list[Unit] = []
    chosen = {id(component) for component in listed}
    for component in components:
        groups, left = _group(component, is_listed=id(component) in chosen)
        own += groups
        rest += left
    return [rest, *own] if rest else own


def _group(component: Component, *, is_listed: bool) -> tuple[list[list[Unit]], list[Unit]]:
    """Processes that the component gets, and units of it that are placed with their surroundings."""
    if isinstance(component, Unit):
        is_alone = is_listed or getattr(type(component), PROCESS_ATTR, False)
        return ([[component]], []) if is_alone else ([], [component])
    groups: list[list[Unit]] = []
    rest: list[Unit] = []
    chosen = {id(c) for c in component.process_components()} if isinstance(component, Collection) else set[int]()
    for child in component.components.values():
        inner, left = _group(child, is_listed=id(child) in chosen)
        groups += inner
        rest += left
    if is_listed and rest:
        return [rest, *groups], []
    return groups, rest
