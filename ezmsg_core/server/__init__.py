"""The asyncio shell round the graph machine: listens, shakes hands, moves bytes, keeps time."""

from ezmsg_core.server.serving import Serving, ServingOptions
from ezmsg_core.server.threaded import GraphServer

__all__ = ["GraphServer", "Serving", "ServingOptions"]
