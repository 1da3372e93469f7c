"""Counters of a link's endpoints, on their way into its process's profiles."""

import time

from ezmsg_core.channel.exchange import profile_endpoints
from ezmsg_core.client.link import Link
from ezmsg_core.client.process_agent import reporter_of


def report_counters(link: Link) -> None:
    """Include the counters of the link's publishers and subscribers in what its process reports."""
    reporter_of(link).set_source(lambda: profile_endpoints(link, time.monotonic_ns()))
