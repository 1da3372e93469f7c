"""What the server writes on behalf of peers: so much, printable, and with a count of the rest."""

from __future__ import annotations

import logging

import pytest

from ezmsg_core.model.address import Address
from ezmsg_core.model.roles import Role
from ezmsg_core.server import ServingOptions
from ezmsg_core.server.paced_log import PacedLog, printable
from tests.server.raw_peer import RawPeer
from tests.server.serving_thread import serving

LOGGER = logging.getLogger("ezmsg.test")


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> PacedLog:
    caplog.set_level(logging.INFO, LOGGER.name)
    return PacedLog(LOGGER, 3.0)


def test_a_peer_has_so_many_lines_a_second_and_the_rest_is_counted(log: PacedLog, caplog: pytest.LogCaptureFixture):
    for number in range(10):
        log.write(logging.INFO, "a", f"line {number}", 100.0)
    log.write(logging.INFO, "b", "another's", 100.0)
    log.write(logging.INFO, "a", "later", 100.4)
    log.write(logging.INFO, "a", "much later", 200.0)
    assert caplog.messages == [
        "line 0",
        "line 1",
        "line 2",
        "another's",
        "later (7 lines before this one were held back)",
        "much later",
    ]


def test_a_clock_that_stands_still_or_goes_back_gives_nothing(log: PacedLog, caplog: pytest.LogCaptureFixture):
    for second in (100.0, 99.0, 98.0, 97.0, 96.0):
        log.write(logging.INFO, "a", "line", second)
    assert len(caplog.messages) == 3


def test_lines_that_are_not_wanted_cost_no_allowance(log: PacedLog, caplog: pytest.LogCaptureFixture):
    for _ in range(10):
        log.write(logging.DEBUG, "a", "quiet", 100.0)
    log.write(logging.INFO, "a", "loud", 100.0)
    assert caplog.messages == ["loud"]


def test_peers_that_were_long_silent_are_forgotten(log: PacedLog):
    for number in range(1000):
        log.write(logging.INFO, str(number), "line", 100.0)
    assert len(log._allowances) <= 256


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain – text", "plain – text"),
        ("two\nlines\r", "two\\nlines\\r"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_could_steer_a_terminal_is_escaped(text: str, shown: str):
    assert printable(text) == shown


@pytest.mark.parametrize("is_remote", [False, True], ids=["unix", "tcp"])
def test_links_that_break_again_and_again_do_not_fill_the_log(caplog: pytest.LogCaptureFixture, is_remote: bool):
    caplog.set_level(logging.INFO)
    with serving(ServingOptions(address=Address("127.0.0.1", 0))) as entry:
        for _ in range(100):
            with RawPeer(entry, is_remote=is_remote) as peer:
                peer.enter(Role.OBSERVE)
                peer.sock.sendall(b"\x00")
                peer.frames_until_end()
    lines = [text for text in caplog.messages if "is closed: A received object is not a frame" in text]
    assert 1 <= len(lines) <= 60
