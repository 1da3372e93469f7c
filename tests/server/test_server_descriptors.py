"""A server without descriptors keeps its links, says so in a line, and takes newcomers as soon as it can."""

from __future__ import annotations

import contextlib
import select
import subprocess
import sys
from pathlib import Path

from ezmsg_core.model.roles import Role
from ezmsg_core.transport.connection_file import read_entry
from ezmsg_core.wire.answers import TopologyAnswer
from ezmsg_core.wire.commands import GetTopology
from tests.server.raw_peer import RawPeer

DESCRIPTORS = 40
PROGRAM = f"""
import logging, resource
from ezmsg_core.cli import main
logging.basicConfig()
resource.setrlimit(resource.RLIMIT_NOFILE, ({DESCRIPTORS}, {DESCRIPTORS}))
main(["serve", "--address", "127.0.0.1:0"])
"""


def test_newcomers_wait_until_a_descriptor_is_free(runtime_dir: Path):
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("serving at")
        (file,) = runtime_dir.glob("graph-*.json")
        entry = read_entry(file)
        with contextlib.ExitStack() as stack:
            links: list[RawPeer] = []
            while True:
                peer = stack.enter_context(RawPeer(entry))
                peer.sock.sendall(peer.handshake(Role.OBSERVE).hello)
                if not select.select([peer.sock], [], [], 1.0)[0]:
                    break  # it waits
                peer.sock.close()
                links.append(stack.enter_context(RawPeer(entry)))
                links[-1].enter(Role.OBSERVE)
            assert len(links) > DESCRIPTORS / 2
            for link in links:
                assert isinstance(link.ask(GetTopology()), TopologyAnswer)
            for link in links[:5]:
                link.sock.close()
            assert select.select([peer.sock], [], [], 10.0)[0]
            said = [process.stderr.readline() for _ in range(2)]
        process.terminate()
        rest = process.stderr.read()
        assert process.wait(10.0) == 0
    assert "No new connections for now: Too many open files. Those that stand go on." in said[0]
    assert "New connections again, after" in said[1]
    assert rest == ""
