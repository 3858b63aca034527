"""How long a step of pre-training waits for its data, measured with a config's own loader."""

import tempfile
import time
from collections.abc import Callable, Iterable
from itertools import repeat
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from simhand_mm.cli import find_file
from simhand_mm.doctor import comparing
from simhand_mm.doctor.findings import Status
from simhand_mm.engine import machine
from simhand_mm.pool import HandPairs, HandPool, HandRecord, PoolWriter, save_pairs
from simhand_mm.pretraining import LARSAdam

CROP_SIZE = 224
_LARGEST_SHARE = 0.1
_HANDS, _HANDS_PER_VIDEO, _IMAGES = 1024, 256, 64
# Config, pairs and timed steps.
_MEASURED = {
    "cuda": ("simhand/simhand_resnet50_8xb1024-coslr-100e_ego4d-1m.py", 512, 20),
    "cpu": (comparing.SMALL_CONFIG, 16, 4),
}


def waiting(device: str) -> tuple[Status, str]:
    """Compare steps on batches from the loader with steps on one batch in the device's memory."""
    kind = torch.device(device).type
    path, pairs, steps = _MEASURED[kind]
    config = Config.fromfile(find_file(f"configs/{path}"))
    model = comparing.build(path, "mmpretrain").to(device).train()
    optimizer = LARSAdam(model.parameters(), lr=1e-3, weight_decay=1e-6)

    def step(batch: dict[str, Any]) -> None:
        comparing.training_step(model, optimizer, batch, kind)

    with tempfile.TemporaryDirectory(prefix="simhand-doctor-") as folder:
        settings = dict(config.train_dataloader, batch_size=pairs, persistent_workers=False)
        # Small recipes have no worker, because they keep their crops; here each crop is a new one.
        settings["num_workers"] = max(settings["num_workers"], 1)
        ahead = settings["num_workers"] * settings.get("prefetch_factor", 2) + 3
        settings["dataset"] = noise_dataset(
            settings["dataset"], Path(folder), (ahead + steps) * pairs
        )
        loader: Any = Runner.build_dataloader(settings, seed=0)
        check_shared_memory(loader)
        loaded = seconds_per_step(step, loader, ahead, device)
        resident = comparing.move(loader.dataset.__getitems__(list(range(pairs))), device)
        alone = seconds_per_step(step, repeat(resident, steps + 3), 3, device)
    share = max(0.0, 1 - alone / loaded)
    text = (
        f"{share:.0%} of a step of {pairs} pairs (bound {_LARGEST_SHARE:.0%}) with "
        f"{settings['num_workers']} workers: {2 * pairs / loaded:,.0f} images/s, from memory "
        f"{2 * pairs / alone:,.0f}"
    )
    if share > _LARGEST_SHARE:
        return "differs", f"{text}. Use more train_dataloader.num_workers, or more cores."
    return "ok", text


def seconds_per_step(
    step: Callable[[Any], None], batches: Iterable[Any], warm_up: int, device: str
) -> float:
    """Mean seconds of a step, including the time that it waits for its batch.

    Args:
        step: Takes a batch.
        batches: More than ``warm_up``.
        warm_up: Steps that are not timed. They should use up the batches that workers have made
            ahead while the first step took its time.
        device: Device of the steps.
    """

    def now() -> float:
        if torch.device(device).type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter()

    start, count = now(), -warm_up
    for batch in batches:
        step(batch)
        count += 1
        if count == 0:
            start = now()
    return (now() - start) / count


def check_shared_memory(loader: Any) -> None:
    """Refuse a loader whose batches do not fit into shared memory; it would end in a bus error.

    Raises:
        MemoryError: If they do not fit.
    """
    needed, free = machine.prefetched_bytes(loader), machine.free_shared_memory()
    if free is not None and needed > free:
        raise MemoryError(
            f"{machine.SHARED_MEMORY} must have {needed / 1e9:.3g} GB for batches made ahead, but "
            f"has {free / 1e9:.3g} GB free. Give the container more (docker run --shm-size=...)."
        )


def noise_dataset(settings: dict[str, Any], folder: Path, count: int) -> dict[str, Any]:
    """Write a pool of noise and return the settings of a data set that reads it.

    Args:
        settings: The data set of a config of pre-training.
        folder: Gets the pool.
        count: Number of pairs, at least. A small pool is listed several times.
    """
    write_noise_pool(folder / "pool", _HANDS)
    pools = ["pool"] * -(-count // _HANDS)
    return {**settings, "data_root": str(folder), "pool": pools, "split": "all", "held_out": 0.0}


def write_noise_pool(root: Path, count: int) -> None:
    """Write a finished pool of noise whose JPEGs are as large as those of photographs (14 kB).

    Every hand has a positive; the pairs are named ``similar``.

    Args:
        root: The pool folder.
        count: Number of hands.
    """
    generator = np.random.default_rng(0)
    jpegs = [_noise_jpeg(generator) for _ in range(_IMAGES)]
    writer = PoolWriter(root, {"crop_size": CROP_SIZE, "producer": "noise"})
    for first in range(0, count, _HANDS_PER_VIDEO):
        numbers = range(first, min(first + _HANDS_PER_VIDEO, count))
        video = f"video_{first // _HANDS_PER_VIDEO:06d}"
        keypoints = generator.uniform(0.18, 0.82, (len(numbers), 21, 2)) * CROP_SIZE
        hands = [
            HandRecord(
                hand_id=f"{video}/{number:06d}/0",
                video_id=video,
                source="noise",
                frame_index=number - first,
                time_s=float(number - first),
                handedness="right",
                is_mirrored=False,
                bbox_xyxy=np.array([0, 0, CROP_SIZE, CROP_SIZE], np.float32),
                bbox_score=1.0,
                keypoints_2d=keypoints[number - first].astype(np.float32),
                keypoint_score=np.ones(21, np.float32),
                crop=jpegs[number % _IMAGES],
            )
            for number in numbers
        ]
        writer.write_video(video, hands)
    writer.finalize()
    others = generator.permutation(count)[:, None]
    pairs = HandPairs(
        positive_index=others,
        distance=np.zeros(others.shape),
        ranks=np.array([1]),
        rule="similar",
        metric="none",
        pool_fingerprint=HandPool(root).fingerprint,
    )
    save_pairs(root, "similar", pairs)


def _noise_jpeg(generator: np.random.Generator) -> bytes:
    """Smooth noise with some grain."""
    small = generator.uniform(0, 255, (14, 14, 3))
    image = cv2.resize(small, (CROP_SIZE, CROP_SIZE), interpolation=cv2.INTER_CUBIC)
    image += generator.normal(0, 4, image.shape)
    pixels = image.clip(0, 255).astype(np.uint8)
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
