"""How long to wait before the next try, and which failures are worth one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ezmsg_core.errors import (
    AccessDeniedError,
    ConnectionFileError,
    EzmsgError,
    ForeignServerError,
    HandshakeError,
    LinkError,
    ProtocolMismatchError,
    ServerUnreachableError,
)

CHANGING_HANDS = 3  # refusals in a row that a server's restart may explain: its port is there before its new file is


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Delays between tries: they double up to a longest, each moved at random by a share of itself."""

    first_s: float = 0.25
    longest_s: float = 5.0  # as long as a person waits without pressing a key
    jitter: float = 0.2  # so that several inspectors do not come back at the same moment

    def delay_s(self, failures: int, random: Callable[[], float]) -> float:
        """How long to wait after so many failures in a row.

        Args:
            failures: from 1.
            random: answers a number from 0.0 to 1.0.
        """
        doublings = min(failures - 1, 16)
        plain_s = min(self.first_s * 2.0**doublings, self.longest_s)
        return plain_s * (1.0 + self.jitter * (2.0 * random() - 1.0))


def is_worth_a_retry(error: Exception, *, was_attached: bool, failures: int) -> bool:
    """Whether another try may succeed without anybody doing anything.

    Args:
        error: that the last try ended with.
        was_attached: a link had come about before; then a refusal may be a server that is just restarting.
        failures: tries that failed in a row, this one included.
    """
    if isinstance(error, (HandshakeError, ConnectionFileError)):
        return was_attached and (isinstance(error, ConnectionFileError) or failures < CHANGING_HANDS)
    return isinstance(error, (LinkError, OSError))


def remedy_of(error: Exception) -> str:
    """What the user can do about a failed try, in one sentence; empty where the error says it."""
    match error:
        case ServerUnreachableError():
            return "Or see one now: `ezmsg-tui --demo`."
        case ProtocolMismatchError():
            return "Use the same version of ezmsg-tui on both sides."
        case ForeignServerError():
            return "Give the address of a graph server of this project."
        case AccessDeniedError():
            return "Use the connection file that the server has written."
        case ConnectionFileError():
            return "Give another connection file, or none to look for running servers."
        case _:
            return ""


def sentence_of(error: BaseException) -> str:
    """The error in one line."""
    if isinstance(error, EzmsgError):
        return str(error)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
