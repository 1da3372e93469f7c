"""Taking connections from a listening socket, also when descriptors run out."""

import asyncio
import logging
import socket
from collections.abc import Callable

from ezmsg_core.transport.fork_guard import keep_from_children

logger = logging.getLogger("ezmsg.transport")

_ACCEPTS_PER_TURN = 64  # then the links that stand get their turn
_TELL_AGAIN_S = 60.0  # a server that lives at its limit would fill the log


class Acceptor:
    """Accepts connections, and gives each a protocol. Lives on the event loop that made it; owns its listener.

    When accepting fails, as it does without descriptors, it pauses: at first for the first back-off, then twice as
    long each time up to the longest; who comes meanwhile waits in the backlog. One line in the log says that it began,
    one that everybody who waited was taken; what comes again soon after is not worth another.

    Args:
        listener: a listening socket that does not block.
        make: the protocol for a new connection.
        back_off_s: first and longest pause.
    """

    def __init__(
        self, listener: socket.socket, make: Callable[[], asyncio.Protocol], back_off_s: tuple[float, float]
    ) -> None:
        self._listener = listener
        self._make = make
        self._back_off_s = back_off_s
        self._pause_s = 0.0
        self._exhausted_since_s: float | None = None
        self._is_told = False
        self._tell_again_s = 0.0
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop.add_reader(listener, self._accept)

    async def aclose(self) -> None:
        """Accept no more; connections that already have a protocol stay."""
        if self._timer is not None:
            self._timer.cancel()
        if self._listener.fileno() >= 0:
            self._loop.remove_reader(self._listener)
        self._listener.close()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _accept(self) -> None:
        for _ in range(_ACCEPTS_PER_TURN):
            try:
                connection, _ = self._listener.accept()
            except BlockingIOError:
                self._all_taken()
                return
            except (InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # without a pause this would be called again at once, for ever
                self._back_off(error)
                return
            self._pause_s = 0.0
            keep_from_children(connection)
            connection.setblocking(False)
            task = self._loop.create_task(self._receive(connection))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _receive(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._make, connection)
        except OSError as error:  # it broke before it began
            logger.debug("A connection was lost as it came: %s", error)
            connection.close()
        except BaseException:
            connection.close()
            raise

    def _back_off(self, error: OSError) -> None:
        first, longest = self._back_off_s
        now_s = self._loop.time()
        if self._exhausted_since_s is None:
            self._exhausted_since_s = now_s
            self._is_told = now_s >= self._tell_again_s
            if self._is_told:
                logger.warning("No new connections for now: %s. Those that stand go on.", error.strerror)
        self._pause_s = min(max(self._pause_s * 2, first), longest)
        self._loop.remove_reader(self._listener)
        self._timer = self._loop.call_later(self._pause_s, self._try_again)

    def _try_again(self) -> None:
        self._timer = None
        self._loop.add_reader(self._listener, self._accept)
        self._accept()  # even if nobody waits: that it can is worth knowing

    def _all_taken(self) -> None:
        if self._exhausted_since_s is None:
            return
        now_s = self._loop.time()
        if self._is_told:
            logger.warning("New connections again, after %.1f s.", now_s - self._exhausted_since_s)
            self._tell_again_s = now_s + _TELL_AGAIN_S
        self._exhausted_since_s = None
