"""Compare several processes, one per GPU if there are enough, with one process."""

import tempfile
from pathlib import Path
from typing import Any

import torch
from mmengine.model import MMDistributedDataParallel
from torch import Tensor, distributed, multiprocessing, nn
from torch.utils._pytree import tree_map_only

from simhand_mm.compat import true_float32
from simhand_mm.doctor import comparing
from simhand_mm.doctor.comparing import difference, judge
from simhand_mm.doctor.findings import Status

_PROCESSES, _PAIRS = 2, 16
_START = "spawn"  # a process that has used its GPU must not be forked
_MICRO_BATCHES = (None, 4)  # pairs of a process
# On GPUs or not, and backend.
_NOT_CHECKED = {
    (False, "gloo"): "; CPUs and gloo, so NCCL and SyncBN not checked",
    (True, "gloo"): "; two processes on one GPU and gloo, so NCCL not checked",
    (True, "nccl"): "",
}


def several_gpus(device: str) -> tuple[Status, str]:
    """Compare loss and gradients of two processes with half of the pairs each with one process.

    On GPUs BatchNorm shares its statistics (SyncBN). On CPUs, where it cannot, they are fixed.
    """
    devices, backend = _places(device, torch.cuda.device_count())
    on_gpus = devices[0] != "cpu"
    measured = {}
    with tempfile.TemporaryDirectory(prefix="simhand-doctor-") as folder:
        multiprocessing.start_processes(
            _run_process, args=(folder, devices, backend), nprocs=_PROCESSES, start_method=_START
        )
        found = [torch.load(Path(folder) / f"{rank}.pth") for rank in range(_PROCESSES)]
    for number, size in enumerate(_MICRO_BATCHES):
        # What the processes encode at a time are the same pairs that one encodes here.
        model, data = _model_and_data(size and size * _PROCESSES, device, on_gpus)
        loss, gradient = comparing.value_and_gradient(model, comparing.move(data, device))
        name = "" if size is None else "micro-batches: "
        first, *others = (results[number] for results in found)
        measured |= {
            f"{name}loss": (difference(first[0], loss), 1e-5),
            f"{name}gradient": (difference(first[1], gradient), 1e-3),
            f"{name}between processes": (max(difference(o[1], first[1]) for o in others), 0.0),
        }
    status, text = judge(measured)
    return status, text + _NOT_CHECKED[on_gpus, backend]


def _places(device: str, num_gpus: int) -> tuple[list[str], str]:
    """Return the device of each process and the backend; one GPU is shared by all processes."""
    if torch.device(device).type == "cpu":
        return ["cpu"] * _PROCESSES, "gloo"
    if num_gpus < _PROCESSES:
        return ["cuda:0"] * _PROCESSES, "gloo"  # NCCL refuses two processes on one GPU
    return [f"cuda:{rank}" for rank in range(_PROCESSES)], "nccl"


def _model_and_data(size: int | None, device: str, trains_norms: bool) -> tuple[Any, Any]:
    model = comparing.build(comparing.SMALL_CONFIG, "mmpretrain", micro_batch_size=size)
    data = model.data_preprocessor(comparing.crops(_PAIRS), training=True)
    model.to(device).train()
    if not trains_norms:
        comparing.freeze_norms(model)
    return model, data


def _run_process(rank: int, folder: str, devices: list[str], backend: str) -> None:
    device = torch.device(devices[rank])
    on_gpus = device.type == "cuda"
    if on_gpus:
        torch.cuda.set_device(device)
    results = []
    # Before the process group, which would give each process a part of the random numbers.
    made = [_model_and_data(size, devices[rank], on_gpus) for size in _MICRO_BATCHES]
    distributed.init_process_group(
        backend, init_method=f"file://{folder}/store", rank=rank, world_size=_PROCESSES
    )
    try:
        for model, data in made:
            if on_gpus:
                model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
            wrapped = MMDistributedDataParallel(
                model, device_ids=[device.index] if on_gpus else None, broadcast_buffers=False
            )
            part = tree_map_only(Tensor, lambda tensor: _share(tensor, rank), data)
            with true_float32():  # a new process has the default, TF32
                results.append(comparing.value_and_gradient(wrapped, comparing.move(part, device)))
        torch.save([(loss.cpu(), g) for loss, g in results], Path(folder) / f"{rank}.pth")
    finally:
        distributed.destroy_process_group()


def _share(tensor: Tensor, rank: int) -> Tensor:
    """Pairs of one process, distributed in turn; ``tensor`` has all queries, then all positives."""
    return torch.cat([half[rank::_PROCESSES] for half in tensor.chunk(2)])
