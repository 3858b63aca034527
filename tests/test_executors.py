"""Tasks in other processes: results, dead workers, errors."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from simhand_mm.executors import (
    ExecutorSettings,
    LocalExecutor,
    RayExecutor,
    WorkerDied,
    progress_bar,
    usable_cores,
)


class OddError(Exception):
    """An exception that cannot be unpickled, because pickling loses an argument."""

    def __init__(self, kind, detail):
        super().__init__(detail)


def work(task):
    if task == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if task == "die later":
        threading.Timer(0.05, os._exit, [1]).start()
    if task == "raise":
        raise OSError(28, "No space left on device")
    if task == "raise odd":
        raise OddError("kind", "detail")
    return task * 2, os.getpid()


def build_worker():
    return work


def refuse_to_build():
    raise ImportError("no such library")


def build_counting_worker():
    """A worker that returns the number of workers built in its process."""
    build_counting_worker.count = getattr(build_counting_worker, "count", 0) + 1
    return lambda task: (os.getpid(), build_counting_worker.count)


@pytest.mark.parametrize("num_workers", [0, 1, 3])
def test_every_task_has_its_result(num_workers):
    results = dict(LocalExecutor(num_workers)(list(range(7)), build_worker))
    assert {task: result for task, (result, _) in results.items()} == {n: 2 * n for n in range(7)}
    processes = {process for _, process in results.values()}
    assert (processes == {os.getpid()}) == (num_workers == 0)
    assert len(processes) <= max(num_workers, 1)


def test_without_tasks_no_worker_is_built():
    assert list(LocalExecutor(2)([], refuse_to_build)) == []
    assert list(LocalExecutor(0)([], refuse_to_build)) == []


def test_a_dead_worker_loses_one_task():
    results = dict(LocalExecutor(2)(["a", "die", "b", "c", "d"], build_worker))
    assert isinstance(results.pop("die"), WorkerDied)
    assert {task: result for task, (result, _) in results.items()} == {t: t * 2 for t in "abcd"}


def test_a_worker_that_dies_between_tasks_loses_none():
    results = {}
    for task, (result, process) in LocalExecutor(1)(["a", "die later", "b"], build_worker):
        results[task] = result
        if task == "die later":
            while Path(f"/proc/{process}/stat").read_text().split()[2] != "Z":
                time.sleep(0.01)
    assert results == {task: 2 * task for task in ("a", "die later", "b")}


@pytest.mark.parametrize("num_workers", [0, 2])
def test_error_of_a_worker_ends_the_run(num_workers):
    with pytest.raises(OSError, match="No space left"):
        list(LocalExecutor(num_workers)(["a", "raise", "b"], build_worker))
    with pytest.raises(ImportError, match="no such library"):
        list(LocalExecutor(num_workers)(["a"], refuse_to_build))


def test_an_error_that_cannot_be_pickled_is_reported():
    with pytest.raises(RuntimeError, match="OddError: detail"):
        list(LocalExecutor(1)(["raise odd"], build_worker))


@pytest.mark.parametrize("num_workers", [0, 2])
def test_worker_is_built_once_per_process(num_workers):
    results = list(LocalExecutor(num_workers)(list("abcdef"), build_counting_worker))
    assert len({process for _, (process, _) in results}) <= max(num_workers, 1)
    assert len({count for _, (_, count) in results}) == 1


def test_stopping_early_leaves_no_process():
    results = LocalExecutor(2)(["a", "b", "c"], build_worker)
    _, (_, process) = next(results)
    results.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


@pytest.mark.slow
def test_ray_on_two_nodes_gives_the_same_results(two_ray_nodes):
    results = dict(RayExecutor(2)(["a", "die", "b", "c"], build_worker))
    assert isinstance(results.pop("die"), WorkerDied)
    assert {task: result for task, (result, _) in results.items()} == {t: t * 2 for t in "abc"}
    counted = [result for _, result in RayExecutor(2)(list("abcdef"), build_counting_worker)]
    assert {count for _, count in counted} == {1}
    assert len({process for process, _ in counted}) == 2
    assert RayExecutor(one_per_machine=True)._count_workers(two_ray_nodes) == 2
    assert RayExecutor()._count_workers(two_ray_nodes) == 2
    with pytest.raises(OSError, match="No space left"):
        list(RayExecutor(2)(["raise"], build_worker))
    with pytest.raises(RuntimeError, match="OddError: detail"):
        list(RayExecutor(2)(["raise odd"], build_worker))


def test_missing_ray_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ImportError, match=r"simhand-mm\[ray\]"):
        list(RayExecutor(1)(["a"], partial(build_worker)))


@pytest.mark.parametrize(
    "build", [LocalExecutor, RayExecutor, lambda n: ExecutorSettings("local", n).build()]
)
def test_negative_workers_raise(build):
    with pytest.raises(ValueError, match="workers must be 0 or more, but got -1"):
        build(-1)


def test_settings_select_the_executor():
    assert ExecutorSettings().build() == LocalExecutor(usable_cores())
    assert ExecutorSettings(workers=0).build() == LocalExecutor(0)
    assert ExecutorSettings("ray", 3).build() == RayExecutor(3)


def test_allowed_cores_are_counted():
    """As after ``taskset``: only allowed cores are counted."""
    code = """
import os
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from simhand_mm.executors import ExecutorSettings
executor = ExecutorSettings().build()
print(executor.num_workers, executor.threads_per_worker)
"""
    command = [sys.executable, "-c", code]
    root = Path(__file__).parents[1]
    done = subprocess.run(command, check=True, capture_output=True, encoding="utf-8", cwd=root)
    assert done.stdout.split() == ["1", "1"]


def test_progress_in_a_log_file_is_short(monkeypatch):
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    with progress_bar(1000, "videos") as progress:
        for _ in range(1000):
            progress.update()
    assert "1000/1000" in log.getvalue()
    assert "videos" in log.getvalue()
    assert log.getvalue().count("\r") <= 3
