"""No module can run what received bytes say: one pickles, none evaluates; what reads the wire imports and starts nothing by name."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PICKLES = ROOT / "ezmsg_core" / "flow" / "marshal.py"
MODULES = sorted(path for package in ("ezmsg_core", "ezmsg_tui") for path in (ROOT / package).rglob("*.py"))
READS_THE_WIRE = [
    *(ROOT / "ezmsg_core" / name for name in ("server", "client", "transport", "wire", "graph", "model")),
    ROOT / "ezmsg_tui",
]
PICKLERS = {"_pickle", "cloudpickle", "dill", "joblib", "jsonpickle", "marshal", "pickle", "shelve", "yaml"}
EVALUATORS = {"eval", "exec", "compile"}
STARTERS = re.compile(
    r"(ctypes|cffi|pty|runpy|subprocess)(\..*)?|os\.(exec|popen|posix_spawn|spawn|startfile|system).*"
)
IMPORTERS = {"__import__", "import_module"}


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes(), str(path))


def pickling(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                modules = [alias.name for alias in names]
            case ast.ImportFrom(module=str(module), level=0):
                modules = [module]
            case ast.Call(args=[ast.Constant(value=str(module)), *_]) if called(node) in IMPORTERS:
                modules = [module]
            case _:
                continue
        yield from (f"{module}, line {node.lineno}" for module in modules if module.partition(".")[0] in PICKLERS)


def evaluating(tree: ast.AST) -> Iterator[str]:
    """Uses of the built-ins, called or handed on. A method of that name, as `re.compile`, is another thing."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) if name in EVALUATORS:
                yield f"{name}, line {node.lineno}"
            case ast.Attribute(value=ast.Name(id="builtins" | "__builtins__"), attr=name) if name in EVALUATORS:
                yield f"{name}, line {node.lineno}"
            case _:
                pass


def importing_by_name(tree: ast.AST) -> Iterator[str]:
    """Imports of a module whose name is not written there."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(args=[ast.Constant(), *_]):
                pass
            case ast.Call() if called(node) in IMPORTERS:
                yield f"{called(node)}, line {node.lineno}"
            case ast.ImportFrom(module="importlib" | "runpy", names=names):
                yield from (f"{a.name} as {a.asname}" for a in names if a.name in IMPORTERS and a.asname)
            case _:
                pass


def starting_programs(tree: ast.AST) -> Iterator[str]:
    """What runs a command, or foreign code that is no Python."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found = [alias.name for alias in names]
            case ast.ImportFrom(module=str(module), level=0, names=names):
                found = [module, *(f"{module}.{alias.name}" for alias in names)]
            case ast.Attribute(value=ast.Name(id="os"), attr=name):
                found = [f"os.{name}"]
            case _:
                continue
        yield from (f"{name}, line {node.lineno}" for name in found if STARTERS.fullmatch(name))


def called(node: ast.Call) -> str:
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def test_only_one_module_pickles():
    found = {str(path.relative_to(ROOT)): list(pickling(parsed(path))) for path in MODULES if path != PICKLES}
    assert {name: places for name, places in found.items() if places} == {}


def test_no_module_evaluates():
    found = {str(path.relative_to(ROOT)): list(evaluating(parsed(path))) for path in MODULES}
    assert {name: places for name, places in found.items() if places} == {}


def test_no_module_that_reads_the_wire_imports_by_a_name_it_was_given():
    paths = [path for path in MODULES if any(path.is_relative_to(place) for place in READS_THE_WIRE)]
    found = {str(path.relative_to(ROOT)): list(importing_by_name(parsed(path))) for path in paths}
    assert {name: places for name, places in found.items() if places} == {}


def test_no_module_of_the_core_that_reads_the_wire_starts_a_program():
    paths = [path for path in MODULES if any(path.is_relative_to(place) for place in READS_THE_WIRE[:-1])]
    found = {str(path.relative_to(ROOT)): list(starting_programs(parsed(path))) for path in paths}
    assert {name: places for name, places in found.items() if places} == {}


@pytest.mark.parametrize(
    ("check", "source", "is_found"),
    [
        (pickling, "import pickle", True),
        (pickling, "import json, pickle as p", True),
        (pickling, "from marshal import loads", True),
        (pickling, "importlib.import_module('pickle')", True),
        (pickling, "__import__('_pickle')", True),
        (pickling, "from ezmsg_core.flow.marshal import unpack", False),
        (pickling, "import pickleball", False),
        (evaluating, "eval(text)", True),
        (evaluating, "run = exec", True),
        (evaluating, "builtins.eval(text)", True),
        (evaluating, "re.compile(text)", False),
        (evaluating, "loop.run(evaluate)", False),
        (importing_by_name, "importlib.import_module(name)", True),
        (importing_by_name, "__import__(name)", True),
        (importing_by_name, "import_module(name=name)", True),
        (importing_by_name, "from importlib import import_module as load", True),
        (importing_by_name, "importlib.import_module('numpy')", False),
        (starting_programs, "import subprocess", True),
        (starting_programs, "from os import system", True),
        (starting_programs, "os.execv(path, arguments)", True),
        (starting_programs, "from ctypes import CDLL", True),
        (starting_programs, "import ctypes.util", True),
        (starting_programs, "os.path.exists(path)", False),
        (starting_programs, "platform.system()", False),
    ],
)
def test_the_checks_find_what_they_look_for(check: Callable[[ast.AST], Iterator[str]], source: str, is_found: bool):
    assert bool(list(check(ast.parse(source)))) == is_found
