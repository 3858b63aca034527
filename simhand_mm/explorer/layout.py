"""The places of hands on the map: two dimensions of their poses, or of features of a backbone.

Axes: N hands of the pool, D dimensions.
"""

import hashlib
import importlib.util
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from simhand_mm.mining.embedding import PoseEmbedding, usable_rows
from simhand_mm.pool import HandPool, load_pose_embeddings
from simhand_mm.pool.array_files import write_array
from simhand_mm.pool.files import sha256_of

logger = logging.getLogger(__name__)

_MAX_DIMS = 50  # of features, before they are laid out
_ROWS_PER_BLOCK = 20_000
_UMAP_NEIGHBORS = 15


@dataclass(frozen=True)
class MapSettings:
    """How the map is made.

    Attributes:
        layout: pca: the two directions in which hands differ most; umap: similar hands as groups,
            for up to about 100,000 hands (needs the package umap-learn).
        features: Place hands by the features of this backbone, instead of by their keypoints.
        config: Config of the pre-training of the backbone (default: the recipe in its file).
        input_size: Side of the inputs in px, for a ResNet of another project.
        device: Device on which the features are computed.
    """

    layout: Literal["pca", "umap"] = "pca"
    features: Path | None = None
    config: Path | None = None
    input_size: int | None = None
    device: str = "cpu"


def place_hands(pool: HandPool, settings: MapSettings) -> np.ndarray:
    """Compute the places of all hands. What takes long is kept in ``layouts/`` of the pool.

    Args:
        pool: The pool.
        settings: The settings.

    Returns:
        ``[N, 2]`` float32; NaN for hands with unusable keypoints.

    Raises:
        ImportError: If UMAP is requested, but not installed.
        ValueError: If the backbone cannot be read.
    """
    if settings.layout == "umap":
        _require_umap()
    if settings.features is None and settings.layout == "pca":
        return _plane(pose_vectors(pool))
    path = pool.root / "layouts" / f"{_key(pool, settings)}.npy"
    if path.is_file():
        try:
            return np.load(path, allow_pickle=False)
        except (ValueError, EOFError):  # cut off, by a copy that was stopped
            logger.info("%s is damaged, and made again", path)
    vectors = pose_vectors(pool) if settings.features is None else feature_vectors(pool, settings)
    places = _umap(vectors) if settings.layout == "umap" else _plane(vectors)
    try:
        write_array(path, places)
    except OSError as error:  # a read-only pool can be explored, too
        logger.warning("the layout is not kept: %s", error)
    return places


def pose_vectors(pool: HandPool) -> np.ndarray:
    """Return the embedding in which pairs were mined, or of a pool without it, its PCA.

    Returns:
        ``[N, D]`` float32, by decreasing variance; NaN for unusable hands.
    """
    try:
        return load_pose_embeddings(pool)
    except (FileNotFoundError, ValueError):  # not mined, or mined before hands were added
        if usable_rows(pool.keypoints_2d).sum() < 2:
            return np.full((len(pool), 2), np.nan, np.float32)
        fitted = PoseEmbedding.fit(pool.keypoints_2d, crop_size=pool.crop_size)
        return fitted.apply(pool.keypoints_2d, pool.crop_size)


def feature_vectors(pool: HandPool, settings: MapSettings) -> np.ndarray:
    """Compute the principal components of the features of a backbone, block by block.

    The components are those of at most 20,000 random hands.

    Returns:
        ``[N, D]`` float32, by decreasing variance; NaN for unusable hands.

    Raises:
        ValueError: If the backbone cannot be read.
    """
    from sklearn.decomposition import PCA

    from simhand_mm.pretraining.encoders import load_frozen
    from simhand_mm.pretraining.features import pool_features

    assert settings.features is not None
    frozen = load_frozen(settings.features, settings.config, settings.input_size)
    network = frozen.build()
    rows = np.flatnonzero(np.isfinite(pool.keypoints_2d).all(axis=(1, 2)))
    if len(rows) < 2:
        return np.full((len(pool), 2), np.nan, np.float32)
    sample = np.random.default_rng(0).permutation(rows)[:_ROWS_PER_BLOCK]
    features = pool_features(frozen, network, pool, np.sort(sample), settings.device)
    num_dims = min(_MAX_DIMS, *features.shape)
    fitted = PCA(num_dims, random_state=0).fit(features)
    vectors = np.full((len(pool), num_dims), np.nan, np.float32)
    for start in range(0, len(rows), _ROWS_PER_BLOCK):
        block = rows[start : start + _ROWS_PER_BLOCK]
        if len(rows) > _ROWS_PER_BLOCK:
            features = pool_features(frozen, network, pool, block, settings.device)
            logger.info("features of %d of %d hands", start + len(block), len(rows))
        vectors[block] = fitted.transform(features)
    return vectors


def _plane(vectors: np.ndarray) -> np.ndarray:
    """The first two dimensions; a missing one is zero."""
    places = np.zeros((len(vectors), 2), np.float32)
    places[:, : vectors.shape[1]] = vectors[:, :2]
    places[np.isnan(places).any(axis=1)] = np.nan
    return places


def _require_umap() -> None:
    """Report a missing package before long computations."""
    if importlib.util.find_spec("umap") is None:
        raise ImportError(
            "layout must be pca if the package umap-learn is not installed, but got umap. Install "
            'it: pip install "simhand-mm[explore]"'
        )


def _umap(vectors: np.ndarray) -> np.ndarray:
    from umap import UMAP

    rows = np.flatnonzero(np.isfinite(vectors).all(axis=1))
    if len(rows) <= _UMAP_NEIGHBORS:
        return _plane(vectors)
    logger.info("UMAP of %d hands takes some minutes for each 20,000", len(rows))
    places = np.full((len(vectors), 2), np.nan, np.float32)
    fitted = UMAP(n_neighbors=_UMAP_NEIGHBORS, random_state=0, n_jobs=1)
    places[rows] = fitted.fit_transform(np.asarray(vectors[rows]))
    return places


def _key(pool: HandPool, settings: MapSettings) -> str:
    """Hash of everything that determines a layout."""
    files = [settings.features, settings.config]
    if settings.features is None:
        files = [path for path in [pool.root / "embedding.npz"] if path.is_file()]
    digests = [sha256_of(path) for path in files if path is not None]
    parts = [pool.fingerprint, settings.layout, settings.input_size, *digests]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
