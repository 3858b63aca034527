"""Run tasks in processes of a Ray cluster."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from simhand_mm.executors.contract import (
    Result,
    Task,
    Worker,
    WorkerDied,
    check_num_workers,
    portable,
)


@dataclass(frozen=True)
class RayExecutor:
    """Runs tasks in processes of a Ray cluster with shared files; see :class:`Executor`.

    Uses the cluster of ``RAY_ADDRESS`` or of this machine, or starts one for this run.

    Attributes:
        num_workers: Number of processes, spread over the machines; None for one per core of the
            cluster.
        one_per_machine: Use one process per machine instead, for workers that use threads.

    Raises:
        ValueError: If ``num_workers`` is negative.
    """

    num_workers: int | None = None
    one_per_machine: bool = False

    @property
    def threads_per_worker(self) -> int:
        """See :class:`Executor`. A worker requests one core of the cluster."""
        return 1

    def __post_init__(self) -> None:
        check_num_workers(self.num_workers or 0)

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
        busy: dict[Any, tuple[Any, Task]] = {}  # future of the result -> actor and its task

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
            except ray.exceptions.RayError as error:  # actor or machine died, or out of memory
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
    """Builds its worker with the first task, so that an error while building is reported."""

    def __init__(self, build_worker: Callable[[], Worker]) -> None:
        self._build_worker = build_worker
        self._worker: Worker | None = None

    def work(self, task: Any) -> Any:
        self._worker = self._worker or self._build_worker()
        try:
            return self._worker(task)
        except Exception as error:
            raise portable(error) from None
