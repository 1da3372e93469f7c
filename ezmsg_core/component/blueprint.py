"""From a tree of components to what is to run: units with addresses, edges between topics, processes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ezmsg_core.component.collection import Collection
from ezmsg_core.component.component import Component, ComponentMeta
from ezmsg_core.component.edges import Edges, check_acyclic, topic_edges
from ezmsg_core.component.fitting import check_functions
from ezmsg_core.component.other_tree import REMEDY, is_of_other_tree
from ezmsg_core.component.placement import unit_groups
from ezmsg_core.component.relays import add_relay_units, configure_relay_units, relayed_edges, remove_relay_units
from ezmsg_core.component.unit import Unit
from ezmsg_core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Blueprint:
    """What is to run."""

    root_name: str | None  # first part of every address
    units: dict[str, Unit]  # by address, those of relays too
    collections: dict[str, Collection]  # by address
    children: dict[str, list[str]]  # addresses of the components of each collection, by its address
    edges: Edges  # (source, target), each once, without loops
    groups: list[list[Unit]]  # a process each; none is empty; the first can run in the launching process


def flatten(
    components: Mapping[str, Component],
    *,
    root_name: str | None = None,
    connections: Iterable[tuple[Any, Any]] = (),
    process_components: Iterable[Component] = (),
    force_single_process: bool = False,
) -> Blueprint:
    """Lay a graph out.

    Components get their addresses, collections are asked for `network`, then for `process_components`, then to
    `configure`. If this fails, components have no address, as before; what ``configure`` did to them stays.

    Args:
        components: the top of the tree, by name.
        root_name: first part of every address.
        connections: edges besides those of the collections' networks.
        process_components: components of the top that get a process of their own.
        force_single_process: all units in one group.

    Raises:
        ConfigError: a component is part of a graph already, an edge has no meaning, two components have one name, or a
            function does not fit its unit.
        TypeError: something in the tree is no component, or the end of an edge no endpoint.
        CycleError: the edges close a loop.
    """
    connections = list(connections)
    process_components = list(process_components)
    placed: list[Component] = []
    try:
        for name, component in components.items():
            _place(component, name, [root_name] if root_name else [], placed)
        return _read(components, root_name, connections, process_components, is_single=force_single_process)
    except BaseException:
        for component in placed:
            _displace(component)
        raise


def _read(
    components: Mapping[str, Component],
    root_name: str | None,
    connections: list[tuple[Any, Any]],
    process_components: list[Component],
    *,
    is_single: bool,
) -> Blueprint:
    units, collections = _by_address(components.values())
    ordered = list(_collections(components.values()))
    edges = topic_edges(connections, where="connections")
    for collection in ordered:
        edges += topic_edges(collection.network(), where=f"{collection.address}.network()")
    edges = list(dict.fromkeys(relayed_edges(ordered, edges)))
    check_acyclic(edges)
    groups = unit_groups(components.values(), process_components)
    for collection in ordered:
        collection.configure()
    for collection in ordered:
        configure_relay_units(collection)
    return Blueprint(
        root_name=root_name,
        units=units,
        collections=collections,
        children={place: [child.address for child in c.components.values()] for place, c in collections.items()},
        edges=edges,
        groups=[[unit for group in groups for unit in group]] if is_single and groups else groups,
    )


def _place(component: Any, name: str, location: list[str], placed: list[Component]) -> None:
    """Give the component, and all in it, their addresses, and its collections the units of their relays."""
    if not isinstance(component, Component):
        raise TypeError(_no_component(component, name))
    if component.is_placed:
        raise ConfigError(
            f"{name} is the component {component.address} of a graph already. "
            f"Make another {type(component).__name__} for each place and for each run.",
            name="components",
            value=name,
        )
    if isinstance(component, Collection):
        add_relay_units(component)
    component.place(name, location)
    placed.append(component)
    if isinstance(component, Unit):
        check_functions(component)
    inner = [*location, name]
    for stream_name, stream in component.streams.items():
        stream.place(stream_name, inner)
    for child_name, child in component.components.items():
        _place(child, child_name, inner, placed)


def _no_component(thing: Any, name: str) -> str:
    if is_of_other_tree(thing):
        return f"{name} is a {type(thing).__name__} of ezmsg.core. {REMEDY}"
    if isinstance(thing, ComponentMeta):
        return f"{name} is the class {thing.__name__} itself. A graph is made of instances: write {thing.__name__}()."
    return (
        f"{name} is a {type(thing).__name__}, and a graph is made of units and collections. Give an instance of "
        "a class that derives from Unit or Collection."
    )


def _displace(component: Component) -> None:
    component.displace()
    for stream in component.streams.values():
        stream.displace()
    if isinstance(component, Collection):
        remove_relay_units(component)


def _by_address(components: Iterable[Component]) -> tuple[dict[str, Unit], dict[str, Collection]]:
    units: dict[str, Unit] = {}
    collections: dict[str, Collection] = {}
    for component in _walk(components):
        if component.address in units or component.address in collections:
            raise ConfigError(
                f"Two components have the address {component.address}. Give one of them another name.",
                name="components",
                value=component.address,
            )
        if isinstance(component, Unit):
            units[component.address] = component
        elif isinstance(component, Collection):
            collections[component.address] = component
    return units, collections


def _walk(components: Iterable[Component]) -> Iterator[Component]:
    """All components, parents before their children, in order of declaration."""
    for component in components:
        yield component
        yield from _walk(component.components.values())


def _collections(components: Iterable[Component]) -> Iterator[Collection]:
    """All collections, parents first, of siblings the last one first: the order that programs are used to."""
    for top in components:
        waiting: list[Component] = [top]
        while waiting:
            component = waiting.pop()
            if isinstance(component, Collection):
                yield component
                waiting += component.components.values()
