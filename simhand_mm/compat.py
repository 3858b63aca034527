"""Workarounds for other libraries. Only this module tests versions or patches other libraries.

``import simhand_mm`` calls :func:`install` once, which takes almost no time: each workaround is
applied when the module that it patches is imported, and only if its trigger is present.

===============================  ================================================================
trigger                          workaround
===============================  ================================================================
torch >= 2.6, mmengine <= 0.10   local checkpoints are read by a *restricted* unpickler (tensors,
                                 NumPy and mmengine's classes); plain ``torch.load`` rejects every
                                 mmengine checkpoint there, and unrestricted loading would run any
                                 code in a file
killed while a checkpoint or     a run is resumed from the newest complete checkpoint; mmengine
``last_checkpoint`` is written   writes both in place, and trusts an empty ``last_checkpoint``
``mmcv._ext`` missing            stub module, so that mmpose.models imports under mmcv-lite; an
                                 operator raises an error when it is called
xtcocotools missing or broken    pycocotools is imported under its name
NumPy >= 2, mmcv <= 2.1          ``mmcv.adjust_hue`` accepts negative factors, which NumPy 2 rejects
                                 when they are converted to uint8
``pkg_resources`` missing        mmengine looks packages up with importlib
no GPU                           ``--launcher pytorch`` or ``slurm`` uses gloo, DDP gets no devices
``--launcher slurm``             the port is computed from the job id, so that two jobs can share a
                                 machine; a task that sees a single GPU uses it
===============================  ================================================================
"""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import re
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from simhand_mm.checkpoint import find_latest_checkpoint, load_checkpoint


def install() -> None:
    """Install the workarounds. May be called again."""
    mmcv = importlib.util.find_spec("mmcv")
    if mmcv and not importlib.machinery.PathFinder.find_spec(
        "mmcv._ext", mmcv.submodule_search_locations
    ):
        _stub_mmcv_ops()
    if importlib.util.find_spec("xtcocotools") is None:
        _alias_cocotools()
    _after_import("mmengine.runner.checkpoint", _read_checkpoints_safely)
    _after_import("mmengine.runner.runner", _mend_runner)
    _after_import("mmengine.config.config", _quote_environment_variables)
    _after_import("mmengine.dist.utils", _mend_launchers)
    _after_import("mmengine.model.wrappers.distributed", _wrap_cpu_models)
    _after_import("mmcv.image.photometric", _turn_hues_both_ways)
    if importlib.util.find_spec("pkg_resources") is None:
        _after_import("mmengine.utils.package_utils", _find_packages_by_importlib)


class _PatchingFinder(importlib.abc.MetaPathFinder):
    """Patches a module after the regular finders have loaded it."""

    def __init__(self) -> None:
        self.patches: dict[str, Callable[[Any], None]] = {}

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        patch = self.patches.pop(name, None)
        if patch is None:
            return None
        spec: Any = importlib.util.find_spec(name)
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


def _read_checkpoints_safely(module: types.ModuleType) -> None:
    module.CheckpointLoader.register_scheme(prefixes="", loader=load_checkpoint, force=True)


def _mend_runner(module: Any) -> None:
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


# ------------------------------------------------------------------------------ data loaders


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


# ---------------------------------------------------------------------------------- configs


def _quote_environment_variables(module: types.ModuleType) -> None:
    substitute = module.Config._substitute_env_variables

    def substitute_quoted(filename: str, temp_config_name: str) -> Any:
        if not str(filename).endswith(".py"):
            return substitute(filename, temp_config_name)
        text = Path(filename).read_text(encoding="utf-8")
        used: dict[str, str] = {}

        def value_of(match: re.Match[str]) -> str:
            name, default = match["name"], match["default"]
            if name not in os.environ:
                return default
            used[name] = os.environ[name]
            return _escape(used[name])

        # Only inside a string; mmengine handles other forms, such as {{'$CLASSES:80'}}.
        inside = r"(?<=['\"])\{\{\s*\$(?P<name>\w+)\s*:\s*(?P<default>[^\s'\"}]+)\s*\}\}"
        text = re.sub(inside, value_of, text)
        Path(temp_config_name).write_text(text, encoding="utf-8")
        return used | substitute(temp_config_name, temp_config_name)

    module.Config._substitute_env_variables = staticmethod(substitute_quoted)


def _escape(text: str) -> str:
    """Escape a text so that it can be written between quotes of either kind."""
    for character, written in (("\\", "\\\\"), ("'", "\\'"), ('"', '\\"'), ("\n", "\\n")):
        text = text.replace(character, written)
    return text


# ------------------------------------------------------------------- missing compiled parts


def _stub_mmcv_ops() -> None:
    stub = types.ModuleType("mmcv._ext")
    stub.__spec__ = importlib.machinery.ModuleSpec("mmcv._ext", loader=None)

    def missing_operator(name: str) -> Callable[..., None]:
        if name.startswith("__"):
            raise AttributeError(name)

        def operator(*_: Any, **__: Any) -> None:
            raise NotImplementedError(
                f"mmcv must be installed with its compiled operators to call {name!r}, but got "
                "mmcv-lite. Install mmcv==2.1.0 built for this version of torch."
            )

        return operator

    stub.__getattr__ = missing_operator
    sys.modules.setdefault("mmcv._ext", stub)


def _alias_cocotools() -> None:
    """Replace ``xtcocotools``, which mmpose imports: no wheels for Python 3.12 or NumPy 2."""
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
        """Do nothing, because the module is a copy of a loaded one."""


def _find_packages_by_importlib(module: Any) -> None:
    def is_installed(package: str) -> bool:
        spec = importlib.util.find_spec(package)
        return spec is not None and spec.origin is not None

    def get_installed_path(package: str) -> str:
        spec: Any = importlib.util.find_spec(package)
        return os.path.dirname(spec.origin)

    module.is_installed, module.get_installed_path = is_installed, get_installed_path


# -------------------------------------------------------------------------------- NumPy 2


class _Turn(float):
    """A factor whose product is the uint8 that NumPy 1 made of it."""

    def __mul__(self, other: Any) -> int:
        return int(float(self) * other) % 256


def _turn_hues_both_ways(module: Any) -> None:
    adjust_hue = module.adjust_hue

    def adjust_hue_both_ways(img: Any, hue_factor: float, backend: str | None = None) -> Any:
        return adjust_hue(img, _Turn(hue_factor), backend)

    for name in (module.__name__, "mmcv.image", "mmcv"):  # which may have copied the name by now
        if hasattr(sys.modules.get(name), "adjust_hue"):
            vars(sys.modules[name])["adjust_hue"] = adjust_hue_both_ways


# --------------------------------------------------------------------- training without GPU


def _mend_launchers(module: Any) -> None:
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
        _prepare_slurm_task(torch.cuda.device_count())
        start_slurm(backend, *args, **options)

    module._init_dist_slurm = start_slurm_task


def _prepare_slurm_task(num_gpus: int) -> None:
    """Set a port that is specific to the job, and a local rank that selects a visible GPU."""
    environment = os.environ
    port = 15_000 + int(environment.get("SLURM_JOB_ID", 14_500)) % 15_000
    environment.setdefault("MASTER_PORT", str(port))
    local_rank = int(environment.get("SLURM_LOCALID", environment["SLURM_PROCID"]))
    environment["SLURM_LOCALID"] = str(local_rank % num_gpus if num_gpus else local_rank)


@contextmanager
def true_float32() -> Iterator[None]:
    """Context manager for matrix products and convolutions without TF32 or bfloat16."""
    import torch

    backends: Any = torch.backends
    if hasattr(
        backends.cuda.matmul, "fp32_precision"
    ):  # torch >= 2.9 refuses to mix it with others
        parts = (backends.cuda.matmul, backends.mkldnn.matmul, backends.cudnn.conv)
        wanted = [(part, "fp32_precision", "ieee") for part in parts]
    else:
        wanted = [(part, "allow_tf32", False) for part in (backends.cuda.matmul, backends.cudnn)]
    before = [getattr(part, name) for part, name, _ in wanted]
    try:
        for part, name, value in wanted:
            setattr(part, name, value)
        yield
    finally:
        for (part, name, _), value in zip(wanted, before, strict=True):
            setattr(part, name, value)


def _wrap_cpu_models(module: types.ModuleType) -> None:
    wrapper = module.MMDistributedDataParallel
    initialize = wrapper.__init__

    def initialize_on_device(self: Any, module: Any, *args: Any, **options: Any) -> None:
        if all(parameter.device.type == "cpu" for parameter in module.parameters()):
            options["device_ids"] = None
        initialize(self, module, *args, **options)

    wrapper.__init__ = initialize_on_device
