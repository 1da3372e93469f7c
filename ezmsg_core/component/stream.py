"""What components declare as their inputs and outputs."""

from typing import Any

from ezmsg_core.component.addressable import Addressable
from ezmsg_core.errors import ConfigError


class Stream(Addressable):
    """A declared input or output.

    Args:
        msg_type: what its messages are; a hint for people and tools, not enforced.
    """

    def __init__(self, msg_type: Any = Any) -> None:
        super().__init__()
        self.msg_type = msg_type

    def __repr__(self) -> str:
        place = self.address if self.is_placed else (self._name or "unplaced")
        return f"{type(self).__name__}({place}: {type_name(self.msg_type)})"

    def __set_name__(self, owner: type, name: str) -> None:
        if self._name is None:
            self._name = name


class Topic(Stream):
    """A name on a collection's boundary; messages pass through it without being touched."""


class InputTopic(Topic):
    """A collection's input name."""


class OutputTopic(Topic):
    """A collection's output name."""


class InputRelay(InputTopic):
    """A collection's input that forwards through a hidden unit, so that inside and outside are decoupled.

    Args:
        msg_type: what its messages are.
        leaky: drop old messages instead of holding the publisher up.
        max_queue: messages kept when leaky.
        copy_on_forward: hand a deep copy inside, not the object itself.
    """

    def __init__(
        self,
        msg_type: Any = Any,
        leaky: bool = False,  # noqa: FBT001 - as programs call it
        max_queue: int | None = None,
        copy_on_forward: bool = True,  # noqa: FBT001
    ) -> None:
        super().__init__(msg_type)
        self.leaky = leaky
        self.max_queue = checked_max_queue(max_queue)
        self.copy_on_forward = copy_on_forward


class OutputRelay(OutputTopic):
    """A collection's output that forwards through a hidden unit, with a publisher of its own.

    Args:
        msg_type: what its messages are.
        host: interface that the publisher listens on.
        port: its TCP port.
        num_buffers: messages in flight before it waits.
        buf_size: bytes that a buffer has at first.
        force_tcp: never by shared memory or in process.
        copy_on_forward: hand a deep copy outside, not the object itself.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - as programs call it
        self,
        msg_type: Any = Any,
        host: str | None = None,
        port: int | None = None,
        num_buffers: int = 32,
        buf_size: int = 65536,
        force_tcp: bool = False,  # noqa: FBT001
        copy_on_forward: bool = True,  # noqa: FBT001
    ) -> None:
        super().__init__(msg_type)
        self.host = host
        self.port = port
        self.num_buffers = num_buffers
        self.buf_size = buf_size
        self.force_tcp = force_tcp
        self.copy_on_forward = copy_on_forward


class InputStream(Stream):
    """A unit's input.

    Args:
        msg_type: what its messages are.
        leaky: drop old messages instead of holding the publisher up.
        max_queue: messages kept when leaky.
    """

    def __init__(self, msg_type: Any = Any, leaky: bool = False, max_queue: int | None = None) -> None:  # noqa: FBT001
        super().__init__(msg_type)
        self.leaky = leaky
        self.max_queue = checked_max_queue(max_queue)


class OutputStream(Stream):
    """A unit's output.

    Args:
        msg_type: what its messages are.
        host: interface that the publisher listens on.
        port: its TCP port.
        num_buffers: messages in flight before it waits.
        buf_size: bytes that a buffer has at first.
        force_tcp: never by shared memory or in process; None: as the environment says.
        allow_local: hand objects over within a process; None: as the environment says.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - as programs call it
        self,
        msg_type: Any = Any,
        host: str | None = None,
        port: int | None = None,
        num_buffers: int = 32,
        buf_size: int = 65536,
        force_tcp: bool | None = None,  # noqa: FBT001
        allow_local: bool | None = None,  # noqa: FBT001
    ) -> None:
        super().__init__(msg_type)
        self.host = host
        self.port = port
        self.num_buffers = num_buffers
        self.buf_size = buf_size
        self.force_tcp = force_tcp
        self.allow_local = allow_local


def checked_max_queue(max_queue: int | None) -> int | None:
    """A queue length that can be.

    Raises:
        ConfigError: it is zero or less.
    """
    if max_queue is not None and max_queue <= 0:
        raise ConfigError(
            f"max_queue is {max_queue}; it must be positive, or None for the default.", name="max_queue", value=max_queue
        )
    return max_queue


def type_name(kind: Any) -> str:
    """A type as people and tools read it: module.qualname."""
    if isinstance(kind, type):
        return f"{kind.__module__}.{kind.__qualname__}"
    return str(kind)
