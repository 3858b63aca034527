"""Compiled search in a :class:`~simhand_mm.functional.neighbor_tree.KdLeafTree` (numba).

A float32 pass over sixteen rows at a time only *filters*, with a limit a little above the best
distance so far; whatever passes is measured again in float64, in a fixed order of operations.
So the answer does not depend on the machine's vector width, on threads or on the tree.

``dims`` is a tuple with D entries that nobody reads: its length is part of its type, hence known to
the compiler, which unrolls the loops over D and turns the loop over the lanes into vector code.

Axes: Q queries, R ranks, K the largest rank, D dimensions.
"""

from collections.abc import Callable
from typing import NamedTuple

import numba
import numpy as np

from simhand_mm.functional.neighbor_tree import LANES, LEAF_ROWS, KdLeafTree

_PACKS_PER_LEAF = LEAF_ROWS // LANES
# Up to this K the best are kept sorted; beyond it in a buffer of 2 K that is cut back when full.
_SORTED_UP_TO = 32
_FILTER_MATH = {"contract", "nsz", "nnan"}  # never in the float64 part


def _jit(**options: object) -> Callable:
    """``numba.njit`` that also works where neither the package nor the home can be written."""

    def decorate(function: Callable) -> Callable:
        try:
            return numba.njit(cache=True, **options)(function)
        except RuntimeError:  # "no locator available": compile without a cache
            return numba.njit(**options)(function)

    return decorate


class Scratch(NamedTuple):
    """Work space of one thread."""

    query: np.ndarray  # [D] float32
    bounds: np.ndarray  # [LANES] float32, of the boxes of one pack
    exact: np.ndarray  # [LANES] float64, squared distances of one pack
    stack_bound: np.ndarray
    stack_node: np.ndarray
    stack_level: np.ndarray
    best: np.ndarray  # [K] or [2 K] float64, squared distances of the best so far
    best_row: np.ndarray  # likewise, int32


@_jit(fastmath=_FILTER_MATH)
def _count_within(tree, pack, query, limit, group, dims):
    """How many rows of a pack, outside the group, pass the float32 filter."""
    count = np.int32(0)
    for lane in range(LANES):
        total = np.float32(0)
        for d in range(len(dims)):
            difference = tree.points[pack, d, lane] - query[d]
            total += difference * difference
        count += np.int32((total <= limit) & (tree.groups[pack, lane] != group))
    return count


@_jit(fastmath=_FILTER_MATH)
def _box_bounds(tree, pack, query, bounds, dims):
    """Squared distances from the query to sixteen boxes; zero inside."""
    for lane in range(LANES):
        total = np.float32(0)
        for d in range(len(dims)):
            below = tree.lower[pack, d, lane] - query[d]
            above = query[d] - tree.upper[pack, d, lane]
            outside = below if below > above else above
            outside = outside if outside > np.float32(0) else np.float32(0)
            total += outside * outside
        bounds[lane] = total


@_jit()
def _exact_distances(tree, pack, query, exact, dims):
    """The contract: float64 differences of the float32 values, squares added by dimension."""
    for lane in range(LANES):
        total = np.float64(0)
        for d in range(len(dims)):
            difference = np.float64(tree.points[pack, d, lane]) - np.float64(query[d])
            total += difference * difference
        exact[lane] = total


@_jit()
def _is_less(distance, row, other_distance, other_row):
    return distance < other_distance or (distance == other_distance and row < other_row)


@_jit()
def _select(best, best_row, low, high, position):
    """Reorder ``[low, high)`` so that ``position`` holds what sorting would put there."""
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


@_jit()
def _insert(best, best_row, k, count, distance, row):
    """Add to a sorted list of at most K; returns its length."""
    position = min(count, k - 1)
    while position > 0 and _is_less(distance, row, best[position - 1], best_row[position - 1]):
        best[position] = best[position - 1]
        best_row[position] = best_row[position - 1]
        position -= 1
    best[position] = distance
    best_row[position] = row
    return min(count + 1, k)


@_jit()
def _collect(tree, pack, group, k, count, worst, worst_row, scratch, dims):
    """Offer the rows of a pack; returns the count and the K-th best (inf while there is none)."""
    best, best_row = scratch.best, scratch.best_row
    _exact_distances(tree, pack, scratch.query, scratch.exact, dims)
    for lane in range(LANES):
        row, distance = tree.rows[pack, lane], scratch.exact[lane]
        if row < 0 or tree.groups[pack, lane] == group:
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


@_jit()
def _push_children(tree, level, node, limit, group, top, scratch, dims):
    """Put the children that may hold an answer on the stack, the nearest last; returns its top."""
    bound, nodes, levels = scratch.stack_bound, scratch.stack_node, scratch.stack_level
    pack = tree.level_start[level] + node
    _box_bounds(tree, pack, scratch.query, scratch.bounds, dims)
    bottom = top
    for lane in range(LANES):
        child = node * LANES + lane
        if child >= tree.level_nodes[level]:
            break
        distance = scratch.bounds[lane]
        if not distance <= limit or tree.only_group[pack, lane] == group:
            continue
        place = top
        # Not "<": of children at the same distance the first one is to be met first.
        while place > bottom and bound[place - 1] <= distance:
            bound[place] = bound[place - 1]
            nodes[place] = nodes[place - 1]
            place -= 1
        bound[place] = distance
        nodes[place] = child
        levels[top] = level
        top += 1
    return top


@_jit()
def _search_one(tree, group, k, scratch, dims):
    """Collect the K best rows outside the group; returns how many there are."""
    # Rounding of the float32 pass is below (D + 3) * 2^-24; the tiny term covers underflow.
    slack = np.float32(1 + (len(dims) + 8) * 2.0**-23)
    limit, worst, worst_row, count = np.float32(np.inf), np.inf, np.int32(2**31 - 1), 0
    top = _push_children(tree, len(tree.level_nodes) - 1, 0, limit, group, 0, scratch, dims)
    while top > 0:
        top -= 1
        node, level = scratch.stack_node[top], scratch.stack_level[top]
        if scratch.stack_bound[top] > limit:
            continue
        if worst == 0.0:  # only copies with a lower row could still win
            pack = tree.level_start[level] + node // LANES
            if tree.first_row[pack, node % LANES] > worst_row:
                continue
        if level > 0:
            top = _push_children(tree, level - 1, node, limit, group, top, scratch, dims)
            continue
        for pack in range(node * _PACKS_PER_LEAF, (node + 1) * _PACKS_PER_LEAF):
            if _count_within(tree, pack, scratch.query, limit, group, dims) > 0:
                count, worst, worst_row = _collect(
                    tree, pack, group, k, count, worst, worst_row, scratch, dims
                )
                limit = np.float32(worst) * slack + np.float32(1e-30)
    return count


@_jit(nogil=True)
def search_queries(tree, points, groups, rows, ranks, plan, dims, row_out, squared_out):
    """Search for some queries on the calling thread.

    Args:
        tree: A ``KdLeafTree``.
        points: ``[N, D]`` float32, the whole pool.
        groups: ``[N]`` int32.
        rows: ``[Q]`` int64, rows of the queries. NaN queries find nothing.
        ranks: ``[R]`` int64, increasing, 1 = nearest.
        plan: ``[R, 3]`` int64 from ``selection_plan``.
        dims: Tuple with D entries.
        row_out: ``[Q, R]`` int32, written; -1 where there are fewer neighbours.
        squared_out: ``[Q, R]`` float64, squared distances, written; inf likewise.
    """
    k = ranks[-1]
    capacity = k if k <= _SORTED_UP_TO else 2 * k
    depth = LANES * (len(tree.level_nodes) + 1)
    scratch = Scratch(
        np.empty(len(dims), np.float32),
        np.empty(LANES, np.float32),
        np.empty(LANES, np.float64),
        np.empty(depth, np.float32),
        np.empty(depth, np.int64),
        np.empty(depth, np.int64),
        np.empty(capacity, np.float64),
        np.empty(capacity, np.int32),
    )
    for j in range(len(rows)):
        scratch.query[:] = points[rows[j]]
        count = 0
        if np.isfinite(scratch.query).all():
            count = _search_one(tree, groups[rows[j]], k, scratch, dims)
        if k > _SORTED_UP_TO:
            for step in range(len(plan)):
                low, high, position = plan[step]
                if position < count:
                    _select(scratch.best, scratch.best_row, low, min(high, count), position)
        for column in range(len(ranks)):
            found = ranks[column] <= count
            row_out[j, column] = scratch.best_row[ranks[column] - 1] if found else -1
            squared_out[j, column] = scratch.best[ranks[column] - 1] if found else np.inf


def search_tree(tree: KdLeafTree, *arguments: object) -> None:
    """Call :func:`search_queries` with the number of dimensions as a type."""
    dims = (0,) * tree.points.shape[1]
    points, groups, rows, ranks, plan, row_out, squared_out = arguments
    search_queries(tree, points, groups, rows, ranks, plan, dims, row_out, squared_out)


def usable_cores() -> int:
    """Cores that this process may run on (or ``NUMBA_NUM_THREADS``)."""
    return numba.config.NUMBA_NUM_THREADS
