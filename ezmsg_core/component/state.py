"""The base of every state class: fields in, a mutable dataclass without a generated ``__init__`` out."""

from abc import ABC, ABCMeta
from dataclasses import MISSING, dataclass, fields
from typing import Any


class StateMeta(ABCMeta):
    """Makes every class of state a mutable dataclass that is created empty."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **kwargs: Any) -> type:
        """Make the class from what its body declares."""
        return dataclass(init=False, unsafe_hash=True)(super().__new__(mcs, name, bases, namespace, **kwargs))


class State(ABC, metaclass=StateMeta):
    """What a unit remembers while it runs; one instance for each unit, made in the process that runs it.

    A field with a default factory is filled when the instance is made, one without a default by the unit's
    ``initialize``.
    """


def new_state(kind: type[Any]) -> Any:
    """An instance whose fields with a default factory are filled.

    Args:
        kind: a `State`, or any other dataclass that can be made without arguments.
    """
    state = kind()
    for field in fields(kind):
        if field.default_factory is not MISSING:
            setattr(state, field.name, field.default_factory())
    return state


def missing_fields(state: Any) -> list[str]:
    """Names of the declared fields that the instance does not have, in order of declaration."""
    return [field.name for field in fields(state) if not hasattr(state, field.name)]
