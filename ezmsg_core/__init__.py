"""Runs graphs of processing units that publish and subscribe by topic, in one process, many, or across hosts.

Programs write ``import ezmsg_core as ez``. Names are loaded when they are first used, so that a program which needs
only a few does not pay for all.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ezmsg_core.channel.publisher import Publisher as Publisher
    from ezmsg_core.channel.subscriber import Subscriber as Subscriber
    from ezmsg_core.component.collection import Collection as Collection
    from ezmsg_core.component.collection import NetworkDefinition as NetworkDefinition
    from ezmsg_core.component.component import Component as Component
    from ezmsg_core.component.ending import Complete as Complete
    from ezmsg_core.component.ending import NormalTermination as NormalTermination
    from ezmsg_core.component.settings import Settings as Settings
    from ezmsg_core.component.state import State as State
    from ezmsg_core.component.stream import InputRelay as InputRelay
    from ezmsg_core.component.stream import InputStream as InputStream
    from ezmsg_core.component.stream import InputTopic as InputTopic
    from ezmsg_core.component.stream import OutputRelay as OutputRelay
    from ezmsg_core.component.stream import OutputStream as OutputStream
    from ezmsg_core.component.stream import OutputTopic as OutputTopic
    from ezmsg_core.component.stream import Topic as Topic
    from ezmsg_core.component.tasks import main as main
    from ezmsg_core.component.tasks import process as process
    from ezmsg_core.component.tasks import publisher as publisher
    from ezmsg_core.component.tasks import subscriber as subscriber
    from ezmsg_core.component.tasks import task as task
    from ezmsg_core.component.tasks import thread as thread
    from ezmsg_core.component.tasks import timeit as timeit
    from ezmsg_core.component.unit import Unit as Unit
    from ezmsg_core.context.graph_context import GraphContext as GraphContext
    from ezmsg_core.context.service import GraphService as GraphService
    from ezmsg_core.errors import GraphRunnerStartError as GraphRunnerStartError
    from ezmsg_core.runtime.logs import logger as logger
    from ezmsg_core.runtime.runner import GraphRunner as GraphRunner
    from ezmsg_core.runtime.runner import run as run
    from ezmsg_core.server.threaded import GraphServer as GraphServer

__version__ = "0.1.0"  # the one place: the build reads it from here

_HOMES = {
    "Publisher": "channel.publisher",
    "Subscriber": "channel.subscriber",
    "Collection": "component.collection",
    "NetworkDefinition": "component.collection",
    "Component": "component.component",
    "Complete": "component.ending",
    "NormalTermination": "component.ending",
    "Settings": "component.settings",
    "State": "component.state",
    "InputRelay": "component.stream",
    "InputStream": "component.stream",
    "InputTopic": "component.stream",
    "OutputRelay": "component.stream",
    "OutputStream": "component.stream",
    "OutputTopic": "component.stream",
    "Topic": "component.stream",
    "main": "component.tasks",
    "process": "component.tasks",
    "publisher": "component.tasks",
    "subscriber": "component.tasks",
    "task": "component.tasks",
    "thread": "component.tasks",
    "timeit": "component.tasks",
    "Unit": "component.unit",
    "GraphContext": "context.graph_context",
    "GraphService": "context.service",
    "GraphRunnerStartError": "errors",
    "logger": "runtime.logs",
    "GraphRunner": "runtime.runner",
    "run": "runtime.runner",
    "GraphServer": "server.threaded",
}
"""Where each public name lives."""

__all__ = [*sorted(_HOMES)]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
