"""Fine-tuning on a device, and the loader that feeds it."""

import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from simhand_mm.cli import find_file
from simhand_mm.doctor import comparing
from simhand_mm.doctor.comparing import difference, judge
from simhand_mm.doctor.findings import Status
from simhand_mm.functional.camera import pinhole
from simhand_mm.functional.detnet import read_out
from simhand_mm.pool import write_poses

_IMAGES = 16
_WORKERS, _BATCH_SIZE, _PAUSE_S, _TIMEOUT_S = 8, 128, 5.0, 60


def finetuning(device: str) -> tuple[Status, str]:
    """Maps, loss, gradient and read-out of DetNet."""
    model = comparing.build("detnet/detnet_resnet18_1xb16-30e_synthetic-64px.py", "mmpose")
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(_IMAGES, 3, 64, 64, generator=generator)
    targets = torch.rand(_IMAGES, 21, 12, generator=generator)
    targets[..., :2] *= 15  # cells of the heatmap
    results = []
    for each_device in ("cpu", device):
        # With statistics of the batch, one ReLU that rounds to the other side of 0 moves the whole
        # gradient by a hundredth.
        comparing.freeze_norms(model.to(each_device).train())
        inputs, labels = comparing.move((images, targets), each_device)
        maps = model.head(model.backbone(inputs))
        loss: Any = sum(model.head.loss_module(maps, *model.head.decoder.unpack(labels)).values())
        loss.backward()
        results.append((maps, loss, comparing.gradients(model)))
    (maps, expected, expected_gradient), (found_maps, found, gradient) = results
    heat, location = maps[0].detach(), maps[2].detach()
    heat_there, location_there = comparing.move((heat, location), device)
    read = [
        difference(there, here)
        for subpixel in (False, True)
        for there, here in zip(
            read_out(heat_there, location_there, subpixel),
            read_out(heat, location, subpixel),
            strict=True,
        )
    ]
    return judge(
        {
            "maps": (max(map(difference, found_maps, maps)), 1e-4),
            "loss": (difference(found, expected), 1e-5),
            "gradient": (difference(gradient, expected_gradient), 1e-3),
            "read-out": (max(read), 1e-4),
        }
    )


def loader(device: str) -> tuple[Status, str]:
    """Run the loader of fine-tuning with a slow first step, so that it prefetches all it can."""
    options = Config.fromfile(find_file("configs/detnet/detnet_resnet50_1xb128-120e_freihand.py"))
    ahead = _WORKERS * 2
    with tempfile.TemporaryDirectory(prefix="simhand-doctor-") as folder:
        _write_labelled_noise(Path(folder), (ahead + 2) * _BATCH_SIZE)
        settings = dict(
            options.train_dataloader,
            batch_size=_BATCH_SIZE,
            num_workers=_WORKERS,
            persistent_workers=False,
            pin_memory=torch.device(device).type == "cuda",
            timeout=_TIMEOUT_S,
        )
        settings["dataset"]["data_root"] = folder
        init_default_scope("mmpose")
        batches = iter(Runner.build_dataloader(settings, seed=0))
        start = time.monotonic()
        next(batches)
        time.sleep(_PAUSE_S)
        count = 1 + sum(1 for _ in batches)
        seconds = time.monotonic() - start - _PAUSE_S
    rate = count * _BATCH_SIZE / (seconds + min(_PAUSE_S, seconds))
    text = f"{count} of {ahead + 2} batches of {_BATCH_SIZE} by {_WORKERS} workers, {rate:,.0f}/s"
    return ("ok" if count == ahead + 2 else "differs"), text


def _write_labelled_noise(root: Path, count: int) -> None:
    """Write eight noise images, each labelled many times."""
    generator = np.random.default_rng(0)
    (root / "images").mkdir()
    for number in range(8):
        noise = generator.integers(0, 255, (224, 224, 3), dtype=np.uint8)
        cv2.imwrite(str(root / f"images/{number}.jpg"), noise)
    camera = pinhole(480, 480, 112, 112)
    rows = []
    for number in range(count):
        hand = generator.normal((0, 0, 600), 40, (21, 3))
        seen = hand @ camera.T
        points = seen[:, :2] / seen[:, 2:]
        rows.append(
            {
                "sample_id": f"{number}",
                "image_path": f"images/{number % 8}.jpg",
                "width": 224,
                "height": 224,
                "camera_matrix": camera,
                "keypoints_3d": hand,
                "keypoints_2d": points,
                "keypoints_valid": np.ones(21, bool),
                "bbox_xyxy": np.concatenate([points.min(0), points.max(0) + 1]),
                "handedness": "right",
                "subject_id": "",
                "sequence_id": "",
                "source": "noise",
            }
        )
    write_poses(root / "poses" / "train.parquet", rows)
