"""What the README and the pages of `docs` promise: their links lead somewhere, and their programs and commands run."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ezmsg_core.client import find_servers

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DEADLINE_S = 20.0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_to_files_lead_to_files(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (page.parent / target).exists()] == []


def test_the_two_commands_stand_in_the_readme_as_they_are_to_be_typed() -> None:
    lines = README.splitlines()
    first = lines.index("    pip install . && ezmsg-tui --demo")
    assert lines[first + 1] == "    pip install '.[test]' && pytest"


@pytest.fixture(params=["README.md", "examples/wave.py"])
def program(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    path = ROOT / request.param
    if path.suffix == ".md":
        (source, *_) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
        path = tmp_path / "graph.py"
        path.write_text(source, encoding="utf-8")
    program = subprocess.Popen([sys.executable, str(path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    yield program
    if program.poll() is None:
        program.kill()
    program.communicate()


def test_the_programs_that_are_shown_run_take_settings_and_end(program: subprocess.Popen[bytes]) -> None:
    assert program.stdout is not None
    shown = program.stdout.read(20)
    assert b"Traceback" not in shown, shown + program.stdout.read(2000)
    assert len(find_servers()) == 1
    command = [sys.executable, "-m", "ezmsg_tui", "set", "SYSTEM/WAVE", "frequency_hz=2"]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=DEADLINE_S)
    assert (ended.returncode, ended.stdout.strip()) == (0, "SYSTEM/WAVE applied, revision 2"), ended.stderr
    program.send_signal(signal.SIGINT)
    program.communicate(timeout=DEADLINE_S)
    assert program.returncode == 0
