"""Graphs run from their first message to their end."""

import contextlib
import logging
import os
import threading
from collections.abc import Generator
from contextlib import contextmanager
from multiprocessing.connection import wait
from pathlib import Path

import pytest

import ezmsg_core as ez
from ezmsg_core.errors import (
    AddressCollisionError,
    ConfigError,
    CycleError,
    GraphRunnerStartError,
    ServerUnreachableError,
    WorkerError,
)
from tests.runtime.units import (
    Counting,
    CountSettings,
    MainSettings,
    Ordered,
    Pair,
    TakeSettings,
    Ticking,
    WithMain,
    fates,
    noted,
)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return tmp_path / "notes"


def taken(notes: Path) -> list[int]:
    (line,) = (line for line in noted(notes) if "taken" in line)
    return line["taken"]


def test_a_graph_in_one_process_takes_every_message_in_order(notes: Path) -> None:
    ez.run(PAIR=Pair(notes, number=500, last=499))
    assert taken(notes) == list(range(500))
    assert noted(notes)[0]["pid"] == os.getpid()


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_graph_over_processes_takes_every_message_in_order(notes: Path, method: str) -> None:
    runner = ez.GraphRunner({"PAIR": Pair(notes, apart=True, number=500, last=499)}, start_method=method)
    runner.run_blocking()
    assert taken(notes) == list(range(500))
    assert noted(notes)[0]["pid"] not in {os.getpid(), None}
    assert not runner.running


def test_the_start_method_holds_in_a_program_with_threads(notes: Path) -> None:
    may_end = threading.Event()
    thread = threading.Thread(target=may_end.wait)
    thread.start()
    try:
        ez.GraphRunner({"PAIR": Pair(notes, apart=True)}, start_method="spawn").run_blocking()
    finally:
        may_end.set()
        thread.join()
    assert taken(notes) == list(range(20))


def test_force_single_process_keeps_everything_here(notes: Path) -> None:
    ez.run(PAIR=Pair(notes, apart=True), force_single_process=True)
    assert noted(notes)[0]["pid"] == os.getpid()


def test_a_graph_ends_when_all_its_functions_are_complete(notes: Path) -> None:
    a, b = (Counting(CountSettings(number=3)) for _ in range(2))
    ez.run(A=a, B=b, process_components=[b])


def test_a_function_that_raises_ends_alone_and_is_logged(notes: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger="ezmsg"):
        ez.run(PAIR=Pair(notes, refuses=7))
    assert taken(notes) == list(range(20))
    (record,) = (record for record in caplog.records if "PAIR/TAKE.take raised" in record.getMessage())
    assert record.exc_info is not None
    assert "does not like 7" in str(record.exc_info[1])


def test_functions_are_called_with_what_they_take(notes: Path) -> None:
    unit = Ticking(TakeSettings(notes=str(notes)))
    ez.run({"TICK": unit}, connections=[("TICK/OUTPUT", "TICK/INPUT")])
    assert noted(notes) == [{"first": None}, {"ticks": 3}]


def test_what_publishes_is_closed_before_its_unit_is_shut_down(notes: Path) -> None:
    ez.run({"U": Ordered(TakeSettings(notes=str(notes)))}, connections=[("U/OUTPUT", "U/INPUT")])
    assert [line["event"] for line in noted(notes)] == ["publisher closed", "shutdown"]


def test_the_main_function_runs_on_the_main_thread(notes: Path) -> None:
    ez.run(DANCE=WithMain(MainSettings(notes=str(notes))))
    (line,) = noted(notes)
    assert line == {"event": "main", "is_main": True, "pid": os.getpid()}


def test_the_main_function_of_a_worker_runs_on_its_main_thread(notes: Path) -> None:
    unit = WithMain(MainSettings(notes=str(notes)))
    runner = ez.GraphRunner({"DANCE": unit})
    runner.start()
    (worker,) = runner.processes
    pid = worker.pid
    assert wait([worker.sentinel], 10.0)
    runner.stop()
    (line,) = noted(notes)
    assert line["is_main"]
    assert line["pid"] == pid


def test_two_main_functions_in_one_process_are_refused(notes: Path) -> None:
    settings = MainSettings(notes=str(notes))
    with pytest.raises(ConfigError, match=r"Several units of one process have a @main: A, B\. Give all but one"):
        ez.run(A=WithMain(settings), B=WithMain(settings))


def test_a_unit_that_raises_in_initialize_ends_the_run_with_its_own_exception(notes: Path) -> None:
    with pytest.raises(ValueError, match="no amplifier is connected"):
        ez.run(fates(notes, GOOD={}, BAD={"initialize": "raise"}))
    events = [(line["event"], line["name"]) for line in noted(notes)]
    assert events == [("initialize", "GOOD"), ("initialize", "BAD"), ("shutdown", "GOOD")]


def test_a_unit_that_raises_in_initialize_in_a_worker_is_named(notes: Path) -> None:
    units = fates(notes, GOOD={}, BAD={"initialize": "raise"})
    with pytest.raises(WorkerError) as caught:
        ez.run(units, process_components=list(units.values()))
    error = caught.value
    assert error.parts["phase"] == "initialize"
    assert error.parts["unit"] == "BAD"
    assert "BAD failed in initialize: ValueError: no amplifier is connected" in error.text
    events = {(line["event"], line["name"]) for line in noted(notes)}
    assert ("run", "GOOD") not in events
    assert ("shutdown", "GOOD") in events


def test_a_start_that_fails_says_so(notes: Path) -> None:
    units = fates(notes, BAD={"initialize": "raise"})
    with pytest.raises(GraphRunnerStartError, match=r"The graph did not start\. .*no amplifier is connected"):
        ez.GraphRunner(units).start()


def test_start_returns_while_the_graph_runs_and_stop_ends_it(notes: Path) -> None:
    runner = ez.GraphRunner(fates(notes, A={}, B={}))
    assert not runner.running
    runner.start()
    assert runner.running
    assert runner.graph_server_spawned
    assert runner.connection_file is not None
    assert runner.connection_file.exists()
    runner.stop()
    assert not runner.running
    assert {line["name"] for line in noted(notes) if line["event"] == "shutdown"} == {"A", "B"}
    with pytest.raises(GraphRunnerStartError, match="start"):
        runner.stop()
    with pytest.raises(GraphRunnerStartError, match="was run before"):
        runner.start()


def test_stopping_a_graph_that_has_ended_touches_nobody_s_files(notes: Path, tmp_path: Path) -> None:
    runner = ez.GraphRunner({"PAIR": Pair(notes)})
    runner.start()
    for worker in runner.processes:
        assert wait([worker.sentinel], 10.0)
    while runner.running:
        threading.Event().wait(0.001)
    with contextlib.ExitStack() as files:
        opened = [files.enter_context((tmp_path / str(number)).open("w+b")) for number in range(32)]
        runner.stop()
        assert [file.read() for file in opened] == [b""] * 32


def test_strict_shutdown_makes_unclean_ends_errors(notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EZMSG_STRICT_SHUTDOWN", "1")
    ez.run(PAIR=Pair(notes))
    with pytest.raises(WorkerError, match="did not end cleanly"):
        ez.run(PAIR=Pair(notes, refuses=7))


def test_a_graph_without_units_is_over_at_once() -> None:
    ez.run({})


def test_a_loop_of_edges_is_refused_before_anything_starts(notes: Path) -> None:
    with pytest.raises(CycleError, match="PAIR/COUNT/OUTPUT → PAIR/TAKE/INPUT"):
        ez.run(PAIR=Pair(notes), connections=[("PAIR/TAKE/INPUT", "PAIR/COUNT/OUTPUT")])
    assert not noted(notes)


def test_an_address_where_nobody_answers_is_named(notes: Path, unused_tcp_port: int) -> None:
    with pytest.raises(ServerUnreachableError, match=f"127.0.0.1:{unused_tcp_port}"):
        ez.run(fates(notes, A={}), graph_address=("127.0.0.1", unused_tcp_port))
    assert not noted(notes)


def test_a_second_graph_with_the_same_addresses_is_refused_and_the_first_goes_on(notes: Path, tmp_path: Path) -> None:
    first = ez.GraphRunner(fates(notes, A={}))
    first.start()
    try:
        with pytest.raises(AddressCollisionError, match="A"):
            ez.run(fates(tmp_path / "other", A={}), graph_address=first.graph_address)
        assert first.running
        assert not noted(tmp_path / "other")
    finally:
        first.stop()


def test_two_graphs_on_one_server_exchange_messages(notes: Path, tmp_path: Path) -> None:
    counting, taking = Pair(tmp_path / "counting", then="wait", last=None), Pair(notes, number=0, then="wait")
    with running_server() as server:
        runners = [
            ez.GraphRunner({"TWO": taking}, graph_address=server.address),
            ez.GraphRunner(
                {"ONE": counting}, connections=[("ONE/COUNT/OUTPUT", "TWO/TAKE/INPUT")], graph_address=server.address
            ),
        ]
        for runner in runners:
            runner.start()
            assert not runner.graph_server_spawned
        (worker,) = runners[0].processes
        assert wait([worker.sentinel], 10.0)
        for runner in runners:
            runner.stop()
    assert taken(notes) == list(range(20))


@contextmanager
def running_server() -> Generator[ez.GraphServer]:
    server = ez.GraphServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()
