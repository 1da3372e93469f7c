"""Settings classes whose annotations are texts, as ``from __future__ import annotations`` makes them."""

from __future__ import annotations

from dataclasses import InitVar, dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

from ezmsg_core.component.patching import apply_patch
from ezmsg_core.component.schema import schema_of
from ezmsg_core.component.settings import Settings
from ezmsg_core.component.unit import Unit
from ezmsg_core.model.settings import FieldKind

if TYPE_CHECKING:
    from fractions import Fraction

T = TypeVar("T")


class Outer(Settings):
    inner: Inner | None = None
    ratio: Fraction = None  # type: ignore[assignment]
    limits: tuple[float, float] = (0.0, 1.0)
    count: Annotated[int, {"ge": 0}] = 1


class Inner(Settings):
    rate: float = 1.0


class Scaled(Settings, Generic[T]):
    factor: T
    steps: list[T] = field(default_factory=list)


class FloatScaled(Scaled[float]): ...


@dataclass
class Seeded:
    seed: InitVar[int]
    rate: float = 1.0


def kinds(kind: Any) -> dict[str, tuple[FieldKind, str]]:
    schema = schema_of(kind)
    assert schema is not None
    return {each.name: (each.kind, each.field_type) for each in schema.fields}


def test_names_that_come_later_or_only_for_type_checkers_spoil_no_other_field():
    assert kinds(Outer) == {
        "inner": (FieldKind.NESTED, "Inner | None"),
        "ratio": (FieldKind.ANY, "Fraction"),
        "limits": (FieldKind.TUPLE, "tuple[float, float]"),
        "count": (FieldKind.INT, "int"),
    }


def test_type_variables_and_init_only_arguments_are_found_in_texts():
    assert kinds(FloatScaled) == {"factor": (FieldKind.FLOAT, "float"), "steps": (FieldKind.LIST, "list[float]")}
    assert kinds(Seeded) == {"rate": (FieldKind.FLOAT, "float")}


def test_patches_find_the_types_as_well():
    settings = Outer(inner=Inner())
    changed = apply_patch(settings, {"inner.rate": 3, "limits": [1, 2], "ratio": 5}, component="A")
    assert changed == Outer(inner=Inner(3.0), limits=(1.0, 2.0), ratio=5)  # type: ignore[arg-type]
    assert type(changed.limits) is tuple and isinstance(changed.inner.rate, float)
    assert apply_patch(Outer(), {"inner": {"rate": 2}}, component="A").inner == Inner(2.0)


def test_a_unit_may_name_its_settings_by_an_annotation():
    class Amplifier(Unit):
        SETTINGS: Inner

    unit = Amplifier(2.0)
    assert Inner(2.0) == unit.SETTINGS
