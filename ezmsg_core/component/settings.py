"""The base of every settings class: fields in, a frozen dataclass out."""

from abc import ABC, ABCMeta
from dataclasses import dataclass
from typing import Any, dataclass_transform


@dataclass_transform(frozen_default=True)
class SettingsMeta(ABCMeta):
    """Makes every class of settings a frozen dataclass."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **kwargs: Any) -> type:
        """Make the class from what its body declares."""
        return dataclass(frozen=True)(super().__new__(mcs, name, bases, namespace, **kwargs))


class Settings(ABC, metaclass=SettingsMeta):
    """What a component is told before it starts, and may be told again while it runs.

    Subclasses declare fields as a dataclass does and are not decorated. Values are not checked against their
    annotations when a program makes them; changes from outside are (`ezmsg_core.component.patching`).

    What people and editors are told of a field is its dataclass metadata: ``description``, ``choices``, ``ge`` or
    ``min``, ``gt``, ``le`` or ``max``, ``lt``, ``step``, ``unit`` (of measurement), ``length`` (a number, or least and
    most), ``pattern``, ``widget``, ``read_only`` (reported by the unit, not to be set).
    """
