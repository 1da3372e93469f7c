"""Live counters of this host: how busy its cores, its memory, its network and its disks are."""

from dataclasses import dataclass

import psutil

RATE_LABELS = ("network in B/s", "network out B/s", "disk read B/s", "disk write B/s")


@dataclass(frozen=True)
class Totals:
    """Bytes that have gone through the host since it started; what a host sends to itself is counted."""

    received: int  # from the network
    sent: int
    read: int  # from disks
    written: int


def counter_labels(cores: int) -> tuple[str, ...]:
    """What the items of a vector of counters are: cores and memory in percent, then bytes a second."""
    return (*(f"core {core} %" for core in range(cores)), "memory %", *RATE_LABELS)


def rates_between(before: Totals, after: Totals, interval_s: float) -> list[float]:
    """Bytes a second, in the order of `RATE_LABELS`.

    A counter that fell (an interface or a disk was taken away) gives 0.
    """
    pairs = (
        (before.received, after.received),
        (before.sent, after.sent),
        (before.read, after.read),
        (before.written, after.written),
    )
    return [max(0, now - then) / interval_s for then, now in pairs]


def read_totals() -> Totals:
    """The totals of all network interfaces and disks; 0 where the platform shows none."""
    network = psutil.net_io_counters()
    disk = psutil.disk_io_counters()
    return Totals(
        received=network.bytes_recv if network else 0,
        sent=network.bytes_sent if network else 0,
        read=disk.read_bytes if disk else 0,
        written=disk.write_bytes if disk else 0,
    )


class HostCounters:
    """Reads the host's counters; each reading covers the time since the one before.

    Args:
        now_s: a monotonic time.
    """

    def __init__(self, now_s: float) -> None:
        self.labels = counter_labels(len(psutil.cpu_percent(percpu=True)))
        self._totals = read_totals()
        self._read_s = now_s

    def read(self, now_s: float) -> list[float]:
        """One value for each of `labels`."""
        interval_s = max(now_s - self._read_s, 1e-3)  # two readings at once must not divide by zero
        totals = read_totals()
        rates = rates_between(self._totals, totals, interval_s)
        self._totals, self._read_s = totals, now_s
        core_count = len(self.labels) - 1 - len(RATE_LABELS)
        cores = psutil.cpu_percent(percpu=True)
        cores = (cores + [0.0] * core_count)[:core_count]  # cores come and go on some machines; labels stay
        return [*cores, psutil.virtual_memory().percent, *rates]
