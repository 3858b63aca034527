"""Facts about the machine that decide whether a training can run on it."""

import os
import resource
import shutil
from collections.abc import Callable

import torch

from simhand_mm.doctor.findings import CannotTell, Status
from simhand_mm.engine import machine

# One tensor per batch travels as a file descriptor; torch, logs and LMDB shards need some, too.
_FILES = 1024
# Docker gives 64 MB, which is less than one batch of most recipes for GPUs.
_SHARED_BYTES = 1e9


def torch_and_gpu() -> tuple[Status, str]:
    """Whether torch can use the GPU."""
    reason = machine.unusable_gpu()
    if reason is not None:
        return "fails", reason
    built = f"torch {torch.__version__}, CUDA {torch.version.cuda or 'none'}"
    if not torch.cuda.is_available():
        return "ok", f"{built}; no GPU, runs on the CPU"
    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return "ok", f"{built}; {len(names)} GPU: {', '.join(sorted(set(names)))}"


def bfloat16() -> tuple[Status, str]:
    """Whether ``--amp`` is fast."""
    if not torch.cuda.is_available():
        raise CannotTell("there is no GPU that torch can use")
    if torch.cuda.get_device_capability()[0] < 8:
        return "ok", "cards before Ampere have no fast bfloat16: leave --amp out"
    return "ok", "fast bfloat16: --amp is worth it"


def several_processes() -> tuple[Status, str]:
    """Whether processes can exchange tensors."""
    if not torch.distributed.is_available():
        return "fails", "this torch has no torch.distributed; several processes cannot train"
    names = [n for n in ("nccl", "gloo") if torch.distributed.is_backend_available(n)]
    return "ok", f"backends: {', '.join(names) or 'none'}"


def shared_memory() -> tuple[Status, str]:
    """Shared memory through which workers of a data loader pass batches."""
    free = machine.free_shared_memory()
    if free is None:
        raise CannotTell(f"{machine.SHARED_MEMORY} is no file system here")
    text = f"{free / 1e9:.3g} GB free in {machine.SHARED_MEMORY}"
    if torch.cuda.is_available() and free < _SHARED_BYTES:
        return "fails", f"{text}. Give the container more (docker run --shm-size=16g, --ipc=host)."
    text += "; the paper's recipe needs 10 GB on 8 GPUs, 15 GB on one"
    return "ok", f"{text}; each run checks its own need"


def open_files() -> tuple[Status, str]:
    """How many files a process may open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= hard < _FILES:
        return "fails", f"at most {hard} open files; {_FILES} are needed. Raise the hard limit."
    return "ok", f"{soft} open files, at most {'any number' if hard < 0 else hard}"


def cores() -> tuple[Status, str]:
    """Cores that this process may use."""
    count = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    share = f"; {count / gpus:.3g} per GPU, of which 4 load pictures" if gpus else ""
    return "ok", f"{count} cores{share}"


def compiler() -> tuple[Status, str]:
    """A C compiler, with which Triton builds the distance kernel of the loss on a GPU."""
    found = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    return "ok", found or "none; on a GPU, the distances of the loss then take more kernels"


#: The facts that are examined, by name.
FACTS: dict[str, Callable[[], tuple[Status, str]]] = {
    "torch and the GPU": torch_and_gpu,
    "bfloat16": bfloat16,
    "several processes": several_processes,
    "shared memory": shared_memory,
    "open files": open_files,
    "cores": cores,
    "compiler": compiler,
}
