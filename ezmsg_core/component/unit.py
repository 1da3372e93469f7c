"""Units: components with functions that run."""

import inspect
from collections.abc import Callable, Generator
from typing import Any

from ezmsg_core.component.component import Component, ComponentMeta, bodies
from ezmsg_core.component.state import missing_fields, new_state
from ezmsg_core.component.stream import Topic
from ezmsg_core.component.tasks import MAIN_ATTR, TASK_ATTR, THREAD_ATTR
from ezmsg_core.errors import SettingsValueError

Functions = dict[str, Callable[..., Any]]


class _NothingToAwait:
    """What the functions that a unit need not have return, so that ``super()`` may be awaited, or not."""

    def __await__(self) -> Generator[Any, Any, None]:
        yield from ()


_NOTHING_TO_AWAIT = _NothingToAwait()


class UnitMeta(ComponentMeta):
    """Collects the functions of a unit class that run by themselves, from its own body and from its bases.

    A function that a subclass defines again without a decorator does not replace the one that runs.
    """

    __tasks__: Functions
    __threads__: Functions
    __main__: Callable[..., Any] | None

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], /, **kwargs: Any) -> None:  # noqa: N805
        for key, value in namespace.items():
            if isinstance(value, Topic):
                raise TypeError(
                    f"Units may only declare InputStream and OutputStream endpoints, and {name}.{key} is "
                    f"a {type(value).__name__}, which is for collections."
                )
        super().__init__(name, bases, namespace, **kwargs)
        cls.__tasks__ = _marked(bodies(cls), TASK_ATTR)
        cls.__threads__ = _marked(bodies(cls), THREAD_ATTR)
        cls.__main__ = _main_of(cls)


def _marked(found_in: list[dict[str, Any]], mark: str) -> Functions:
    return {name: value for body in found_in for name, value in body.items() if _is_marked(value, mark)}


def _is_marked(value: Any, mark: str) -> bool:
    return callable(value) and not isinstance(value, type) and getattr(value, mark, False)


def _own_mains(cls: type) -> Functions:
    body = {name: value for name, value in vars(cls).items() if name != "__main__"}
    return _marked([body], MAIN_ATTR)


def _main_of(cls: UnitMeta) -> Callable[..., Any] | None:
    """The main function nearest to the class.

    Raises:
        TypeError: there are two, and none of them is there to replace the other.
    """
    definers = [(base, own) for base in cls.__mro__ if isinstance(base, ComponentMeta) and (own := _own_mains(base))]
    for base, own in definers:
        if len(own) > 1:
            raise TypeError(f"{base.__name__} has {len(own)} main functions, {' and '.join(own)}. Keep one of them.")
    if not definers:
        return None
    nearest, chosen = definers[0]
    for base, _ in definers[1:]:
        if not issubclass(nearest, base):
            raise TypeError(
                f"{cls.__name__} has a main function from {nearest.__name__} and one from {base.__name__}. "
                f"Define the one that is meant in {cls.__name__}, with @main."
            )
    return next(iter(chosen.values()))


class Unit(Component, metaclass=UnitMeta):
    """A component whose functions run, all in one process, the asynchronous ones on one event loop.

    Subclasses declare streams in the class body and mark functions with the decorators of
    `ezmsg_core.component.tasks`.
    """

    @property
    def tasks(self) -> Functions:
        """Functions that run on the event loop, by name; they take the unit as first argument."""
        return dict(type(self).__tasks__)

    @property
    def threads(self) -> Functions:
        """Functions that run in threads, by name; they take the unit as argument."""
        return dict(type(self).__threads__)

    @property
    def main(self) -> Callable[..., Any] | None:
        """The function that runs on the main thread; it takes the unit as argument."""
        return type(self).__main__

    def initialize(self) -> Any:
        """Prepare to run, and fill the state; ``def`` or ``async def``."""
        return _NOTHING_TO_AWAIT

    def shutdown(self) -> Any:
        """Give back what `initialize` took, after the last message; ``def`` or ``async def``."""
        return _NOTHING_TO_AWAIT

    async def setup(self) -> None:
        """Make the state, check the settings, initialize, check the state: in the process that runs the unit.

        Raises:
            SettingsValueError: settings were never given.
            AttributeError: `initialize` left a field of the state out.
        """
        self.prepare_state()
        self.check_settings()
        result: Any = self.initialize()
        if inspect.isawaitable(result):
            await result
        self.check_state()

    def prepare_state(self) -> None:
        """Make the unit's state, with the fields filled that have a default or a default factory."""
        self.STATE = new_state(type(self).__state_type__)  # pyright: ignore[reportConstantRedefinition]

    def check_settings(self) -> None:
        """See that settings were given.

        Raises:
            SettingsValueError: they were not.
        """
        if self.has_settings:
            return
        kind = type(self).__settings_type__.__name__
        because = f" ({self._why_no_settings})" if self._why_no_settings else ""
        raise SettingsValueError(
            f"{self._called()} has no settings, and {kind} cannot be made without arguments{because}. Give settings "
            f"when you make the unit, or apply_settings() in the configure() of its collection.",
            component=self.address if self.is_placed else "",
            field_path="",
            value=None,
            rule="required",
        )

    def check_state(self) -> None:
        """See that every declared field of the state has a value.

        Raises:
            AttributeError: one has not.
        """
        missing = missing_fields(self.STATE)
        if missing:
            raise AttributeError(
                f"{self._called()} has no value for STATE.{', STATE.'.join(missing)} after initialize(). "
                "Set it there, or give the field a default.",
                name=missing[0],
                obj=self.STATE,
            )

    def _called(self) -> str:
        return f"{self.address} ({type(self).__name__})" if self.is_placed else type(self).__name__
