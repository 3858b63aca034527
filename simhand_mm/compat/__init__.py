"""Workarounds for other libraries. Only this subpackage tests versions or patches other libraries.

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
``_base_ = 'simhand_mm::...'``   our configs are found; mmengine has a fixed list of packages
``pkg_resources`` missing        mmengine looks packages up with importlib
no GPU                           ``--launcher pytorch`` or ``slurm`` uses gloo, DDP gets no devices
``--launcher slurm``             the port is computed from the job id, so that two jobs can share a
                                 machine; a task that sees a single GPU uses it
===============================  ================================================================
"""

import importlib.machinery
import importlib.util

from simhand_mm.compat import configs, images, launchers, missing_modules, runners
from simhand_mm.compat.importing import after_import
from simhand_mm.compat.precision import true_float32
from simhand_mm.compat.runners import keep_steps_on_the_cpu

__all__ = ["install", "keep_steps_on_the_cpu", "true_float32"]


def install() -> None:
    """Install the workarounds. May be called again."""
    mmcv = importlib.util.find_spec("mmcv")
    if mmcv and not importlib.machinery.PathFinder.find_spec(
        "mmcv._ext", mmcv.submodule_search_locations
    ):
        missing_modules.stub_mmcv_operators()
    if importlib.util.find_spec("xtcocotools") is None:
        missing_modules.alias_cocotools()
    after_import("mmengine.runner.checkpoint", runners.read_checkpoints_safely)
    after_import("mmengine.runner.runner", runners.mend_runner)
    after_import("mmengine.config.config", configs.mend_config)
    after_import("mmengine.dist.utils", launchers.mend_launchers)
    after_import("mmengine.model.wrappers.distributed", launchers.wrap_cpu_models)
    after_import("mmcv.image.photometric", images.turn_hues_both_ways)
    if importlib.util.find_spec("pkg_resources") is None:
        after_import("mmengine.utils.package_utils", missing_modules.find_packages_by_importlib)
