"""All that a client of a graph server needs: finding it, a link to it, watches, calls, a process's answers."""

from ezmsg_core.client.link import Link
from ezmsg_core.client.servers import find_server, find_servers
from ezmsg_core.client.settings_calls import patch_settings
from ezmsg_core.client.watch import Watch
from ezmsg_core.transport.connection_file import ServerEntry

__all__ = ["Link", "ServerEntry", "Watch", "find_server", "find_servers", "patch_settings"]
