"""From where a watch may resume after the link went, so that nothing is missed and nothing has to be listed again."""

from __future__ import annotations

from ezmsg_core.model.watching import (
    Gap,
    Resync,
    SettingsEvent,
    SettingsListed,
    TopologyEvent,
    TopologyListed,
    WatchItem,
)


class ResumePoint:
    """How far one stream was taken in, and of which server.

    A hole, or another server, makes resuming impossible until the next whole state: then `after_seq` is None.
    """

    def __init__(self) -> None:
        self.after_seq: int | None = None
        self.epoch = ""

    def take(self, item: WatchItem, epoch: str) -> None:
        """An item was handed on, over a link to the server with this epoch."""
        match item:
            case TopologyListed(state) | SettingsListed(state):
                self.after_seq, self.epoch = state.revision, epoch
            case TopologyEvent(event) | SettingsEvent(event):
                if self.after_seq is not None:
                    self.after_seq = max(self.after_seq, event.seq)
            case Gap() | Resync():
                self.forget()
            case _:
                pass

    def forget(self) -> None:
        """Start with a whole state the next time."""
        self.after_seq, self.epoch = None, ""
