"""Python values as plain data, both ways, without running anything that was received.

Plain data is what MessagePack and JSON share: None, bool, 64-bit integers, floats, strings, bytes, lists and
dicts with string keys. Any other value that settings and call payloads carry has one tagged form, a dict with
the key ``"$"``: ``{"$": tag, "v": …}``. A dict that has that key by itself is tagged too, so nothing is ambiguous.
"""

import datetime
import enum
import math
import pathlib
from collections.abc import Mapping
from typing import Any, cast

from ezmsg_core.errors import LimitExceededError, PlainValueError

Plain = Any
"""None | bool | int | float | str | bytes | list[Plain] | dict[str, Plain]; kept open for the type checker's sake."""

TAG = "$"
MAX_DEPTH = 32  # nested settings seen in practice are under 6 levels; deeper input is a mistake or an attack
MAX_ARRAY_BYTES = 1 << 20  # settings hold coefficients, not recordings; larger arrays are shown, not carried

_SET_TAGS: dict[type, str] = {set: "set", frozenset: "frozenset"}
_INT64 = range(-(1 << 63), 1 << 64)  # what MessagePack can carry


def to_plain(value: object, *, where: str = "value", depth: int = 0) -> Plain:
    """The value as plain data.

    Args:
        value: anything; enums become their value, paths their text.
        where: how the value is called in an error.
        depth: levels already above the value.

    Raises:
        PlainValueError: some part has no plain form; the error names the part and its type.
        LimitExceededError: nested deeper than `MAX_DEPTH`, or an array beyond `MAX_ARRAY_BYTES`.
    """
    if depth > MAX_DEPTH:
        raise LimitExceededError(
            f"{where} is nested deeper than {MAX_DEPTH} levels.", what="depth", limit=MAX_DEPTH, size=depth
        )
    kind = type(value)
    match value:
        case enum.Enum():
            return to_plain(value.value, where=where, depth=depth)
        case None | bool() | float() | bytes():
            return _plain_scalar(value)
        case int():
            number = int(value)
            return number if number in _INT64 else {TAG: "int", "v": hex(number)}
        case str():
            return _plain_text(str(value))
        case list():
            return [
                to_plain(item, where=f"{where}[{i}]", depth=depth + 1)
                for i, item in enumerate(cast("list[object]", value))
            ]
        case tuple() | set() | frozenset():
            items = tuple(cast("tuple[object, ...]", value))
            tag = _SET_TAGS.get(kind, "tuple")
            if tag != "tuple":
                items = tuple(sorted(items, key=repr))  # one encoding for equal sets
            return {TAG: tag, "v": [to_plain(item, where=f"{where}[…]", depth=depth + 1) for item in items]}
        case Mapping():
            return _plain_mapping(cast("Mapping[object, object]", value), where, depth)
        case _:
            return _plain_other(value, where)


def from_plain(plain: Plain, *, depth: int = 0) -> Any:
    """The value that plain data stands for; arrays come back as new writable numpy arrays.

    Raises:
        PlainValueError: a tagged dict with an unknown tag or a content that does not fit its tag.
        LimitExceededError: nested deeper than `MAX_DEPTH`.
    """
    if depth > MAX_DEPTH:
        raise LimitExceededError(
            f"A value is nested deeper than {MAX_DEPTH} levels.", what="depth", limit=MAX_DEPTH, size=depth
        )
    if isinstance(plain, (list, tuple)):
        return [from_plain(item, depth=depth + 1) for item in cast("list[Any]", plain)]
    if not isinstance(plain, dict):
        return plain
    tree = cast("dict[str, Any]", plain)
    if TAG not in tree:
        return {key: from_plain(item, depth=depth + 1) for key, item in tree.items()}
    try:
        return _from_tagged(tree[TAG], tree["v"], depth)
    except (PlainValueError, LimitExceededError):
        raise
    except Exception as error:  # whatever the content breaks, the reader gets one kind of error
        raise PlainValueError(
            f"A value tagged {str(tree[TAG])[:40]!r} does not have the form of its tag ({type(error).__name__}).",
            type_name=str(tree[TAG])[:40],
            where="value",
        ) from error


def _plain_scalar(value: float | bytes | None) -> Plain:
    if isinstance(value, float) and type(value) is not float:
        return float(value)  # a float subclass, such as numpy.float64
    return value


def _plain_text(text: str) -> Plain:
    try:
        text.encode()
    except UnicodeEncodeError:
        return {TAG: "str", "v": text.encode("utf-8", "surrogatepass")}
    return text


def _plain_mapping(mapping: Mapping[object, object], where: str, depth: int) -> Plain:
    pairs = [(key, to_plain(item, where=f"{where}[{key!r}]", depth=depth + 1)) for key, item in mapping.items()]
    is_direct = all(type(key) is str and key != TAG and isinstance(_plain_text(key), str) for key, _ in pairs)
    if is_direct:
        return {cast("str", key): item for key, item in pairs}
    return {TAG: "map", "v": [[to_plain(key, where=f"{where} key", depth=depth + 1), item] for key, item in pairs]}


def _plain_other(value: object, where: str) -> Plain:
    match value:
        case complex():
            return {TAG: "complex", "v": [value.real, value.imag]}
        case pathlib.PurePath():
            return _plain_text(str(value))
        case datetime.datetime() | datetime.date() | datetime.time():
            return {TAG: type(value).__name__, "v": value.isoformat()}
        case datetime.timedelta():
            return {TAG: "timedelta", "v": [value.days, value.seconds, value.microseconds]}
        case bytearray() | memoryview():
            return bytes(cast("bytearray", value))
        case _ if type(value).__module__.partition(".")[0] == "numpy":
            return _plain_numpy(value, where)
        case _:
            raise PlainValueError(
                f"{where} is a {type(value).__qualname__}, which has no form as plain data.",
                type_name=f"{type(value).__module__}.{type(value).__qualname__}",
                where=where,
            )


def _plain_numpy(value: object, where: str) -> Plain:
    import numpy as np

    kind = type(value)
    array = np.asarray(cast("Any", value))
    if isinstance(value, np.generic) and array.dtype.kind in "biufc":
        return to_plain(array.item(), where=where)
    if isinstance(value, np.ndarray) and array.dtype.kind in "biufc":
        if array.nbytes > MAX_ARRAY_BYTES:
            raise LimitExceededError(
                f"{where} is an array of {array.nbytes} bytes; at most {MAX_ARRAY_BYTES} are carried as settings.",
                what="array",
                limit=MAX_ARRAY_BYTES,
                size=array.nbytes,
            )
        little = array.dtype.newbyteorder("<")
        return {TAG: "array", "v": [little.str, list(array.shape), array.astype(little).tobytes()]}
    raise PlainValueError(
        f"{where} is a numpy {kind.__name__} without a numeric type, which has no form as plain data.",
        type_name=f"numpy.{kind.__name__}",
        where=where,
    )


def _from_tagged(tag: object, content: Any, depth: int) -> Any:
    if tag == "map":
        pairs = [(from_plain(k, depth=depth + 1), from_plain(v, depth=depth + 1)) for k, v in content]
        return dict(pairs)
    if tag in ("tuple", "set", "frozenset"):
        kind = {"tuple": tuple, "set": set, "frozenset": frozenset}[cast("str", tag)]
        return kind(from_plain(item, depth=depth + 1) for item in content)
    if tag == "array":
        return _array(*content)
    return _from_tagged_scalar(tag, content)


def _from_tagged_scalar(tag: object, content: Any) -> Any:
    match tag:
        case "int":
            return int(content, 16)
        case "str":
            return content.decode("utf-8", "surrogatepass")
        case "complex":
            return complex(*content)
        case "datetime":
            return datetime.datetime.fromisoformat(content)
        case "date":
            return datetime.date.fromisoformat(content)
        case "time":
            return datetime.time.fromisoformat(content)
        case "timedelta":
            days, seconds, microseconds = content
            return datetime.timedelta(days, seconds, microseconds)
        case _:
            raise PlainValueError(
                f"A value has the unknown tag {str(tag)[:40]!r}.", type_name=str(tag)[:40], where="value"
            )


def _array(dtype: str, shape: list[int], content: bytes) -> Any:
    import numpy as np

    kind = np.dtype(dtype)
    if kind.kind not in "biufc" or math.prod(shape) * kind.itemsize != len(content):
        raise PlainValueError(
            f"An array of type {dtype[:16]!r} and shape {shape} does not have {len(content)} bytes.",
            type_name="array",
            where="value",
        )
    return np.frombuffer(content, dtype=kind).reshape(shape).copy()
