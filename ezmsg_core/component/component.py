"""What units and collections have in common: settings, and an own copy of what the class declares."""

import copy
import inspect
import sys
import typing
import warnings
from abc import ABCMeta
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from typing import Any, TypeVar, cast

from ezmsg_core.component.addressable import Addressable
from ezmsg_core.component.other_tree import REMEDY, is_of_other_tree
from ezmsg_core.component.settings import Settings
from ezmsg_core.component.state import State
from ezmsg_core.component.stream import Stream

PartT = TypeVar("PartT")


class ComponentMeta(ABCMeta):
    """Collects what a class of components declares, in its own body and in those of its bases.

    Of two bases that declare the same name, the one counts that Python finds first.
    """

    __settings_type__: type[Any]
    __state_type__: type[Any]
    __streams__: "dict[str, Stream]"
    __components__: "dict[str, Component]"

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], /, **_: Any) -> None:
        super().__init__(name, bases, namespace)
        cls.__settings_type__ = _declared_type(cls, "SETTINGS") or Settings
        cls.__state_type__ = _declared_type(cls, "STATE") or State
        if not is_dataclass(cls.__state_type__):
            raise TypeError(
                f"{name}.STATE is {cls.__state_type__.__name__}, whose fields are unknown. Derive it from State."
            )
        for part_name, value in namespace.items():
            if isinstance(value, Addressable):
                value.take_name(part_name)
            elif is_of_other_tree(value):
                raise TypeError(f"{name}.{part_name} is a {type(value).__name__} of ezmsg.core. {REMEDY}")
        cls.__streams__ = declared_parts(cls, Stream)
        cls.__components__ = {}
        for text in _doubts(cls):
            warnings.warn(text, stacklevel=3)


def bodies(cls: ComponentMeta) -> list[dict[str, Any]]:
    """What the class and the component classes it derives from declare, the farthest base first."""
    return [dict(vars(base)) for base in reversed(cls.__mro__) if isinstance(base, ComponentMeta)]


def declared_parts(cls: ComponentMeta, kind: type[PartT]) -> dict[str, PartT]:
    """Class attributes of a kind, by name; a subclass can replace one, but not take it away."""
    return {name: value for body in bodies(cls) for name, value in body.items() if isinstance(value, kind)}


def _declared_type(cls: ComponentMeta, attribute: str) -> type[Any] | None:
    """The class that is assigned to SETTINGS or STATE, or in its absence the annotation, nearest first."""
    for base in cls.__mro__:
        if not isinstance(base, ComponentMeta):
            continue
        if attribute in vars(base):
            declared = vars(base)[attribute]
            kind = typing.get_origin(declared) or declared
            if not isinstance(kind, type):
                raise TypeError(
                    f"{base.__name__}.{attribute} is {declared!r}, and has to be a class. "
                    f"Write {attribute} = {type(declared).__name__}, and give values when the component is made."
                )
            return kind
        kind = _annotated_type(base, attribute)
        if kind is not None:
            return kind
    return None


def _annotated_type(cls: ComponentMeta, attribute: str) -> type[Any] | None:
    try:
        annotation = inspect.get_annotations(cls).get(attribute)
    except NameError:  # names for type checkers only, where annotations are evaluated late
        return None
    if isinstance(annotation, str):
        found: Any = sys.modules.get(cls.__module__)
        for name in annotation.split("."):
            found = getattr(found, name, None)
        if found is None and annotation.replace(".", "").isidentifier():
            raise TypeError(
                f"{cls.__name__}.{attribute} is annotated with {annotation}, which is no name of {cls.__module__}. "
                f"Write {attribute} = {annotation}."
            )
        annotation = found
    if annotation is Any or not isinstance(annotation, type):
        return None  # such as a type variable: a hint for type checkers
    return cast("type[Any]", annotation)


def _doubts(cls: ComponentMeta) -> Iterator[str]:
    """What is probably a mistake in a class, but can work."""
    kinds = (("SETTINGS", Settings, cls.__settings_type__), ("STATE", State, cls.__state_type__))
    for attribute, root, kind in kinds:
        if attribute not in vars(cls):
            continue
        if not issubclass(kind, root) and not is_dataclass(kind) and not _has_fields(kind):
            where = f"{cls.__name__}.{attribute}"
            yield f"{where} is {kind.__name__}, whose fields are unknown. Derive it from {root.__name__}."
        for base in cls.__mro__[1:]:
            wanted: type[Any] = getattr(base, f"__{attribute.lower()}_type__", root)
            if not issubclass(kind, wanted) and wanted is not root:
                yield (
                    f"{cls.__name__}.{attribute} is {kind.__name__}, but functions of {base.__name__} expect "
                    f"{wanted.__name__}. Derive it from that."
                )
                break


def _has_fields(kind: type[Any]) -> bool:
    return any(hasattr(kind, name) for name in ("model_fields", "__fields__", "param"))


class Component(Addressable, metaclass=ComponentMeta):
    """Base of `Unit` and `Collection`.

    Streams and components in the class body are prototypes; an instance has its own copies, in attributes of the
    same names. The class attributes ``SETTINGS`` and ``STATE`` name classes; on an instance they are values.
    """

    SETTINGS: Any
    STATE: Any

    _streams: dict[str, Stream]
    _components: "dict[str, Component]"
    on_settings_applied: Callable[[Any], None] | None
    """Called with every value that `apply_settings` gets, on its thread; for the runtime."""

    def __init__(self, *args: Any, settings: Settings | None = None, **kwargs: Any) -> None:
        """Make a component with its settings.

        Args:
            args: the settings object, or arguments for the settings class.
            settings: the settings object; other arguments are then ignored.
            kwargs: arguments for the settings class.

        Raises:
            TypeError: the settings class does not take the arguments. Without any, settings may be applied later.
        """
        super().__init__()
        kind = type(self)
        self.SETTINGS = None  # pyright: ignore[reportConstantRedefinition]
        self.STATE = None  # pyright: ignore[reportConstantRedefinition]
        self.on_settings_applied = None
        self._streams, self._components = copy.deepcopy((kind.__streams__, kind.__components__))
        for name, part in [*self._streams.items(), *self._components.items()]:
            setattr(self, name, part)
        self._settings_applied = False
        self._why_no_settings = ""
        settings_type = kind.__settings_type__
        if settings is None and args and isinstance(args[0], settings_type):
            settings = args[0]
        if settings is None:
            try:
                settings = settings_type(*args, **kwargs)
            except TypeError as error:
                if args or kwargs:
                    raise
                self._why_no_settings = str(error)
                return
        self.apply_settings(settings)

    @property
    def streams(self) -> dict[str, Stream]:
        """Own streams, topics and relays, by name."""
        return self._streams

    @property
    def components(self) -> "dict[str, Component]":
        """Own components, by name."""
        return self._components

    @property
    def tasks(self) -> dict[str, Callable[..., Any]]:
        """Functions that run on the event loop, by name."""
        return {}

    @property
    def threads(self) -> dict[str, Callable[..., Any]]:
        """Functions that run in threads, by name."""
        return {}

    @property
    def main(self) -> Callable[..., Any] | None:
        """The function that runs on the main thread."""
        return None

    @property
    def has_settings(self) -> bool:
        """Whether settings were given, or all of them have defaults."""
        return self._settings_applied

    def apply_settings(self, settings: Any) -> None:
        """Take a settings value as the one in force.

        Args:
            settings: normally of the settings class; not checked.
        """
        self.SETTINGS = settings  # pyright: ignore[reportConstantRedefinition]
        self._settings_applied = True
        if self.on_settings_applied is not None:
            self.on_settings_applied(settings)
