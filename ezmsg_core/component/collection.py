"""Collections: components made of components."""

import warnings
from collections import abc
from typing import Any

from ezmsg_core.component.component import Component, ComponentMeta
from ezmsg_core.component.stream import Stream, Topic

NetworkDefinition = abc.Iterable[tuple[Stream | str, Stream | str]]


class CollectionMeta(ComponentMeta):
    """Warns of streams on a collection's boundary."""

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(name, bases, namespace, **kwargs)
        for key, value in namespace.items():
            if isinstance(value, Stream) and not isinstance(value, Topic):
                warnings.warn(
                    f"{name}.{key} is a {type(value).__name__}; streams on a Collection are deprecated. Use "
                    "InputTopic or OutputTopic, or a relay where messages have to be forwarded.",
                    FutureWarning,
                    stacklevel=2,
                )


class Collection(Component, metaclass=CollectionMeta):
    """A component that configures, connects and places others."""

    def configure(self) -> None:
        """Apply settings to the components; called in the launching process, parents before children."""

    def network(self) -> NetworkDefinition:
        """Edges between streams of this collection and its components, or topics by name."""
        return ()

    def process_components(self) -> abc.Collection[Component]:
        """Components that get a process of their own."""
        return (self,)
