"""Who does the work: processes of this machine, or of a Ray cluster.

Every stage that shares work hands a list of tasks to an executor. A task is done by a worker that
is built once in each process. Workers know nothing of the executor that runs them, so that every
executor gives the same result.
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

_SECONDS_BETWEEN_LINES = 10.0  # of the progress in a log file

Task = TypeVar("Task")
Result = TypeVar("Result")
Worker = Callable[[Task], Result]


class WorkerDied(Exception):
    """The process that worked on a task was killed or crashed."""


def usable_cores() -> int:
    """Number of cores that this process may run on (``taskset`` and Slurm limit it)."""
    return len(os.sched_getaffinity(0))


def progress_bar(total: int, unit: str) -> tqdm:
    """The progress bar of every stage, on stderr; in a log file it writes every ten seconds.

    Args:
        total: Number of steps; 0 if it is not known.
        unit: What is counted, in the plural.
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
    """Runs tasks and yields their results as they come.

    A worker process that dies costs only its task: that task yields :class:`WorkerDied` and the
    others go on. An exception of a worker ends the run and is raised.
    """

    @property
    def threads_per_worker(self) -> int:
        """Threads that a worker may use without taking them from another one."""
        ...

    def __call__(
        self, tasks: Sequence[Task], build_worker: Callable[[], Worker[Task, Result]]
    ) -> Iterator[tuple[Task, Result | WorkerDied]]:
        """Run picklable tasks; the picklable ``build_worker`` is called once in each process."""
        ...


@dataclass(frozen=True)
class LocalExecutor:
    """Processes of this machine; see :class:`Executor`.

    Attributes:
        num_workers: Number of processes; 0 works in this one.

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
    """One process and the task it works on."""

    def __init__(self, build_worker: Callable[[], Worker]) -> None:
        self._build_worker = build_worker
        self._process: Any = None
        self.connection: Any = None
        self.task: Any = None
        self.is_busy = False

    def start(self, task: Any) -> None:
        """Start a task, in a new process if the last one died."""
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
        # Not fork: libraries with threads of their own do not survive it.
        context = multiprocessing.get_context("spawn")
        self.connection, far_end = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(far_end, self._build_worker), daemon=True
        )
        self._process.start()
        far_end.close()  # so that the death of the process ends the connection

    def result(self) -> Any:
        """Outcome of the task; call once the connection has something."""
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
        """End the process."""
        if self._process is not None:
            self._process.terminate()
            self._process.join()


def _serve(connection: Connection, build_worker: Callable[[], Worker]) -> None:
    """Work on tasks until the other side is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
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
    """The exception, or one that says the same if it does not survive pickling."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


@dataclass(frozen=True)
class RayExecutor:
    """Processes of a Ray cluster that sees the same files; see :class:`Executor`.

    Uses the cluster of ``RAY_ADDRESS`` or of this machine, or starts one for this run.

    Attributes:
        num_workers: Number of processes, spread over the machines; None for one per core of the
            cluster.
        one_per_machine: One process per machine instead, for workers with threads of their own.

    Raises:
        ValueError: If ``num_workers`` is negative.
    """

    num_workers: int | None = None
    one_per_machine: bool = False

    @property
    def threads_per_worker(self) -> int:
        """See :class:`Executor`; a worker asks the cluster for one core."""
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
        busy: dict[Any, tuple[Any, Task]] = {}  # promised result -> actor and its task

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
            except ray.exceptions.RayError as error:  # the actor, its machine or its memory
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
    """Builds its worker with the first task, so that a failure to do so is reported."""

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
    """The choice of an executor, as a command line makes it.

    Attributes:
        executor: ``local`` for processes of this machine, ``ray`` for those of a Ray cluster.
        workers: Number of processes; 0 works in this one; None for one per usable core.
    """

    executor: Literal["local", "ray"] = "local"
    workers: int | None = None

    def build(self) -> Executor:
        """The executor."""
        if self.executor == "ray":
            return RayExecutor(self.workers)
        return LocalExecutor(usable_cores() if self.workers is None else self.workers)


def _check_num_workers(num_workers: int) -> None:
    if num_workers < 0:
        raise ValueError(
            f"workers must be 0 or more, but got {num_workers}. Give the number of processes; 0 "
            "works in this one."
        )
