"""Sockets that a forked child must not keep.

A child has a copy of every socket of its parent, and a connection only ends when its last copy is closed: a child that
outlives its parent would keep the parent's links alive, and a port taken. Here a child lets go of them.
"""

import os
import socket
import weakref

_owned: "weakref.WeakSet[socket.socket]" = weakref.WeakSet()


def keep_from_children(sock: socket.socket) -> socket.socket:
    """Let children that are forked from now on let go of the socket; it is theirs no more than the parent's loop."""
    _owned.add(sock)
    return sock


def _let_go() -> None:
    """Put the null device in the place of each socket.

    The parent's connection is untouched. The numbers stay taken, so that objects which still know them, and which the
    child cannot reach, never close something else.
    """
    numbers = [number for number in (sock.fileno() for sock in list(_owned)) if number >= 0]
    _owned.clear()
    if not numbers:
        return
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for number in numbers:
        os.dup2(null, number, inheritable=False)
    os.close(null)


os.register_at_fork(after_in_child=_let_go)
