"""The profiles that a process reports over a link, while the server asks for them."""

import asyncio
import os
import platform
import time
from collections.abc import Callable
from typing import Protocol

import psutil

from ezmsg_core.model.profiles import ProcessProfile, PublisherCounters, SubscriberCounters
from ezmsg_core.wire.frames import ClientFrame, ProfileReport, Welcome

Counters = tuple[list[PublisherCounters], list[SubscriberCounters]]
CounterSource = Callable[[], Counters]


class ReportedLink(Protocol):
    """What is needed of a link."""

    welcome: Welcome
    loop_lag_ns: Callable[[], int]

    def send(self, frame: ClientFrame, /) -> None:
        """Send a frame."""
        ...


class ProfileReporter:
    """Reports the counters of a link's endpoints at the interval that the server wishes.

    Thread: `set_source` and `profile` may be called from any thread; the rest belongs to the link's event loop.
    """

    def __init__(self, link: ReportedLink) -> None:
        self._link = link
        self._source: CounterSource = lambda: ([], [])
        self._process: psutil.Process | None = None
        self._timer: asyncio.TimerHandle | None = None

    def set_source(self, source: CounterSource) -> None:
        """Say where the counters of the link's endpoints come from; called on the link's loop, so it must be short."""
        self._source = source

    def profile(self) -> ProcessProfile:
        """The counters at this moment."""
        publishers, subscribers = self._source()
        if self._process is None:
            self._process = psutil.Process()
            self._process.cpu_percent()  # the first figure is since here
        with self._process.oneshot():
            return ProcessProfile(
                process_id=self._link.welcome.link_id,
                pid=os.getpid(),
                host=platform.node(),
                timestamp=time.time(),
                sampled_ns=time.monotonic_ns(),
                publishers=publishers,
                subscribers=subscribers,
                cpu_percent=self._process.cpu_percent(),
                rss_bytes=self._process.memory_info().rss,
                loop_lag_ns=self._link.loop_lag_ns(),
            )

    def sample_every(self, interval_s: float) -> None:
        """Report now and at an interval; 0.0: no more."""
        self.stop()
        if interval_s > 0:
            self._report(interval_s)

    def stop(self) -> None:
        """Report no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _report(self, interval_s: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(interval_s, self._report, interval_s)
        self._link.send(ProfileReport(self.profile()))
