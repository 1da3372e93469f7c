"""Patches applied to settings objects: all fields together, or nothing."""

import copy
import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar, cast, get_args, get_origin

from ezmsg_core.component.annotations import annotations_of, inner_of
from ezmsg_core.component.foreign_settings import with_changes
from ezmsg_core.component.plain_tree import fields_of, plain_or_text, text_of
from ezmsg_core.component.schema import schema_of
from ezmsg_core.component.typed_values import typed_value
from ezmsg_core.errors import SettingsError, SettingsValueError
from ezmsg_core.model.plain import from_plain
from ezmsg_core.model.settings import FieldKind, SettingsFieldMetadata, SettingsSchemaMetadata
from ezmsg_core.model.validation import (
    check_rules,
    check_value,
    find_field,
    is_as_declared,
    refused_value,
    unknown_field,
)

S = TypeVar("S")
Tree = dict[str, "Tree | _Leaf"]

MAX_SHOWN = 80  # characters of the values in an error
MAX_REASON = 500  # characters of what a settings class has against values, in an error


@dataclasses.dataclass(frozen=True, slots=True)
class _Leaf:
    """A value for one field."""

    field: SettingsFieldMetadata
    path: str
    value: Any  # plain data


def apply_patch(settings: S, fields: Mapping[str, Any], *, component: str) -> S:
    """A settings object with these fields changed; the given one stays as it is.

    Only the fields that change are checked. One whose value in force is not of its annotated type is not checked by
    type, for its annotation is wrong.

    Args:
        settings: the object in force.
        fields: plain data by dotted path; a path leads through records, and through keys of dicts that are there.
        component: address, for errors.

    Raises:
        UnknownSettingError: a path leads to no field.
        SettingsValueError: a value breaks a rule of its field, or the class refuses the combination.
        SettingsError: settings of this kind cannot be changed field by field, or two paths lead into each other.
    """
    schema = schema_of(settings)
    if schema is None:
        raise SettingsError(
            f"The settings of {component} are of the class {type(settings).__name__}, whose fields are not known. Only "
            "dataclasses, pydantic models and param classes can be changed field by field; send a whole object.",
            component=component,
        )
    return _Patch(component, schema).changed(settings, type(settings), _tree(schema, fields, component))


def _tree(schema: SettingsSchemaMetadata, fields: Mapping[str, Any], component: str) -> Tree:
    """The values by their paths, level by level.

    Raises:
        UnknownSettingError: a path leads to no field.
        SettingsError: one path leads into another.
    """
    tree: Tree = {}
    for path, value in fields.items():
        leaf = _Leaf(find_field(schema, path, component=component), path, value)
        *above, name = path.split(".")
        level = tree
        for part in above:
            deeper = level.setdefault(part, {})
            if isinstance(deeper, _Leaf):
                raise _overlap(component, deeper.path, path)
            level = deeper
        inside = level.get(name)
        if inside is not None:
            raise _overlap(component, path, _first_path(inside))
        level[name] = leaf
    return tree


def _first_path(node: "Tree | _Leaf") -> str:
    return node.path if isinstance(node, _Leaf) else _first_path(next(iter(node.values())))


def _overlap(component: str, outer: str, inner: str) -> SettingsError:
    return SettingsError(
        f"A patch of {component} sets {outer} as a whole, and {inner} in it. Send one or the other.",
        component=component,
    )


class _Patch:
    """A patch on its way into the objects of one component."""

    def __init__(self, component: str, schema: SettingsSchemaMetadata) -> None:
        self._component = component
        self._owner = component or schema.settings_type

    def changed(self, holder: Any, annotation: Any, tree: Tree, prefix: str = "") -> Any:
        """A copy of the object or dict with values in the places that the tree names."""
        inner, _, _ = inner_of(annotation)
        if isinstance(holder, Mapping):
            return self._changed_mapping(cast("Mapping[Any, Any]", holder), get_args(inner), tree, prefix)
        values = fields_of(holder)
        if values is None:
            raise SettingsError(
                f"{self._owner}.{prefix}{next(iter(tree))} cannot be set: {prefix.rstrip('.')} is "
                f"{text_of(holder)[:MAX_SHOWN]}, which has no fields. Set {prefix.rstrip('.')} as a whole.",
                component=self._component,
            )
        kind = cast("type[Any]", type(holder))
        hints = annotations_of(kind, get_args(inner) if get_origin(inner) is kind else ())
        changes = {
            name: self._new(values.get(name), hints.get(name, Any), node, prefix + name) for name, node in tree.items()
        }
        try:
            return _with(holder, changes)
        except Exception as error:
            shown = ", ".join(f"{prefix}{name} = {text_of(value)}" for name, value in changes.items())[:MAX_SHOWN]
            reason = f"{type(error).__name__}: {error}"[:MAX_REASON]
            raise SettingsValueError(
                f"{self._owner} cannot have {shown}. Its class {kind.__name__} refuses that with {reason}",
                component=self._component,
                field_path=", ".join(prefix + name for name in changes),
                value=shown,
                rule="settings class",
            ) from error

    def _changed_mapping(self, holder: Mapping[Any, Any], arguments: tuple[Any, ...], tree: Tree, prefix: str) -> Any:
        changed = copy.copy(holder) if isinstance(holder, dict) else dict(holder)
        for key, node in tree.items():
            path = prefix + key
            if key not in holder:
                keys = [each for each in holder if isinstance(each, str)]
                raise unknown_field(self._owner, path, path, keys, component=self._component)
            changed[key] = self._new(holder[key], arguments[1] if arguments else Any, node, path)
        return changed

    def _new(self, running: Any, annotation: Any, node: "Tree | _Leaf", path: str) -> Any:
        """What stands in one place from now on, where something else is in force."""
        if not isinstance(node, _Leaf):
            return self.changed(running, annotation, node, f"{path}.")
        if not _is_as_annotated(running, annotation, node.field):
            return check_rules(node.field, node.value, component=self._component, path=path)
        checked = check_value(node.field, node.value, component=self._component, path=path)
        if checked is None:
            return None
        try:
            return typed_value(checked, annotation)
        except Exception as error:
            reason = (str(error) or type(error).__name__)[:MAX_REASON].rstrip(".")
            raise refused_value(path, node.value, "type", reason, component=self._component) from error


def _is_as_annotated(running: Any, annotation: Any, field: SettingsFieldMetadata) -> bool:
    """Whether a value in force is of its annotated type, as far as can be told."""
    plain = plain_or_text(running)
    if not is_as_declared(field, plain):
        return False
    if field.kind is not FieldKind.ANY or plain is None:
        return True
    try:
        typed_value(from_plain(plain), annotation)
    except Exception:  # noqa: BLE001 - the classes are the program's
        return False
    return True


def _with(holder: Any, changes: Mapping[str, Any]) -> Any:
    if dataclasses.is_dataclass(holder) and not isinstance(holder, type):
        return dataclasses.replace(holder, **changes)
    return with_changes(holder, changes)
