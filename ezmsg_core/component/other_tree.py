"""Components and streams of ``ezmsg.core``, another class tree, which cannot be part of a graph of ours."""

REMEDY = (
    "Import ezmsg_core wherever the program imports ezmsg.core, or run it by python -m ezmsg_core.compat, which also "
    "serves what extension packages import."
)


def is_of_other_tree(value: object) -> bool:
    """Whether a value is a component or a stream of ``ezmsg.core``."""
    return any(
        base.__name__ == "Addressable" and base.__module__ == "ezmsg.core.addressable" for base in type(value).__mro__
    )
