"""The schema of a settings class."""

import dataclasses
from typing import Any, cast, get_origin

from ezmsg_core.component.field_kinds import fields_in
from ezmsg_core.component.foreign_settings import library_of
from ezmsg_core.component.stream import type_name
from ezmsg_core.model.settings import SettingsSchemaMetadata


def schema_of(settings: Any) -> SettingsSchemaMetadata | None:
    """The fields of a settings class, as records.

    Dataclasses say what there is to know of a field by its annotation and its metadata (`Settings`), pydantic models
    and param classes in their own way.

    Args:
        settings: a settings class, a generic one with its arguments, or an object of such a class.

    Returns:
        The schema, or None for classes of an unknown kind.
    """
    is_class = isinstance(get_origin(settings) or settings, type)
    kind = settings if is_class else cast("type[Any]", type(settings))
    origin: type[Any] = get_origin(kind) or kind
    fields = fields_in(kind, (origin,))
    if fields is None:
        return None
    provider = "dataclass" if dataclasses.is_dataclass(origin) else (library_of(origin) or "").split(" ", 1)[0]
    return SettingsSchemaMetadata(provider, type_name(origin), fields)
