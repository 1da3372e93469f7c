"""Rooms stay small, say in their names what they are for, and below the line nothing reaches out."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path for package in ("ezmsg_core", "ezmsg_tui") for path in (ROOT / package).rglob("*.py"))
MAX_LINES = 400
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "handler", "info", "data"}
PURE = {"component", "graph", "flow", "telemetry", "wire", "model", "errors"}
# What modules that are otherwise allowed offer: identifiers by chance and by clock, the time, files, the terminal.
REACHES_OUT = {"uuid1", "uuid4", "now", "utcnow", "today", "open", "print", "input", "read_text", "write_text"}
READS_ENVIRONMENT = {"environ", "environb", "getenv"}


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def is_pure(path: Path) -> bool:
    top = path.relative_to(ROOT).parts[1].removesuffix(".py")
    return path.is_relative_to(ROOT / "ezmsg_core") and top in PURE


def public_names(tree: ast.Module) -> set[str]:
    definitions = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in tree.body if isinstance(node, definitions)}


def reached(tree: ast.AST) -> Iterator[str]:
    """Functions called that reach out, by name or as an attribute of a module or class (not of what a call returns)."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in REACHES_OUT:
                yield f"{name}, line {node.lineno}"
            case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=name)) if name in REACHES_OUT:
                if owner not in {"self", "cls"}:
                    yield f"{owner}.{name}, line {node.lineno}"
            case _:
                pass


def environment_reads(tree: ast.AST) -> Iterator[str]:
    """Uses of the environment, but for setting one of its variables."""
    written = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="os"), attr=name) if name in READS_ENVIRONMENT:
                if id(node) not in written:
                    yield f"os.{name}, line {node.lineno}"
            case ast.ImportFrom(module="os", names=names):
                yield from (f"os.{a.name}, line {node.lineno}" for a in names if a.name in READS_ENVIRONMENT)
            case _:
                pass


def test_a_module_is_short_enough_to_read_in_one_sitting():
    lengths = {named(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}


def test_a_module_s_name_says_what_it_is_for():
    assert [named(path) for path in MODULES if path.stem in EMPTY_NAMES or path.parent.name in EMPTY_NAMES] == []


def test_a_module_says_what_it_owns():
    trees = {named(path): ast.parse(path.read_bytes()) for path in MODULES}
    assert [name for name, tree in trees.items() if not ast.get_docstring(tree)] == []


def test_no_public_name_equals_its_module_s_name():
    assert [named(path) for path in MODULES if path.stem in public_names(ast.parse(path.read_bytes()))] == []


def test_below_the_line_nothing_asks_for_time_chance_or_files():
    found = {named(path): list(reached(ast.parse(path.read_bytes()))) for path in MODULES if is_pure(path)}
    assert {name: calls for name, calls in found.items() if calls} == {}


def test_only_config_reads_the_environment_of_the_core():
    config = ROOT / "ezmsg_core" / "config.py"
    paths = [path for path in MODULES if path.is_relative_to(ROOT / "ezmsg_core") and path != config]
    found = {named(path): list(environment_reads(ast.parse(path.read_bytes()))) for path in paths}
    assert {name: reads for name, reads in found.items() if reads} == {}


@pytest.mark.parametrize("package", ["ezmsg_core", "ezmsg_tui"])
def test_a_package_tells_type_checkers_that_it_is_typed(package: str):
    assert (ROOT / package / "py.typed").exists()


def test_the_checks_find_what_they_look_for():
    source = "import os\nfrom os import getenv\nuuid.uuid4()\nopen('x')\nself.open()\ndatetime.now()\nos.environ['X']\nos.environ['X'] = ''"
    tree = ast.parse(source)
    assert sorted(reached(tree)) == ["datetime.now, line 6", "open, line 4", "uuid.uuid4, line 3"]
    assert sorted(environment_reads(tree)) == ["os.environ, line 7", "os.getenv, line 2"]
    assert public_names(ast.parse("def link(): ...\nclass Link: ...\nx = 1")) == {"link", "Link"}
    assert is_pure(ROOT / "ezmsg_core" / "errors.py")
    assert is_pure(ROOT / "ezmsg_core" / "wire" / "codec.py")
    assert not is_pure(ROOT / "ezmsg_core" / "config.py")
    assert not is_pure(ROOT / "ezmsg_core" / "__init__.py")
