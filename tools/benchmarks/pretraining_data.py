"""Crops per core-second that pre-training reads, compared with the SimCLR pipeline of mmpretrain.

    python tools/benchmarks/pretraining_data.py --pool work_dirs/quickstart/pool \
        --write docs/performance.md

All read the same LMDB crops in one process on one thread, in turn. A crop is counted when it is
decoded and in the batch, or when its two views are ready for the network. Our loader leaves
augmentation to the device of the model: with a GPU, its line is all the work of the CPU; the line
with two views adds the augmentation on this core.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import mmpretrain
import numpy as np
import torch
from mmcv.transforms import BaseTransform, Compose
from mmengine.config import Config
from mmengine.registry import TRANSFORMS, init_default_scope
from parts import parts_parser, run_parts, take_turns
from torch.utils.data import DataLoader, Subset

from simhand_mm.pool import HandPool
from simhand_mm.pretraining import HandPairDataset, HandPairPreprocessor, collate_pairs

STOCK = Path(mmpretrain.__file__).parent / ".mim/configs/_base_/datasets/imagenet_bs32_simclr.py"
MODEL = Path(__file__).parents[2] / "configs/_base_/models/contrastive_resnet50.py"
DECODING, PEER = "bare loop of JPEG decoding", "mmpretrain's SimCLR pipeline: two views"


class DecodeCrop(BaseTransform):
    """Replaces LoadImageFromFile, for crops in memory."""

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Decode ``data`` to ``img``."""
        image = decode(results["data"])
        return {"img": image, "img_shape": image.shape[:2], "ori_shape": image.shape[:2]}


def decode(jpeg: bytes) -> np.ndarray:
    """Decode to ``[H, W, 3]`` BGR."""
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


def stock_pipeline(size: int) -> Callable[[dict[str, Any]], Any]:
    """Build the pipeline of the SimCLR configs of mmpretrain, for views of another size."""
    init_default_scope("mmpretrain")
    steps = Config.fromfile(STOCK).train_pipeline
    steps[1].transforms[0][0].scale = size
    built: list[Any] = [DecodeCrop(), *(TRANSFORMS.build(step) for step in steps[1:])]
    return Compose(built)


def works(pool_dir: str, crops: int, size: int, batch_size: int) -> dict[str, Callable]:
    """Return the works to compare; each one processes all crops."""
    pool, dataset = HandPool(pool_dir), HandPairDataset("", pool_dir)
    stock = stock_pipeline(size)
    preprocess = HandPairPreprocessor(**_options(size))
    loader = DataLoader(Subset(dataset, range(crops)), batch_size, collate_fn=collate_pairs)
    return {
        DECODING: lambda: [decode(pool.read_crop(row)) for row in range(crops)],
        "**ours**: batches from the loader": lambda: [len(batch) for batch in loader],
        "**ours**: two views, made on this core": lambda: [
            len(preprocess(batch, training=True)) for batch in loader
        ],
        PEER: lambda: [stock({"data": pool.read_crop(row)}) for row in range(crops)],
    }


def _options(size: int) -> dict[str, Any]:
    options = Config.fromfile(MODEL).model.data_preprocessor
    options.pop("type")
    return {**options, "input_size": size}


def table(args: argparse.Namespace) -> Iterator[str]:
    """Yield a table of crops per core-second, with both peers."""
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    pool = HandPool(args.pool)
    crops = min(args.crops, len(pool))
    size = args.input_size
    compared = works(args.pool, crops, size, args.batch_size)
    seconds = {name: core for name, (_, core) in take_turns(compared, args.turns).items()}
    yield f"{crops:,} crops of {pool.crop_size} px, views of {size} px, one thread."
    yield ""
    yield "| | crops / core-s | of bare decoding | times mmpretrain |"
    yield "| --- | --- | --- | --- |"
    for name, core in seconds.items():
        ratios = seconds[DECODING] / core, seconds[PEER] / core
        yield f"| {name} | {crops / core:,.0f} | {ratios[0]:.2f} | {ratios[1]:.1f} |"


PARTS = {"crops": table}


def main() -> None:
    """Run the command line."""
    parser = parts_parser(__doc__, PARTS)
    parser.add_argument("--pool", default="work_dirs/quickstart/pool", help="pool folder")
    parser.add_argument("--crops", type=int, default=512)
    parser.add_argument("--input-size", type=int, default=128)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--turns", type=int, default=4)
    run_parts("pre-training data", PARTS, parser.parse_args())


if __name__ == "__main__":
    main()
