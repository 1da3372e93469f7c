"""The base of every frozen typed value; it knows no field of its own."""

import dataclasses
from typing import Any, ClassVar

import msgspec


class _FieldsOfRecord:
    """Answers ``__dataclass_fields__`` on record classes, from the struct's own fields."""

    def __get__(self, instance: object, owner: type[msgspec.Struct]) -> dict[str, dataclasses.Field[Any]]:
        return _dataclass_fields(owner)


def _dataclass_fields(kind: type[msgspec.Struct]) -> dict[str, dataclasses.Field[Any]]:
    cached: dict[str, dataclasses.Field[Any]] | None = _CACHE.get(kind)
    if cached is not None:
        return cached
    specs: list[tuple[str, Any, Any]] = []
    for field in msgspec.structs.fields(kind):
        if field.default is not msgspec.NODEFAULT:
            spec = dataclasses.field(default=field.default)
        elif field.default_factory is not msgspec.NODEFAULT:
            spec = dataclasses.field(default_factory=field.default_factory)
        else:
            spec = dataclasses.field()
        specs.append((field.name, field.type, spec))
    shape = dataclasses.make_dataclass(kind.__name__, specs, kw_only=True)
    fields: dict[str, dataclasses.Field[Any]] = {f.name: f for f in dataclasses.fields(shape)}
    _CACHE[kind] = fields
    return fields


_CACHE: dict[type[msgspec.Struct], dict[str, dataclasses.Field[Any]]] = {}


class Record(msgspec.Struct, frozen=True):
    """A frozen value with named fields; equal when its fields are.

    Programs that read records with the tools of `dataclasses` (``is_dataclass``, ``fields``, ``replace``,
    ``asdict``) may go on doing so.
    """

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]] = _FieldsOfRecord()  # pyright: ignore[reportAssignmentType]
