"""Publisher, Subscriber, and the channels between them: in a process, by Unix socket, by TCP."""

from ezmsg_core.channel.exchange import profile_endpoints
from ezmsg_core.channel.publisher import Publisher
from ezmsg_core.channel.subscriber import Subscriber

__all__ = ["Publisher", "Subscriber", "profile_endpoints"]
