"""mmengine's launchers and DDP: machines without a GPU, and Slurm."""

import os
import types
from collections.abc import Callable
from functools import partial
from typing import Any


def mend_launchers(module: Any) -> None:
    """Use gloo without a GPU, and prepare each task of Slurm."""
    import torch

    start_pytorch, start_slurm = module._init_dist_pytorch, module._init_dist_slurm
    if not torch.cuda.is_available():

        def start_gloo(
            start: Callable[..., None], backend: str, *args: Any, **options: Any
        ) -> None:
            set_device, torch.cuda.set_device = torch.cuda.set_device, lambda device: None
            try:
                start("gloo", *args, **options)
            finally:
                torch.cuda.set_device = set_device

        module._init_dist_pytorch = partial(start_gloo, start_pytorch)
        start_slurm = partial(start_gloo, start_slurm)

    def start_slurm_task(backend: str, *args: Any, **options: Any) -> None:
        prepare_slurm_task(torch.cuda.device_count())
        start_slurm(backend, *args, **options)

    module._init_dist_slurm = start_slurm_task


def prepare_slurm_task(num_gpus: int) -> None:
    """Set a port that is specific to the job, and a local rank that selects a visible GPU."""
    environment = os.environ
    port = 15_000 + int(environment.get("SLURM_JOB_ID", 14_500)) % 15_000
    environment.setdefault("MASTER_PORT", str(port))
    local_rank = int(environment.get("SLURM_LOCALID", environment["SLURM_PROCID"]))
    environment["SLURM_LOCALID"] = str(local_rank % num_gpus if num_gpus else local_rank)


def wrap_cpu_models(module: types.ModuleType) -> None:
    """Give DDP no devices if the model is on the CPU."""
    wrapper = module.MMDistributedDataParallel
    initialize = wrapper.__init__

    def initialize_on_device(self: Any, module: Any, *args: Any, **options: Any) -> None:
        if all(parameter.device.type == "cpu" for parameter in module.parameters()):
            options["device_ids"] = None
        initialize(self, module, *args, **options)

    wrapper.__init__ = initialize_on_device
