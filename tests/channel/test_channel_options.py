"""What users may say when they create an endpoint, and where publishers listen."""

import asyncio
import concurrent.futures
import logging
import os
import socket
import stat
from pathlib import Path
from uuid import UUID

import pytest

from ezmsg_core.channel import Publisher, Subscriber
from ezmsg_core.channel import exchange as exchange_module
from ezmsg_core.client.link_sharing import control_thread
from ezmsg_core.errors import ConfigError, LimitExceededError, ServerUnreachableError
from ezmsg_core.model.profiles import ProfileChannelType
from tests.channel.stage import Stage, soon, take, until


def test_endpoints_are_made_by_create_only() -> None:
    for kind in (Publisher, Subscriber):
        with pytest.raises(TypeError, match="create"):
            kind()


async def test_endpoints_find_the_server_by_its_address_and_give_the_link_back(stage: Stage) -> None:
    address = stage.server.address
    publisher = await Publisher.create("t", address, None, None, 1024, 4)
    subscriber = await Subscriber.create("t", (address.host, address.port))
    assert publisher.pid == os.getpid()
    assert (publisher.topic, subscriber.topic) == ("t", "t")
    assert isinstance(publisher.id, UUID) and isinstance(subscriber.id, UUID)
    assert "t" in publisher.log_name and "t" in subscriber.log_name
    await publisher.broadcast(1)
    assert await take(subscriber, 1) == [1]
    for endpoint in (publisher, subscriber):
        endpoint.close()
        await soon(endpoint.wait_closed())


async def test_without_a_server_creation_fails_and_leaves_nothing(unused_tcp_port: int) -> None:
    for kind in (Publisher, Subscriber):
        with pytest.raises(ServerUnreachableError):
            await kind.create("t", ("127.0.0.1", unused_tcp_port))


@pytest.mark.parametrize(
    ("kind", "options", "named", "hint"),
    [
        (Publisher, {"num_bufers": 3}, "num_bufers", "Did you mean 'num_buffers'"),
        (Publisher, {"leaky": True}, "leaky", "option of subscribers"),
        (Publisher, {"zzz": True}, "zzz", "There are host"),
        (Subscriber, {"leeky": True}, "leeky", "Did you mean 'leaky'"),
        (Subscriber, {"num_buffers": 4}, "num_buffers", "option of publishers"),
        (Publisher, {"num_buffers": 0}, "num_buffers", "whole number"),
        (Publisher, {"port": -1}, "port", "65535"),
        (Publisher, {"host": "192.0.2.7"}, "host", "not encrypted"),
        (Publisher, {"host": "0.0.0.0"}, "host", "not encrypted"),
        (Subscriber, {"leaky": True, "max_queue": 0}, "max_queue", "whole number"),
    ],
)
async def test_an_option_that_cannot_be_used_is_refused_by_name(
    local_stage: Stage, kind: type[Publisher] | type[Subscriber], options: dict[str, object], named: str, hint: str
) -> None:
    with pytest.raises(ConfigError, match=hint) as refused:
        await kind.create("t", link=local_stage.near, **options)  # type: ignore[arg-type]
    assert refused.value.name == named
    assert (await local_stage.topology()).publishers == []


@pytest.mark.parametrize("topic", ["", 5, None])
async def test_something_that_is_no_topic_is_refused(local_stage: Stage, topic: object) -> None:
    with pytest.raises(ConfigError, match="not a topic"):
        await Publisher.create(topic, link=local_stage.near)  # type: ignore[arg-type]
    with pytest.raises(LimitExceededError):
        await Subscriber.create("x" * 600, link=local_stage.near)


async def test_subscribers_accept_what_streams_hand_to_both_kinds_of_endpoints(local_stage: Stage) -> None:
    subscriber = await local_stage.subscriber(host="127.0.0.1", port=1, buf_size=2)
    assert not subscriber.leaky


async def test_forcing_tcp_disables_local_delivery_and_says_so(
    local_stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "ezmsg"):
        publisher = await Publisher.create("t", link=local_stage.near, force_tcp=True, allow_local=True)
    assert "force_tcp=True disables local delivery" in caplog.text
    subscriber = await local_stage.subscriber()
    sent = [1]
    await publisher.broadcast(sent)
    async with subscriber.recv_zero_copy() as lent:
        assert lent == sent and lent is not sent
    assert subscriber.counters().path is ProfileChannelType.TCP
    publisher.close()
    await publisher.wait_closed()


@pytest.mark.parametrize(
    ("environment", "options", "is_local", "has_unix"),
    [
        ({}, {}, True, True),
        ({"EZMSG_FORCE_TCP": "1"}, {}, False, False),
        ({"EZMSG_ALLOW_LOCAL": "off"}, {}, False, True),
        ({"EZMSG_FORCE_TCP": "yes"}, {"force_tcp": False}, True, True),
        ({"EZMSG_ALLOW_LOCAL": "0"}, {"allow_local": True}, True, True),
        ({}, {"allow_local": False}, False, True),
    ],
)
async def test_the_environment_decides_where_the_caller_does_not(
    local_stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    options: dict[str, bool],
    is_local: bool,
    has_unix: bool,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    publisher = await Publisher.create("t", link=local_stage.near, **options)  # type: ignore[arg-type]
    subscriber = await local_stage.subscriber()
    await publisher.broadcast(1)
    await take(subscriber, 1)
    assert (subscriber.counters().path is ProfileChannelType.LOCAL) == is_local
    (record,) = (await local_stage.topology()).publishers
    assert any(address.startswith("unix:") for address in record.addresses) == has_unix
    assert record.addresses[-1].startswith("tcp:127.0.0.1:")
    publisher.close()
    await publisher.wait_closed()


async def test_sockets_are_private_and_go_with_the_last_publisher(local_stage: Stage, runtime_dir: Path) -> None:
    publishers = [await local_stage.publisher() for _ in range(2)]
    (path,) = runtime_dir.glob("data-*.sock")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    publishers[0].close()
    await soon(publishers[0].wait_closed())
    assert path.exists()
    publishers[1].close()
    await soon(publishers[1].wait_closed())
    assert not path.exists()


async def test_sockets_of_killed_processes_are_removed_and_others_are_kept(
    local_stage: Stage, runtime_dir: Path
) -> None:
    with socket.socket(socket.AF_UNIX) as gone, socket.socket(socket.AF_UNIX) as stranger:
        gone.bind(str(runtime_dir / "data-999999999-abc.sock"))
        stranger.bind(str(runtime_dir / f"data-{os.getppid()}-abc.sock"))
        await local_stage.publisher()
        names = {path.name for path in runtime_dir.glob("data-*.sock")}
        assert "data-999999999-abc.sock" not in names
        assert f"data-{os.getppid()}-abc.sock" in names
        (runtime_dir / f"data-{os.getppid()}-abc.sock").unlink()


async def test_a_publisher_may_have_a_port_of_its_own(stream_stage: Stage, unused_tcp_port: int) -> None:
    publisher = await stream_stage.publisher(host="localhost", port=unused_tcp_port)
    (record,) = (await stream_stage.topology()).publishers
    assert record.addresses[-1] == f"tcp:127.0.0.1:{unused_tcp_port}"
    subscriber = await stream_stage.subscriber()
    await publisher.broadcast(1)
    assert await take(subscriber, 1) == [1]
    with pytest.raises(ConfigError, match="taken"):
        await Publisher.create("u", link=stream_stage.near, port=unused_tcp_port)
    publisher.close()
    await soon(publisher.wait_closed())
    with socket.create_server(("127.0.0.1", unused_tcp_port)):
        pass


async def test_processes_take_ports_from_where_the_environment_says(
    local_stage: Stage, monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    monkeypatch.setenv("EZMSG_PUBLISHER_PORT_START", str(unused_tcp_port))
    await local_stage.publisher()
    (record,) = (await local_stage.topology()).publishers
    port = int(record.addresses[-1].rpartition(":")[2])
    assert unused_tcp_port <= port < unused_tcp_port + 20


async def test_creation_that_is_cancelled_leaves_nothing_behind(stage: Stage) -> None:
    for delay in (0.0, 0.0005, 0.001, 0.002, 0.004):
        for make in (stage.publisher, stage.subscriber):
            creating = asyncio.create_task(make())
            await asyncio.sleep(delay)
            creating.cancel()
            await asyncio.wait([creating])
    await stage.close()
    await stage.topology_once(lambda state: not state.publishers and not state.subscribers)


async def test_closing_goes_on_for_those_who_no_longer_wait_for_it(stage: Stage) -> None:
    publisher, subscriber = await stage.publisher(), await stage.subscriber()
    await soon(publisher.broadcast(1))
    publisher.close()
    waiting = asyncio.create_task(publisher.wait_closed())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert await take(subscriber, 1) == [1]
    await stage.topology_once(lambda state: not state.publishers)
    await soon(publisher.wait_closed())


async def test_closing_that_is_cut_short_still_leaves_the_graph_and_gives_the_link_back(local_stage: Stage) -> None:
    address = local_stage.server.address
    publisher = await Publisher.create("t", address)
    subscriber = await Subscriber.create("t", address)
    anchor = await Subscriber.create("elsewhere", address)  # its link is the same, and stays
    exchange, count = exchange_module._exchanges[anchor._link]
    for endpoint in (publisher, subscriber):
        endpoint._advertising = concurrent.futures.Future()  # that closing waits for
        endpoint.close()
        assert endpoint._end is not None
        is_waiting = asyncio.run_coroutine_threadsafe(asyncio.sleep(0), endpoint._link.loop)
        await asyncio.wrap_future(is_waiting)
        endpoint._end.cancel()
    await local_stage.topology_once(lambda state: not state.publishers and len(state.subscribers) == 1)
    await until(lambda: exchange_module._exchanges[anchor._link] == (exchange, count - 2))
    assert not exchange._publishers and list(exchange._subscribers) == [anchor.endpoint_id]
    anchor.close()
    await soon(anchor.wait_closed())
    await until(lambda: not control_thread()._carriers)
