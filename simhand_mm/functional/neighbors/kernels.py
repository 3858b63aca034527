"""Compiled search in a :class:`~simhand_mm.functional.neighbors.tree.KdLeafTree` (numba).

A float32 pass over sixteen rows at a time *filters* them, with a limit slightly above the K-th best
distance so far. The distances of rows that pass are computed again in float64, in a fixed order of
operations. So the answer does not depend on the machine's vector width, on threads or on the tree.

``dims`` is a tuple with D entries whose values are not used: its length is part of its type, hence
known to the compiler, which unrolls the loops over D and vectorises the loop over the lanes.

Arrays are passed to the inner functions one by one: taking an array out of a tuple makes numba
count references atomically, and in a loop the threads would wait for each other.

Axes: Q queries, R ranks, K the largest rank, D dimensions. Arrays of the tree: see ``KdLeafTree``.
Scratch memory: ``query [D]`` float32, ``bounds [LANES]`` float32, ``exact [LANES]`` float64; the
stack, ``stack_bound`` float32 and ``stack_node`` int64 (node, level); the best rows so far,
``best`` float64 (squared distances) and ``best_row`` int32.
"""

import numba
import numpy as np

from simhand_mm.functional.compiled import jit
from simhand_mm.functional.neighbors.tree import LANES, LEAF_ROWS, KdLeafTree

_PACKS_PER_LEAF = LEAF_ROWS // LANES
# Up to this K the best rows are kept sorted; for larger K, in a buffer of 2 K rows that is cut back
# to the best K when it is full.
_SORTED_UP_TO = 64
_FILTER_MATH = {"contract", "nsz", "nnan"}  # for the float32 filter only


@jit(fastmath=_FILTER_MATH, forceinline=True)
def _count_within(points, point_tags, pack, query, limit, group, dims):
    """Number of rows of a pack that are outside the group and pass the float32 filter."""
    count = np.int32(0)
    for lane in range(LANES):
        total = np.float32(0)
        for d in range(len(dims)):
            difference = points[pack, d, lane] - query[d]
            total += difference * difference
        count += np.int32((total <= limit) & (point_tags[pack, 1, lane] != group))
    return count


@jit(fastmath=_FILTER_MATH, forceinline=True)
def _box_bounds(boxes, pack, query, bounds, dims):
    """Squared distances from the query to sixteen boxes; zero inside."""
    for lane in range(LANES):
        total = np.float32(0)
        for d in range(len(dims)):
            below = boxes[pack, 0, d, lane] - query[d]
            above = query[d] - boxes[pack, 1, d, lane]
            outside = below if below > above else above
            outside = outside if outside > np.float32(0) else np.float32(0)
            total += outside * outside
        bounds[lane] = total


@jit()
def _exact_distances(points, pack, query, exact, dims):
    """Squared distances as in the contract, in float64."""
    for lane in range(LANES):
        total = np.float64(0)
        for d in range(len(dims)):
            difference = np.float64(points[pack, d, lane]) - np.float64(query[d])
            total += difference * difference
        exact[lane] = total


@jit()
def _is_less(distance, row, other_distance, other_row):
    return distance < other_distance or (distance == other_distance and row < other_row)


@jit()
def _select(best, best_row, low, high, position):
    """Reorder ``[low, high)`` so that the element at ``position`` is the one of sorted order."""
    high -= 1
    while low < high:
        pivot, pivot_row = best[(low + high) // 2], best_row[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while _is_less(best[i], best_row[i], pivot, pivot_row):
                i += 1
            while _is_less(pivot, pivot_row, best[j], best_row[j]):
                j -= 1
            if i <= j:
                best[i], best[j] = best[j], best[i]
                best_row[i], best_row[j] = best_row[j], best_row[i]
                i += 1
                j -= 1
        if position <= j:
            high = j
        elif position >= i:
            low = i
        else:
            return


@jit()
def _insert(best, best_row, k, count, distance, row):
    """Insert into a sorted list of at most K elements. Returns its length."""
    position = min(count, k - 1)
    while position > 0 and _is_less(distance, row, best[position - 1], best_row[position - 1]):
        best[position] = best[position - 1]
        best_row[position] = best_row[position - 1]
        position -= 1
    best[position] = distance
    best_row[position] = row
    return min(count + 1, k)


@jit()
def _collect(
    points, point_tags, query, exact, best, best_row, pack, group, k, count, worst, worst_row, dims
):
    """Add the rows of a pack to the best. Returns the count and the K-th best (inf if none yet)."""
    _exact_distances(points, pack, query, exact, dims)
    for lane in range(LANES):
        row, distance = point_tags[pack, 0, lane], exact[lane]
        if row < 0 or point_tags[pack, 1, lane] == group:
            continue
        if not _is_less(distance, row, worst, worst_row):
            continue
        if k <= _SORTED_UP_TO:
            count = _insert(best, best_row, k, count, distance, row)
            is_cut = count == k
        else:
            best[count] = distance
            best_row[count] = row
            count += 1
            is_cut = count == len(best) or (count == k and worst == np.inf)
            if is_cut:
                _select(best, best_row, 0, count, k - 1)
                count = k
        if is_cut:
            worst, worst_row = best[k - 1], best_row[k - 1]
    return count, worst, worst_row


@jit(forceinline=True)
def _push_children(
    boxes, node_tags, levels, query, bounds, stack_bound, stack_node, node, level, limit, group,
    top, dims,
):  # fmt: skip
    """Push the children that may contain an answer, the nearest last. Returns the stack's top."""
    pack = levels[level, 0] + node
    _box_bounds(boxes, pack, query, bounds, dims)
    bottom = top
    for lane in range(LANES):
        child = node * LANES + lane
        if child >= levels[level, 1]:
            break
        bound = bounds[lane]
        if not bound <= limit or node_tags[pack, 0, lane] == group:
            continue
        position = top
        # Not "<": among children at the same distance, the first one must be visited first.
        while position > bottom and stack_bound[position - 1] <= bound:
            stack_bound[position] = stack_bound[position - 1]
            stack_node[position, 0] = stack_node[position - 1, 0]
            position -= 1
        stack_bound[position] = bound
        stack_node[position, 0] = child
        stack_node[top, 1] = level
        top += 1
    return top


@jit()
def _search_one(
    points, point_tags, boxes, node_tags, levels, query, bounds, exact, stack_bound, stack_node,
    best, best_row, group, k, dims,
):  # fmt: skip
    """Collect the K best rows outside the group. Returns the count, which may exceed K."""
    # The rounding error of the float32 pass is below (D + 3) * 2^-24; 1e-30 covers underflow.
    slack = np.float32(1 + (len(dims) + 8) * 2.0**-23)
    limit, worst, worst_row, count = np.float32(np.inf), np.inf, np.int32(2**31 - 1), 0
    node, level, top = 0, len(levels), 0  # the root, parent of the top pack
    while True:
        if level > 0:
            top = _push_children(
                boxes, node_tags, levels, query, bounds, stack_bound, stack_node, node, level - 1,
                limit, group, top, dims,
            )  # fmt: skip
        else:
            for pack in range(node * _PACKS_PER_LEAF, (node + 1) * _PACKS_PER_LEAF):
                if _count_within(points, point_tags, pack, query, limit, group, dims) > 0:
                    count, worst, worst_row = _collect(
                        points, point_tags, query, exact, best, best_row, pack, group, k, count,
                        worst, worst_row, dims,
                    )  # fmt: skip
                    limit = np.float32(worst) * slack + np.float32(1e-30)
        while top > 0:
            top -= 1
            node, level = stack_node[top, 0], stack_node[top, 1]
            if stack_bound[top] > limit:
                continue
            if worst > 0.0:
                break
            # At distance 0, only a duplicate with a lower row number can still win.
            if node_tags[levels[level, 0] + node // LANES, 1, node % LANES] <= worst_row:
                break
        else:
            return count


@jit(nogil=True)
def _search_queries(tree, embeddings, groups, rows, ranks, plan, dims, row_out, squared_out):
    """See :func:`search_tree`."""
    k = min(ranks[-1], len(embeddings))
    capacity = k if k <= _SORTED_UP_TO else 2 * k
    depth = LANES * (len(tree[4]) + 1)
    query = np.empty(len(dims), np.float32)
    best, best_row = np.empty(capacity, np.float64), np.empty(capacity, np.int32)
    scratch = (
        query,
        np.empty(LANES, np.float32),
        np.empty(LANES, np.float64),
        np.empty(depth, np.float32),
        np.empty((depth, 2), np.int64),
        best,
        best_row,
    )
    for j in range(len(rows)):
        query[:] = embeddings[rows[j]]
        count = 0
        if np.isfinite(query).all():
            count = _search_one(*tree, *scratch, groups[rows[j]], k, dims)
        if k > _SORTED_UP_TO:
            for step in range(len(plan)):
                low, high, position = plan[step]
                if position < count:
                    _select(best, best_row, low, min(high, count), position)
        for column in range(len(ranks)):
            found = ranks[column] <= count
            row_out[j, column] = best_row[ranks[column] - 1] if found else -1
            squared_out[j, column] = best[ranks[column] - 1] if found else np.inf


def search_tree(
    tree: KdLeafTree,
    embeddings: np.ndarray,
    groups: np.ndarray,
    rows: np.ndarray,
    ranks: np.ndarray,
    plan: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Search for some queries in the calling thread, without holding the GIL.

    Args:
        tree: The index.
        embeddings: ``[N, D]`` float32, the pool.
        groups: ``[N]`` int32.
        rows: ``[Q]`` int64, rows of the queries; those with NaN or infinity get no neighbours.
        ranks: ``[R]`` int64, increasing, 1 = nearest.
        plan: ``[R, 3]`` int64, see :func:`~simhand_mm.functional.neighbors.index.selection_plan`.

    Returns:
        Row numbers ``[Q, R]`` int32 and squared distances ``[Q, R]`` float64; -1 and inf if there
        are fewer neighbours.
    """
    row_out = np.empty((len(rows), len(ranks)), np.int32)
    squared_out = np.empty((len(rows), len(ranks)), np.float64)
    dims = (0,) * embeddings.shape[1]
    _search_queries(tuple(tree), embeddings, groups, rows, ranks, plan, dims, row_out, squared_out)
    return row_out, squared_out


def usable_cores() -> int:
    """Number of cores that this process may use (or ``NUMBA_NUM_THREADS``)."""
    return int(numba.config.NUMBA_NUM_THREADS)  # pyright: ignore[reportAttributeAccessIssue]
