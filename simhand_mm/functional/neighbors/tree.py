"""A kd-tree whose leaves are small blocks of rows: the index of the exact search on CPUs.

Rows are reordered so that each leaf holds ``LEAF_ROWS`` neighbouring rows; sixteen nodes form a
node of the next level. Points and boxes are stored in packs of ``LANES``, dimension by dimension,
so that one vector instruction processes sixteen of them. Each node also stores the group of its
rows (if there is only one) and its lowest row number, to skip nodes that cannot contain an answer.

Axes: N rows, M rows in the tree (finite ones), D dimensions, P packs.
"""

from typing import NamedTuple

import numpy as np

LANES = 16
LEAF_ROWS = 32
_FAR = 1e18  # padding of lanes without a row or node


class KdLeafTree(NamedTuple):
    """The arrays of the index, in the form that the numba kernels take.

    Attributes:
        points: ``[P, D, LANES]`` float32, rows in tree order, padded with ``_FAR``.
        point_tags: ``[P, 2, LANES]`` int32, row number and group code of each lane, padded with
            -1.
        boxes: ``[Q, 2, D, LANES]`` float32, lower and upper corners of the nodes, level by level
            from the leaves to the top.
        node_tags: ``[Q, 2, LANES]`` int32, the group of a node's rows (-1 if they have several
            groups) and their lowest row number.
        levels: ``[L, 2]`` int64, index of the first pack and number of nodes of each level.
    """

    points: np.ndarray
    point_tags: np.ndarray
    boxes: np.ndarray
    node_tags: np.ndarray
    levels: np.ndarray


def build_tree(embeddings: np.ndarray, groups: np.ndarray) -> KdLeafTree:
    """Build the index of the finite rows of a pool.

    Args:
        embeddings: ``[N, D]`` float32; rows with NaN or infinity are dropped.
        groups: ``[N]`` int32 codes, non-negative.
    """
    order = tree_order(embeddings)
    points, groups = embeddings[order], groups[order]
    num_packs = max(1, -(-len(order) // LEAF_ROWS)) * (LEAF_ROWS // LANES)
    levels = _levels(points, groups, order)
    counts = [[len(boxes), num_nodes] for boxes, _, num_nodes in levels]
    starts = np.cumsum([0] + [packs for packs, _ in counts[:-1]])
    return KdLeafTree(
        points=_pack(points, num_packs, _FAR),
        point_tags=_pack(np.stack([order, groups], axis=1), num_packs, -1),
        boxes=np.concatenate([boxes for boxes, _, _ in levels]),
        node_tags=np.concatenate([tags for _, tags, _ in levels]),
        levels=np.stack([starts, [num_nodes for _, num_nodes in counts]], axis=1),
    )


def tree_order(embeddings: np.ndarray) -> np.ndarray:
    """Order the finite rows so that the rows of each leaf are neighbours.

    Segments are halved along the dimension with the largest variance, always at ``LEAF_ROWS`` times
    a power of two. So all leaves but the last are full, and any aligned run of 2^i leaves is one
    box.

    Args:
        embeddings: ``[N, D]`` float32; rows with NaN or infinity are dropped.

    Returns:
        ``[M]`` int32 row numbers.
    """
    order = np.flatnonzero(np.isfinite(embeddings).all(axis=1)).astype(np.int32)
    size = LEAF_ROWS
    while size < len(order):
        size *= 2
    while size > LEAF_ROWS:
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
            else:  # duplicates: sort by row, so that the lowest one is visited first
                segment.sort()
        size = half
    return order


def _levels(
    points: np.ndarray, groups: np.ndarray, order: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray, int]]:
    """Packed boxes, packed tags and number of nodes of each level, from the leaves to the top."""
    num_dims = points.shape[1]
    if not len(order):
        no_tags = np.full((1, 2, LANES), -1, np.int32)
        return [(np.zeros((1, 2, num_dims, LANES), np.float32), no_tags, 0)]
    reduce = (np.minimum, np.maximum, np.minimum, np.maximum, np.minimum)
    fields, rows_per_node, levels = (points, points, groups, groups, order), LEAF_ROWS, []
    while True:
        start = np.arange(0, len(fields[0]), rows_per_node)
        fields = tuple(f.reduceat(a, start) for f, a in zip(reduce, fields, strict=True))
        lower, upper, lowest_group, highest_group, first_row = fields
        num_packs, rows_per_node = -(-len(start) // LANES), LANES
        only_group = np.where(lowest_group == highest_group, lowest_group, -1)
        boxes = _pack(np.concatenate([lower, upper], axis=1), num_packs, _FAR)
        tags = _pack(np.stack([only_group, first_row], axis=1), num_packs, -1)
        levels.append((boxes.reshape(num_packs, 2, num_dims, LANES), tags, len(start)))
        if num_packs == 1:
            return levels


def _pack(values: np.ndarray, num_packs: int, fill: float) -> np.ndarray:
    """``[M, D]`` -> ``[num_packs, D, LANES]``, padded with ``fill``."""
    packed = np.full((num_packs * LANES, values.shape[1]), fill, values.dtype)
    packed[: len(values)] = values
    return np.ascontiguousarray(packed.reshape(num_packs, LANES, -1).transpose(0, 2, 1))
