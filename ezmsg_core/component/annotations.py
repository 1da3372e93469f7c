"""The annotations of a class, resolved: names looked up, type variables replaced, and as a person writes them."""

import enum
import inspect
import sys
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any, Union, cast, get_args, get_origin

Bindings = Mapping[Any, Any]
"""What stands for each type variable."""

_UNIONS = (Union, types.UnionType)
_NONE = type(None)
_ALIAS: Any = getattr(typing, "TypeAliasType", ())  # what ``type X = …`` makes, from Python 3.12


def annotations_of(kind: type[Any], arguments: tuple[Any, ...] = ()) -> dict[str, Any]:
    """The annotation of every attribute that a class or a base of it annotates, the nearest one of each name.

    A name that cannot be found leaves the annotation as the text that it is. Each annotation is looked up by itself,
    so that one that fails spoils no other.

    Args:
        kind: the class.
        arguments: what stands for its own type variables, where it is used with arguments.
    """
    used: Any = kind
    bound = _bound_by_class(used[arguments] if arguments else used)
    found: dict[str, Any] = {}
    for base in reversed(kind.__mro__):
        for name, annotation in _own_annotations(base).items():
            found[name] = with_bindings(_resolved(annotation, base), bound.get(base, {}))
    return found


def with_bindings(annotation: Any, bindings: Bindings) -> Any:
    """The annotation with type variables replaced; one that stands for nothing stays."""
    if isinstance(annotation, typing.TypeVar):
        return bindings.get(annotation, annotation)
    variables: tuple[Any, ...] = getattr(annotation, "__parameters__", ())
    if isinstance(annotation, type) or not any(variable in bindings for variable in variables):
        return annotation
    return annotation[tuple(bindings.get(variable, variable) for variable in variables)]


def without_none(annotation: Any) -> tuple[Any, bool]:
    """The annotation without ``None``, and whether it had it."""
    if get_origin(annotation) not in _UNIONS:
        return annotation, False
    members = get_args(annotation)
    rest = [member for member in members if member is not _NONE]
    if len(rest) == len(members):
        return annotation, False
    return Union[tuple(rest)], True  # noqa: UP007 - made at run time


def inner_of(annotation: Any) -> tuple[Any, bool, tuple[Any, ...]]:
    """The annotation without wrappers and without ``None``.

    Returns:
        What is left, whether ``None`` was in it, and all notes.
    """
    unwrapped, notes = bare(annotation)
    member, is_optional = without_none(unwrapped)
    inner, inner_notes = bare(member)
    return inner, is_optional, (*inner_notes, *notes)


def union_members(annotation: Any) -> tuple[Any, ...]:
    """The annotations that a union is made of; none if it is no union."""
    return get_args(annotation) if get_origin(annotation) in _UNIONS else ()


def bare(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """The annotation without what merely wraps it: new types, aliases, ``Final``, ``Annotated``.

    Returns:
        What is left, and the notes that ``Annotated`` carried, outermost last.
    """
    notes: tuple[Any, ...] = ()
    while True:
        origin = get_origin(annotation)
        if origin is typing.Annotated:
            annotation, *more = get_args(annotation)
            notes = (*more, *notes)
        elif origin in (typing.Final, typing.ClassVar, typing.Required, typing.NotRequired):
            annotation = get_args(annotation)[0]
        elif isinstance(annotation, typing.NewType):
            annotation = annotation.__supertype__
        elif isinstance(annotation, _ALIAS):
            annotation = annotation.__value__
        elif isinstance(annotation, typing.TypeVar):
            if annotation.__bound__ is None:
                return (Any, notes)
            annotation = annotation.__bound__
        else:
            return annotation, notes


def rules_in_notes(notes: Iterable[Any]) -> dict[str, Any]:
    """What notes say of a value, by the names that `field_rules.ruled` knows.

    Args:
        notes: what ``Annotated`` carries: mappings, or objects with attributes of these names, as other libraries make.
    """
    rules: dict[str, Any] = {}
    for note in notes:
        if isinstance(note, Mapping):
            rules.update(cast("Mapping[str, Any]", note))
            continue
        for name in ("ge", "gt", "le", "lt", "min_length", "max_length", "pattern", "description"):
            value = getattr(note, name, None)
            if value is not None and not callable(value):
                rules[name] = value
        step, text = getattr(note, "multiple_of", None), getattr(note, "documentation", None)
        rules.update({"step": step} if step is not None else {})
        rules.update({"description": text} if isinstance(text, str) else {})
    return rules


def annotation_text(annotation: Any) -> str:
    """The annotation as a person would write it, without modules."""
    inner, _ = bare(annotation) if not isinstance(annotation, (typing.NewType, typing.TypeVar)) else (annotation, ())
    if inner is Any:
        return "Any"
    if inner is _NONE or inner is None:
        return "None"
    if inner is Ellipsis:
        return "..."
    if isinstance(inner, str):
        return inner
    origin, members = get_origin(inner), get_args(inner)
    if origin in _UNIONS:
        return " | ".join(annotation_text(member) for member in members)
    if origin is typing.Literal:
        return f"Literal[{', '.join(map(_literal_text, members))}]"
    if _is_array(origin):
        return f"NDArray[{_element_text(members)}]"
    name = str(getattr(origin or inner, "__qualname__", None) or getattr(inner, "__name__", None) or inner)
    name = name.rpartition("<locals>.")[2]
    return f"{name}[{', '.join(map(_member_text, members))}]" if members else name


def _own_annotations(kind: type[Any]) -> dict[str, Any]:
    try:
        return inspect.get_annotations(kind)
    except NameError:  # evaluated late, and meant for type checkers only
        return {}


def _resolved(annotation: Any, kind: type[Any]) -> Any:
    module = sys.modules.get(kind.__module__)
    carrier = type("carrier", (), {"__annotations__": {"it": annotation}})
    try:
        return typing.get_type_hints(carrier, vars(module) if module else {}, dict(vars(kind)), include_extras=True)[
            "it"
        ]
    except Exception:  # noqa: BLE001 - evaluating what a program wrote may raise anything; the text says it as well
        return annotation


def _bound_by_class(kind: Any) -> dict[Any, dict[Any, Any]]:
    """What stands for the type variables of a class and of each base, the class first."""
    found: dict[Any, dict[Any, Any]] = {}

    def visit(used: Any, outer: Bindings) -> None:
        origin: Any = get_origin(used) or used
        arguments = [with_bindings(argument, outer) for argument in get_args(used)]
        own = dict(zip(getattr(origin, "__parameters__", ()), arguments, strict=False))
        if own or origin not in found:
            found[origin] = own
        bases: tuple[Any, ...] = origin.__dict__.get("__orig_bases__", origin.__bases__)
        for base in bases:
            base_class: Any = get_origin(base) or base
            if isinstance(base_class, type) and base_class not in (typing.Generic, typing.Protocol):
                visit(base, own)

    visit(kind, {})
    return found


def _literal_text(value: Any) -> str:
    return f"{type(value).__name__}.{value.name}" if isinstance(value, enum.Enum) else repr(value)


def _member_text(member: Any) -> str:
    return (
        f"[{', '.join(map(annotation_text, cast('list[Any]', member)))}]"
        if isinstance(member, list)
        else annotation_text(member)
    )


def _is_array(origin: Any) -> bool:
    return getattr(origin, "__module__", "") == "numpy" and getattr(origin, "__name__", "") == "ndarray"


def _element_text(members: tuple[Any, ...]) -> str:
    """Of an array, whose second argument is its ``dtype[element]``."""
    element = get_args(members[1]) if len(members) > 1 else ()
    return annotation_text(element[0]) if element else "Any"
