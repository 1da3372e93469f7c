"""What the launcher and its workers tell each other over the pipe between them."""

import dataclasses

import msgspec

from ezmsg_core.transport.connection_file import ServerEntry


class Begin(msgspec.Struct, frozen=True, tag_field="order", tag="begin"):
    """Join the graph at this server, and prepare the units."""

    entry: ServerEntry  # with its keys: this pipe is the only way that they reach a worker


class Go(msgspec.Struct, frozen=True, tag_field="order", tag="go"):
    """Every process is ready: publish."""


class Stop(msgspec.Struct, frozen=True, tag_field="order", tag="stop"):
    """End all tasks of the units."""


class Finish(msgspec.Struct, frozen=True, tag_field="order", tag="finish"):
    """All tasks of all processes have ended: shut the units down, and leave."""


Order = Begin | Go | Stop | Finish


class Ready(msgspec.Struct, frozen=True, tag_field="notice", tag="ready"):
    """All units are prepared, and their publishers wait."""


class Failed(msgspec.Struct, frozen=True, tag_field="notice", tag="failed"):
    """A unit made it impossible to go on."""

    phase: str  # initialize, register, main, shutdown
    unit: str
    error: str  # type and text of the exception


class Idle(msgspec.Struct, frozen=True, tag_field="notice", tag="idle"):
    """All tasks of the units have ended."""


class Terminating(msgspec.Struct, frozen=True, tag_field="notice", tag="terminating"):
    """A unit, or a signal to the worker, ends the whole graph."""

    reason: str


class Ended(msgspec.Struct, frozen=True, tag_field="notice", tag="ended"):
    """The units are shut down; the process ends now."""

    is_clean: bool


Notice = Ready | Failed | Idle | Terminating | Ended


def packed(message: Order | Notice) -> bytes:
    """A message as bytes for the pipe; an entry goes without the path of its file, which a worker has no use for."""
    if isinstance(message, Begin):
        message = Begin(dataclasses.replace(message.entry, path=None))
    return msgspec.msgpack.encode(message)


def order_of(data: bytes) -> Order:
    """The order that the launcher sent."""
    return msgspec.msgpack.decode(data, type=Order)


def notice_of(data: bytes) -> Notice:
    """The notice that a worker sent."""
    return msgspec.msgpack.decode(data, type=Notice)
