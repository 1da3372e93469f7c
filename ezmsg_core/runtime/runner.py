"""How programs run a graph."""

import contextlib
import multiprocessing
import os
import queue
import signal
from collections.abc import Callable, Iterable, Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, cast

from ezmsg_core import config
from ezmsg_core.component.blueprint import Blueprint, flatten
from ezmsg_core.component.component import Component
from ezmsg_core.component.ending import NormalTermination
from ezmsg_core.errors import ConfigError, EzmsgError, GraphRunnerStartError
from ezmsg_core.model.address import AddressType
from ezmsg_core.runtime.ending_signals import EndingSignals, held_signals
from ezmsg_core.runtime.launch import Launch, LaunchOptions
from ezmsg_core.runtime.logs import logger
from ezmsg_core.runtime.worker_process import WorkerProcess

PROFILER_ENV = "EZMSG_PROFILER"

Job = Callable[[], object] | None


class GraphRunner:
    """Runs a graph of components.

    Args:
        components: by name; or give them as keywords.
        root_name: first part of all addresses.
        connections: edges besides those of the collections.
        process_components: components that get a process of their own.
        graph_address: of the server; None: the environment's, else one is started along.
        force_single_process: everything in this process.
        profiler_log_name: kept in the environment for programs that read it.
        start_method: fork, spawn or forkserver; None: the platform's default.
        starts_server: start a server along, even where one answers already.
        connection_file: of the server that is started along, which it then is; besides the usual place.
        components_kwargs: components by name.

    Thread: `start`, `stop` and `run_blocking` on one thread; the main one for `run_blocking`, if signals are to end it.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - as programs call it
        self,
        components: Mapping[str, Component] | None = None,
        root_name: str | None = None,
        connections: Iterable[tuple[Any, Any]] | None = None,
        process_components: Iterable[Component] | None = None,
        backend_process: Any = None,
        graph_address: AddressType | None = None,
        force_single_process: bool = False,  # noqa: FBT001
        profiler_log_name: str | None = None,
        *,
        start_method: str | None = None,
        starts_server: bool = False,
        connection_file: Path | str | None = None,
        **components_kwargs: Component,
    ) -> None:
        del backend_process  # processes are made by the runtime; accepted as programs pass it
        if components is not None and components_kwargs:
            raise ConfigError(
                "Components are given as a mapping and as keywords. Give them one way.", name="components", value=None
            )
        named: Mapping[str, Component] = components if components is not None else components_kwargs
        if isinstance(named, Component):
            logger.warning("run(component) is deprecated: give it a name, such as run(SYSTEM=component).")
            named = {"SYSTEM": named}
        self._named = dict(named)
        self._layout: dict[str, Any] = {
            "root_name": root_name,
            "connections": list(connections or ()),
            "process_components": list(process_components or ()),
            "force_single_process": force_single_process,
        }
        self._options = LaunchOptions(
            graph_address,
            starts_server or connection_file is not None,
            Path(connection_file) if connection_file is not None else None,
        )
        self._is_single = force_single_process
        self._start_method = start_method
        self._blueprint: Blueprint | None = None
        self._launch: Launch | None = None
        self._workers: list[WorkerProcess] = []
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        if profiler_log_name is not None:
            os.environ[PROFILER_ENV] = profiler_log_name

    @property
    def graph_address(self) -> AddressType | None:
        """Where the server is; before the start, what was asked for."""
        launch = self._launch
        return launch.entry.tcp if launch is not None and launch.entry is not None else self._options.graph_address

    @property
    def graph_server_spawned(self) -> bool:
        """Whether the server was started along."""
        return self._launch is not None and self._launch.server_spawned

    @property
    def connection_file(self) -> Path | None:
        """The connection file of the server, once the graph runs."""
        launch = self._launch
        return self._options.connection_file or launch.entry.path if launch is not None and launch.entry else None

    @property
    def connections(self) -> list[tuple[str, str]]:
        """The edges, once the graph is laid out."""
        return list(self._blueprint.edges) if self._blueprint is not None else []

    @property
    def processes(self) -> list[BaseProcess]:
        """The worker processes, until the graph has ended: to look at, or to wait for by their sentinels.

        The runtime starts, joins and ends them.
        """
        return [worker.process for worker in self._workers]

    @property
    def running(self) -> bool:
        """Whether the graph runs."""
        launch = self._launch
        return launch is not None and launch.started.is_set() and not launch.ended.is_set()

    @property
    def strict_shutdown(self) -> bool:
        """Whether unclean ends of user code are errors; kept in the environment."""
        return config.strict_shutdown()

    @strict_shutdown.setter
    def strict_shutdown(self, is_strict: bool) -> None:
        os.environ[config.STRICT_SHUTDOWN_ENV] = "1" if is_strict else "0"

    def run_blocking(self) -> None:
        """Run the graph until it ends, its first group of units in this process.

        Raises:
            GraphError, LinkError, ConfigError: it did not start.
            WorkerError: a worker failed or died.
            Exception: what a unit of this process raised in ``initialize``, or its main function.
        """
        blueprint = self._lay_out()
        if not blueprint.units:
            return
        failure: BaseException | None = None
        with contextlib.ExitStack() as stack:
            with held_signals():  # nothing is half started when one comes
                launch = self._prepare(blueprint, blueprint.groups[0], blueprint.groups[1:])
                stack.enter_context(EndingSignals(self._end_by, launch.force))
                launch.start()
            while (job := self._jobs.get()) is not None:
                try:
                    job()
                except NormalTermination:
                    launch.stop("A main function ended the graph.")
                except BaseException as error:  # noqa: BLE001 - raised again when everything has ended
                    failure = error
                    launch.stop("A main function raised.")
            launch.join()
        if failure is not None:
            raise failure
        if launch.failure is not None:
            raise launch.failure

    def start(self) -> None:
        """Run the graph in worker processes; returns when it runs.

        Raises:
            ConfigError: everything is to be in one process, which is this one.
            GraphRunnerStartError: it did not start; whatever had started was ended.
            RuntimeError: it was started before.
        """
        if self._is_single:
            raise ConfigError(
                "start() runs all units in workers, and force_single_process wants them in this process. Use "
                "run_blocking(), or leave force_single_process out.",
                name="force_single_process",
                value=True,
            )
        blueprint = self._lay_out()
        if not blueprint.units:
            return
        with held_signals():
            launch = self._prepare(blueprint, [], blueprint.groups)
            launch.start()
        try:
            launch.started.wait()
        except BaseException:
            launch.stop("The start was interrupted.")
            launch.join()
            raise
        if launch.failure is not None:
            launch.join()
            failure = launch.failure
            text = failure.text if isinstance(failure, EzmsgError) else f"{type(failure).__name__}: {failure}"
            raise GraphRunnerStartError(f"The graph did not start. {text}", phase="start") from failure

    def stop(self) -> None:
        """End the graph, and wait for it.

        Raises:
            RuntimeError: it does not run.
            WorkerError: a worker had failed or died.
        """
        launch = self._launch
        if launch is None:
            raise GraphRunnerStartError("The graph does not run; start() it first.", phase="stop")
        launch.stop("The program stopped the graph.")
        launch.join()
        self._launch = None
        if launch.failure is not None:
            raise launch.failure

    def _end_by(self, number: signal.Signals) -> None:
        assert self._launch is not None
        logger.info("The graph stops: %s. Once more ends it without waiting.", number.name)
        self._launch.stop(f"{number.name} was received.")

    def _lay_out(self) -> Blueprint:
        if self._blueprint is not None:
            raise GraphRunnerStartError(
                "This graph was run before. Make new components and a new GraphRunner for another run.", phase="start"
            )
        self._blueprint = flatten(self._named, **self._layout)
        return self._blueprint

    def _prepare(self, blueprint: Blueprint, local: list[Any], groups: list[list[Any]]) -> Launch:
        """Start the workers, before this program has threads of the runtime."""
        context = multiprocessing.get_context(self._start_method)
        try:
            for number, units in enumerate(groups, start=1):
                others = [worker.pipe for worker in self._workers]
                self._workers.append(WorkerProcess(context, number, units, others))
        except BaseException:
            for worker in self._workers:
                worker.kill()
                worker.close()
            raise
        self._launch = Launch(blueprint, self._workers, local, self._options, self._jobs.put)
        return self._launch


def run(  # noqa: PLR0913, PLR0917 - as programs call it
    components: Mapping[str, Component] | None = None,
    root_name: str | None = None,
    connections: Iterable[tuple[Any, Any]] | None = None,
    process_components: Iterable[Component] | None = None,
    backend_process: Any = None,
    graph_address: AddressType | None = None,
    force_single_process: bool = False,  # noqa: FBT001
    profiler_log_name: str | None = None,
    **components_kwargs: Component,
) -> None:
    """Run a graph until it ends; see `GraphRunner` for the arguments and `GraphRunner.run_blocking` for the errors."""
    GraphRunner(
        components,
        root_name,
        connections,
        process_components,
        backend_process,
        graph_address,
        force_single_process,
        profiler_log_name,
        **cast("dict[str, Any]", components_kwargs),
    ).run_blocking()
