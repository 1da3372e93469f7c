"""Which units share a process."""

from collections.abc import Iterable
from typing import Any, cast

from ezmsg_core.component.collection import Collection
from ezmsg_core.component.component import Component
from ezmsg_core.component.tasks import PROCESS_ATTR
from ezmsg_core.component.unit import Unit


def unit_groups(components: Iterable[Component], listed: Iterable[object]) -> list[list[Unit]]:
    """Groups of units, a process each; the first is the one that can run in the launching process.

    A listed unit, and one whose class is marked with ``@process``, is alone. A listed collection keeps those units
    together that have no process yet. What nobody lists runs where the collection round it runs, and at the top in
    the first group.

    Args:
        components: of the top.
        listed: components of the top that get a process of their own.

    Raises:
        TypeError: what a ``process_components`` returns cannot be iterated over.
    """
    groups: list[list[Unit]] = []
    floating = _place_all(components, listed, groups)
    return [floating, *groups] if floating else groups


def _place_all(components: Iterable[Component], listed: Iterable[object], groups: list[list[Unit]]) -> list[Unit]:
    """Append to groups what gets a process in here; the units that float."""
    chosen = {id(component) for component in listed}
    floating: list[Unit] = []
    for component in components:
        rest = _place_inside(component, groups)
        is_alone = isinstance(component, Unit) and hasattr(type(component), PROCESS_ATTR)
        if rest and (is_alone or id(component) in chosen):
            groups.append(rest)
        else:
            floating += rest
    return floating


def _place_inside(component: Component, groups: list[list[Unit]]) -> list[Unit]:
    if isinstance(component, Unit):
        return [component]
    if not isinstance(component, Collection):
        return []
    listed: Any = component.process_components()
    if not isinstance(listed, Iterable):
        raise TypeError(
            f"{component.address}.process_components() returned {type(listed).__name__}. Return a tuple of components."
        )
    return _place_all(component.components.values(), cast("Iterable[object]", listed), groups)
