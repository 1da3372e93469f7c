"""Every exception of the project, one tree, one wire code each.

    EzmsgError
    ├── ConfigError                a value from the caller or the environment           (config)
    ├── ConnectionFileError        a connection file that cannot be used                (client)
    ├── LinkError                  between a client and its graph server                (client)
    │   ├── ServerUnreachableError     nobody listens there
    │   ├── HandshakeError             somebody listens, but no link came about
    │   │   ├── ForeignServerError         it is not a graph server of this kind
    │   │   ├── ProtocolMismatchError      it speaks another protocol number
    │   │   └── AccessDeniedError          it does not know our key, or we not its
    │   ├── LinkLostError              the link went while something was asked
    │   ├── RequestTimeoutError        no answer within the deadline
    │   └── WireError                  bytes that are not a frame of the protocol
    │       └── LimitExceededError         a frame or a value beyond its limit
    ├── GraphError                 the server refuses; nothing has changed              (graph)
    │   ├── CycleError                 the edge would close a loop
    │   ├── AddressCollisionError      another live session holds a component address
    │   ├── OwnershipError             another live process owns a unit
    │   ├── UnknownRecordError         no such session, process, endpoint or watch
    │   └── NotPermittedError          the role may not use the command
    ├── CallError                  a routed call that ended with a fault                (graph)
    ├── SettingsError              a settings value or patch that is refused            (model)
    │   ├── SettingsValueError         a value breaks the type or a rule of its field
    │   ├── UnknownSettingError        no such field or component
    │   └── SettingsConflictError      the revision is not the one expected
    ├── NotEnteredError            a context that is used outside its block             (context)
    ├── PlainValueError            a value that cannot be expressed as plain data       (model)
    ├── EventGapError              events that are gone and cannot be replayed          (client)
    ├── ChannelError               between a publisher and its subscribers              (channel)
    │   ├── PublisherGoneError         the publisher left or died
    │   ├── EndpointClosedError        this endpoint was closed
    │   ├── UnpicklableError           an object that cannot be sent
    │   └── UndecodableError           a message that this receiver cannot rebuild
    ├── GraphRunnerStartError      a graph that did not start                           (runtime)
    ├── UnitError                  a unit that made it impossible to go on              (runtime)
    └── WorkerError                a worker process that failed or died                 (runtime)

An error travels as a fault: its ``code``, its sentence and its ``parts``. ``error_from_fault`` turns a
fault back into the error. Parts are plain data and readable as attributes of the error.
"""

from __future__ import annotations

from typing import Any, ClassVar

__all__ = [
    "AccessDeniedError",
    "AddressCollisionError",
    "CallError",
    "ChannelError",
    "ConfigError",
    "ConnectionFileError",
    "CycleError",
    "EndpointClosedError",
    "EventGapError",
    "EzmsgError",
    "ForeignServerError",
    "GraphError",
    "GraphRunnerStartError",
    "HandshakeError",
    "LimitExceededError",
    "LinkError",
    "LinkLostError",
    "NotEnteredError",
    "NotPermittedError",
    "OwnershipError",
    "PlainValueError",
    "ProtocolMismatchError",
    "PublisherGoneError",
    "RequestTimeoutError",
    "ServerUnreachableError",
    "SettingsConflictError",
    "SettingsError",
    "SettingsValueError",
    "UndecodableError",
    "UnitError",
    "UnknownRecordError",
    "UnknownSettingError",
    "UnpicklableError",
    "WireError",
    "WorkerError",
    "error_from_fault",
]


class EzmsgError(Exception):
    """Base of every error of the project.

    Args:
        text: One or more sentences: what was tried, what stands in the way, what to do.
        parts: The facts of the sentence as plain data (str, int, float, bool, None, lists and dicts of
            these); each is an attribute of the error.
    """

    code: ClassVar[str] = "ERROR"

    def __init__(self, text: str = "", **parts: Any) -> None:
        super().__init__(text)
        self.text = text
        self.parts = parts

    def __getattr__(self, name: str) -> Any:
        parts = self.__dict__.get("parts")
        if parts is not None and name in parts:
            return parts[name]
        raise AttributeError(f"{type(self).__name__} has no part {name!r}", name=name, obj=self)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.text, self.parts)

    def __str__(self) -> str:
        return self.text


def _rebuild(kind: type[EzmsgError], text: str, parts: dict[str, Any]) -> EzmsgError:
    error = kind.__new__(kind, text)
    EzmsgError.__init__(error, text, **parts)
    return error


class ConfigError(EzmsgError, ValueError):
    """A value given by the caller or the environment that cannot be used. Parts: ``name``, ``value``."""

    code = "CONFIG"


class ConnectionFileError(EzmsgError):
    """A connection file that is missing, unreadable, stale or not safe to use. Parts: ``path``."""

    code = "CONNECTION_FILE"


class LinkError(EzmsgError):
    """Something between a client and its graph server went wrong. Parts: ``address`` where known."""

    code = "LINK"


class ServerUnreachableError(LinkError, ConnectionRefusedError):
    """Nobody listens at the address. Worth another try later."""

    code = "SERVER_UNREACHABLE"


class HandshakeError(LinkError, ConnectionError):
    """Somebody listens at the address, but no link came about. A retry does not help by itself."""

    code = "HANDSHAKE"


class ForeignServerError(HandshakeError):
    """The listener is not a graph server of this project. Parts: ``speaks`` (what it looks like)."""

    code = "FOREIGN_SERVER"


class ProtocolMismatchError(HandshakeError):
    """The server speaks another protocol number. Parts: ``ours``, ``theirs``."""

    code = "PROTOCOL_MISMATCH"


class AccessDeniedError(HandshakeError, PermissionError):
    """One side could not prove that it holds the key of the role. Parts: ``role``."""

    code = "ACCESS_DENIED"


class LinkLostError(LinkError, ConnectionResetError):
    """The link ended while something was asked; whether the server did it is unknown."""

    code = "LINK_LOST"


class RequestTimeoutError(LinkError, TimeoutError):
    """No answer within the deadline; whether the server did it is unknown. Parts: ``timeout_s``."""

    code = "REQUEST_TIMEOUT"


class WireError(LinkError):
    """Bytes that are not a frame of the protocol."""

    code = "WIRE"


class LimitExceededError(WireError):
    """A frame, a name or a value beyond its limit. Parts: ``what``, ``limit``, ``size``."""

    code = "LIMIT_EXCEEDED"


class GraphError(EzmsgError):
    """The server refuses a command; the graph is as it was."""

    code = "GRAPH"


class CycleError(GraphError):
    """The edge would close a loop. Parts: ``edge`` (source, target), ``path`` (target … source)."""

    code = "CYCLE"


class AddressCollisionError(GraphError, RuntimeError):
    """Another live session holds component addresses. Parts: ``addresses``, ``holder`` (session id)."""

    code = "ADDRESS_COLLISION"


class OwnershipError(GraphError, RuntimeError):
    """Another live process owns units. Parts: ``units``, ``holder`` (process id)."""

    code = "OWNERSHIP"


class UnknownRecordError(GraphError, LookupError, RuntimeError):
    """No such record, or not on this link. Parts: ``kind``, ``key``."""

    code = "UNKNOWN_RECORD"


class NotPermittedError(GraphError, PermissionError):
    """The role of the link may not use the command. Parts: ``role``, ``command``."""

    code = "NOT_PERMITTED"


class CallError(EzmsgError, RuntimeError):
    """A routed call ended with a fault. Parts: ``error_code``, ``unit``, ``operation``."""

    code = "CALL"


class SettingsError(EzmsgError, RuntimeError):
    """A settings value or patch is refused; nothing was applied. Parts: ``component``."""

    code = "SETTINGS"


class SettingsValueError(SettingsError, ValueError):
    """A value breaks the type or a rule of its field. Parts: ``field_path``, ``value``, ``rule``."""

    code = "SETTINGS_VALUE"


class UnknownSettingError(SettingsError, LookupError):
    """No such field, or no such component. Parts: ``field_path``, ``nearest``."""

    code = "UNKNOWN_SETTING"

    def __str__(self) -> str:
        return self.text


class SettingsConflictError(SettingsError):
    """The value in force has another revision. Parts: ``expected_revision``, ``revision``."""

    code = "SETTINGS_CONFLICT"


class NotEnteredError(EzmsgError, RuntimeError):
    """A context is used before its block, or after it."""

    code = "NOT_ENTERED"


class PlainValueError(EzmsgError, ValueError):
    """A value cannot be expressed as plain data. Parts: ``type_name``, ``where``."""

    code = "PLAIN_VALUE"


class EventGapError(EzmsgError, LookupError):
    """Events were dropped from the journal before they were read. Parts: ``from_seq``, ``to_seq``."""

    code = "EVENT_GAP"

    def __str__(self) -> str:
        return self.text


class ChannelError(EzmsgError):
    """Something between a publisher and its subscribers went wrong. Parts: ``topic``."""

    code = "CHANNEL"


class PublisherGoneError(ChannelError):
    """The publisher left or died; its queued messages stay readable."""

    code = "PUBLISHER_GONE"


class EndpointClosedError(ChannelError, RuntimeError):
    """The endpoint was closed, by its owner or with its context."""

    code = "ENDPOINT_CLOSED"


class UnpicklableError(ChannelError, TypeError):
    """An object cannot be sent; nothing was published. Parts: ``type_name``, ``where``."""

    code = "UNPICKLABLE"


class UndecodableError(ChannelError):
    """A message cannot be rebuilt here; the stream goes on. Parts: ``type_name``, ``seq``."""

    code = "UNDECODABLE"


class GraphRunnerStartError(EzmsgError, RuntimeError):
    """A graph did not start; everything that had started was ended. Parts: ``phase``, ``units``."""

    code = "GRAPH_START"


class UnitError(EzmsgError, RuntimeError):
    """A unit made it impossible to go on. Parts: ``phase``, ``unit``. Its cause is what the unit raised."""

    code = "UNIT"


class WorkerError(EzmsgError, RuntimeError):
    """A worker process failed or died. Parts: ``process``, ``units``, ``phase``, ``signal``."""

    code = "WORKER"


def _all_kinds(kind: type[EzmsgError]) -> list[type[EzmsgError]]:
    return [kind, *(leaf for child in kind.__subclasses__() for leaf in _all_kinds(child))]


_KINDS: dict[str, type[EzmsgError]] = {kind.code: kind for kind in _all_kinds(EzmsgError)}


def error_from_fault(code: str, text: str, parts: dict[str, Any]) -> EzmsgError:
    """The error that a fault stands for; an unknown code gives a plain `EzmsgError` with the part ``code``."""
    kind = _KINDS.get(code)
    if kind is None:
        return EzmsgError(text, **{**parts, "fault_code": code})
    return _rebuild(kind, text, parts)
