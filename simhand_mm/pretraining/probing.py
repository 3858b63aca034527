"""Probing of frozen features with labels: nearest neighbours and a linear probe.

Axes: N hands, C features.
"""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from simhand_mm.functional.pose_distances import normalize_poses
from simhand_mm.pool import HandPool
from simhand_mm.pretraining.encoders import FrozenBackbone, load_frozen
from simhand_mm.pretraining.features import pool_features
from simhand_mm.pretraining.folds import Split, select_hands, split_by_group
from simhand_mm.probe_options import ProbeSettings

logger = logging.getLogger(__name__)


def probe_backbones(
    pool: HandPool, backbones: Sequence[str | Path], settings: ProbeSettings
) -> dict[str, Any]:
    """Accuracy of each backbone, of random weights of the same network, and of the 2D keypoints.

    Args:
        pool: The pool.
        backbones: Backbone files.
        settings: The settings.

    Returns:
        A dictionary for JSON with the settings, ``chance``, and ``rows``, one per set
        of features with accuracies.

    Raises:
        ValueError: If the labels cannot be probed, or a backbone cannot be read.
    """
    loaded = [load_frozen(path, settings.config, settings.input_size) for path in backbones]
    hands = select_hands(pool, settings)
    splits = split_by_group(hands.labels, hands.groups, settings.folds, settings.seed)
    rows = []
    for name, path, features, metric in _features(pool, hands.rows, backbones, loaded, settings):
        scores = probe(features, hands.labels, splits, settings.neighbors, metric)
        rows.append({"name": name, "file": path, "num_features": features.shape[1], **scores})
        logger.info("%s: linear %.1f %%", name, 100 * scores["linear"]["mean"])
    return {
        "pool": str(pool.root),
        "fingerprint": pool.fingerprint,
        "label": settings.label,
        "group": settings.group,
        "num_hands": len(hands.rows),
        "num_groups": len(set(hands.groups)),
        "num_classes": len(set(hands.labels)),
        "drops": hands.drops,
        "folds": settings.folds,
        "neighbors": settings.neighbors,
        "seed": settings.seed,
        "chance": _summary(_chance(hands.labels, splits)),
        "rows": rows,
    }


def probe(
    features: np.ndarray,
    labels: np.ndarray,
    splits: Sequence[Split],
    neighbors: int,
    metric: str = "cosine",
) -> dict[str, Any]:
    """Accuracy of nearest neighbours and of a linear probe.

    The linear probe is a logistic regression (L2, C = 1) on features that are standardised with
    the statistics of the training hands.

    Args:
        features: ``[N, C]``.
        labels: ``[N]``.
        splits: Folds.
        neighbors: Number of neighbours that vote, at most the number of training hands of a fold.
        metric: Distance of the neighbours, ``'cosine'`` or ``'euclidean'``.

    Returns:
        ``knn`` and ``linear``, each with ``mean``, ``std`` (of the sample) and ``folds``.

    Raises:
        ValueError: If a fold has fewer training hands than neighbours.
    """
    smallest = min(len(train) for train, _ in splits)
    if not 1 <= neighbors <= smallest:
        raise ValueError(
            f"neighbors must be 1 to the training hands of a fold, {smallest}, but got {neighbors}."
            " Choose another --neighbors."
        )
    models = {
        "knn": KNeighborsClassifier(neighbors, metric=metric, algorithm="brute"),
        "linear": make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)),
    }
    return {
        name: _summary(
            [
                float(model.fit(features[train], labels[train]).score(features[test], labels[test]))
                for train, test in splits
            ]
        )
        for name, model in models.items()
    }


def _features(
    pool: HandPool,
    rows: np.ndarray,
    paths: Sequence[str | Path],
    loaded: Sequence[FrozenBackbone],
    settings: ProbeSettings,
) -> Iterator[tuple[str, str | None, np.ndarray, str]]:
    """Yield name, file, features ``[N, C]`` and metric of each row of the table."""
    seen = []
    for name, path, frozen in zip(names_of(paths), paths, loaded, strict=True):
        features = pool_features(frozen, frozen.build(), pool, rows, settings.device)
        yield name, str(path), features, "cosine"
        network = {key: value.shape for key, value in frozen.weights.items()}
        if (network, frozen.recipe) not in seen:
            seen.append((network, frozen.recipe))
            random = frozen.build_random(settings.seed)
            features = pool_features(frozen, random, pool, rows, settings.device)
            several = f" {len(seen)}" if len(seen) > 1 else ""
            yield f"random weights{several}", None, features, "cosine"
    keypoints = torch.from_numpy(pool.keypoints_2d[rows].astype(np.float64))
    yield "2D keypoints", None, normalize_poses(keypoints).flatten(1).numpy(), "euclidean"


def names_of(paths: Sequence[str | Path]) -> list[str]:
    """Short names: the folder of a ``backbone.pth``, the stem of others; the path if not unique."""
    names = [Path(p).parent.name if Path(p).stem == "backbone" else Path(p).stem for p in paths]
    return [
        name if name and names.count(name) == 1 else str(path)
        for name, path in zip(names, paths, strict=True)
    ]


def _chance(labels: np.ndarray, splits: Sequence[Split]) -> list[float]:
    """Accuracy per fold of always predicting the most frequent training label."""
    guess = DummyClassifier(strategy="most_frequent")
    return [
        float(guess.fit(labels[train], labels[train]).score(labels[test], labels[test]))
        for train, test in splits
    ]


def _summary(folds: list[float]) -> dict[str, Any]:
    return {"mean": float(np.mean(folds)), "std": float(np.std(folds, ddof=1)), "folds": folds}
