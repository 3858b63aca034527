"""Perceptual hashes of crops: similar for the same footage, regardless of its encoding.

A hash is the pHash of the library imagehash with 16 x 16 bits: each bit tells whether a low
frequency of the image (DCT) is above the median. Scaling, encoding and small overlays change few
bits.
"""

import logging
from collections.abc import Callable
from functools import partial

import cv2
import numpy as np

from simhand_mm.executors import Executor, LocalExecutor, run_all
from simhand_mm.functional.near_duplicates import WORDS
from simhand_mm.pool import HandPool
from simhand_mm.pool.perceptual_hashes import load_perceptual_hashes, save_perceptual_hashes

logger = logging.getLogger(__name__)

_SIDE = 16  # side of the hash in bits
_KEY_SIDE = 8  # side of the block of lowest frequencies, which is the first word
_IMAGE_SIDE = 64  # side of the image that is transformed, in px: 4 times that of the hash
_HANDS_PER_TASK = 2048


def hash_crop(encoded: bytes) -> np.ndarray:
    """Compute the hashes of a crop and of its mirror image.

    Args:
        encoded: The JPEG file of the crop.

    Returns:
        ``[2, 4]`` uint64; zeros if the crop cannot be read or has a single colour.

    Raises:
        ImportError: If imagehash is not installed.
    """
    try:
        import imagehash
        from PIL import Image
    except ImportError as error:
        raise ImportError(
            'Near-duplicates need imagehash. Run: pip install "simhand-mm[mine]".'
        ) from error
    image = _read_small(encoded)
    if image is None:
        return np.zeros((2, WORDS), np.uint64)
    views = (image, np.ascontiguousarray(image[:, ::-1]))
    hashes = [imagehash.phash(Image.fromarray(view), _SIDE).hash for view in views]
    return np.stack([_to_words(bits) for bits in hashes])


def hash_pool(
    pool: HandPool,
    executor: Executor = LocalExecutor(),  # noqa: B008 (frozen)
) -> np.ndarray:
    """Return the hashes of a pool; they are computed and written on first use, then read.

    Args:
        pool: The pool.
        executor: Runs the computation (default: this process).

    Returns:
        ``[N, 2, 4]`` uint64, see :func:`hash_crop`.

    Raises:
        RuntimeError: If a worker died.
    """
    hashes = load_perceptual_hashes(pool)
    if hashes is not None:
        return hashes
    starts = range(0, len(pool), _HANDS_PER_TASK)
    blocks = run_all(executor, starts, partial(_build_hasher, pool), "blocks of crops")
    hashes = np.concatenate([np.zeros((0, 2, WORDS), np.uint64), *blocks])
    save_perceptual_hashes(pool, hashes)
    return hashes


def _build_hasher(pool: HandPool) -> Callable[[int], np.ndarray]:
    return partial(_hash_block, pool)


def _hash_block(pool: HandPool, start: int) -> np.ndarray:
    rows = range(start, min(start + _HANDS_PER_TASK, len(pool)))
    return np.stack([hash_crop(pool.read_crop(row)) for row in rows])


def _read_small(encoded: bytes) -> np.ndarray | None:
    """Read a grey image of 64 x 64 px; None if it cannot be read or has a single colour."""
    buffer = np.frombuffer(encoded, np.uint8)
    image = cv2.imdecode(buffer, cv2.IMREAD_REDUCED_GRAYSCALE_2) if len(buffer) else None
    if image is not None and min(image.shape) < _IMAGE_SIDE:
        image = cv2.imdecode(buffer, cv2.IMREAD_GRAYSCALE)
    if image is None or image.min() == image.max():
        return None
    return cv2.resize(image, (_IMAGE_SIDE, _IMAGE_SIDE), interpolation=cv2.INTER_AREA)


def _to_words(bits: np.ndarray) -> np.ndarray:
    """``[16, 16]`` bool -> ``[4]`` uint64, the lowest frequencies first."""
    low, high = slice(None, _KEY_SIDE), slice(_KEY_SIDE, None)
    quarters = [bits[rows, columns].ravel() for rows in (low, high) for columns in (low, high)]
    return np.packbits(np.concatenate(quarters)).view(np.uint64)
