"""Who does the work: processes of this machine, or of a Ray cluster.

A task is done by a worker that is built once in each process. The work units know nothing of who
runs them, so that every executor gives the same result.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, ClassVar, Protocol, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")
Worker = Callable[[Task], Result]


class WorkerDied(Exception):
    """The process that worked on a task was ended from outside or crashed."""


class Executor(Protocol):
    """Runs tasks and yields their results as they come.

    A worker process that dies takes only its task with it: that task yields :class:`WorkerDied`
    and the others go on. An exception of a worker ends the run and is raised.

    Attributes:
        threads_per_worker: Threads that a worker may use without taking them from another one.
    """

    threads_per_worker: int

    def __call__(
        self, tasks: Sequence[Task], build_worker: Callable[[], Worker]
    ) -> Iterator[tuple[Task, Result | WorkerDied]]:
        """Run picklable tasks; the picklable ``build_worker`` is called once in each process."""


@dataclass(frozen=True)
class LocalExecutor:
    """Processes of this machine; see :class:`Executor`.

    Attributes:
        num_workers: Number of processes; 0 works in this one.
    """

    num_workers: int

    @property
    def threads_per_worker(self) -> int:
        """See :class:`Executor`."""
        return max(1, len(os.sched_getaffinity(0)) // max(1, self.num_workers))

    def __call__(
        self, tasks: Sequence[Task], build_worker: Callable[[], Worker]
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
    tasks: Sequence[Task], build_worker: Callable[[], Worker]
) -> Iterator[tuple[Task, Result]]:
    worker = build_worker() if tasks else None
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
        """Begin a task, in a new process if the last one died."""
        if self._process is None:
            # Not fork: libraries with threads of their own do not survive it.
            context = multiprocessing.get_context("spawn")
            self.connection, far_end = context.Pipe()
            self._process = context.Process(
                target=_serve, args=(far_end, self._build_worker), daemon=True
            )
            self._process.start()
            far_end.close()  # so that the death of the process ends the connection
        self.connection.send(task)
        self.task, self.is_busy = task, True

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
            reply = (False, error)
        connection.send(reply)


@dataclass(frozen=True)
class RayExecutor:
    """Processes of a Ray cluster that sees the same files; see :class:`Executor`.

    Uses the cluster of ``RAY_ADDRESS`` or of this machine, or starts one for the time being.

    Attributes:
        num_workers: Number of processes, spread over the nodes.
    """

    num_workers: int
    threads_per_worker: ClassVar[int] = 1  # a worker asks the cluster for one core

    def __call__(
        self, tasks: Sequence[Task], build_worker: Callable[[], Worker]
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
        busy: dict[Any, tuple[Any, Task]] = {}  # promised status -> actor and its task

        def start(actor: Any, task: Task) -> None:
            busy[actor.work.remote(task)] = (actor, task)

        for _ in range(min(max(self.num_workers, 1), len(tasks))):
            start(actor_class.remote(build_worker), waiting.pop())
        while busy:
            (promise,), _ = ray.wait(list(busy))
            actor, task = busy.pop(promise)
            try:
                result = ray.get(promise)
            except ray.exceptions.RayTaskError as error:
                raise error.cause from None
            except ray.exceptions.RayActorError as error:
                result = WorkerDied(str(error))
                actor = actor_class.remote(build_worker)
            yield task, result
            if waiting:
                start(actor, waiting.pop())


class _RayWorker:
    """Builds its worker with the first task, so that a failure to do so is told."""

    def __init__(self, build_worker: Callable[[], Worker]) -> None:
        self._build_worker = build_worker
        self._worker: Worker | None = None

    def work(self, task: Any) -> Any:
        self._worker = self._worker or self._build_worker()
        return self._worker(task)
