"""Tasks in other processes: all results, dead workers, raised errors."""

import os
import signal
from functools import partial

import pytest

from simhand_mm.preparation.executors import LocalExecutor, RayExecutor, WorkerDied


def work(task):
    if task == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if task == "raise":
        raise OSError(28, "No space left on device")
    return task * 2, os.getpid()


def build_worker():
    return work


def refuse_to_build():
    raise ImportError("no such library")


@pytest.mark.parametrize("num_workers", [0, 1, 3])
def test_every_task_has_its_result(num_workers):
    results = dict(LocalExecutor(num_workers)(list(range(7)), build_worker))
    assert {task: result for task, (result, _) in results.items()} == {n: 2 * n for n in range(7)}
    processes = {process for _, process in results.values()}
    assert (processes == {os.getpid()}) == (num_workers == 0)
    assert len(processes) <= max(num_workers, 1)


def test_no_tasks_need_no_worker():
    assert list(LocalExecutor(2)([], refuse_to_build)) == []
    assert list(LocalExecutor(0)([], refuse_to_build)) == []


def test_a_dead_worker_costs_one_task():
    results = dict(LocalExecutor(2)(["a", "die", "b", "c", "d"], build_worker))
    assert isinstance(results.pop("die"), WorkerDied)
    assert {task: result for task, (result, _) in results.items()} == {t: t * 2 for t in "abcd"}


@pytest.mark.parametrize("num_workers", [0, 2])
def test_an_error_of_a_worker_ends_the_run(num_workers):
    with pytest.raises(OSError, match="No space left"):
        list(LocalExecutor(num_workers)(["a", "raise", "b"], build_worker))
    with pytest.raises(ImportError, match="no such library"):
        list(LocalExecutor(num_workers)(["a"], refuse_to_build))


def test_stopping_early_leaves_no_process():
    results = LocalExecutor(2)(["a", "b", "c"], build_worker)
    _, (_, process) = next(results)
    results.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


@pytest.mark.slow
def test_ray_on_two_nodes_gives_the_same():
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    cluster.add_node(num_cpus=1)
    try:
        ray.init(address=cluster.address, log_to_driver=False)
        results = dict(RayExecutor(2)(["a", "die", "b", "c"], build_worker))
        assert isinstance(results.pop("die"), WorkerDied)
        assert {task: result for task, (result, _) in results.items()} == {t: t * 2 for t in "abc"}
        with pytest.raises(OSError, match="No space left"):
            list(RayExecutor(2)(["raise"], build_worker))
    finally:
        ray.shutdown()
        cluster.shutdown()


def test_missing_ray_names_the_cure(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(ImportError, match=r"simhand-mm\[ray\]"):
        list(RayExecutor(1)(["a"], partial(build_worker)))
