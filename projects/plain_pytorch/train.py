"""Pre-train a torchvision backbone on a mined pool, without OpenMMLab.

    python projects/plain_pytorch/train.py data/pool backbone.pth --epochs 10

Needs torch, torchvision and simhand_mm, but neither mmengine, mmcv, mmpretrain nor mmpose.
"""

from pathlib import Path

import numpy as np
import torch
import torchvision
from torch.utils.data import DataLoader, Dataset
from torchvision.io import decode_jpeg
from torchvision.transforms import v2

from simhand_mm.cli import run
from simhand_mm.functional.contrastive import contrast_pairs
from simhand_mm.functional.contrasts import SoftTargets
from simhand_mm.functional.pair_weights import PairDistances
from simhand_mm.functional.pose_distances import normalize_poses
from simhand_mm.options import Pool
from simhand_mm.pool import HandPool, load_pairs


class Pairs(Dataset):
    """Images ``[2, 3, S, S]`` and keypoints ``[2, 21, 2]`` of each hand and its mined positive."""

    def __init__(self, pool_dir: Path, size: int) -> None:
        self.pool = HandPool(pool_dir)
        self.positive = load_pairs(pool_dir, "similar", self.pool).positive_index[:, 0]
        self.query = np.flatnonzero(self.positive >= 0)
        self.augment = v2.Compose(
            [v2.RandomResizedCrop(size, (0.5, 1.0)), v2.ColorJitter(0.4, 0.4, 0.4, 0.1)]
        )

    def __len__(self) -> int:
        return len(self.query)

    def __getitem__(self, item: int) -> tuple[torch.Tensor, torch.Tensor]:
        rows = [self.query[item], self.positive[self.query[item]]]
        crops = (np.frombuffer(self.pool.read_crop(row), np.uint8).copy() for row in rows)
        images = [self.augment(decode_jpeg(torch.from_numpy(crop))) for crop in crops]
        return torch.stack(images) / 255, torch.from_numpy(self.pool.keypoints_2d[rows])


def main(
    pool_dir: Pool,
    output: Path,
    /,
    epochs: int = 10,
    batch_size: int = 128,
    size: int = 64,
    device: str = "cpu",
) -> None:
    """Train with the pose-aware loss and save the backbone.

    Args:
        pool_dir: Pool folder with pairs of simhand mine.
        output: File to write: the state dict of torchvision's resnet18 without its last layer.
        epochs: Number of epochs.
        batch_size: Number of pairs per step.
        size: Side of the images in px.
        device: Device of the training.
    """
    loader = DataLoader(Pairs(pool_dir, size), batch_size, shuffle=True, drop_last=True)
    backbone = torchvision.models.resnet18(num_classes=512)  # the last layer starts the projector
    projector = torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Linear(512, 128))
    model = torch.nn.Sequential(backbone, projector).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for epoch in range(epochs):
        losses = []
        for images, keypoints in loader:
            query, positive = model(images.flatten(0, 1).to(device)).unflatten(0, (-1, 2)).unbind(1)
            query_poses, positive_poses = keypoints.to(device).unbind(1)
            distances = PairDistances(normalize_poses(query_poses), normalize_poses(positive_poses))
            loss = contrast_pairs(query, positive, SoftTargets(distances))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}")
    weights = backbone.state_dict().items()
    torch.save({key: value for key, value in weights if not key.startswith("fc.")}, output)


if __name__ == "__main__":
    run(main, __doc__)
