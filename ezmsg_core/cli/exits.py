"""How the command ends: its exit codes, and the error that carries one."""

import enum


class Exit(enum.IntEnum):
    """Exit codes, the same for every sub-command and for `ezmsg-tui`."""

    OK = 0
    USAGE = 2  # arguments that cannot be carried out
    NO_CONNECTION = 3  # no server, or none that lets us in
    INTERRUPTED = 130  # by Ctrl-C, before anything was done


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
