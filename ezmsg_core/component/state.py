"""State classes: what a unit keeps between messages."""

import dataclasses
from typing import Any


class StateMeta(type):
    """Makes every subclass of `State` a mutable dataclass that is made without arguments."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **kwargs: Any) -> type:  # noqa: D102
        kind = super().__new__(mcs, name, bases, namespace, **kwargs)
        return dataclasses.dataclass(unsafe_hash=True, frozen=False, init=False)(kind)


class State(metaclass=StateMeta):
    """Base of states. A unit gets one instance, in the process that runs it; ``initialize`` fills it."""


def new_state(kind: type[State]) -> State:
    """An instance whose fields with a default factory are filled."""
    state = kind()
    for field in dataclasses.fields(kind):  # pyright: ignore[reportArgumentType] - the metaclass makes it a dataclass
        if field.default_factory is not dataclasses.MISSING:
            setattr(state, field.name, field.default_factory())
    return state


def missing_fields(state: State) -> list[str]:
    """Declared fields that the instance does not have."""
    return [field.name for field in dataclasses.fields(type(state)) if not hasattr(state, field.name)]  # pyright: ignore[reportArgumentType]
