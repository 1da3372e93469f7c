"""What a process reports of its channels."""

import time

from ezmsg_core.channel.exchange import profile_endpoints
from ezmsg_core.client.link import Link


def report_counters(link: Link) -> None:
    """Include the counters of the link's publishers and subscribers in what its process reports."""
    link.profiles.set_source(lambda: profile_endpoints(link, time.monotonic_ns()))
