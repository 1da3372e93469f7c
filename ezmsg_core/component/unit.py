"""Units: components that run."""

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

from ezmsg_core.component.component import Component, ComponentMeta
from ezmsg_core.component.stream import Topic
from ezmsg_core.component.tasks import MAIN_ATTR, TASK_ATTR, THREAD_ATTR
from ezmsg_core.errors import ConfigError


class UnitMeta(ComponentMeta):
    """Collects the functions of a unit class, its own and its bases'."""

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **kwargs: Any) -> None:
        for key, value in namespace.items():
            if isinstance(value, Topic):
                raise TypeError(
                    f"Units may only declare InputStream and OutputStream; {name}.{key} is a {type(value).__name__}, "
                    "which belongs on a Collection."
                )
        super().__init__(name, bases, namespace, **kwargs)
        cls.__tasks__: dict[str, Callable[..., Any]] = _functions(bases, namespace, "__tasks__", TASK_ATTR)
        cls.__threads__: dict[str, Callable[..., Any]] = _functions(bases, namespace, "__threads__", THREAD_ATTR)
        cls.__main__: dict[str, Callable[..., Any]] = _functions(bases, namespace, "__main__", MAIN_ATTR)
        if len(cls.__main__) > 1:
            names = " and ".join(sorted(cls.__main__))
            raise ConfigError(f"{name} has more than one @main: {names}. Keep one.", name="main", value=names)


def _functions(
    bases: tuple[type, ...], namespace: dict[str, Any], attribute: str, mark: str
) -> dict[str, Callable[..., Any]]:
    found: dict[str, Callable[..., Any]] = {}
    for base in reversed(bases):
        inherited = getattr(base, attribute, {})
        found.update(inherited if isinstance(inherited, dict) else {})
    for key, value in namespace.items():
        found.pop(key, None)
        if callable(value) and getattr(value, mark, False):
            found[key] = value
    return found


class Unit(Component, metaclass=UnitMeta):
    """A component with functions that the runtime drives.

    ``initialize`` and ``shutdown`` may be plain functions or coroutines; they run in the unit's process, on the event
    loop of its tasks.
    """

    __tasks__: ClassVar[dict[str, Callable[..., Any]]]
    __threads__: ClassVar[dict[str, Callable[..., Any]]]
    __main__: ClassVar[dict[str, Callable[..., Any]]]

    @property
    def tasks(self) -> dict[str, Callable[..., Any]]:
        """Functions that the runtime drives, by name."""
        return dict(type(self).__tasks__)

    @property
    def threads(self) -> dict[str, Callable[..., Any]]:
        """Functions for threads, by name."""
        return dict(type(self).__threads__)

    @property
    def main(self) -> Callable[..., Any] | None:
        """The function for the main thread."""
        return next(iter(type(self).__main__.values()), None)

    def initialize(self) -> Any:
        """Prepare to run; every field of the state has to be filled."""

    def shutdown(self) -> Any:
        """Clean up after the last message."""

    async def setup(self) -> None:
        """Make the state, check the settings, initialize, check the state.

        Raises:
            ConfigError: settings were not applied.
            AttributeError: a field of the state was not filled.
        """
        self.prepare_state()
        self.check_settings()
        result: Any = self.initialize()
        if inspect.isawaitable(result):
            await result
        self.check_state()
