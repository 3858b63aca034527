"""SynthHands: which negatives each loss pushes away.

    python projects/synthhands/gradient_mass.py gradients.json work_dirs/synthhands/pretrain/*-seed0

For each pre-training run, the gradient of its loss with respect to the similarity of each pair of a
batch is computed, with random weights and with the weights at the end of training. A positive
gradient pushes the two hands apart, a negative one pulls them together.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from torch import Tensor
from torch.nn.functional import normalize

from simhand_mm.checkpoint import find_latest_checkpoint, load_checkpoint
from simhand_mm.cli import run
from simhand_mm.functional.global_batch import GlobalBatch
from simhand_mm.functional.pair_weights import PairDistances
from simhand_mm.functional.pose_distances import normalize_poses, pairwise_keypoint_distance
from simhand_mm.pool import write_json
from simhand_mm.pretraining.loss import POSES
from simhand_mm.registry import MODELS

NEAR = 0.05  # the share of negatives that counts as near


def gradient_shares(gradient: Tensor, distance: Tensor, index: Tensor) -> dict[str, float]:
    """Share of the gradient on the negatives with the most similar poses.

    Args:
        gradient: ``[M, M]``, gradient of the loss with respect to the similarities.
        distance: ``[M, M]``, distances of the poses, any unit.
        index: ``[2, M]``, for each row: its own column, and that of its positive.

    Returns:
        ``push``: the share of all push on negatives that the nearest 5 % of them get; 0.05 if the
        loss does not distinguish poses. ``pull``: the share of all pull that the nearest 5 % of
        negatives get; 0 if only positives are pulled.
    """
    row = torch.arange(len(gradient), device=gradient.device)
    is_negative = torch.ones_like(gradient, dtype=torch.bool)
    is_negative[row, index[0]] = is_negative[row, index[1]] = False
    near = is_negative & (distance <= torch.quantile(distance[is_negative], NEAR))
    push, pull = gradient.clamp_min(0), (-gradient).clamp_min(0)
    return {
        "push": float(push[near].sum() / push[is_negative].sum()),
        "pull": float(pull[near].sum() / pull.sum()),
    }


def batch_shares(model: Any, samples: dict[str, Tensor]) -> dict[str, float]:
    """Compute :func:`gradient_shares` of the batch that the head of ``model`` has just seen."""
    loss = model.head.loss_module
    rows = normalize(model.head.latest_projection, dim=1)
    poses = normalize_poses(samples["crop_keypoints_2d"])
    query_poses, positive_poses = POSES[loss.poses](samples).chunk(2)
    distances = PairDistances(query_poses, positive_poses, loss.metric)
    index = GlobalBatch().positions(len(rows) // 2, len(rows), rows.device)
    similarity = rows @ rows.T / loss.temperature
    _, gradient = loss.contrast(distances)(similarity, slice(0, len(rows)), index)
    return gradient_shares(gradient, pairwise_keypoint_distance(poses, poses), index)


def measure(folder: Path, is_trained: bool, num_batches: int = 8) -> dict[str, float]:
    """Mean shares over batches of a run.

    Args:
        folder: Folder of a pre-training, with its config and its last checkpoint.
        is_trained: Load the checkpoint; otherwise weights are random.
        num_batches: Number of batches.
    """
    cfg = Config.fromfile(next(folder.glob("*.py")))
    init_default_scope(cfg.default_scope)
    torch.manual_seed(0)
    model: Any = MODELS.build(cfg.model)
    model.init_weights()
    if is_trained:
        checkpoint = find_latest_checkpoint(folder)
        assert checkpoint, f"{folder} has no checkpoint"
        model.load_state_dict(load_checkpoint(checkpoint)["state_dict"])
    model.train()
    shares = [batch_shares(model, samples) for samples in _batches(model, cfg, num_batches)]
    return {key: round(float(np.mean([share[key] for share in shares])), 4) for key in shares[0]}


def _batches(model: Any, cfg: Config, count: int) -> Iterator[dict[str, Tensor]]:
    """Yield the samples of batches, after the head has computed its loss on them."""
    loader = Runner.build_dataloader(cfg.train_dataloader, seed=0)
    with torch.no_grad():
        for batch in islice(loader, count):
            data = model.data_preprocessor(batch, training=True)
            model.loss(data["inputs"], data["data_samples"])
            yield data["data_samples"]


def main(output: Path, folders: tuple[Path, ...], /) -> None:
    """Measure runs and write the shares.

    Args:
        output: JSON file to write.
        folders: Folders of pre-training runs. Runs without pairs are skipped.
    """
    results = {}
    for folder in folders:
        cfg = Config.fromfile(next(folder.glob("*.py")))
        if "loss" in cfg.model.head:
            name = folder.name.rpartition("-seed")[0]
            results[name] = {"start": measure(folder, False), "end": measure(folder, True)}
            print(name, results[name])
    write_json(output, results, sort_keys=True)


if __name__ == "__main__":
    run(main, __doc__)
