"""Executors: run tasks in processes of this machine or of a Ray cluster.

Every stage that parallelises work passes a list of tasks to an executor. A worker, which is built
once per process, runs the tasks. Workers do not depend on the executor, so that all executors give
the same result.
"""

from simhand_mm.executors.contract import Executor, WorkerDied, usable_cores
from simhand_mm.executors.local import LocalExecutor
from simhand_mm.executors.progress import progress_bar, run_all
from simhand_mm.executors.ray_cluster import RayExecutor
from simhand_mm.executors.settings import ExecutorSettings

__all__ = [
    "Executor",
    "ExecutorSettings",
    "LocalExecutor",
    "RayExecutor",
    "WorkerDied",
    "progress_bar",
    "run_all",
    "usable_cores",
]
