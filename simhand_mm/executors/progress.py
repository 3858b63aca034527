"""Running all tasks of a stage, and its progress bar."""

import sys
from collections.abc import Callable, Sequence

from tqdm import tqdm

from simhand_mm.executors.contract import Executor, Result, Task, Worker, WorkerDied

_SECONDS_BETWEEN_LINES = 10.0  # of progress in a log file


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


def run_all(
    executor: Executor,
    tasks: Sequence[Task],
    build_worker: Callable[[], Worker[Task, Result]],
    unit: str,
) -> list[Result]:
    """Run tasks with a progress bar, and return their results in the order of the tasks.

    Args:
        executor: Runs the tasks.
        tasks: Picklable and hashable tasks; their text names them in messages.
        build_worker: Picklable function that builds the worker; called once per process.
        unit: Name of the tasks in the plural, e.g. ``'shards'``.

    Raises:
        RuntimeError: If a worker died. Raised after the other tasks are finished.
    """
    results, dead = {}, {}
    with progress_bar(len(tasks), unit) as progress:
        for task, result in executor(tasks, build_worker):
            if isinstance(result, WorkerDied):
                dead[str(task)] = str(result)
            results[task] = result
            progress.update()
    if dead:
        raise RuntimeError(
            f"all {unit} must be finished, but workers died at {dead} of {len(tasks)} {unit}. Run "
            "the command again to do these; the finished ones are kept. If memory ran out, use "
            "fewer workers."
        )
    return [results[task] for task in tasks]
