"""Command line options that select an executor."""

from dataclasses import dataclass
from typing import Literal

from simhand_mm.executors.contract import Executor, usable_cores
from simhand_mm.executors.local import LocalExecutor
from simhand_mm.executors.ray_cluster import RayExecutor


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
