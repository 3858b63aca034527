"""Pose embedding: keypoints reduced by PCA (SiMHand, Sec. 3.2).

The PCA is fitted once per pool and saved in the pool's folder.

Axes: N hands, D dimensions of the embedding.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from simhand_mm.functional.keypoints import NUM_KEYPOINTS, root_relative
from simhand_mm.pool import HandPool
from simhand_mm.pool.array_files import read_arrays, read_header, write_array, write_arrays
from simhand_mm.pool.files import explaining_disk_errors

_ROWS_PER_BLOCK = 16384


@dataclass(frozen=True)
class PoseEmbedding:
    """A fitted projection ``p = M (phi - mean)`` of keypoints.

    Differs from the paper: the mean is subtracted, which changes no distance but improves the
    precision of float32. Keypoints are in units of the crop side, so size and position in the crop
    matter, as in the paper; ``root_relative`` removes the position of the wrist.

    Attributes:
        mean: ``[42]`` float64.
        components: ``[D, 42]`` float64, orthonormal rows, by decreasing variance.
        explained_variance: ``[D]`` float64, fractions of the variance of the fitted keypoints.
        root_relative: Whether the wrist is subtracted first.
        info: The data it was fitted on, JSON-like.
    """

    mean: np.ndarray
    components: np.ndarray
    explained_variance: np.ndarray
    root_relative: bool = False
    info: dict[str, Any] = field(default_factory=dict)

    @property
    def num_dims(self) -> int:
        """D."""
        return len(self.components)

    @cached_property
    def sha256(self) -> str:
        """Hash of everything that determines the embedding of given keypoints."""
        parts = (self.mean.tobytes(), self.components.tobytes(), str(self.root_relative).encode())
        return hashlib.sha256(b"".join(parts)).hexdigest()

    @classmethod
    def fit(
        cls,
        keypoints: np.ndarray,
        num_dims: int = 14,
        root_relative: bool = False,
        crop_size: float = 1.0,
        **info: Any,
    ) -> "PoseEmbedding":
        """Fit the principal components of a pool.

        Args:
            keypoints: ``[N, 21, 2]`` in the unit of ``crop_size``; unusable rows are dropped.
            num_dims: D, 1 to 42.
            root_relative: Subtract the wrist first.
            crop_size: Side of the crops; 1 if keypoints are in units of it.
            info: Stored in the attribute ``info``, JSON-like.

        Raises:
            ValueError: If D is out of range or there are fewer than two usable rows.
        """
        if not 1 <= num_dims <= 2 * NUM_KEYPOINTS:
            raise ValueError(f"num_dims must be 1 to {2 * NUM_KEYPOINTS}, but got {num_dims}.")
        count = sum(int(usable_rows(block).sum()) for block in _blocks(keypoints))
        if count < 2:
            raise ValueError(
                f"keypoints must have at least 2 usable rows to fit a PCA, but got {count} of "
                f"{len(keypoints)} (usable: finite, and not all keypoints in one point). Prepare "
                "more videos."
            )
        mean = np.zeros(2 * NUM_KEYPOINTS)
        scatter = np.zeros((len(mean), len(mean)))
        for block in _blocks(keypoints):
            vectors = _vectors(block[usable_rows(block)], root_relative, crop_size)
            mean = mean + vectors.sum(axis=0) / count
        for block in _blocks(keypoints):
            vectors = _vectors(block[usable_rows(block)], root_relative, crop_size) - mean
            scatter = scatter + vectors.T @ vectors
        variance, vectors = np.linalg.eigh(scatter / (count - 1))
        variance, components = np.maximum(variance[::-1], 0), vectors.T[::-1][:num_dims]
        # The sign of an eigenvector is arbitrary: make its largest entry positive.
        largest = np.take_along_axis(components, np.abs(components).argmax(1)[:, None], axis=1)
        return cls(
            mean,
            components * np.where(largest < 0, -1.0, 1.0),
            variance[:num_dims] / max(variance.sum(), np.finfo(np.float64).tiny),
            root_relative,
            {"num_fitted": count, "crop_size": crop_size, **info},
        )

    def apply(self, keypoints: np.ndarray, crop_size: float = 1.0) -> np.ndarray:
        """Embed hands.

        Sums are computed in a fixed order without BLAS, so the result is bit-identical on all
        machines.

        Args:
            keypoints: ``[N, 21, 2]`` in the unit of ``crop_size``.
            crop_size: Side of the crops; 1 if keypoints are in units of it.

        Returns:
            ``[N, D]`` float32; NaN for unusable hands.
        """
        embeddings, start = np.full((len(keypoints), self.num_dims), np.nan, np.float32), 0
        for block in _blocks(keypoints):
            usable = usable_rows(block)
            vectors = _vectors(block[usable], self.root_relative, crop_size) - self.mean
            projected = np.zeros((len(vectors), self.num_dims))
            for values, weights in zip(vectors.T, self.components.T, strict=True):
                projected += values[:, None] * weights
            embeddings[start : start + len(block)][usable] = projected
            start += len(block)
        return embeddings

    def save(self, path: str | Path) -> None:
        """Write an ``embedding.npz`` atomically."""
        header = {"root_relative": self.root_relative, "info": self.info}
        write_arrays(
            path,
            header,
            mean=self.mean,
            components=self.components,
            explained_variance=self.explained_variance,
        )

    @classmethod
    def load(cls, path: str | Path) -> "PoseEmbedding":
        """Read an ``embedding.npz``.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is damaged.
        """
        if not Path(path).is_file():
            raise FileNotFoundError(
                f"path must be an embedding.npz, but {path} does not exist. "
                "Write it with simhand mine."
            )
        return cls(**read_arrays(path), **read_header(path))


def embed_pool(
    pool: HandPool, num_dims: int = 14, root_relative: bool = False
) -> tuple[PoseEmbedding, np.ndarray]:
    """Return the embedding of a pool; it is fitted and written on first use, then read.

    Writes ``embedding.npz`` and ``pose_embeddings.npy`` into the pool folder.

    Args:
        pool: The pool.
        num_dims: D, 1 to 42.
        root_relative: Subtract the wrist first.

    Returns:
        The fitted projection, and the embeddings ``[N, D]`` float32, memory-mapped.
    """
    fitted_path, embedded_path = pool.root / "embedding.npz", pool.root / "pose_embeddings.npy"
    wanted = {"pool_fingerprint": pool.fingerprint, "crop_size": pool.crop_size}
    try:
        fitted = PoseEmbedding.load(fitted_path) if fitted_path.is_file() else None
    except ValueError:  # cut off, by a copy that was stopped
        fitted = None
    is_current = (
        fitted is not None
        and (fitted.num_dims, fitted.root_relative) == (num_dims, root_relative)
        and all(fitted.info.get(key) == value for key, value in wanted.items())
    )
    if fitted is None or not is_current:
        fitted = PoseEmbedding.fit(pool.keypoints_2d, num_dims, root_relative, **wanted)
        with explaining_disk_errors(fitted_path):
            fitted_path.unlink(missing_ok=True)
    if not (is_current and _is_complete(embedded_path)):
        write_array(embedded_path, fitted.apply(pool.keypoints_2d, pool.crop_size))
        fitted.save(fitted_path)  # last: if this file exists, the embeddings belong to it
    return fitted, np.load(embedded_path, mmap_mode="r")


def _is_complete(path: Path) -> bool:
    """Whether a NumPy file exists and has all its rows."""
    try:
        return path.is_file() and np.load(path, mmap_mode="r") is not None
    except (ValueError, EOFError):
        return False


def usable_rows(keypoints: np.ndarray) -> np.ndarray:
    """Tell which hands can be embedded: finite, and not all keypoints in one point. ``[N]`` bool.

    Failed detections that are stored as zeros would otherwise be paired with each other.
    """
    is_spread = (keypoints != keypoints[:, :1]).any(axis=(1, 2))  # NaN counts as different
    return np.isfinite(keypoints).all(axis=(1, 2)) & is_spread


def _blocks(keypoints: np.ndarray) -> Iterator[np.ndarray]:
    """Yield some rows at a time, to limit memory."""
    for start in range(0, len(keypoints), _ROWS_PER_BLOCK):
        yield keypoints[start : start + _ROWS_PER_BLOCK]


def _vectors(keypoints: np.ndarray, is_root_relative: bool, crop_size: float) -> np.ndarray:
    """Hands as float64 vectors in units of the crop side, ``[N, 42]``."""
    keypoints = keypoints.astype(np.float64) / crop_size
    if is_root_relative:
        keypoints = root_relative(keypoints)
    return keypoints.reshape(-1, 2 * NUM_KEYPOINTS)
