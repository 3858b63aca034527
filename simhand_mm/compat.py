"""Workarounds for other libraries; the only module that tests versions or patches anything.

:func:`install` is called once by ``import simhand_mm`` and costs nothing then: each workaround
waits until the module that it mends is imported, and acts only where its trigger is present.

===============================  ================================================================
trigger                          what is done
===============================  ================================================================
torch >= 2.6, mmengine <= 0.10   local checkpoints are read by a *restricted* unpickler (tensors,
                                 NumPy and mmengine's own classes); plain ``torch.load`` refuses
                                 every mmengine checkpoint there, and unrestricted loading would
                                 run whatever a file asks for
killed while a checkpoint or     a run is resumed from the newest whole checkpoint; mmengine writes
``last_checkpoint`` is written   both in place, and believes a ``last_checkpoint`` that is empty
``mmcv._ext`` missing            stub module, so that mmpose.models imports under mmcv-lite; an
                                 operator raises when it is called
xtcocotools missing or broken    its modules are those of pycocotools
``pkg_resources`` missing        mmengine looks packages up with importlib
no GPU                           ``--launcher pytorch`` uses gloo, DDP takes no device ids
===============================  ================================================================
"""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import pickle
import re
import sys
import types
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any


def install() -> None:
    """Put the workarounds in place; safe to call again."""
    mmcv = importlib.util.find_spec("mmcv")
    if mmcv and not importlib.machinery.PathFinder.find_spec(
        "mmcv._ext", mmcv.submodule_search_locations
    ):
        _stub_mmcv_ops()
    if importlib.util.find_spec("xtcocotools") is None:
        _alias_cocotools()
    _after_import("mmengine.runner.checkpoint", _read_checkpoints_safely)
    _after_import("mmengine.runner.runner", _resume_from_whole_checkpoints)
    _after_import("mmengine.dist.utils", _start_gloo_without_gpu)
    _after_import("mmengine.model.wrappers.distributed", _wrap_cpu_models)
    if importlib.util.find_spec("pkg_resources") is None:
        _after_import("mmengine.utils.package_utils", _find_packages_by_importlib)


class _PatchingFinder(importlib.abc.MetaPathFinder):
    """Lets the ordinary finders load a module, then patches it."""

    def __init__(self) -> None:
        self.patches: dict[str, Callable[[Any], None]] = {}

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        patch = self.patches.pop(name, None)
        if patch is None:
            return None
        spec = importlib.util.find_spec(name)
        execute = spec.loader.exec_module

        def execute_and_patch(module: types.ModuleType) -> None:
            execute(module)
            patch(module)

        spec.loader.exec_module = execute_and_patch
        return spec


_FINDER = _PatchingFinder()


def _after_import(name: str, patch: Callable[[Any], None]) -> None:
    if name in sys.modules:
        patch(sys.modules[name])
    else:
        _FINDER.patches[name] = patch
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)


# ---------------------------------------------------------------------------- checkpoints


def load_checkpoint(path: str | os.PathLike, map_location: Any = None) -> Any:
    """Read a checkpoint of torch or mmengine without executing anything that it carries.

    Args:
        path: Local file.
        map_location: As in :func:`torch.load`.

    Raises:
        FileNotFoundError: If there is no such file.
        pickle.UnpicklingError: If the file holds anything but tensors, NumPy and mmengine data.
    """
    import torch

    path = os.path.expanduser(path)
    if not os.path.isfile(path):
        raise FileNotFoundError(
            f"checkpoint must be a file, but {path} does not exist. Correct load_from, "
            "init_cfg.checkpoint or --resume."
        )
    restricted = types.ModuleType("simhand_mm_restricted_pickle")
    restricted.Unpickler = _RestrictedUnpickler
    restricted.load = lambda file, **options: _RestrictedUnpickler(file, **options).load()
    with _refusing_torchscript(torch):
        return torch.load(path, map_location, pickle_module=restricted, weights_only=False)


class _RestrictedUnpickler(pickle.Unpickler):
    """Resolves only names that build plain data."""

    def find_class(self, module: str, name: str) -> Any:
        found = _allowed_global(module, name)
        if found is None:
            raise pickle.UnpicklingError(
                f"checkpoint must hold only tensors, NumPy arrays and mmengine data, but asks for "
                f"{module}.{name}; nothing was executed. Load it once in an environment that you "
                "trust and save its state_dict alone with torch.save."
            )
        return found


def _allowed_global(module: str, name: str) -> Any:
    import numpy as np
    import torch
    from mmengine.config import ConfigDict
    from mmengine.logging import HistoryBuffer

    root = module.replace("numpy._core", "numpy.core")
    table = {
        ("collections", "OrderedDict"): __import__("collections").OrderedDict,
        ("collections", "defaultdict"): __import__("collections").defaultdict,
        ("builtins", "getattr"): _history_statistic,
        ("__builtin__", "getattr"): _history_statistic,
        ("_codecs", "encode"): _encode_latin1,
        ("numpy.core.multiarray", "_reconstruct"): _new_array,
        ("numpy.core.multiarray", "scalar"): np.core.multiarray.scalar,
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("torch", "Size"): torch.Size,
        ("torch", "device"): torch.device,
        ("torch.nn.parameter", "Parameter"): torch.nn.Parameter,
        ("mmengine.logging.history_buffer", "HistoryBuffer"): HistoryBuffer,
        ("mmengine.config.config", "ConfigDict"): ConfigDict,
    }
    if (root, name) in table:
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


def _history_statistic(owner: Any, name: str) -> Any:
    """Stands in for ``getattr``, by which a HistoryBuffer pickles its four statistics."""
    from mmengine.logging import HistoryBuffer

    if owner is not HistoryBuffer or name not in ("min", "max", "current", "mean"):
        raise pickle.UnpicklingError(
            f"checkpoint must not look up attributes, but asks for {name!r} of {owner!r}; "
            "nothing was executed."
        )
    return getattr(HistoryBuffer, name)


def _encode_latin1(text: str, encoding: str) -> bytes:
    """Stands in for ``_codecs.encode``, by which protocol 2 pickles bytes."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes must be stored as latin1, but got {encoding!r}.")
    return text.encode("latin1")


def _new_array(kind: type, shape: tuple, code: Any) -> Any:
    """Stands in for NumPy's ``_reconstruct``, for plain arrays only."""
    import numpy as np

    if kind is not np.ndarray:
        raise pickle.UnpicklingError(f"array type must be numpy.ndarray, but got {kind!r}.")
    return np.ndarray.__new__(np.ndarray, shape, code)


class _refusing_torchscript:
    """Keeps ``torch.load`` from handing TorchScript archives to the interpreter."""

    def __init__(self, torch: Any) -> None:
        self._serialization = torch.serialization

    def __enter__(self) -> None:
        self._check = self._serialization._is_torchscript_zip
        self._serialization._is_torchscript_zip = self._refuse

    def __exit__(self, *_: Any) -> None:
        self._serialization._is_torchscript_zip = self._check

    def _refuse(self, archive: Any) -> bool:
        if self._check(archive):
            raise pickle.UnpicklingError(
                "checkpoint must be a state dict, but is a TorchScript program; nothing was "
                "executed. Save the state_dict of the model instead."
            )
        return False


def find_latest_checkpoint(work_dir: str | os.PathLike) -> str | None:
    """The checkpoint to resume from, whenever the run before was killed.

    Args:
        work_dir: Folder with ``last_checkpoint`` and ``iter_N.pth`` or ``epoch_N.pth``.

    Returns:
        What ``last_checkpoint`` names if that is a whole file, else the newest whole one; None
        where there is none.
    """
    folder = Path(work_dir)
    named = folder / "last_checkpoint"
    newest_first = sorted(
        (path for path in folder.glob("*.pth") if re.fullmatch(r"(iter|epoch)_\d+", path.stem)),
        key=lambda path: path.stat().st_mtime_ns,
        reverse=True,
    )
    text = named.read_text().strip() if named.is_file() else ""
    for path in ([Path(text)] if text else []) + newest_first:
        if zipfile.is_zipfile(path):  # what was cut off lacks the index at the end
            return str(path)
    return None


def _read_checkpoints_safely(module: types.ModuleType) -> None:
    module.CheckpointLoader.register_scheme(prefixes="", loader=load_checkpoint, force=True)


def _resume_from_whole_checkpoints(module: types.ModuleType) -> None:
    module.find_latest_checkpoint = find_latest_checkpoint


# ------------------------------------------------------------------- missing compiled parts


def _stub_mmcv_ops() -> None:
    stub = types.ModuleType("mmcv._ext")
    stub.__spec__ = importlib.machinery.ModuleSpec("mmcv._ext", loader=None)

    def missing_operator(name: str) -> Callable[..., None]:
        if name.startswith("__"):
            raise AttributeError(name)

        def operator(*_: Any, **__: Any) -> None:
            raise NotImplementedError(
                f"mmcv must be installed with its compiled operators to call {name!r}, but only "
                "mmcv-lite is. Install mmcv==2.1.0 built for this torch."
            )

        return operator

    stub.__getattr__ = missing_operator
    sys.modules.setdefault("mmcv._ext", stub)


def _alias_cocotools() -> None:
    """``xtcocotools`` has no wheels for Python 3.12 and NumPy 2; mmpose imports it at the top."""
    if importlib.util.find_spec("pycocotools") is None:
        return
    for name in ("", ".coco", ".cocoeval", ".mask"):
        _FINDER_ALIASES[f"xtcocotools{name}"] = f"pycocotools{name}"
    sys.meta_path.append(_AliasFinder())


_FINDER_ALIASES: dict[str, str] = {}


class _AliasFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module under the name of another."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name in _FINDER_ALIASES:
            return importlib.machinery.ModuleSpec(name, self, is_package=name == "xtcocotools")
        return None

    def create_module(self, spec: Any) -> types.ModuleType:
        original = importlib.import_module(_FINDER_ALIASES[spec.name])
        copy = types.ModuleType(spec.name)
        copy.__dict__.update(
            {key: value for key, value in vars(original).items() if not key.startswith("__")}
        )
        return copy

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing to run: the module is a copy of a loaded one."""


def _find_packages_by_importlib(module: types.ModuleType) -> None:
    def is_installed(package: str) -> bool:
        spec = importlib.util.find_spec(package)
        return spec is not None and spec.origin is not None

    def get_installed_path(package: str) -> str:
        return os.path.dirname(importlib.util.find_spec(package).origin)

    module.is_installed, module.get_installed_path = is_installed, get_installed_path


# --------------------------------------------------------------------- training without GPU


def _start_gloo_without_gpu(module: types.ModuleType) -> None:
    import torch

    if torch.cuda.is_available():
        return
    start = module._init_dist_pytorch

    def start_gloo(backend: str, init_backend: str = "torch", **options: Any) -> None:
        set_device, torch.cuda.set_device = torch.cuda.set_device, lambda device: None
        try:
            start("gloo", init_backend, **options)
        finally:
            torch.cuda.set_device = set_device

    module._init_dist_pytorch = start_gloo


def _wrap_cpu_models(module: types.ModuleType) -> None:
    wrapper = module.MMDistributedDataParallel
    initialize = wrapper.__init__

    def initialize_on_device(self: Any, module: Any, *args: Any, **options: Any) -> None:
        if all(parameter.device.type == "cpu" for parameter in module.parameters()):
            options["device_ids"] = None
        initialize(self, module, *args, **options)

    wrapper.__init__ = initialize_on_device
