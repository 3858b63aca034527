"""mmengine's Runner: checkpoints, optimisers of resumed runs, data loaders."""

import types
from collections.abc import Callable
from typing import Any

from simhand_mm.checkpoint import find_latest_checkpoint, load_checkpoint


def read_checkpoints_safely(module: types.ModuleType) -> None:
    """Read local checkpoints without running code in them."""
    module.CheckpointLoader.register_scheme(prefixes="", loader=load_checkpoint, force=True)


def mend_runner(module: Any) -> None:
    """Resume from complete checkpoints, and build loaders that fit their number of workers."""
    module.find_latest_checkpoint = _find_latest_checkpoint_for_all
    build, resume = module.Runner.build_dataloader, module.Runner.resume
    module.Runner.build_dataloader = staticmethod(
        lambda dataloader, *args, **options: _build_loader(build, dataloader, *args, **options)
    )

    def resume_and_mend(self: Any, *args: Any, **options: Any) -> None:
        resume(self, *args, **options)
        wrapper = self.optim_wrapper
        for part in wrapper.values() if hasattr(wrapper, "values") else [wrapper]:
            keep_steps_on_the_cpu(part.optimizer)

    module.Runner.resume = resume_and_mend


def _find_latest_checkpoint_for_all(work_dir: str) -> str | None:
    from mmengine.dist import broadcast_object_list, is_main_process

    found = [find_latest_checkpoint(work_dir) if is_main_process() else None]
    broadcast_object_list(found)
    return found[0]


def keep_steps_on_the_cpu(optimizer: Any) -> None:
    """Bring the step counts of a loaded optimiser back; on a GPU, each step waits for each."""
    for group in optimizer.param_groups:
        if group.get("capturable") or group.get("fused"):
            continue  # their step counter must be on the device
        for parameter in group["params"]:
            state = optimizer.state.get(parameter, {})
            if hasattr(state.get("step"), "cpu"):
                state["step"] = state["step"].cpu()


def _build_loader(build: Callable, dataloader: Any, *args: Any, **options: Any) -> Any:
    """Call ``Runner.build_dataloader`` with options that fit the number of workers.

    Raises:
        ValueError: If the samples do not fill one batch and incomplete ones are dropped.
    """
    if isinstance(dataloader, dict) and not dataloader.get("num_workers"):
        only_workers = ("persistent_workers", "prefetch_factor")
        dataloader = {key: value for key, value in dataloader.items() if key not in only_workers}
    loader = build(dataloader, *args, **options)
    if loader.batch_size is not None and loader.drop_last and not len(loader):
        from mmengine.dist import get_world_size

        raise ValueError(
            f"dataset must have at least one batch per process, batch_size {loader.batch_size} x "
            f"{get_world_size()} processes, but has {len(loader.dataset)} samples. Lower the batch "
            "size (--cfg-options train_dataloader.batch_size=...) or prepare more data."
        )
    return loader
