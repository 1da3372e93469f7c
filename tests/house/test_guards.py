"""The guards of the tests see real leaks and real hangs."""

import os
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

import ezmsg_core
import ezmsg_tui

pytest_plugins = ["pytester"]

CONFTEST = """
    pytest_plugins = ["tests.plugins.room", "tests.plugins.hang_guard", "tests.plugins.leaks"]

    def pytest_configure():
        from tests.plugins import leaks, room
        leaks.GRACE_S = 0.2
        room.ROOMS = {rooms!r}
"""
SETTINGS = """
    [pytest]
    addopts = -p no:cacheprovider -p no:hypothesispytest -rEfp
    asyncio_mode = auto
    asyncio_default_fixture_loop_scope = function
    filterwarnings = error
    markers = hang_guard(seconds): how long
"""
# The name of the test → what it must be told. What it leaves behind is kept alive, and ended by a later one if needed.
LEAKS = {
    "test_thread": "left behind: thread forgotten",
    "test_descriptor": "left behind: descriptor * of pipe:*; descriptor * of pipe:*",
    "test_child": "left behind: *; process * -c input()",
    "test_unwaited_child": "left behind: process * (ended, not waited for)",
    "test_orphan": "left behind: *; process * -c input()",
    "test_task": "left behind: task <Task pending name='forgotten' *",
    "test_file_in_the_room": "left behind: file graph.sock",
    "test_segment": "left behind: shared memory ez-*",
    "test_unhandled_exception": "the event loop complained: Exception in callback test_unhandled_exception*",
}
LEAKING_TESTS = """
    import asyncio, os, pathlib, subprocess, sys, threading

    import pytest

    kept = []

    @pytest.fixture(scope="module")
    def server():
        place, other = os.pipe()
        yield
        os.close(place)
        os.close(other)

    @pytest.fixture
    async def ticking():
        task = asyncio.create_task(asyncio.Event().wait())
        yield
        task.cancel()

    def test_thread():
        event = threading.Event()
        kept.append(event)
        threading.Thread(target=event.wait, daemon=True, name="forgotten").start()

    def test_descriptor():
        os.pipe()

    def test_child():
        kept.append(subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE))
        kept[-1].stdin.close = lambda: None
        kept.append(os.dup(kept[-1].stdin.fileno()))

    def test_unwaited_child():
        kept.append(subprocess.Popen([sys.executable, "-c", ""]))

    def test_orphan():
        reading, writing = os.pipe()
        program = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'input()'])"
        subprocess.run([sys.executable, "-c", program], stdin=reading, check=True)
        os.close(reading)
        kept.append(writing)

    async def test_task():
        kept.append(asyncio.create_task(asyncio.Event().wait(), name="forgotten"))

    def test_file_in_the_room(runtime_dir):
        runtime_dir.mkdir()
        (runtime_dir / "graph.sock").touch()

    def test_segment():
        kept.append(pathlib.Path("/dev/shm", f"ez-{os.getpid()}"))
        kept[-1].touch()

    async def test_unhandled_exception():
        done = asyncio.Event()
        asyncio.get_running_loop().call_soon(lambda: 1 / 0)
        asyncio.get_running_loop().call_soon(done.set)
        await done.wait()

    def test_ends_what_it_starts(runtime_dir, server):
        thread = threading.Thread(target=lambda: None)
        thread.start()
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        child.communicate()
        kept[-1].unlink()

    async def test_uses_a_thread_of_the_loop(server, ticking):
        await asyncio.to_thread(len, "abc")
        for _ in range(3):
            asyncio.create_task(asyncio.to_thread(len, "abc"))
"""


@pytest.fixture(autouse=True)
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, runtime_dir: Path) -> None:
    monkeypatch.setenv("COLUMNS", "2000")  # else messages are cut in the summary
    pytester.makeconftest(CONFTEST.format(rooms=str(runtime_dir.parent)))
    pytester.makeini(SETTINGS)


def told(result: pytest.RunResult, outcome: str) -> dict[str, str]:
    """What the summary says of each test with that outcome: the first line of its message."""
    lines = [line.partition("::")[2] for line in result.outlines if line.startswith(outcome + " ") and "::" in line]
    return {name: text for name, _, text in (line.partition(" - Failed: ") for line in lines)}


def test_each_leak_fails_the_test_that_made_it_and_no_other(pytester: pytest.Pytester):
    pytester.makepyfile(LEAKING_TESTS)
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=len(LEAKS) + 2, errors=len(LEAKS))
    texts = told(result, "ERROR")
    assert texts.keys() == LEAKS.keys()
    for name, pattern in LEAKS.items():
        assert fnmatch(texts[name], pattern), texts[name]


def test_what_hangs_fails_with_the_stacks_of_threads_and_tasks_and_the_run_goes_on(pytester: pytest.Pytester):
    pytester.makepyfile("""
        import asyncio, threading
        import pytest

        @pytest.fixture
        def stuck():
            threading.Event().wait()

        @pytest.mark.hang_guard(0.5)
        def test_in_a_thread():
            threading.Event().wait()

        async def never():
            await asyncio.Event().wait()

        @pytest.mark.hang_guard(0.5)
        async def test_in_a_task():
            await never()

        @pytest.mark.hang_guard(0.5)
        def test_in_a_fixture(stuck):
            pass

        def test_after():
            pass
    """)
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1, failed=2, errors=2)
    hangs = "hangs: takes longer than 0.5 s"
    assert told(result, "FAILED") == {"test_in_a_thread": hangs, "test_in_a_task": hangs}
    errors = told(result, "ERROR")
    assert errors["test_in_a_fixture"] == hangs
    assert "task" in errors["test_in_a_task"].lower()  # the test's own, still there or destroyed by the collector
    result.stdout.fnmatch_lines(["*hangs: takes longer*", "*in test_in_a_thread"])
    result.stdout.fnmatch_lines(["*hangs: takes longer*", "*in test_in_a_task", "*in never", "*in Event.wait"])


def test_what_ignores_its_limit_ends_the_run(pytester: pytest.Pytester):
    pytester.makepyfile("""
        import signal, threading
        import pytest
        import tests.plugins.hang_guard

        tests.plugins.hang_guard.LAST_RESORT_S = 0.1

        @pytest.mark.hang_guard(0.5)
        def test_is_deaf():
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
            threading.Event().wait()
    """)
    result = pytester.runpytest_subprocess()
    assert result.ret == 1
    result.stderr.fnmatch_lines(["Timeout*", "*in test_is_deaf"])


def test_every_test_has_a_room_with_a_short_name_and_children_see_the_checkout(
    pytester: pytest.Pytester, runtime_dir: Path
):
    assert len(os.fsencode(runtime_dir)) < 40
    assert os.environ["EZMSG_RUNTIME_DIR"] == str(runtime_dir)
    assert not runtime_dir.exists()
    assert [name for name in os.environ if name.startswith("EZMSG_")] == ["EZMSG_RUNTIME_DIR"]
    script = "import ezmsg_core, ezmsg_tui; print(ezmsg_core.__file__); print(ezmsg_tui.__file__)"
    places = pytester.run(sys.executable, "-c", script).outlines  # in a folder elsewhere
    assert places == [ezmsg_core.__file__, ezmsg_tui.__file__]
    assert Path(ezmsg_core.__file__).parents[1] == Path(__file__).parents[2]
