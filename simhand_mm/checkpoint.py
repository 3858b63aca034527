"""Local checkpoints: safe reading without code execution, and the one to resume from."""

import collections
import os
import pickle
import re
import sys
import types
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any


def load_checkpoint(path: str | os.PathLike, map_location: Any = None) -> Any:
    """Read a checkpoint of torch or mmengine without executing code from the file.

    Args:
        path: Local file.
        map_location: As in :func:`torch.load`.

    Raises:
        FileNotFoundError: If there is no such file.
        pickle.UnpicklingError: If the file is damaged, or contains anything other than tensors,
            NumPy and mmengine data.
    """
    import torch

    path = os.path.expanduser(path)
    if not os.path.isfile(path):
        raise FileNotFoundError(
            f"checkpoint must be a file, but {path} does not exist. Correct the path "
            "(in configs: load_from or init_cfg.checkpoint)."
        )
    restricted: Any = types.ModuleType("simhand_mm_restricted_pickle")
    restricted.Unpickler = _RestrictedUnpickler
    restricted.load = lambda file, **options: _RestrictedUnpickler(file, **options).load()
    try:
        with _refusing_torchscript(torch.serialization):
            return torch.load(path, map_location, pickle_module=restricted, weights_only=False)
    except (pickle.UnpicklingError, EOFError, RuntimeError) as error:
        if str(error).startswith("checkpoint must"):
            raise
        raise pickle.UnpicklingError(
            f"checkpoint must be a complete file of torch.save, but reading {path} gives: {error} "
            "Correct the path, or copy the file again."
        ) from error


class _RestrictedUnpickler(pickle.Unpickler):
    """Resolves only classes and functions that build plain data."""

    def find_class(self, module: str, name: str) -> Any:
        found = _allowed_global(module, name)
        if found is None:
            raise pickle.UnpicklingError(
                f"checkpoint must contain only tensors, NumPy arrays and mmengine data, but uses "
                f"{module}.{name}; nothing was executed. Load it once in an isolated environment "
                "and save only its state_dict with torch.save."
            )
        return found


def _allowed_global(module: str, name: str) -> Any:
    import numpy as np
    import torch
    import torch._utils

    root = module.replace("numpy._core", "numpy.core")
    if (root, name) in (table := _single_globals()):
        return table[root, name]
    if module in ("builtins", "__builtin__") and name in _PLAIN_BUILTINS:
        return _PLAIN_BUILTINS[name]
    if module == "torch._utils" and name in _TENSOR_BUILDERS:
        return getattr(torch._utils, name)
    if module == "torch" and isinstance(getattr(torch, name, None), torch.dtype):
        return getattr(torch, name)
    if root in ("numpy", "numpy.dtypes"):
        found = getattr(sys.modules.get(module), name, None)
        if isinstance(found, type) and issubclass(found, (np.generic, np.dtype)):
            return found
    return None


@cache
def _single_globals() -> dict[tuple[str, str], Any]:
    """Return module and name -> what a checkpoint may have by them."""
    import numpy as np
    import torch
    from mmengine.config import ConfigDict
    from mmengine.logging import HistoryBuffer
    from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler

    numpy: Any = np  # its stubs leave out `core`
    return {
        ("collections", "OrderedDict"): collections.OrderedDict,
        ("collections", "defaultdict"): collections.defaultdict,
        ("collections", "Counter"): collections.Counter,  # milestones of MultiStepLR
        ("builtins", "getattr"): _known_method,
        ("__builtin__", "getattr"): _known_method,
        ("_codecs", "encode"): _encode_latin1,
        ("numpy.core.multiarray", "_reconstruct"): _new_array,
        ("numpy.core.multiarray", "scalar"): numpy.core.multiarray.scalar,
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("torch", "Size"): torch.Size,
        ("torch", "device"): torch.device,
        ("torch.nn.parameter", "Parameter"): torch.nn.Parameter,
        ("mmengine.logging.history_buffer", "HistoryBuffer"): HistoryBuffer,
        ("mmengine.config.config", "ConfigDict"): ConfigDict,
        (OneCycleParamScheduler.__module__, "OneCycleParamScheduler"): OneCycleParamScheduler,
    }


_PLAIN_BUILTINS = {
    kind.__name__: kind
    for kind in (set, frozenset, list, dict, tuple, int, float, bool, complex, bytes, bytearray,
                 str, slice, range)
}  # fmt: skip
_TENSOR_BUILDERS = {
    "_rebuild_tensor",
    "_rebuild_tensor_v2",
    "_rebuild_tensor_v3",
    "_rebuild_parameter",
    "_rebuild_parameter_with_state",
}


def _known_method(owner: Any, name: str) -> Any:
    """Replaces ``getattr``, with which objects of mmengine pickle their bound methods."""
    from mmengine.logging import HistoryBuffer
    from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler

    statistics = ("min", "max", "current", "mean")
    if owner is HistoryBuffer and name in statistics:
        return getattr(HistoryBuffer, name)
    if owner is OneCycleParamScheduler and name in ("_annealing_cos", "_annealing_linear"):
        return getattr(OneCycleParamScheduler, name)
    raise pickle.UnpicklingError(
        f"checkpoint must not look up attributes, but requests {name!r} of {owner!r}; "
        "nothing was executed."
    )


def _encode_latin1(text: str, encoding: str) -> bytes:
    """Replaces ``_codecs.encode``, with which pickle protocol 2 stores bytes."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes must be stored as latin1, but got {encoding!r}.")
    return text.encode("latin1")


def _new_array(kind: type, shape: tuple, code: Any) -> Any:
    """Replaces NumPy's ``_reconstruct``, for plain arrays only."""
    import numpy as np

    if kind is not np.ndarray:
        raise pickle.UnpicklingError(f"array type must be numpy.ndarray, but got {kind!r}.")
    return np.ndarray.__new__(np.ndarray, shape, code)


@contextmanager
def _refusing_torchscript(serialization: Any) -> Iterator[None]:
    """Make ``torch.load`` refuse TorchScript archives."""
    check = serialization._is_torchscript_zip

    def refuse(archive: Any) -> bool:
        if check(archive):
            raise pickle.UnpicklingError(
                "checkpoint must be a state dict, but is a TorchScript program; nothing was "
                "executed. Save the state_dict of the model instead."
            )
        return False

    serialization._is_torchscript_zip = refuse
    try:
        yield
    finally:
        serialization._is_torchscript_zip = check


def find_latest_checkpoint(work_dir: str | os.PathLike) -> str | None:
    """Find the checkpoint to resume from, even if the previous run was killed while writing one.

    Args:
        work_dir: Folder with ``last_checkpoint`` and ``iter_N.pth`` or ``epoch_N.pth``.

    Returns:
        The file that ``last_checkpoint`` names if it is complete, else the newest complete one;
        None if there is none.
    """
    folder = Path(work_dir)
    named = folder / "last_checkpoint"
    newest_first = sorted(
        (path for path in folder.glob("*.pth") if re.fullmatch(r"(iter|epoch)_\d+", path.stem)),
        key=lambda path: path.stat().st_mtime_ns,
        reverse=True,
    )
    text = named.read_text(encoding="utf-8").strip() if named.is_file() else ""
    for path in ([Path(text)] if text else []) + newest_first:
        if zipfile.is_zipfile(path):  # a truncated file lacks the index at its end
            return str(path)
    return None
