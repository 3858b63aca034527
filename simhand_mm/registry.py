"""Registries of the scope ``simhand_mm``: write ``type='simhand_mm.X'`` in a config.

Each is a child of an mmengine root registry, so names resolve under both default scopes,
``mmpretrain`` and ``mmpose``. A stage registers its classes when it is imported. The runtime bases
of the configs import it (``custom_imports = dict(imports=['simhand_mm.pretraining'])`` or
``['simhand_mm.pose']``), so neither stage needs the framework of the other. ``simhand_mm.engine``,
which both use, is imported on the first look-up.

The codec registry is in :mod:`simhand_mm.pose`, because its parent belongs to mmpose.
"""

from mmengine import registry as root


def _child(name: str, parent: root.Registry) -> root.Registry:
    return root.Registry(name, parent=parent, scope="simhand_mm", locations=["simhand_mm.engine"])


MODELS = _child("model", root.MODELS)
DATASETS = _child("dataset", root.DATASETS)
DATA_SAMPLERS = _child("data sampler", root.DATA_SAMPLERS)
OPTIMIZERS = _child("optimizer", root.OPTIMIZERS)
OPTIM_WRAPPERS = _child("optim wrapper", root.OPTIM_WRAPPERS)
HOOKS = _child("hook", root.HOOKS)
TRANSFORMS = _child("transform", root.TRANSFORMS)
METRICS = _child("metric", root.METRICS)
