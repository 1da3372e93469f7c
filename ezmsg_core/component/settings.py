"""Settings classes: frozen dataclasses by inheritance."""

import dataclasses
from typing import Any, dataclass_transform


@dataclass_transform(frozen_default=True)
class SettingsMeta(type):
    """Makes every subclass of `Settings` a frozen dataclass."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **kwargs: Any) -> type:  # noqa: D102
        kind = super().__new__(mcs, name, bases, namespace, **kwargs)
        return dataclasses.dataclass(frozen=True)(kind)


class Settings(metaclass=SettingsMeta):
    """Base of settings: fields are declared with annotations, values do not change.

    Field metadata that editors and checks understand: ``description``, ``unit``, ``ge``/``min``, ``gt``, ``le``/
    ``max``, ``lt``, ``step``, ``choices``, ``pattern``, ``length``, ``read_only``, ``widget``.
    """
