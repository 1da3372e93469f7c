"""The ways from a publisher to a subscriber, over every surrounding."""

from itertools import product

import pytest

from ezmsg_core.flow.path import Surroundings, ways_to
from ezmsg_core.model.profiles import ProfileChannelType

UNIX, TCP = "unix:/run/x.sock", "tcp:127.0.0.1:25980"


@pytest.mark.parametrize("flags", list(product([True, False], repeat=4)))
@pytest.mark.parametrize("addresses", [[], [TCP], [UNIX, TCP], [TCP, UNIX]])
def test_the_best_way_comes_first_with_its_reason(flags: tuple[bool, ...], addresses: list[str]) -> None:
    around = Surroundings(*flags)
    ways = ways_to(addresses, around)
    assert all(way.reason for way in ways)
    if around.is_same_process and around.is_local_allowed:
        assert [(way.path, way.address) for way in ways] == [(ProfileChannelType.LOCAL, "")]
        return
    assert all(way.path.name.lower() == way.address.partition(":")[0] for way in ways)
    expected = [UNIX] if UNIX in addresses and around.is_same_host and around.has_unix_sockets else []
    assert [way.address for way in ways] == expected + ([TCP] if TCP in addresses else [])


def test_the_reason_tells_why_a_better_way_was_not_taken() -> None:
    def reason(addresses: list[str], **flags: bool) -> str:
        return ways_to(
            addresses,
            Surroundings(
                **{
                    "is_same_process": False,
                    "is_same_host": True,
                    "is_local_allowed": True,
                    "has_unix_sockets": True,
                    **flags,
                }
            ),
        )[-1].reason

    assert "other host" in reason([UNIX, TCP], is_same_host=False)
    assert "offers TCP only" in reason([TCP])
    assert "no Unix sockets" in reason([UNIX, TCP], has_unix_sockets=False)
    assert "could not be reached" in reason([UNIX, TCP])
    assert "local delivery is off" in reason([UNIX], is_same_process=True, is_local_allowed=False)
