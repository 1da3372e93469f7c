"""The contracts of who may import whom hold, and notice an import that breaks them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINT = [
    sys.executable,
    "-c",
    "from importlinter.cli import lint_imports_command as run; run()",
    "--no-cache",
    "--no-logo",
]

# A file, what is planted in it, the contract that breaks.
PLANTS = [
    ("ezmsg_core/model/planted.py", "import ezmsg_core.graph", "core-layers"),
    ("ezmsg_core/graph/planted.py", "import ezmsg_core.flow", "core-layers"),
    ("ezmsg_core/errors.py", "from ezmsg_core.wire import codec", "core-layers"),
    ("ezmsg_core/planted/__init__.py", "", "core-layers"),
    ("ezmsg_core/graph/planted.py", "import asyncio", "pure-core"),
    ("ezmsg_core/wire/__init__.py", "def now():\n    from time import monotonic", "pure-core"),
    ("ezmsg_core/telemetry/planted.py", "import os.path", "pure-core"),
    ("ezmsg_core/server/planted.py", "from pickle import loads", "pickle"),
    ("ezmsg_core/flow/planted.py", "import pickle", "pickle"),
    ("ezmsg_tui/feed/planted.py", "import marshal", "pickle"),
    ("ezmsg_core/demo/planted.py", "import ezmsg_tui.store", "core-alone"),
    ("ezmsg_core/client/planted.py", "import ezmsg_core", "front-door"),
    ("ezmsg_tui/store/planted.py", "import ezmsg_tui.present", "inspector-layers"),
    ("ezmsg_tui/theme.py", "from ezmsg_tui import keys", "inspector-layers"),
    ("ezmsg_tui/planted.py", "", "inspector-layers"),
    ("ezmsg_tui/present/planted.py", "from ezmsg_core.graph import machine", "only-a-client"),
    ("ezmsg_tui/feed/planted.py", "import ezmsg_core", "only-a-client"),
    ("ezmsg_tui/store/planted.py", "import textual", "drawing"),
    ("ezmsg_tui/keys.py", "from rich.text import Text", "drawing"),
]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for package in ("ezmsg_core", "ezmsg_tui"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(folder: Path, *options: str) -> tuple[int, str]:
    environment = {**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "500"}
    done = subprocess.run([*LINT, *options], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_every_contract_is_kept(copy: Path):
    code, told = lint(copy)
    assert code == 0, told
    assert re.search(r"Contracts: \d+ kept, 0 broken", told)


@pytest.mark.parametrize(("file", "line", "contract"), PLANTS)
def test_a_planted_import_breaks_its_contract(copy: Path, file: str, line: str, contract: str):
    place = copy / file
    place.parent.mkdir(exist_ok=True)
    with place.open("a", encoding="utf-8") as planted:
        planted.write(f"\n{line}\n")
    code, told = lint(copy, "--contract", contract)
    assert code == 1, told
    module = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    assert f"- {module}" in re.sub(" +", " ", told).replace("-> ", "- "), told


def test_a_planted_circle_breaks_its_contract(copy: Path):
    (copy / "ezmsg_core/telemetry/here.py").write_text("import ezmsg_core.telemetry.there\n", encoding="utf-8")
    (copy / "ezmsg_core/telemetry/there.py").write_text("import ezmsg_core.telemetry.here\n", encoding="utf-8")
    code, told = lint(copy, "--contract", "acyclic")
    assert code == 1, told
    assert "No cycles are allowed in ezmsg_core.telemetry." in told
