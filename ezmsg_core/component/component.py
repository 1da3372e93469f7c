"""What units and collections have in common: settings, state, and copies of what the class declares."""

import copy
import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar

from ezmsg_core.component.addressable import Addressable
from ezmsg_core.component.settings import Settings
from ezmsg_core.component.state import State, missing_fields, new_state
from ezmsg_core.component.stream import Stream
from ezmsg_core.errors import ConfigError

_TYPES = {"SETTINGS": Settings, "STATE": State}


class ComponentMeta(type):
    """Collects what a class declares, its own and its bases': types, streams, components, functions."""

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(name, bases, namespace, **kwargs)
        cls.__settings_type__: type[Settings] = _declared_type(cls, bases, namespace, "SETTINGS")
        cls.__state_type__: type[State] = _declared_type(cls, bases, namespace, "STATE")
        cls.__streams__: dict[str, Stream] = _inherited(bases, "__streams__")
        cls.__components__: dict[str, Component] = _inherited(bases, "__components__")
        for key, value in namespace.items():
            if isinstance(value, Stream):
                cls.__streams__[key] = value
            elif isinstance(type(value), ComponentMeta):
                cls.__components__[key] = value
            else:
                cls.__streams__.pop(key, None)
                cls.__components__.pop(key, None)


def _inherited(bases: tuple[type, ...], attribute: str) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for base in reversed(bases):
        merged.update(getattr(base, attribute, {}))
    return merged


def _declared_type(cls: type, bases: tuple[type, ...], namespace: dict[str, Any], attribute: str) -> type[Any]:
    root = _TYPES[attribute]
    inherited = list(dict.fromkeys(t for b in bases if (t := getattr(b, f"__{attribute.lower()}_type__", None))))
    specific = [kind for kind in inherited if kind is not root]
    declared = namespace.get(attribute)
    if declared is None:
        declared = _annotated_type(namespace, attribute, root)
    if declared is None:
        most_derived = [k for k in specific if all(issubclass(k, other) for other in specific)]
        if specific and not most_derived:
            names = " and ".join(kind.__name__ for kind in specific)
            raise TypeError(f"{cls.__name__} inherits two kinds of {attribute}: {names}. Declare {attribute} in it.")
        return most_derived[0] if most_derived else root
    if not (isinstance(declared, type) and issubclass(declared, root)):
        if dataclasses.is_dataclass(declared) or isinstance(declared, type):
            return declared  # any class will do for programs that bring their own
        raise TypeError(f"{cls.__name__}.{attribute} is {declared!r}; it has to be a class derived from {root.__name__}.")
    return declared


def _annotated_type(namespace: dict[str, Any], attribute: str, root: type) -> type[Any] | None:
    annotation = namespace.get("__annotations__", {}).get(attribute)
    return annotation if isinstance(annotation, type) and issubclass(annotation, root) else None


class Component(Addressable, metaclass=ComponentMeta):
    """Base of `Unit` and `Collection`.

    Args:
        args: the settings object, or arguments for the settings class.
        settings: the settings object.
        kwargs: arguments for the settings class.
    """

    SETTINGS: Any
    STATE: Any
    __settings_type__: ClassVar[type[Any]]
    __state_type__: ClassVar[type[Any]]
    __streams__: ClassVar[dict[str, Stream]]
    __components__: ClassVar[dict[str, "Component"]]

    def __init__(self, *args: Any, settings: Any = None, **kwargs: Any) -> None:
        super().__init__()
        self._streams: dict[str, Stream] = copy.deepcopy(type(self).__streams__)
        self._components: dict[str, Component] = copy.deepcopy(type(self).__components__)
        for name, part in {**self._streams, **self._components}.items():
            setattr(self, name, part)
        self._settings_applied = False
        self.on_settings_applied: Callable[[Any], None] | None = None
        self._take_settings(args, settings, kwargs)

    def _take_settings(self, args: tuple[Any, ...], settings: Any, kwargs: dict[str, Any]) -> None:
        kind = type(self).__settings_type__
        if settings is None and args and isinstance(args[0], kind):
            settings = args[0]
        if settings is None:
            try:
                settings = kind(*args, **kwargs)
            except TypeError:
                if args or kwargs:
                    raise
                return  # to be applied later; the runtime insists
        self.apply_settings(settings)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Component":
        duplicate = type(self).__new__(type(self))
        memo[id(self)] = duplicate
        for name, value in vars(self).items():
            setattr(duplicate, name, copy.deepcopy(value, memo))
        return duplicate

    @property
    def streams(self) -> dict[str, Stream]:
        """Streams by name, this instance's own."""
        return self._streams

    @property
    def components(self) -> "dict[str, Component]":
        """Components by name, this instance's own."""
        return self._components

    @property
    def tasks(self) -> dict[str, Callable[..., Any]]:
        """Functions that the runtime drives, by name."""
        return {}

    @property
    def main(self) -> Callable[..., Any] | None:
        """The function for the main thread."""
        return None

    @property
    def threads(self) -> dict[str, Callable[..., Any]]:
        """Functions for threads, by name."""
        return {}

    def apply_settings(self, settings: Any) -> None:
        """Take settings. While the unit runs, its process reports them as in force."""
        self.SETTINGS = settings
        self._settings_applied = True
        if self.on_settings_applied is not None:
            self.on_settings_applied(settings)

    def prepare_state(self) -> None:
        """Make this instance's state."""
        self.STATE = new_state(type(self).__state_type__)

    def check_settings(self) -> None:
        """See that settings were applied.

        Raises:
            ConfigError: they were not.
        """
        if not self._settings_applied:
            place = self.address if self.is_placed else type(self).__name__
            raise ConfigError(
                f"{place} has no settings: {type(self).__settings_type__.__name__} has fields without a default. Give "
                "them when the component is made, or call apply_settings() in configure().",
                name="settings",
                value=None,
            )

    def check_state(self) -> None:
        """See that every declared field of the state is there.

        Raises:
            AttributeError: one is not.
        """
        missing = missing_fields(self.STATE)
        if missing:
            place = self.address if self.is_placed else type(self).__name__
            raise AttributeError(f"{place} did not fill STATE.{missing[0]} in initialize(), nor is there a default.")
