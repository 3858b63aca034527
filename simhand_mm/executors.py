"""Executors: run tasks in processes of this machine or of a Ray cluster.

Every stage that parallelises work passes a list of tasks to an executor. A worker, which is built
once per process, runs the tasks. Workers do not depend on the executor, so that all executors give
the same result.
"""

import multiprocessing
import os
import pickle
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Literal, Protocol, TypeVar

from tqdm import tqdm

_SECONDS_BETWEEN_LINES = 10.0  # of progress in a log file

Task = TypeVar("Task")
Result = TypeVar("Result")
Worker = Callable[[Task], Result]


class WorkerDied(Exception):
    """The process that ran a task was killed or crashed."""


def usable_cores() -> int:
    """Return the number of cores that this process may use (``taskset`` and Slurm limit it)."""
    return len(os.sched_getaffinity(0))


def progress_bar(total: int, unit: str) -> tqdm:
    """Create the progress bar of a stage on stderr. In a log file it prints every ten seconds.

    Args:
        total: Number of steps; 0 if unknown.
        unit: Name of the steps in the plural, e.g. ``'videos'``.
    """
    seconds = 0.1 if sys.stderr.isatty() else _SECONDS_BETWEEN_LINES
    return tqdm(
        total=total or None,
        unit=f" {unit}",
        mininterval=seconds,
        dynamic_ncols=True,
        file=sys.stderr,
    )


class Executor(Protocol):
    """Runs tasks and yields results in the order in which they finish.

    If a worker process dies, only its task is lost: that task yields :class:`WorkerDied` and the
    others continue. An exception in a worker ends the run and is raised.
    """

    @property
    def threads_per_worker(self) -> int:
        """Number of threads per worker that does not oversubscribe the cores."""
        ...

    def __call__(
        self, tasks: Sequence[Task], build_worker: Callable[[], Worker[Task, Result]]
    ) -> Iterator[tuple[Task, Result | WorkerDied]]:
        """Run tasks.

        Args:
            tasks: Picklable tasks.
            build_worker: Picklable function that builds the worker; called once per process.

        Yields:
            Each task with its result.
        """
        ...


@dataclass(frozen=True)
class LocalExecutor:
    """Runs tasks in processes of this machine; see :class:`Executor`.

    Attributes:
        num_workers: Number of processes; 0 runs tasks in this process.

    Raises:
        ValueError: If ``num_workers`` is negative.
    """

    num_workers: int = 0

    def __post_init__(self) -> None:
        _check_num_workers(self.num_workers)

    @property
    def threads_per_worker(self) -> int:
        """See :class:`Executor`."""
        return max(1, usable_cores() // max(1, self.num_workers))

    def __call__(
        self, tasks: Sequence[Task], build_worker: Callable[[], Worker[Task, Result]]
    ) -> Iterator[tuple[Task, Result | WorkerDied]]:
        """See :class:`Executor`."""
        if self.num_workers == 0:
            yield from _run_here(tasks, build_worker)
            return
        waiting = list(reversed(tasks))
        processes = [_Process(build_worker) for _ in range(min(self.num_workers, len(tasks)))]
        try:
            for process in processes:
                process.start(waiting.pop())
            while busy := {process.connection: process for process in processes if process.is_busy}:
                for connection in wait(list(busy)):
                    process = busy[connection]
                    yield process.task, process.result()
                    if waiting:
                        process.start(waiting.pop())
        finally:
            for process in processes:
                process.end()


def _run_here(
    tasks: Sequence[Task], build_worker: Callable[[], Worker[Task, Result]]
) -> Iterator[tuple[Task, Result]]:
    if tasks:
        worker = build_worker()
        for task in tasks:
            yield task, worker(task)


class _Process:
    """A process and its current task."""

    def __init__(self, build_worker: Callable[[], Worker]) -> None:
        self._build_worker = build_worker
        self._process: Any = None
        self.connection: Any = None
        self.task: Any = None
        self.is_busy = False

    def start(self, task: Any) -> None:
        """Start a task, in a new process if the previous one died."""
        if not self._process:
            self._launch()
        try:
            self.connection.send(task)
        except ConnectionError:  # it died after its last task
            self._process.join()
            self._launch()
            self.connection.send(task)
        self.task, self.is_busy = task, True

    def _launch(self) -> None:
        # Not fork, which breaks libraries that use threads.
        context = multiprocessing.get_context("spawn")
        self.connection, far_end = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(far_end, self._build_worker), daemon=True
        )
        self._process.start()
        far_end.close()  # so that the connection ends when the process dies

    def result(self) -> Any:
        """Return the result of the task. Call it when the connection is ready."""
        self.is_busy = False
        try:
            is_good, outcome = self.connection.recv()
        except (EOFError, ConnectionError):
            self._process.join()
            code = self._process.exitcode
            self._process = None
            return WorkerDied(f"the worker process ended with exit code {code}")
        if not is_good:
            raise outcome
        return outcome

    def end(self) -> None:
        """Terminate the process."""
        if self._process is not None:
            self._process.terminate()
            self._process.join()


def _serve(connection: Connection, build_worker: Callable[[], Worker]) -> None:
    """Run tasks until the connection ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C and terminates us
    worker = None
    while True:
        try:
            task = connection.recv()
        except (EOFError, ConnectionError):
            return
        try:
            worker = worker or build_worker()
            reply = (True, worker(task))
        except Exception as error:
            reply = (False, _portable(error))
        connection.send(reply)


def _portable(error: Exception) -> Exception:
    """Return the exception, or a RuntimeError with its text if it cannot be pickled."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


@dataclass(frozen=True)
class RayExecutor:
    """Runs tasks in processes of a Ray cluster with shared files; see :class:`Executor`.

    Uses the cluster of ``RAY_ADDRESS`` or of this machine, or starts one for this run.

    Attributes:
        num_workers: Number of processes, spread over the machines; None for one per core of the
            cluster.
        one_per_machine: Use one process per machine instead, for workers that use threads.

    Raises:
        ValueError: If ``num_workers`` is negative.
    """

    num_workers: int | None = None
    one_per_machine: bool = False

    @property
    def threads_per_worker(self) -> int:
        """See :class:`Executor`. A worker requests one core of the cluster."""
        return 1

    def __post_init__(self) -> None:
        _check_num_workers(self.num_workers or 0)

    def __call__(
        self, tasks: Sequence[Task], build_worker: Callable[[], Worker[Task, Result]]
    ) -> Iterator[tuple[Task, Result | WorkerDied]]:
        """See :class:`Executor`."""
        try:
            import ray
        except ImportError as error:
            raise ImportError(
                'Ray must be installed for this executor. Run: pip install "simhand-mm[ray]".'
            ) from error
        if not ray.is_initialized():
            ray.init(log_to_driver=False, configure_logging=False)
        actor_class = ray.remote(num_cpus=1, scheduling_strategy="SPREAD")(_RayWorker)
        waiting = list(reversed(tasks))
        busy: dict[Any, tuple[Any, Task]] = {}  # future of the result -> actor and its task

        def start(actor: Any, task: Task) -> None:
            busy[actor.work.remote(task)] = (actor, task)

        for _ in range(min(self._count_workers(ray), len(tasks))):
            start(actor_class.remote(build_worker), waiting.pop())
        while busy:
            (promise,), _ = ray.wait(list(busy))
            actor, task = busy.pop(promise)
            try:
                result = ray.get(promise)
            except ray.exceptions.RayTaskError as error:
                raise error.cause from None
            except ray.exceptions.RayError as error:  # actor or machine died, or out of memory
                result = WorkerDied(str(error))
                actor = actor_class.remote(build_worker)
            yield task, result
            if waiting:
                start(actor, waiting.pop())

    def _count_workers(self, ray: Any) -> int:
        if self.one_per_machine:
            return sum(node["Alive"] for node in ray.nodes())
        if self.num_workers is None:
            return max(1, int(ray.cluster_resources().get("CPU", 1)))
        return max(1, self.num_workers)


class _RayWorker:
    """Builds its worker with the first task, so that an error while building is reported."""

    def __init__(self, build_worker: Callable[[], Worker]) -> None:
        self._build_worker = build_worker
        self._worker: Worker | None = None

    def work(self, task: Any) -> Any:
        self._worker = self._worker or self._build_worker()
        try:
            return self._worker(task)
        except Exception as error:
            raise _portable(error) from None


@dataclass(frozen=True)
class ExecutorSettings:
    """Command line options that select an executor.

    Attributes:
        executor: ``local`` for processes of this machine, ``ray`` for those of a Ray cluster.
        workers: Number of processes; 0 runs everything in this process. By default one per usable
            core.
    """

    executor: Literal["local", "ray"] = "local"
    workers: int | None = None

    def build(self) -> Executor:
        """Build the executor."""
        if self.executor == "ray":
            return RayExecutor(self.workers)
        return LocalExecutor(usable_cores() if self.workers is None else self.workers)


def _check_num_workers(num_workers: int) -> None:
    if num_workers < 0:
        raise ValueError(
            f"workers must be 0 or more, but got {num_workers}. Pass the number of processes; 0 "
            "runs everything in this process."
        )
