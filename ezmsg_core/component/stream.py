"""The endpoints that components declare: streams of units, topics and relays of collections."""

from typing import Any

from ezmsg_core.component.addressable import Addressable

DEFAULT_NUM_BUFFERS = 32  # messages in flight before a publisher waits: half a second of a 60 Hz source
DEFAULT_BUF_SIZE = 65536  # bytes; a block of 32 channels × 500 samples in single precision fits


class Stream(Addressable):
    """An endpoint of a component.

    An endpoint in a class body is a prototype: every instance of the component has its own copy under the same
    name. Its attributes may be changed until the endpoint is opened, that is in ``configure`` and ``initialize``.
    """

    msg_type: Any

    def __init__(self, msg_type: Any) -> None:
        """Declare an endpoint.

        Args:
            msg_type: what its messages are; shown to people, never enforced.
        """
        super().__init__()
        self.msg_type = msg_type

    def __repr__(self) -> str:
        place = self.address if self.is_placed else "(no address yet)"
        hint = getattr(self.msg_type, "__name__", self.msg_type)
        return f"{type(self).__name__} {place} of {hint}"


class Topic(Stream):
    """A name on a collection's boundary, without transport of its own."""


class InputTopic(Topic):
    """A name under which a collection takes messages."""


class OutputTopic(Topic):
    """A name under which a collection gives messages."""


class InputRelay(InputTopic):
    """A collection's input with a hidden unit that takes messages and passes them on inside."""

    leaky: bool
    max_queue: int | None
    copy_on_forward: bool

    def __init__(
        self,
        msg_type: Any,
        leaky: bool = False,  # noqa: FBT001 - as programs call it
        max_queue: int | None = None,
        copy_on_forward: bool = True,  # noqa: FBT001 - as programs call it
    ) -> None:
        """Declare a relay.

        Args:
            msg_type: what its messages are; shown to people, never enforced.
            leaky: drop the oldest messages when there are too many, instead of holding publishers up.
            max_queue: messages kept when leaky, above 0; None: the default.
            copy_on_forward: pass a deep copy on, which is nobody else's.

        Raises:
            ValueError: `max_queue` is not above 0.
        """
        super().__init__(msg_type)
        self.leaky = leaky
        self.max_queue = _checked_max_queue(max_queue)
        self.copy_on_forward = copy_on_forward


class OutputRelay(OutputTopic):
    """A collection's output with a hidden unit that takes messages inside and publishes them."""

    host: str | None
    port: int | None
    num_buffers: int
    buf_size: int
    force_tcp: bool
    copy_on_forward: bool

    def __init__(
        self,
        msg_type: Any,
        host: str | None = None,
        port: int | None = None,
        num_buffers: int = DEFAULT_NUM_BUFFERS,
        buf_size: int = DEFAULT_BUF_SIZE,
        force_tcp: bool = False,  # noqa: FBT001 - as programs call it
        copy_on_forward: bool = True,  # noqa: FBT001 - as programs call it
    ) -> None:
        """Declare a relay.

        Args:
            msg_type: what its messages are; shown to people, never enforced.
            host: interface that the publisher listens on; None: loopback.
            port: its TCP port; None: any free one.
            num_buffers: messages in flight before the publisher waits.
            buf_size: bytes that a buffer has at first.
            force_tcp: always send by TCP; unlike an `OutputStream`, a relay does not ask the environment.
            copy_on_forward: publish a deep copy, which is nobody else's.
        """
        super().__init__(msg_type)
        self.host = host
        self.port = port
        self.num_buffers = num_buffers
        self.buf_size = buf_size
        self.force_tcp = force_tcp
        self.copy_on_forward = copy_on_forward


class InputStream(Stream):
    """A unit's input; becomes a subscriber."""

    leaky: bool
    max_queue: int | None

    def __init__(
        self,
        msg_type: Any,
        leaky: bool = False,  # noqa: FBT001 - as programs call it
        max_queue: int | None = None,
    ) -> None:
        """Declare an input.

        Args:
            msg_type: what its messages are; shown to people, never enforced.
            leaky: drop the oldest messages when there are too many, instead of holding publishers up.
            max_queue: messages kept when leaky, above 0; None: the default.

        Raises:
            ValueError: `max_queue` is not above 0.
        """
        super().__init__(msg_type)
        self.leaky = leaky
        self.max_queue = _checked_max_queue(max_queue)


class OutputStream(Stream):
    """A unit's output; becomes a publisher."""

    host: str | None
    port: int | None
    num_buffers: int
    buf_size: int
    force_tcp: bool | None
    allow_local: bool | None

    def __init__(
        self,
        msg_type: Any,
        host: str | None = None,
        port: int | None = None,
        num_buffers: int = DEFAULT_NUM_BUFFERS,
        buf_size: int = DEFAULT_BUF_SIZE,
        force_tcp: bool | None = None,  # noqa: FBT001
        allow_local: bool | None = None,  # noqa: FBT001
    ) -> None:
        """Declare an output.

        Args:
            msg_type: what its messages are; shown to people, never enforced.
            host: interface that the publisher listens on; None: loopback.
            port: its TCP port; None: any free one.
            num_buffers: messages in flight before the publisher waits.
            buf_size: bytes that a buffer has at first.
            force_tcp: always send by TCP; None: the environment decides.
            allow_local: hand messages over inside a process as they are; None: the environment decides.
        """
        super().__init__(msg_type)
        self.host = host
        self.port = port
        self.num_buffers = num_buffers
        self.buf_size = buf_size
        self.force_tcp = force_tcp
        self.allow_local = allow_local


def _checked_max_queue(max_queue: int | None) -> int | None:
    if max_queue is not None and max_queue <= 0:
        raise ValueError(
            f"max_queue must be positive, and {max_queue} is not. "
            "Give the number of messages to keep, or None for the default."
        )
    return max_queue


def type_name(kind: Any) -> str:
    """A type as records name it: module.qualname, or how any other annotation reads."""
    if isinstance(kind, type):
        return f"{kind.__module__}.{kind.__qualname__}"
    return str(kind)
