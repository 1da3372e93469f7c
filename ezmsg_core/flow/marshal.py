"""Messages to buffers and back.

The only module that may use pickle; what it unpickles comes from an authenticated participant of the same graph.
Arrays and bytes travel as they are; everything else as a pickle of protocol 5 whose arrays stay outside of it.
A descriptor goes with every message: type name, dtype, order and shape as text, so that a message can be shown
without being rebuilt.
"""

import enum
import io
import math
import pickle
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple, TypeVar, cast

import msgspec

from ezmsg_core.errors import EzmsgError, UnpicklableError

K = TypeVar("K")
V = TypeVar("V")

Buffer = bytes | bytearray | memoryview

ALIGNMENT = 16  # of each buffer in a body: what arrays of every numeric type need
MAX_BUFFERS = 1 << 16  # of one message; where a pickle has more arrays outside, they go inside
MAX_DESCRIPTOR_BYTES = 1024  # real ones stay under 150; longer type names are cut

_SEPARATOR = "\x1f"
_MAX_CACHED = 1024  # descriptors and type names; a graph uses a few dozen
_PLAIN_KINDS = frozenset("biufc")  # of dtypes whose memory can be sent as it is
_SPAWNED_MAIN = "__mp_main__"  # how a spawned process calls the program's main module
_SEARCH_DEPTH = 6  # levels of an object that are searched for the part that cannot be sent
_SEARCH_WIDTH = 1000  # parts of one level


class Codec(enum.IntEnum):
    """How a body is to be read."""

    PICKLE = 0
    ARRAY = 1
    BYTES = 2
    BYTEARRAY = 3


class Envelope(msgspec.Struct, gc=False):
    """A message ready to be sent.

    The buffers may be borrowed from the message: they change when the message is changed.
    """

    codec: int
    descriptor: bytes
    buffers: list[Buffer]  # without padding; the first of a pickle is the pickle itself
    size: int  # bytes of the body, padding included


class Description(NamedTuple):
    """What a descriptor says of a message."""

    type_name: str
    dtype: str = ""  # of the message, or of its field ``data``; empty: no array is known
    order: str = ""  # C or F
    shape: tuple[int, ...] = ()


class _ArrayForm(NamedTuple):
    """How to lay an array over a buffer."""

    dtype: Any
    shape: tuple[int, ...]
    order: Any
    size: int  # bytes


_type_names: dict[type, str] = {}
_array_descriptors: dict[tuple[Any, tuple[int, ...], bool], bytes] = {}
_array_forms: dict[bytes, _ArrayForm] = {}
_BYTES_DESCRIPTOR = b"bytes"
_BYTEARRAY_DESCRIPTOR = b"bytearray"


def pack_message(message: object, *, topic: str = "") -> Envelope:
    """The message as buffers.

    Raises:
        UnpicklableError: some part cannot be sent; the error names the type and the part.
    """
    kind = type(message)
    if kind is bytes:
        return Envelope(Codec.BYTES, _BYTES_DESCRIPTOR, [cast("bytes", message)], len(cast("bytes", message)))
    if kind.__name__ == "ndarray" and kind.__module__ == "numpy":
        envelope = _marshal_array(message)
        if envelope is not None:
            return envelope
    elif kind is bytearray:
        view = memoryview(cast("bytearray", message))
        return Envelope(Codec.BYTEARRAY, _BYTEARRAY_DESCRIPTOR, [view], len(view))
    try:
        return _marshal_pickle(message)
    except Exception as error:  # __reduce__ and __getstate__ of users raise what they like
        raise _unpicklable(message, error, topic) from error


def unpack_message(codec: int, descriptor: bytes, buffers: Sequence[memoryview]) -> object:
    """The message that the buffers hold; arrays lie over the buffers, and are read-only where these are.

    Raises:
        Exception: whatever the bytes, or the classes that they name, give rise to.
    """
    if codec == Codec.ARRAY:
        return _unmarshal_array(descriptor, buffers[0])
    if codec == Codec.PICKLE:
        return _unpickle(buffers[0], buffers[1:])
    if codec == Codec.BYTES:
        return bytes(buffers[0])
    if codec == Codec.BYTEARRAY:
        return bytearray(buffers[0])
    raise EzmsgError(f"A message has the unknown codec {codec}.")


def describe(descriptor: bytes) -> Description:
    """The descriptor's parts; never raises, whatever the bytes."""
    parts = descriptor.decode("utf-8", "replace").split(_SEPARATOR)
    if len(parts) < 4:
        return Description(parts[0])
    try:
        shape = tuple(int(extent) for extent in parts[3].split(",") if extent)
    except ValueError:
        shape = ()
    return Description(parts[0], parts[1], parts[2], shape)


def lay_out(sizes: Sequence[int]) -> tuple[list[int], int]:
    """Where each buffer of a body begins, and how long the body is."""
    offsets: list[int] = []
    end = 0
    for size in sizes:
        start = -(-end // ALIGNMENT) * ALIGNMENT
        offsets.append(start)
        end = start + size
    return offsets, end


def _marshal_array(array: Any) -> Envelope | None:
    dtype = array.dtype
    if dtype.kind not in _PLAIN_KINDS:
        return None
    flags = array.flags
    is_fortran = False
    if not flags.c_contiguous:
        is_fortran = flags.f_contiguous
        if not is_fortran:
            array = array.copy(order="C")
    key = (dtype, array.shape, is_fortran)
    descriptor = _array_descriptors.get(key)
    if descriptor is None:
        text = _array_text("numpy.ndarray", dtype.str, "F" if is_fortran else "C", array.shape)
        if len(text) > MAX_DESCRIPTOR_BYTES:
            return None
        descriptor = _remember(_array_descriptors, key, text)
    return Envelope(Codec.ARRAY, descriptor, [pickle.PickleBuffer(array).raw()], array.nbytes)


def _array_text(type_name: str, dtype: str, order: str, shape: Sequence[int]) -> bytes:
    return _SEPARATOR.join((type_name, dtype, order, ",".join(map(str, shape)))).encode("utf-8", "replace")


def _unmarshal_array(descriptor: bytes, view: memoryview) -> Any:
    import numpy as np

    form = _array_forms.get(descriptor)
    if form is None:
        _, dtype_text, order, shape = describe(descriptor)
        dtype = np.dtype(dtype_text)
        if dtype.kind not in _PLAIN_KINDS or order not in ("C", "F"):
            raise EzmsgError(f"An array has the type {dtype_text[:40]!r}, which is not sent as plain memory.")
        size = math.prod(shape) * dtype.itemsize
        form = _remember(_array_forms, descriptor, _ArrayForm(dtype, shape, order, size))
    if form.size != len(view):
        raise EzmsgError(f"An array of {form.size} bytes came with {len(view)}.")
    return np.ndarray(form.shape, form.dtype, view, order=form.order)


def _marshal_pickle(message: object) -> Envelope:
    outside: list[pickle.PickleBuffer] = []
    stream = pickle.dumps(message, protocol=5, buffer_callback=outside.append)
    if len(outside) >= MAX_BUFFERS:
        outside.clear()
        stream = pickle.dumps(message, protocol=5)
    descriptor = _descriptor_of(message)
    if not outside:
        return Envelope(Codec.PICKLE, descriptor, [stream], len(stream))
    buffers: list[Buffer] = [stream, *(buffer.raw() for buffer in outside)]
    return Envelope(Codec.PICKLE, descriptor, buffers, lay_out([len(buffer) for buffer in buffers])[1])


def _descriptor_of(message: object) -> bytes:
    type_name = type_name_of(type(message))
    payload = cast("Any", getattr(message, "__dict__", {}).get("data"))
    dtype, shape = getattr(payload, "dtype", None), getattr(payload, "shape", None)
    if dtype is None or not isinstance(shape, tuple):
        return type_name.encode("utf-8", "replace")
    text = getattr(dtype, "str", None)
    if type(text) is not str:
        return type_name.encode("utf-8", "replace")
    return _array_text(type_name, text, "C", cast("tuple[int, ...]", shape))[:MAX_DESCRIPTOR_BYTES]


def type_name_of(kind: type) -> str:
    """Module and qualified name, the same in every process of a program."""
    name = _type_names.get(kind)
    if name is None:
        module = "__main__" if kind.__module__ == _SPAWNED_MAIN else kind.__module__
        full = kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}"
        name = _remember(_type_names, kind, full.replace(_SEPARATOR, " ")[: MAX_DESCRIPTOR_BYTES // 4])
    return name


def _remember(cache: dict[K, V], key: K, value: V) -> V:
    if len(cache) >= _MAX_CACHED:
        cache.clear()
    cache[key] = value
    return value


class _MainUnpickler(pickle.Unpickler):
    """Finds classes of a spawned process's main module in this process's one."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        if module_name == _SPAWNED_MAIN:
            module_name = "__main__"
        return super().find_class(module_name, global_name)


def _unpickle(stream: memoryview, outside: Sequence[memoryview]) -> object:
    try:
        return pickle.loads(stream, buffers=outside)  # noqa: S301 - from an authenticated participant
    except ModuleNotFoundError as error:
        if error.name != _SPAWNED_MAIN or _SPAWNED_MAIN in sys.modules:
            raise
    return _MainUnpickler(io.BytesIO(stream), buffers=outside).load()


def _unpicklable(message: object, error: Exception, topic: str) -> UnpicklableError:
    type_name = type_name_of(type(message))
    where, part = _culprit(message, "message")
    held = f"; {where} is a {type_name_of(type(part))}" if part is not message else ""
    return UnpicklableError(
        f"A {type_name} cannot be sent to another process{held} ({type(error).__name__}: {error}). "
        "Nothing was published. Leave that part out, or give its class a __reduce__ method.",
        type_name=type_name,
        where=where,
        topic=topic,
    )


def _culprit(value: object, where: str) -> tuple[str, object]:
    """The innermost part that cannot be pickled, and how it is reached."""
    for _ in range(_SEARCH_DEPTH):
        for name, part in islice(_parts(value), _SEARCH_WIDTH):
            if not _is_picklable(part):
                where, value = where + name, part
                break
        else:
            break
    return where, value


def _parts(value: object) -> Iterator[tuple[str, object]]:
    match value:
        case dict():
            for key, item in cast("dict[object, object]", value).items():
                yield f"[{key!r:.40}]", item
        case list() | tuple():
            for index, item in enumerate(cast("list[object]", value)):
                yield f"[{index}]", item
        case set() | frozenset():
            for item in cast("set[object]", value):
                yield "{…}", item
        case _:
            for name in (*getattr(value, "__dict__", ()), *getattr(type(value), "__slots__", ())):
                if isinstance(name, str) and hasattr(value, name):
                    yield f".{name}", getattr(value, name)


def _is_picklable(part: object) -> bool:
    try:
        pickle.dumps(part, protocol=5, buffer_callback=lambda _: None)
    except Exception:  # noqa: BLE001 # a reducer is the user's code
        return False
    return True
