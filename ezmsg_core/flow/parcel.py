"""A message as it arrived in this process: bytes that are rebuilt into an object when somebody reads it."""

from collections.abc import Sequence

import msgspec

from ezmsg_core.errors import UndecodableError
from ezmsg_core.flow.marshal import describe, lay_out, unpack_message


class Parcel(msgspec.Struct, gc=False):
    """One received message, shared by the subscribers of a process."""

    seq: int
    publish_ns: int  # monotonic clock of the publisher's host
    codec: int
    descriptor: bytes
    sizes: Sequence[int] | None  # of the buffers, where there are several
    body: bytearray | memoryview
    size: int  # bytes of the body
    readers: int = 1  # subscribers that it was given to
    lent: object = None  # the object that readers share, once one has asked
    is_rebuilt: bool = False

    def lend(self, topic: str) -> object:
        """The message, shared by all who borrow it, with read-only arrays.

        Raises:
            UndecodableError: it cannot be rebuilt here.
        """
        if not self.is_rebuilt:
            self.lent = self._rebuild(memoryview(self.body).toreadonly(), topic)
            self.is_rebuilt = True
        return self.lent

    def give(self, topic: str) -> object:
        """A message of the caller's own, which may be changed.

        Raises:
            UndecodableError: it cannot be rebuilt here.
        """
        if self.readers > 1:
            return self._rebuild(memoryview(bytearray(self.body)), topic)
        return self._rebuild(memoryview(self.body), topic)

    def _rebuild(self, body: memoryview, topic: str) -> object:
        try:
            if self.sizes is None:
                return unpack_message(self.codec, self.descriptor, (body,))
            offsets, _ = lay_out(self.sizes)
            parts = [body[start : start + size] for start, size in zip(offsets, self.sizes, strict=True)]
            return unpack_message(self.codec, self.descriptor, parts)
        except Exception as error:  # whatever the classes named in a message do, the stream goes on
            type_name = describe(self.descriptor).type_name
            raise UndecodableError(
                f"Message {self.seq} of {topic!r}, a {type_name}, cannot be rebuilt in this process "
                f"({type(error).__name__}: {error}). Its class must be importable here, in the same version.",
                type_name=type_name,
                seq=self.seq,
                topic=topic,
            ) from error
