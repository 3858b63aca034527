"""Exact search for near-duplicates among perceptual hashes, in other groups.

A hash has 256 bits in four words; the first word is its *key*. A pair is found if its keys differ
in at most ``max_key_distance`` bits and its hashes in at most ``max_distance`` bits. Then at least
one band of the key differs in at most one bit (pigeonhole principle). So, for each band, a query
visits the bucket of its band value and the buckets of values that differ in one bit. The search is
exact.

Axes: N hashes, Q queries, M matches per query, W words (4).
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

WORDS = 4
BITS = 64 * WORDS
# First bit and number of bits. Nine differing bits leave one of five bands with at most one.
_BANDS = ((0, 13), (13, 13), (26, 13), (39, 13), (52, 12))
MAX_KEY_DISTANCE = 2 * len(_BANDS) - 1
_QUERIES_PER_TASK = 8192


def find_near_duplicates(
    hashes: np.ndarray,
    groups: np.ndarray,
    queries: np.ndarray | None = None,
    *,
    max_distance: int,
    max_key_distance: int = MAX_KEY_DISTANCE,
    max_matches: int = 8,
    num_threads: int = 1,
) -> tuple[np.ndarray, np.ndarray]:
    """For each hash, find the nearest hashes of other groups, at most one per group.

    The answer does not depend on the number of threads. Memory besides input and result is about
    30 bytes per hash.

    Args:
        hashes: ``[N, W]`` uint64.
        groups: ``[N]`` int, e.g. the video; a match is of another group than the query.
        queries: ``[N, W]`` uint64, query hashes (default: ``hashes``), e.g. those of the mirrored
            images in the same order.
        max_distance: Maximum number of differing bits, out of 256.
        max_key_distance: Maximum number of differing bits of the keys, out of 64; at most
            ``MAX_KEY_DISTANCE``.
        max_matches: M. The nearest groups are kept; ties go to the lower row.
        num_threads: Number of threads.

    Returns:
        Rows ``[N, M]`` int32 (-1: none) and distances ``[N, M]`` int16, by distance, then row.

    Raises:
        ValueError: If a shape, type or limit is not as above.
        ImportError: If numba is not installed.
    """
    try:
        from simhand_mm.functional.near_duplicate_kernels import search_band
    except ImportError as error:
        raise ImportError(
            'The search for near-duplicates needs numba: pip install "simhand-mm[mine]".'
        ) from error
    queries = hashes if queries is None else queries
    _check(hashes, queries, len(groups), max_key_distance)
    groups = np.ascontiguousarray(groups, np.int32)
    hashes, queries = np.ascontiguousarray(hashes), np.ascontiguousarray(queries)
    row = np.full((len(hashes), max_matches), -1, np.int32)
    distance = np.full((len(hashes), max_matches), BITS + 1, np.int16)
    limits = (max_key_distance, max_distance)
    with ThreadPoolExecutor(num_threads) as pool:
        for band in _BANDS:
            table = _band_table(hashes, *band)
            # Sort queries by bucket, so that the rows they visit stay in the cache.
            order = np.argsort(_band_values(queries, *band), kind="stable")

            def search(start: int, table=table, order=order, band=band) -> None:
                slots = order[start : start + _QUERIES_PER_TASK]
                search_band(*table, hashes, groups, queries, slots, band, limits, row, distance)

            list(pool.map(search, range(0, len(order), _QUERIES_PER_TASK)))
    return _sorted_by_distance(row, distance)


def hamming_distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Number of bits in which the hashes of ``a`` and ``b`` differ.

    Args:
        a: ``[..., W]`` uint64.
        b: ``[..., W]`` uint64; shapes broadcast.

    Returns:
        ``[...]`` int64.
    """
    different = np.ascontiguousarray(a ^ b)
    return np.unpackbits(different.view(np.uint8), axis=-1).sum(-1, dtype=np.int64)


def _band_values(hashes: np.ndarray, first: int, num_bits: int) -> np.ndarray:
    values = hashes[:, 0] >> np.uint64(first)
    return (values & np.uint64(2**num_bits - 1)).astype(np.int32)


def _band_table(
    hashes: np.ndarray, first: int, num_bits: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Keys and rows by bucket, and where the buckets begin, ``[2 ** num_bits + 1]``."""
    values = _band_values(hashes, first, num_bits)
    order = np.argsort(values, kind="stable").astype(np.int32)
    counts = np.bincount(values, minlength=2**num_bits)
    return hashes[order, 0], order, np.concatenate([[0], np.cumsum(counts)])


def _check(hashes: np.ndarray, queries: np.ndarray, num: int, max_key_distance: int) -> None:
    for name, array in (("hashes", hashes), ("queries", queries)):
        if array.dtype != np.uint64 or array.shape != (num, WORDS):
            raise ValueError(
                f"{name} must be uint64 of shape ({num}, {WORDS}), but got {array.dtype} "
                f"of shape {array.shape}. Compute them again."
            )
    if not 0 <= max_key_distance <= MAX_KEY_DISTANCE:
        raise ValueError(
            f"max_key_distance must be 0 to {MAX_KEY_DISTANCE}, but got {max_key_distance}."
        )


def _sorted_by_distance(row: np.ndarray, distance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sort the matches of each query by distance, then row; those that are missing come last."""
    by_row = np.where(row < 0, np.iinfo(np.int32).max, row).astype(np.int64)
    order = np.argsort((distance.astype(np.int64) << 32) + by_row, axis=1)
    return np.take_along_axis(row, order, 1), np.take_along_axis(distance, order, 1)
