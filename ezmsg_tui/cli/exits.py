"""How the command ends: its exit codes, and the error that carries one."""

from __future__ import annotations

import enum


class Exit(enum.IntEnum):
    """Exit codes, the same for every sub-command."""

    OK = 0
    REJECTED = 1  # the owner or the server refused; nothing was changed
    USAGE = 2  # arguments that cannot be carried out
    NO_CONNECTION = 3  # no server, or none that lets us in; an unreachable one is worth another try
    TIMEOUT = 4  # what was waited for did not come
    BUG = 70  # a fault of this program
    INTERRUPTED = 130  # by Ctrl-C


class CommandError(Exception):
    """The command cannot be carried out.

    Args:
        text: one or more sentences for standard error.
        code: that the command exits with.
    """

    def __init__(self, text: str, code: Exit) -> None:
        super().__init__(text)
        self.text = text
        self.code = code
