"""Hooks for every training run: its machine, its schedule, and resuming that is right."""

import socket
from typing import Any

from mmengine.dist import all_gather_object, get_world_size
from mmengine.hooks import Hook
from mmengine.optim import CosineAnnealingParamScheduler
from mmengine.runner import BaseLoop, EpochBasedTrainLoop, Runner

from simhand_mm import compat
from simhand_mm.engine import machine
from simhand_mm.registry import HOOKS

_STEPS = "steps_per_epoch"
_SAMPLES = "samples_per_step"


@HOOKS.register_module()
class MachineCheckHook(Hook):
    """Stops before the first batch where the machine cannot do what the config asks for.

    - A GPU that exists but that torch cannot use: the run would take the CPU without a word.
    - Shared memory (``/dev/shm``) too small for the batches that workers make ahead: the run would
      end with a bus error once they are all filled. Containers often have 64 MB.

    Tests compute in true float32.
    """

    priority = "VERY_HIGH"

    def before_run(self, runner: Runner) -> None:
        """Check both.

        Raises:
            RuntimeError: If torch cannot use the GPU.
            ValueError: If the shared memory is too small.
        """
        reason = machine.unusable_gpu()
        if reason is not None:
            raise RuntimeError(reason)
        if isinstance(runner._train_loop, BaseLoop):
            self._check_shared_memory(runner)

    def before_test(self, runner: Runner) -> None:
        """Compute in float32: convolutions in TF32, torch's default, move late decimals."""
        self._precision = compat.true_float32()
        self._precision.__enter__()

    def after_test(self, runner: Runner) -> None:
        """Compute as before."""
        self._precision.__exit__(None, None, None)

    def _check_shared_memory(self, runner: Runner) -> None:
        loader, free = runner.train_dataloader, machine.free_shared_memory()
        # mmengine counts them only where a group of the machine's processes was made, which the
        # launchers do not do.
        processes = all_gather_object(socket.gethostname()).count(socket.gethostname())
        needed = machine.prefetched_bytes(loader) * processes
        if free is None or not needed:
            return
        text = (
            f"{_gigabytes(needed)} of shared memory for batches made ahead ({processes} "
            f"processes x {loader.num_workers} workers x prefetch_factor "
            f"{loader.prefetch_factor} x batch_size {loader.batch_size})"
        )
        if needed > free:
            raise ValueError(
                f"{machine.SHARED_MEMORY} must have {text}, but has {_gigabytes(free)} free. "
                "Lower train_dataloader.num_workers, prefetch_factor or batch_size, or give the "
                "container more (docker run --shm-size=..., --ipc=host)."
            )
        runner.logger.info(f"Up to {text}; {_gigabytes(free)} are free.")


def _gigabytes(number: int) -> str:
    return f"{number / 1e9:.3g} GB"


@HOOKS.register_module()
class ScheduleCheckHook(Hook):
    """Warns if a cosine ends before the training: the learning rate would rise again."""

    def before_train(self, runner: Runner) -> None:
        """Check the schedulers of the run."""
        schedulers = runner.param_schedulers if isinstance(runner.param_schedulers, list) else []
        for number, scheduler in enumerate(schedulers):
            if not isinstance(scheduler, CosineAnnealingParamScheduler):
                continue
            total = runner.max_epochs if scheduler.by_epoch else runner.max_iters
            lowest = scheduler.begin + scheduler.T_max
            if lowest < min(total, scheduler.end):
                runner.logger.warning(
                    f"param_scheduler.{number} must reach its minimum at the end of the training, "
                    f"but does so after {lowest / total:.0%} of it, and rises again. Increase "
                    f"param_scheduler.{number}.T_max with train_cfg.max_epochs."
                )


@HOOKS.register_module()
class ResumeCheckHook(Hook):
    """Stops a resumed run whose epochs would not be those of the checkpoint.

    Learning rate, order of samples and the place within an epoch count in steps. The number of
    processes may change as long as the batch over all of them and the data stay the same.
    """

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Write into the checkpoint what must stay the same."""
        checkpoint["meta"].update(_epoch_of(runner))

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Compare a checkpoint that is resumed from.

        Raises:
            ValueError: If an epoch has another number of steps or samples per step.
        """
        meta = checkpoint.get("meta", {})
        if not runner._resume or _STEPS not in meta:
            return
        now, then = _epoch_of(runner), {name: meta[name] for name in (_STEPS, _SAMPLES)}
        if now != then:
            raise ValueError(
                f"a resumed run must have {then[_SAMPLES]} samples per step and {then[_STEPS]} "
                f"steps per epoch, as its checkpoint, but has {now[_SAMPLES]} "
                f"(train_dataloader.batch_size {runner.train_dataloader.batch_size} x "
                f"{get_world_size()} processes) and {now[_STEPS]}. Set "
                "train_dataloader.batch_size so that the product is the same, on the same data; "
                "or begin a new run from these weights: load_from without --resume."
            )

    def before_train(self, runner: Runner) -> None:
        """Check that all processes are at the same step.

        Raises:
            RuntimeError: If they are not.
        """
        steps = all_gather_object(runner.iter)
        if len(set(steps)) > 1:
            raise RuntimeError(
                f"all processes must resume from the same step, but they are at {steps}. Give one "
                "checkpoint to all: --resume FILE."
            )


def _epoch_of(runner: Runner) -> dict[str, int]:
    loader = runner.train_dataloader
    batch_size = loader.batch_size or getattr(loader.batch_sampler, "batch_size", 0)
    steps = len(loader) if isinstance(runner.train_loop, EpochBasedTrainLoop) else 0
    return {_STEPS: steps, _SAMPLES: batch_size * get_world_size()}
