"""Crops per second and core that pre-training reads, beside mmpretrain's SimCLR pipeline.

Both read the same LMDB crops in one process; a crop is counted once it is decoded, or once it is a
view ready for the network. On a GPU ours augments there; here it is also timed on the CPU.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS, init_default_scope
from torch.utils.data import DataLoader, Subset

from simhand_mm.pool import HandPool
from simhand_mm.pretraining import HandPairDataset, HandPairPreprocessor, collate_pairs

AUGMENTATION = {
    "rotation_deg": (-45, 45),
    "scale": (0.9, 1.5),
    "translation": (0, 15 / 224),
    "hue": (0.01, 1),
    "saturation": (0.01, 1),
    "value": (0.5, 1),
    "brightness": (5, 20),
}
_PASSES = 4


class LoadCrop(BaseTransform):
    """Decodes a crop for mmpretrain's pipeline."""

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """From ``data`` to ``img``."""
        image = cv2.imdecode(np.frombuffer(results["data"], np.uint8), cv2.IMREAD_COLOR)
        return {"img": image, "img_shape": image.shape[:2], "ori_shape": image.shape[:2]}


def stock_pipeline(size: int) -> Callable[[bytes], Any]:
    """Two views of a crop as configs/_base_/datasets/imagenet_bs32_simclr.py makes them."""
    init_default_scope("mmpretrain")
    views = [
        {"type": "RandomResizedCrop", "scale": size, "backend": "pillow"},
        {"type": "RandomFlip", "prob": 0.5},
        {
            "type": "RandomApply",
            "prob": 0.8,
            "transforms": [
                {
                    "type": "ColorJitter",
                    "brightness": 0.8,
                    "contrast": 0.8,
                    "saturation": 0.8,
                    "hue": 0.2,
                }
            ],
        },
        {
            "type": "RandomGrayscale",
            "prob": 0.2,
            "keep_channels": True,
            "channel_weights": (0.114, 0.587, 0.2989),
        },
        {
            "type": "GaussianBlur",
            "magnitude_range": (0.1, 2.0),
            "magnitude_std": "inf",
            "prob": 0.5,
        },
    ]
    steps = [
        LoadCrop(),
        TRANSFORMS.build({"type": "MultiView", "num_views": 2, "transforms": [views]}),
        TRANSFORMS.build({"type": "PackInputs"}),
    ]

    def apply(data: bytes) -> Any:
        results: Any = {"data": data}
        for step in steps:
            results = step(results)
        return results

    return apply


def rate(name: str, crops: int, run: Callable[[], None], reference: float | None = None) -> float:
    """Print crops per second of the fastest of some passes."""
    durations = []
    for _ in range(_PASSES):
        begun = time.perf_counter()
        run()
        durations.append(time.perf_counter() - begun)
    per_second = crops / min(durations)
    ratio = "" if reference is None else f"{per_second / reference:8.2f}"
    print(f"{name:<44}{per_second:8.0f}{ratio}", flush=True)
    return per_second


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pool", help="pool folder")
    parser.add_argument("--crops", type=int, default=512)
    parser.add_argument("--input-size", type=int, default=128)
    parser.add_argument("--batch-size", type=int, default=128)
    args = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    pool = HandPool(args.pool)
    dataset = HandPairDataset("", args.pool)
    crops = min(args.crops, len(dataset))
    loader = DataLoader(Subset(dataset, range(crops)), args.batch_size, collate_fn=collate_pairs)
    preprocess = HandPairPreprocessor(args.input_size, AUGMENTATION)
    stock = stock_pipeline(args.input_size)

    def decode() -> None:
        for row in range(crops):
            cv2.imdecode(np.frombuffer(pool.read_crop(row), np.uint8), cv2.IMREAD_COLOR)

    print(f"{crops} crops of {pool.crop_size} px, views of {args.input_size} px, one core")
    print(f"{'':<44}{'crops/s':>8}   ratio")
    decoded = rate("bare loop of JPEG decoding", crops, decode)
    rate("ours: decoded and collated, to the decoding", crops, lambda: list(loader), decoded)
    theirs = rate(
        "mmpretrain SimCLR pipeline: views",
        2 * crops,
        lambda: [stock(pool.read_crop(row)) for row in range(crops)],
    )
    rate("ours: views, but augmented on a GPU", 2 * crops, lambda: list(loader), theirs)
    rate(
        "ours: views, augmented on this core",
        2 * crops,
        lambda: [preprocess(batch, training=True) for batch in loader],
        theirs,
    )


if __name__ == "__main__":
    main()
