"""Messages survive the way there and back; what cannot go is named."""

import dataclasses
import pickle
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from ezmsg_core.errors import UndecodableError, UnpicklableError
from ezmsg_core.flow.copying import copied
from ezmsg_core.flow.frames import message_pieces
from ezmsg_core.flow.marshal import MAX_DESCRIPTOR_BYTES, Codec, describe, pack_message, type_name_of, unpack_message
from ezmsg_core.flow.reassembly import Reassembly


@dataclasses.dataclass
class Block:
    data: Any
    gain: float = 1.0
    extra: Any = None


class Grumpy:
    def __reduce__(self) -> Any:
        raise ValueError("not today")


class Slotted:
    __slots__ = ("handle", "name")

    def __init__(self) -> None:
        self.name = "x"
        self.handle = threading.Lock()


class Trap:
    """Unpickles into an error of its own."""

    def __reduce__(self) -> Any:
        return _spring, ()


def _spring() -> None:
    raise RuntimeError("sprung")


def parcel_of(message: object) -> Any:
    """The message as it arrives at a receiver."""
    reassembly = Reassembly()
    wire = b"".join(bytes(piece) for piece in message_pieces(pack_message(message), 7, 99))
    arrived: list[Any] = []
    while wire:
        space = reassembly.space()
        size = min(len(space), len(wire))
        space[:size] = wire[:size]
        wire = wire[size:]
        arrived += reassembly.received(size)
    (parcel,) = arrived
    return parcel


def same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, float) and a != a:
        return b != b
    return type(a) is type(b) and a == b


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.binary().map(bytearray),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
ARRAYS = npst.arrays(
    st.one_of(
        npst.boolean_dtypes(),
        npst.integer_dtypes(endianness="?"),
        npst.floating_dtypes(endianness="?"),
        npst.complex_number_dtypes(endianness="?"),
        npst.datetime64_dtypes(endianness="="),
        npst.unicode_string_dtypes(endianness="=", max_len=4),
    ),
    npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5),
)


@given(PLAIN)
def test_any_plain_object_arrives_as_it_was_sent(message: object) -> None:
    parcel = parcel_of(message)
    assert repr(parcel.lend("t")) == repr(message)
    assert repr(parcel.give("t")) == repr(message)


@given(ARRAYS)
def test_any_array_arrives_as_it_was_sent(array: np.ndarray) -> None:
    parcel = parcel_of(array)
    assert same(array, parcel.lend("t"))
    assert same(array, parcel.give("t"))


@given(ARRAYS, st.data())
def test_views_with_any_strides_arrive_as_they_look(array: np.ndarray, data: st.DataObject) -> None:
    view = data.draw(
        st.sampled_from([array.T, array[..., ::-1] if array.ndim else array, array[::2] if array.ndim else array])
    )
    assert same(np.asarray(view), parcel_of(view).lend("t"))


def test_numeric_arrays_travel_without_a_pickle_whatever_their_order() -> None:
    for array in (np.zeros((3, 4), "f4"), np.asfortranarray(np.ones((3, 4))), np.arange(9)[::2], np.array(5.0)):
        assert pack_message(array).codec == Codec.ARRAY


def test_an_array_is_borrowed_not_copied_on_the_way_out() -> None:
    array = np.zeros(1000)
    (view,) = pack_message(array).buffers
    array[0] = 5.0
    assert bytes(view[:8]) == np.float64(5.0).tobytes()


def test_lent_arrays_are_read_only_and_given_ones_are_the_readers_own() -> None:
    for message in (np.arange(4.0), Block(np.arange(4.0)), np.zeros(100_000)):
        parcel = parcel_of(message)
        lent, own = parcel.lend("t"), parcel.give("t")
        lent_array, own_array = (
            (getattr(lent, "data", None), getattr(own, "data", None)) if isinstance(message, Block) else (lent, own)
        )
        assert not lent_array.flags.writeable
        assert own_array.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            lent_array[0] = 1.0


def test_a_message_given_to_two_readers_is_given_as_two_copies() -> None:
    parcel = parcel_of(np.zeros(8))
    parcel.readers = 2
    first, second = parcel.give("t"), parcel.give("t")
    first[0] = 1.0
    assert second[0] == 0.0


def test_the_descriptor_tells_type_shape_and_dtype_without_rebuilding() -> None:
    assert describe(pack_message(np.zeros((2, 3), "<f4")).descriptor) == ("numpy.ndarray", "<f4", "C", (2, 3))
    assert describe(pack_message(b"abc").descriptor).type_name == "bytes"
    assert describe(pack_message(17).descriptor).type_name == "int"
    told = describe(pack_message(Block(np.zeros((5, 2), "<i2"))).descriptor)
    assert told.type_name.endswith("test_flow_marshal.Block")
    assert (told.dtype, told.shape) == ("<i2", (5, 2))


@given(st.binary(max_size=200))
def test_any_bytes_can_be_described(descriptor: bytes) -> None:
    describe(descriptor)


def test_a_type_with_an_endless_name_still_has_a_descriptor_within_the_limit() -> None:
    kind = type("N" * 10_000, (), {})
    assert len(type_name_of(kind)) <= MAX_DESCRIPTOR_BYTES
    assert pack_message(np.zeros((1,) * 32)).codec == Codec.ARRAY


@pytest.mark.parametrize(
    ("message", "where", "part"),
    [
        (Block(np.zeros(2), extra={"sensors": [1, threading.Lock()]}), "message.extra['sensors'][1]", "_thread.lock"),
        (Slotted(), "message.handle", "_thread.lock"),
        ([1, (2, Grumpy())], "message[1][1]", "Grumpy"),
        (threading.Lock(), "message", "_thread.lock"),
        (lambda: None, "message", "function"),
    ],
)
def test_an_object_that_cannot_be_sent_is_refused_with_type_and_field(message: object, where: str, part: str) -> None:
    with pytest.raises(UnpicklableError, match="Nothing was published") as refused:
        pack_message(message, topic="eeg")
    assert refused.value.where == where
    assert refused.value.topic == "eeg"
    assert refused.value.type_name == type_name_of(type(message))
    assert part in str(refused.value)


def test_an_object_that_contains_itself_is_sent_and_an_endless_one_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    arrived = parcel_of(loop).lend("t")
    assert arrived[0] is arrived
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(UnpicklableError):
        pack_message(deep)


def test_a_message_that_cannot_be_rebuilt_names_type_and_number() -> None:
    parcel = parcel_of(Trap())
    for read in (parcel.lend, parcel.give):
        with pytest.raises(UndecodableError, match="sprung") as failed:
            read("eeg")
        assert failed.value.seq == 7
        assert failed.value.type_name.endswith("Trap")


def test_an_array_with_fewer_bytes_than_it_claims_is_undecodable() -> None:
    envelope = pack_message(np.zeros(8))
    with pytest.raises(Exception, match="64 bytes"):
        unpack_message(envelope.codec, envelope.descriptor, [memoryview(bytes(63))])
    with pytest.raises(Exception, match="not sent as plain memory"):
        unpack_message(Codec.ARRAY, b"numpy.ndarray\x1fO\x1fC\x1f1", [memoryview(bytes(8))])
    with pytest.raises(Exception, match="unknown codec"):
        unpack_message(77, b"", [memoryview(b"")])


def test_messages_with_very_many_arrays_are_sent_all_the_same() -> None:
    message = [np.zeros(1) for _ in range(70_000)]
    envelope = pack_message(message)
    assert len(envelope.buffers) == 1
    assert len(parcel_of(message).lend("t")) == 70_000


def test_classes_of_a_spawned_main_module_are_found_in_the_launcher(tmp_path: Any) -> None:
    program = tmp_path / "prog.py"
    program.write_text(
        "import multiprocessing, sys\n"
        "from ezmsg_core.flow.marshal import pack_message, unpack_message, describe\n"
        "class Mine:\n"
        "    def __init__(self): self.x = 4\n"
        "def child(conn):\n"
        "    e = pack_message(Mine()); conn.send((e.codec, e.descriptor, [bytes(b) for b in e.buffers]))\n"
        "if __name__ == '__main__':\n"
        "    context = multiprocessing.get_context('spawn')\n"
        "    ours, theirs = context.Pipe()\n"
        "    process = context.Process(target=child, args=(theirs,)); process.start()\n"
        "    codec, descriptor, buffers = ours.recv(); process.join()\n"
        "    found = unpack_message(codec, descriptor, [memoryview(b) for b in buffers])\n"
        "    print(type(found) is Mine, found.x, describe(descriptor).type_name)\n"
    )
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split() == ["True", "4", "__main__.Mine"], done.stderr


def test_a_copy_shares_nothing_that_can_be_changed() -> None:
    for message in (np.arange(4.0), [1, [2]], {"a": [1]}, Block(np.zeros(2)), np.array([[1], None], dtype=object)):
        twin = copied(message)
        assert twin is not message
        assert pickle.dumps(twin) == pickle.dumps(message)
    inner = np.array([[1]], dtype=object)
    inner[0, 0] = [1]
    assert copied(inner)[0, 0] is not inner[0, 0]  # type: ignore[index]
    for message in (None, 5, "x", b"y", 2.5, True):
        assert copied(message) is message
