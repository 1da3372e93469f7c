"""A program's place in a graph: sessions with publishers and subscribers, and the servers that come along with them."""

from ezmsg_core.context.graph_context import GraphContext
from ezmsg_core.context.process_control import ProcessControlClient
from ezmsg_core.context.service import GraphService

__all__ = ["GraphContext", "GraphService", "ProcessControlClient"]
