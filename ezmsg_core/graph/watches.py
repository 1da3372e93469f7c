"""Watches: cursors on the journals, each with its own credit, so that a slow watcher costs nobody anything.

A watch that fell off the old end of its journal is told the gap and, except for profiles, gets a fresh state.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from ezmsg_core.graph.journal import Journal
from ezmsg_core.graph.step import Step
from ezmsg_core.graph.stimuli import LinkKey
from ezmsg_core.model.watching import Bookmark, Gap, Resync, StreamName, WatchItem
from ezmsg_core.wire.codec import encode
from ezmsg_core.wire.frames import PushedRaw


class Watch:
    """One watcher's place in a stream."""

    def __init__(self, watch_id: int, link: LinkKey, stream: StreamName, interval_s: float) -> None:
        self.watch_id = watch_id
        self.link = link
        self.stream = stream
        self.interval_s = interval_s
        self.cursor = 0  # seq of the last event that it was sent or that a state included
        self.credit = 0
        self.opening: list[Resync | Gap] = []  # to be sent before a state
        self.needs_state = True


class Stream:
    """A journal with the state that a watch of it begins with.

    Args:
        journal: the retained events.
        state: the item with the whole state at the journal's last seq, encoded; cached by revision by its owner.
        has_lossy_items: items supersede each other, so a gap is not followed by a state.
    """

    def __init__(
        self, journal: Journal[Any], state: Callable[[], msgspec.Raw], *, has_lossy_items: bool = False
    ) -> None:
        self.journal = journal
        self.state = state
        self.has_lossy_items = has_lossy_items


class Watches:
    """All watches by id.

    Args:
        streams: what can be watched.
        epoch: of this server.
        credit_items: most credit of one watch.
    """

    def __init__(self, streams: dict[StreamName, Stream], *, epoch: str, credit_items: int) -> None:
        self._streams = streams
        self._epoch = epoch
        self._credit_items = credit_items
        self._watches: dict[int, Watch] = {}
        self._next_id = 1

    def of_stream(self, stream: StreamName) -> Iterator[Watch]:
        """Watches of one stream."""
        return (watch for watch in self._watches.values() if watch.stream is stream)

    def find(self, watch_id: int) -> Watch | None:
        """The watch with an id."""
        return self._watches.get(watch_id)

    def open(self, link: LinkKey, stream: StreamName, *, after_seq: int | None, epoch: str, interval_s: float) -> Watch:
        """A new watch with full credit, which begins with a state or resumes after a seq."""
        watch = Watch(self._next_id, link, stream, interval_s)
        self._next_id += 1
        self._watches[watch.watch_id] = watch
        watch.credit = self._credit_items
        if after_seq is not None:
            self._resume(watch, after_seq, epoch)
        return watch

    def close(self, watch_id: int) -> None:
        """No more items."""
        self._watches.pop(watch_id, None)

    def grant(self, watch: Watch, items: int) -> None:
        """The consumer has room for more; what exceeds the most credit is ignored."""
        watch.credit = min(watch.credit + max(items, 0), self._credit_items)

    def pump(self, step: Step) -> None:
        """Send every watch what it has credit for."""
        for watch in self._watches.values():
            if watch.credit > 0:
                self._pump(watch, step)

    def bookmark(self, step: Step) -> None:
        """Tell watches that are up to date that nothing is missing."""
        for watch in self._watches.values():
            last = self._streams[watch.stream].journal.last_seq
            if watch.credit > 0 and watch.cursor == last and not watch.needs_state:
                self._push(watch, step, encoded(Bookmark(last)))

    def _resume(self, watch: Watch, after_seq: int, epoch: str) -> None:
        journal = self._streams[watch.stream].journal
        if epoch and epoch != self._epoch:
            watch.opening.append(Resync(self._epoch, "the server is another one than the watch was on before"))
        elif not 0 <= after_seq <= journal.last_seq:
            watch.opening.append(Resync(self._epoch, f"no event {after_seq} has happened on this server"))
        else:
            watch.cursor = after_seq
            watch.needs_state = False

    def _pump(self, watch: Watch, step: Step) -> None:
        stream = self._streams[watch.stream]
        journal = stream.journal
        while watch.credit > 0:
            if watch.opening:
                self._push(watch, step, encoded(watch.opening.pop(0)))
            elif watch.needs_state:
                watch.needs_state = False
                watch.cursor = journal.last_seq
                self._push(watch, step, stream.state())
            elif watch.cursor < journal.first_seq - 1:
                self._fall_off(watch, stream)
            elif watch.cursor < journal.last_seq:
                watch.cursor += 1
                self._push(watch, step, journal.entry(watch.cursor).item)
            else:
                return

    def _fall_off(self, watch: Watch, stream: Stream) -> None:
        if stream.has_lossy_items:
            missing_to = stream.journal.first_seq - 1
            reason = "newer profiles took their place"
        else:
            missing_to = stream.journal.last_seq
            reason = "the server keeps events for a limited time; a whole state follows"
            watch.needs_state = True
        watch.opening.append(Gap(watch.cursor + 1, missing_to, reason))
        watch.cursor = missing_to

    def _push(self, watch: Watch, step: Step, item: msgspec.Raw) -> None:
        watch.credit -= 1
        step.send(watch.link, PushedRaw(watch.watch_id, item))


def encoded(item: WatchItem) -> msgspec.Raw:
    """An item as it goes over the wire."""
    return msgspec.Raw(encode(item))
