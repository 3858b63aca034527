"""Features of hands, computed by a backbone without augmentation."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset

from simhand_mm.pool import HandPool
from simhand_mm.pretraining.dataset import HandPairDataset, collate_pairs
from simhand_mm.pretraining.encoders import FrozenBackbone


@torch.no_grad()
def embed_hands(
    extract: Callable[[Tensor], Tensor],
    preprocessor: Any,
    hands: Dataset,
    batch_size: int = 128,
) -> tuple[Tensor, Tensor]:
    """Compute pooled features of hands without augmentation, and their keypoints in the inputs.

    Args:
        extract: Maps inputs ``[N, 3, S, S]`` to the last feature map ``[N, C, h, w]``.
        preprocessor: A HandPairPreprocessor.
        hands: A HandPairDataset or a subset of one; features are those of the queries.
        batch_size: Hands per forward pass.

    Returns:
        Features ``[N, C]``, and keypoints ``[N, 21, 2]`` as a fraction of the input's side; both
        float32 on the CPU.
    """
    features, keypoints = [], []
    for batch in DataLoader(hands, batch_size, collate_fn=collate_pairs):
        data = preprocessor(batch, training=False)
        queries = slice(len(data["inputs"]) // 2)
        maps = extract(data["inputs"][queries])
        features.append(maps.flatten(2).mean(2).float().cpu())
        side = data["inputs"].shape[-1]
        keypoints.append(data["data_samples"]["keypoints_2d"][queries].cpu() / side)
    return torch.cat(features), torch.cat(keypoints)


def pool_features(
    frozen: FrozenBackbone, network: Any, pool: HandPool, rows: np.ndarray, device: str
) -> np.ndarray:
    """Compute pooled features of hands of a pool, without augmentation.

    Args:
        frozen: The backbone, for its recipe.
        network: Its network, as from ``frozen.build()``.
        pool: The pool.
        rows: ``[n]`` rows of the pool; their keypoints must be finite.
        device: Device that computes the features.

    Returns:
        ``[n, C]`` float64.
    """
    dataset = HandPairDataset(pool=str(pool.root), reduce=frozen.recipe.reduce)
    position = np.searchsorted(dataset.query_row, rows)
    network, preprocessor = network.to(device), frozen.build_preprocessor().to(device)
    features, _ = embed_hands(
        lambda inputs: network(inputs)[-1], preprocessor, Subset(dataset, position.tolist())
    )
    return features.double().numpy()
