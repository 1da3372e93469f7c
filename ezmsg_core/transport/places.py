"""The runtime directory: made private, checked for its owner, and files written into it whole."""

import os
import secrets
import stat
from pathlib import Path

from ezmsg_core.config import MAX_SOCKET_PATH_BYTES, RUNTIME_DIR_ENV, runtime_dir
from ezmsg_core.errors import ConfigError, ConnectionFileError


def ensure_runtime_dir() -> Path:
    """The runtime directory, made if it was missing.

    Raises:
        ConfigError: it belongs to somebody else, is open to others, or cannot be made; or its path is too long
            for a socket.
    """
    folder = runtime_dir()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.lstat()
    except OSError as error:
        raise _unusable(folder, f"cannot be made ({error.strerror})") from error
    if not stat.S_ISDIR(status.st_mode):
        raise _unusable(folder, "is not a directory")
    if status.st_uid != os.getuid():
        raise _unusable(folder, "belongs to another user")
    if status.st_mode & 0o077:
        raise _unusable(folder, f"is open to other users (mode {stat.S_IMODE(status.st_mode):o}, wanted 700)")
    if len(os.fsencode(folder)) > MAX_SOCKET_PATH_BYTES - 40:
        raise _unusable(folder, "has a path too long for Unix sockets")
    return folder


def _unusable(folder: Path, reason: str) -> ConfigError:
    return ConfigError(
        f"The runtime directory {folder} {reason}. Mend it, or name another one with {RUNTIME_DIR_ENV}.",
        name=RUNTIME_DIR_ENV,
        value=str(folder),
    )


def write_private(path: Path, content: bytes) -> None:
    """Write a file whole, readable by its owner alone; a reader sees the old content or the new one."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        draft.rename(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def read_private(path: Path, *, limit: int = 64 << 10) -> bytes:
    """The content of a file that only its owner, this user, can read.

    Raises:
        ConnectionFileError: there is none, it is not private, or it is longer than the limit.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise _unreadable(path, (error.strerror or str(error)).lower()) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _unreadable(path, "it is not a file")
        if status.st_uid != os.getuid() or status.st_mode & 0o077:
            raise ConnectionFileError(
                f"The connection file {path} is not private (mode {stat.S_IMODE(status.st_mode):o}, owner "
                f"{status.st_uid}), so others may know its keys. If it is yours, run `chmod 600` on it and restart the "
                "graph, which makes new keys; if not, ask its owner for a copy of your own.",
                path=str(path),
            )
        content = _read(descriptor, limit + 1)
    finally:
        os.close(descriptor)
    if len(content) > limit:
        raise _unreadable(path, f"it is longer than {limit} bytes, so it is no connection file")
    return content


def _read(descriptor: int, size: int) -> bytes:
    content = b""
    while len(content) < size and (chunk := os.read(descriptor, size - len(content))):
        content += chunk
    return content


def _unreadable(path: Path, reason: str) -> ConnectionFileError:
    return ConnectionFileError(
        f"The connection file {path} cannot be read: {reason}. Check the path; a graph that runs has written one.",
        path=str(path),
    )
