"""Who does the work: processes of this machine.

A task is done by a worker that is built once in each process. The work units know nothing of who
runs them, so that every executor gives the same result.
"""

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")
Worker = Callable[[Task], Result]


class WorkerDied(Exception):
    """The process that worked on a task was ended from outside or crashed."""


def run_local(
    tasks: Sequence[Task], build_worker: Callable[[], Worker], num_workers: int
) -> Iterator[tuple[Task, Result | WorkerDied]]:
    """Run tasks in processes of this machine and yield results as they come.

    A process that dies takes only its task with it: the task yields :class:`WorkerDied` and a new
    process goes on. An exception of a worker ends the run and is raised here.

    Args:
        tasks: Picklable.
        build_worker: Picklable; called once in each process.
        num_workers: Processes; 0 works in this one.
    """
    if num_workers == 0:
        worker = build_worker()
        for task in tasks:
            yield task, worker(task)
        return
    waiting = list(reversed(tasks))
    processes = [_Process(build_worker) for _ in range(min(num_workers, len(tasks)))]
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
