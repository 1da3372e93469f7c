"""How the demo's settings classes describe their fields, for the checks of the owner and the editors of a viewer."""

import dataclasses
from typing import Any


def setting(
    default: object,
    description: str,
    *,
    unit: str | None = None,
    ge: float | None = None,
    le: float | None = None,
    step: float | None = None,
) -> Any:
    """A field that can be set while the unit runs.

    Args:
        default: value at the start.
        description: what it does, as an editor shows it.
        unit: of measurement.
        ge: lowest value.
        le: highest value.
        step: granularity that an editor should offer.
    """
    details = {"description": description, "unit": unit, "ge": ge, "le": le, "step": step}
    return dataclasses.field(default=default, metadata={key: item for key, item in details.items() if item is not None})


def reading(default: object, description: str, *, unit: str | None = None) -> Any:
    """A field that the unit reports and nobody sets."""
    details = {"description": description, "unit": unit, "read_only": True}
    return dataclasses.field(default=default, metadata={key: item for key, item in details.items() if item is not None})
