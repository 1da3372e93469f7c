"""Calls to processes: answered by the process, or ended with the reason why not."""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

import ezmsg_core as ez
from ezmsg_core.context import ProcessControlClient
from ezmsg_core.errors import CallError, OwnershipError
from ezmsg_core.model.control import ProcessControlErrorCode, ProcessControlRequest, ProcessControlResponse


@pytest_asyncio.fixture
async def context() -> AsyncIterator[ez.GraphContext]:
    async with ez.GraphContext() as context:
        yield context


@pytest_asyncio.fixture
async def process(context: ez.GraphContext) -> AsyncIterator[ProcessControlClient]:
    process = ProcessControlClient(context.graph_address)
    await process.connect()
    await process.register(["U"])
    yield process
    await process.close()


async def test_a_ping_and_statistics_come_from_the_owner(
    context: ez.GraphContext, process: ProcessControlClient
) -> None:
    ping = await context.process_ping("U")
    assert (ping.process_id, ping.pid) == (process.process_id, os.getpid())
    stats = await context.process_stats("U")
    assert stats.owned_units == ["U"]
    assert stats.rss_bytes > 1_000_000


async def test_counters_of_all_processes_are_seen(context: ez.GraphContext, process: ProcessControlClient) -> None:
    subscriber = await context.subscriber("b")
    publisher = await context.publisher("b")
    for number in range(5):
        await publisher.broadcast(number)
        assert await subscriber.recv() == number
    snapshots = await context.profiling_snapshot_all()
    (snapshot,) = snapshots.values()
    (counted,) = snapshot.publishers.values()
    assert counted.messages_published_total == 5
    (counted,) = snapshot.subscribers.values()
    assert counted.messages_received_total == 5
    assert process.process_id in snapshots


async def test_a_handler_answers_operations_of_its_own(context: ez.GraphContext, process: ProcessControlClient) -> None:
    async def answer(request: ProcessControlRequest) -> ProcessControlResponse:
        return ProcessControlResponse(request.request_id, ok=True, data=[request.operation, request.data])

    process.set_request_handler(answer)
    response = await context.process_request("U", "RECORD", payload_obj={"to": "disk"})
    assert response.ok
    assert response.data == ["RECORD", {"to": "disk"}]


async def test_a_handler_that_raises_is_told_in_words(context: ez.GraphContext, process: ProcessControlClient) -> None:
    def answer(request: ProcessControlRequest) -> ProcessControlResponse:
        raise OSError("the disk is full")

    process.set_request_handler(answer)
    response = await context.process_request("U", "RECORD")
    assert not response.ok
    assert response.error_code == ProcessControlErrorCode.HANDLER_ERROR
    assert "the disk is full" in (response.error or "")


async def test_a_handler_that_answers_something_else_is_told_apart(
    context: ez.GraphContext, process: ProcessControlClient
) -> None:
    process.set_request_handler(lambda request: "done")  # type: ignore[arg-type, return-value]
    response = await context.process_request("U", "RECORD")
    assert response.error_code == ProcessControlErrorCode.INVALID_RESPONSE
    process.set_request_handler(lambda request: ProcessControlResponse("other", ok=True))
    response = await context.process_request("U", "RECORD")
    assert response.error_code == ProcessControlErrorCode.INVALID_RESPONSE


async def test_no_handler_is_said(context: ez.GraphContext, process: ProcessControlClient) -> None:
    assert process.client_id is not None
    response = await context.process_request("U", "RECORD")
    assert response.error_code == ProcessControlErrorCode.HANDLER_NOT_CONFIGURED


async def test_a_handler_that_takes_too_long_is_not_waited_for(
    context: ez.GraphContext, process: ProcessControlClient
) -> None:
    async def answer(request: ProcessControlRequest) -> ProcessControlResponse:
        await asyncio.Event().wait()
        raise AssertionError

    process.set_request_handler(answer)
    response = await context.process_request("U", "RECORD", timeout=0.1)
    assert response.error_code == ProcessControlErrorCode.TIMEOUT


async def test_an_unknown_unit_is_named(context: ez.GraphContext) -> None:
    with pytest.raises(CallError, match="NOBODY"):
        await context.process_ping("NOBODY")


async def test_a_unit_has_one_owner(context: ez.GraphContext, process: ProcessControlClient) -> None:
    other = ProcessControlClient(context.graph_address)
    await other.connect()
    with pytest.raises(OwnershipError, match="U"):
        await other.register(["U", "V"])
    await process.update_ownership(removed_units=["U"])
    await other.register(["U", "V"])
    assert (await context.process_ping("V")).process_id == other.process_id
    await other.close()
    with pytest.raises(CallError):
        await context.process_ping("V")


async def test_a_call_whose_process_leaves_ends(context: ez.GraphContext, process: ProcessControlClient) -> None:
    has_come = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def answer(request: ProcessControlRequest) -> ProcessControlResponse:
        loop.call_soon_threadsafe(has_come.set)
        await asyncio.Event().wait()
        raise AssertionError

    process.set_request_handler(answer)
    calling = asyncio.create_task(context.process_request("U", "RECORD", timeout=30.0))
    await has_come.wait()
    await process.close()
    response = await asyncio.wait_for(calling, 5.0)
    assert not response.ok
