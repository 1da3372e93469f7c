"""Collections: components made of components."""

import warnings
from collections import abc
from typing import Any

from ezmsg_core.component.component import Component, ComponentMeta, declared_parts
from ezmsg_core.component.stream import Stream, Topic

NetworkDefinition = abc.Iterable[tuple[Stream | str, Stream | str]]


class CollectionMeta(ComponentMeta):
    """Collects the components that a collection class declares, in its own body and in those of its bases."""

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], /, **kwargs: Any) -> None:  # noqa: N805
        super().__init__(name, bases, namespace, **kwargs)
        cls.__components__ = declared_parts(cls, Component)
        for key, value in namespace.items():
            if isinstance(value, Stream) and not isinstance(value, Topic):
                warnings.warn(
                    f"{name}.{key} is an {type(value).__name__}; that is deprecated on the boundary of a collection, "
                    "where it means a topic. Declare InputTopic or OutputTopic, or a relay to have messages passed on.",
                    FutureWarning,
                    stacklevel=2,
                )


class Collection(Component, metaclass=CollectionMeta):
    """A component that holds, settles and connects others.

    The three functions below are called in the process that lays the graph out, in this order: `network`,
    `process_components`, `configure`.
    """

    def configure(self) -> None:
        """Apply settings to the components; a collection's comes before those of the collections in it."""

    def network(self) -> NetworkDefinition:
        """Edges, each from a stream to a stream, as objects or, for topics outside the collection, by name."""
        return ()

    def process_components(self) -> abc.Collection[Component]:
        """Components of this collection that get a process each; others run where the collection itself runs."""
        return (self,)
