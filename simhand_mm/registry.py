"""Registries of the scope ``simhand_mm``: write ``type='simhand_mm.X'`` in a config.

Each is a child of an mmengine root registry, so the names resolve under the default scopes
``mmpretrain`` and ``mmpose`` alike. ``locations`` are imported on the first look-up.
The codec registry lives in :mod:`simhand_mm.pose`, because its parent belongs to mmpose.
"""

from mmengine import registry as root

_PRETRAINING = ["simhand_mm.pretraining"]
_POSE = ["simhand_mm.pose"]


def _child(name: str, parent: root.Registry, locations: list[str]) -> root.Registry:
    return root.Registry(name, parent=parent, scope="simhand_mm", locations=locations)


MODELS = _child("model", root.MODELS, _PRETRAINING + _POSE)
DATASETS = _child("dataset", root.DATASETS, _PRETRAINING + _POSE)
DATA_SAMPLERS = _child("data sampler", root.DATA_SAMPLERS, _PRETRAINING)
OPTIMIZERS = _child("optimizer", root.OPTIMIZERS, _PRETRAINING)
OPTIM_WRAPPERS = _child("optim wrapper", root.OPTIM_WRAPPERS, _PRETRAINING)
HOOKS = _child("hook", root.HOOKS, _PRETRAINING + _POSE)
TRANSFORMS = _child("transform", root.TRANSFORMS, _POSE)
METRICS = _child("metric", root.METRICS, _POSE)
