"""The contract of all executors."""

import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")
Worker = Callable[[Task], Result]


class WorkerDied(Exception):
    """The process that ran a task was killed or crashed."""


def usable_cores() -> int:
    """Return the number of cores that this process may use (``taskset`` and Slurm limit it)."""
    return len(os.sched_getaffinity(0))


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


def portable(error: Exception) -> Exception:
    """Return the exception, or a RuntimeError with its text if it cannot be pickled."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def check_num_workers(num_workers: int) -> None:
    """Refuse a negative number of processes.

    Raises:
        ValueError: If it is negative.
    """
    if num_workers < 0:
        raise ValueError(
            f"workers must be 0 or more, but got {num_workers}. Pass the number of processes; 0 "
            "runs everything in this process."
        )
