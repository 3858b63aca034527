"""What this machine can do for a run: its GPU, and the memory that worker processes share."""

import os
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils._pytree import tree_leaves

SHARED_MEMORY = Path("/dev/shm")


def unusable_gpu() -> str | None:
    """Why the GPU of this machine cannot be used by the installed torch.

    Returns:
        The reason with what to do; None if it can be used, if there is none, or if
        ``CUDA_VISIBLE_DEVICES`` hides it.
    """
    if os.environ.get("CUDA_VISIBLE_DEVICES", "all") in ("", "-1"):
        return None
    if torch.cuda.is_available():
        return _unsupported_architecture()
    if not has_nvidia_gpu():
        return None
    driver = _read("/proc/driver/nvidia/version").split("Kernel Module")[-1].split("  ")[1:2]
    return (
        f"torch {torch.__version__} must see the GPU of this machine, but does not (CUDA of torch: "
        f"{torch.version.cuda or 'none'}; NVIDIA driver: {(driver or ['unknown'])[0]}). "
        f"{_OTHER_TORCH} To run on the CPU, set CUDA_VISIBLE_DEVICES=''."
    )


_OTHER_TORCH = (
    "Update the driver, or install a torch for an older CUDA (README.md, Install; V100 and older "
    "cards need a build for CUDA 12.6)."
)


def _unsupported_architecture() -> str | None:
    compiled = torch.cuda.get_arch_list()
    for index in range(torch.cuda.device_count()):
        capability = torch.cuda.get_device_capability(index)
        if not runs_on(capability, compiled):
            return (
                f"torch {torch.__version__} must be built for {torch.cuda.get_device_name(index)} "
                f"(sm_{capability[0]}{capability[1]}), but is built for {', '.join(compiled)}. "
                f"{_OTHER_TORCH}"
            )
    return None


def runs_on(capability: tuple[int, int], compiled: list[str]) -> bool:
    """Whether code compiled for some architectures runs on a GPU.

    Args:
        capability: Major and minor compute capability of the GPU.
        compiled: As :func:`torch.cuda.get_arch_list` names them: ``sm_80`` runs on 8.0 and later
            minors of 8, ``compute_80`` on all later ones.
    """
    for name in compiled:
        kind, _, digits = name.partition("_")
        digits = "".join(filter(str.isdigit, digits))
        major, minor = int(digits[:-1]), int(digits[-1])
        if kind == "compute" and capability >= (major, minor):
            return True
        if kind == "sm" and capability[0] == major and capability[1] >= minor:
            return True
    return False


def has_nvidia_gpu() -> bool:
    """Whether the driver of NVIDIA shows a GPU, whatever torch sees."""
    return any(Path("/dev").glob("nvidia[0-9]*"))


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError:
        return ""


def prefetched_bytes(loader: Any) -> int:
    """Bytes of shared memory that the workers of a data loader fill with batches made ahead.

    One sample is read to know its size; random numbers are left as they were.
    """
    if not loader.num_workers or loader.batch_size is None:
        return 0
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    sample = loader.dataset[0]
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002
    torch.set_rng_state(states[2])
    leaves = tree_leaves(sample)
    size = sum(leaf.nbytes for leaf in leaves if isinstance(leaf, torch.Tensor))
    return size * loader.batch_size * loader.num_workers * loader.prefetch_factor


def free_shared_memory() -> int | None:
    """Free bytes of the memory that processes share; None where it is no file system."""
    return shutil.disk_usage(SHARED_MEMORY).free if SHARED_MEMORY.is_dir() else None
