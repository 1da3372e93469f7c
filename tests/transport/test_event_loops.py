"""Which event loop the threads of the runtime get."""

import asyncio
import builtins
from typing import Any

import pytest

from ezmsg_core.transport.event_loops import new_event_loop


def test_a_loop_is_uvloop_s_where_it_is_installed():
    uvloop = pytest.importorskip("uvloop", reason="the extra `fast` is not installed")
    loop = new_event_loop()
    assert isinstance(loop, uvloop.Loop)
    loop.close()


def test_a_loop_is_the_standard_library_s_otherwise(monkeypatch: pytest.MonkeyPatch):
    real_import = builtins.__import__

    def import_without_uvloop(name: str, *rest: Any, **more: Any) -> Any:
        if name == "uvloop":
            raise ImportError(name)
        return real_import(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", import_without_uvloop)
    loop = new_event_loop()
    assert isinstance(loop, asyncio.SelectorEventLoop)
    loop.close()
