"""A kd-tree whose leaves are small blocks of rows: the index behind the exact neighbour search.

Rows are reordered so that every leaf holds ``LEAF_ROWS`` neighbouring ones; sixteen nodes make a
node of the next level. Points and boxes are stored in packs of ``LANES``, dimension by dimension,
so that one vector instruction treats sixteen of them. Each node also knows the group of its rows
(where there is only one) and its lowest row: what cannot hold an answer is skipped unseen.

Axes: N rows, M rows in the tree (finite ones), D dimensions, P packs.
"""

from typing import NamedTuple

import numpy as np

LANES = 16
LEAF_ROWS = 32
_FAR = np.float32(1e18)  # fills lanes that hold no row or no node


class KdLeafTree(NamedTuple):
    """The arrays of the index; numba takes them as they are.

    Attributes:
        points: ``[P, D, LANES]`` float32, rows in tree order.
        rows: ``[P, LANES]`` int32, row number of each lane; -1 fills up.
        groups: ``[P, LANES]`` int32, group code of each lane; -1 fills up.
        lower: ``[Q, D, LANES]`` float32, lower corners of the nodes, level after level from the
            leaves; ``upper`` likewise.
        upper: See ``lower``.
        only_group: ``[Q, LANES]`` int32, the group of a node's rows; -1 where they have several.
        first_row: ``[Q, LANES]`` int32, lowest row number below a node.
        level_start: ``[L + 1]`` int64, first pack of each level in the node arrays.
        level_nodes: ``[L]`` int64, number of nodes of each level.
    """

    points: np.ndarray
    rows: np.ndarray
    groups: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    only_group: np.ndarray
    first_row: np.ndarray
    level_start: np.ndarray
    level_nodes: np.ndarray


def build_tree(embeddings: np.ndarray, groups: np.ndarray) -> KdLeafTree:
    """Index the finite rows of a pool.

    Args:
        embeddings: ``[N, D]`` float32; rows with NaN or infinity are left out.
        groups: ``[N]`` int32 codes, not negative.
    """
    order = tree_order(embeddings)
    num_packs = max(1, -(-len(order) // LEAF_ROWS)) * (LEAF_ROWS // LANES)
    leaf_start = np.arange(0, max(len(order), 1), LEAF_ROWS)
    points = embeddings[order]
    levels = _levels(points, groups[order], order, leaf_start)
    return KdLeafTree(
        points=_pack(points, num_packs, _FAR),
        rows=_pack(order[:, None], num_packs, -1)[:, 0],
        groups=_pack(groups[order][:, None], num_packs, -1)[:, 0],
        lower=np.concatenate([level[0] for level in levels]),
        upper=np.concatenate([level[1] for level in levels]),
        only_group=np.concatenate([level[2] for level in levels]),
        first_row=np.concatenate([level[3] for level in levels]),
        level_start=np.cumsum([0] + [len(level[0]) for level in levels]),
        level_nodes=np.array([level[4] for level in levels], dtype=np.int64),
    )


def tree_order(embeddings: np.ndarray, leaf_rows: int = LEAF_ROWS) -> np.ndarray:
    """Order of the finite rows in which every ``leaf_rows`` consecutive ones are neighbours.

    Segments are halved along their widest dimension, always at ``leaf_rows`` times a power of two:
    hence all leaves but the last are full, and any aligned run of 2^i leaves is one box.

    Returns:
        ``[M]`` int32 row numbers.
    """
    order = np.flatnonzero(np.isfinite(embeddings).all(axis=1)).astype(np.int32)
    size = leaf_rows
    while size < len(order):
        size *= 2
    while size > leaf_rows:
        half = size // 2
        for start in range(0, len(order) - half, size):
            segment = order[start : start + size]
            variance = embeddings[segment[:: max(1, len(segment) // 1024)]].var(
                axis=0, dtype=np.float64
            )
            widest = int(variance.argmax())
            if variance[widest] > 0:
                split = np.argpartition(embeddings[segment, widest], half)
                order[start : start + size] = segment[split]
            else:  # copies of one point: by row, so that the lowest one is met first
                segment.sort()
        size = half
    return order


def _levels(
    points: np.ndarray, groups: np.ndarray, order: np.ndarray, leaf_start: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int]]:
    """Packed lower, upper, only_group, first_row and number of nodes, from the leaves up."""
    if not len(order):
        empty = np.zeros((1, points.shape[1], LANES), np.float32)
        none = np.full((1, LANES), -1, np.int32)
        return [(empty, empty, none, none, 0)]
    start, fields = leaf_start, (points, points, groups, groups, order)
    levels = []
    while True:
        reduce = (np.minimum, np.maximum, np.minimum, np.maximum, np.minimum)
        fields = tuple(f.reduceat(a, start) for f, a in zip(reduce, fields, strict=True))
        lower, upper, group_low, group_high, first = fields
        packs = -(-len(lower) // LANES)
        only = np.where(group_low == group_high, group_low, -1)
        levels.append(
            (
                _pack(lower, packs, _FAR),
                _pack(upper, packs, _FAR),
                _pack(only[:, None], packs, -1)[:, 0],
                _pack(first[:, None], packs, -1)[:, 0],
                len(lower),
            )
        )
        if packs == 1:
            return levels
        start = np.arange(0, len(lower), LANES)


def _pack(values: np.ndarray, num_packs: int, fill: float) -> np.ndarray:
    """``[M, D]`` -> ``[num_packs, D, LANES]``, filled up."""
    packed = np.full((num_packs * LANES, values.shape[1]), fill, values.dtype)
    packed[: len(values)] = values
    return np.ascontiguousarray(packed.reshape(num_packs, LANES, -1).transpose(0, 2, 1))
