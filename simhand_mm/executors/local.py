"""Run tasks in processes of this machine."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from simhand_mm.executors.contract import (
    Result,
    Task,
    Worker,
    WorkerDied,
    check_num_workers,
    portable,
    usable_cores,
)


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
        check_num_workers(self.num_workers)

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
            reply = (False, portable(error))
        connection.send(reply)
