"""Which units share a process."""

import warnings
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
    the first group. Listing what is no component of the top, or of the collection that lists it, has no effect but a
    warning.

    Args:
        components: of the top.
        listed: components of the top that get a process of their own.

    Raises:
        TypeError: what a ``process_components`` returns cannot be iterated over.
    """
    groups: list[list[Unit]] = []
    floating = _place_all(list(components), _listed(listed, "process_components"), groups, None)
    return [floating, *groups] if floating else groups


def _place_all(
    components: list[Component], listed: list[object], groups: list[list[Unit]], owner: Collection | None
) -> list[Unit]:
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
    known = {id(component) for component in (*components, owner)}
    for stranger in (each for each in listed if id(each) not in known):
        warnings.warn(_stranger_text(stranger, owner), stacklevel=2)
    return floating


def _place_inside(component: Component, groups: list[list[Unit]]) -> list[Unit]:
    if isinstance(component, Unit):
        return [component]
    if not isinstance(component, Collection):
        return []
    listed = _listed(component.process_components(), f"{component.address}.process_components()")
    return _place_all(list(component.components.values()), listed, groups, component)


def _listed(listed: Any, where: str) -> list[object]:
    if not isinstance(listed, Iterable):
        raise TypeError(
            f"{where} gives {type(listed).__name__} instead of components. Give a tuple of components of the "
            "collection; of none, ()."
        )
    return list(cast("Iterable[object]", listed))


def _stranger_text(stranger: object, owner: Collection | None) -> str:
    where = "process_components" if owner is None else f"{owner.address}.process_components()"
    place = stranger.address if isinstance(stranger, Component) and stranger.is_placed else repr(stranger)[:80]
    return (
        f"{where} lists {place}, which has no effect: it is no component of "
        f"{'the top' if owner is None else owner.address}. List it where it is declared."
    )
