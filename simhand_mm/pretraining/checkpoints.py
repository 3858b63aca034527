"""Import and export of backbones in the layouts of other frameworks.

All supported ResNets name their layers as torchvision does; layouts differ in prefixes only.
"""

import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from simhand_mm.checkpoint import load_checkpoint
from simhand_mm.engine.checkpoint_report import WeightReport, compare_weights
from simhand_mm.pool.array_files import write_checkpoint
from simhand_mm.pretraining.publishing import PREFIX, save_backbone

# The authors' Lightning model wraps torchvision's children in a Sequential.
_LIGHTNING_FEATURES = {
    "0": "conv1",
    "1": "bn1",
    "4": "layer1",
    "5": "layer2",
    "6": "layer3",
    "7": "layer4",
}
TARGETS = ("mmpretrain", "mmpose", "torchvision", "timm")
_DEPTH_OF_BLOCKS = {(2, False): 18, (6, False): 34, (6, True): 50, (23, True): 101, (36, True): 152}


def read_backbone(path: str | Path) -> tuple[dict[str, Tensor], list[str], str]:
    """Read the ResNet of a checkpoint in any known layout. Code inside the file is never run.

    Known layouts: ours, mmpretrain's and mmpose's (``backbone.*``), torchvision's, timm's,
    PeCLR's and the authors' ``resnet50_simhand.pth`` (bare names), and the Lightning layout of
    the released code (``encoder.features.*``).

    Args:
        path: The checkpoint.

    Returns:
        Weights with torchvision's names (without the classifier), the names of all other entries,
        and the name of the layout.

    Raises:
        ValueError: If the file contains no ResNet in a known layout.
    """
    loaded = load_checkpoint(path, map_location="cpu")
    entries = loaded.get("state_dict", loaded) if isinstance(loaded, dict) else {}
    entries = {re.sub(r"^module\.", "", key): value for key, value in entries.items()}
    for layout, rename in (
        ("mm", _strip_prefix),
        ("lightning", _rename_lightning),
        ("torchvision", _keep_layer),
    ):
        names = {key: rename(key) for key in entries}
        backbone = {name: entries[key] for key, name in names.items() if name is not None}
        if "conv1.weight" in backbone:
            return backbone, [key for key, name in names.items() if name is None], layout
    raise ValueError(
        f"path must contain a ResNet with keys such as 'backbone.conv1.weight', 'conv1.weight' or "
        f"'encoder.features.0.weight', but {path} has {sorted(entries)[:4]}. Rename the keys of "
        "its state_dict to one of these layouts. Other networks than ResNets need no conversion: "
        "load them as docs/backbones.md shows."
    )


def build_like(backbone: dict[str, Tensor]) -> Any:
    """Build mmpretrain's ResNet with the depth and width of given weights.

    Args:
        backbone: Weights with torchvision's names.

    Raises:
        ValueError: If there is no ResNet of that depth.
    """
    from mmpretrain.models import ResNet

    layer3 = {int(key.split(".")[1]) for key in backbone if key.startswith("layer3.")}
    shape = (len(layer3), "layer1.0.conv3.weight" in backbone)
    if shape not in _DEPTH_OF_BLOCKS:
        raise ValueError(
            f"backbone must be a ResNet-18, 34, 50, 101 or 152, but has {shape[0]} blocks in "
            f"layer3 {'with' if shape[1] else 'without'} bottlenecks."
        )
    return ResNet(
        depth=_DEPTH_OF_BLOCKS[shape],
        stem_channels=backbone["conv1.weight"].shape[0],
        base_channels=backbone["layer1.0.conv1.weight"].shape[0],
    )


def import_checkpoint(source: str | Path, target: str | Path) -> tuple[WeightReport, str]:
    """Convert a checkpoint of another project into a backbone file of this project.

    Args:
        source: A checkpoint in a layout that :func:`read_backbone` knows.
        target: Backbone file to write, with keys ``backbone.*``, loadable by mmpretrain and mmpose.

    Returns:
        How the weights fit mmpretrain's ResNet of that depth, and the name of the layout.

    Raises:
        ValueError: If weights are missing.
    """
    backbone, others, layout = read_backbone(source)
    network = build_like(backbone).state_dict()
    report = compare_weights(backbone | {name: torch.empty(0) for name in others}, network)
    if report.missing or report.reshaped:
        raise ValueError(f"source must contain a whole ResNet, but {source} does not: {report}.")
    weights = {**network, **{key: backbone[key] for key in network if key in backbone}}
    save_backbone(target, weights, {"imported_from": Path(source).name, "layout": layout})
    return report, layout


def export_backbone(source: str | Path, target: str | Path, framework: str) -> WeightReport:
    """Write a backbone in the layout of another framework.

    Args:
        source: A backbone file, or a whole checkpoint of pre-training.
        target: The file to write.
        framework: ``'mmpretrain'`` and ``'mmpose'`` get ``backbone.*`` keys (for ``init_cfg`` with
            ``prefix='backbone.'``), ``'torchvision'`` and ``'timm'`` a bare state dict.

    Returns:
        How the weights fit that framework's ResNet (timm names layers as torchvision does). The
        classifier is always missing.

    Raises:
        ValueError: If the framework is unknown or has no such network.
    """
    if framework not in TARGETS:
        raise ValueError(f"framework must be one of {TARGETS}, but got {framework!r}.")
    backbone, _, _ = read_backbone(source)
    if framework in ("mmpretrain", "mmpose"):
        report = compare_weights(backbone, build_like(backbone).state_dict())
        save_backbone(target, backbone, {"exported_for": framework})
        return report
    report = compare_weights(backbone, _torchvision_like(backbone))
    if report.unexpected or report.reshaped:
        network = build_like(backbone)
        raise ValueError(
            f"source must fit a ResNet of {framework}, but does not: {report}. Load it into "
            f"mmpretrain's ResNet(depth={network.depth}, stem_channels={network.stem_channels}, "
            f"base_channels={network.base_channels}), as docs/backbones.md shows."
        )
    write_checkpoint(target, {key: value.clone() for key, value in backbone.items()})
    return report


def _torchvision_like(backbone: dict[str, Tensor]) -> dict[str, Any]:
    import torchvision

    depth = build_like(backbone).depth
    return getattr(torchvision.models, f"resnet{depth}")(weights=None).state_dict()


def _strip_prefix(key: str) -> str | None:
    return key[len(PREFIX) :] if key.startswith(PREFIX) else None


def _keep_layer(key: str) -> str | None:
    return key if re.match(r"(conv1|bn1|layer[1-4])\.", key) else None


def _rename_lightning(key: str) -> str | None:
    match = re.match(r"encoder\.features\.(\d+)\.(.+)", key)
    if match is None or match[1] not in _LIGHTNING_FEATURES:
        return None
    return f"{_LIGHTNING_FEATURES[match[1]]}.{match[2]}"
