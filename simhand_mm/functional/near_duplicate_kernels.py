"""Compiled search for near-duplicates in one band of the keys (numba).

Arrays of a band: ``keys`` and ``rows`` by bucket, and ``starts`` of the buckets. ``found_row`` and
``found_distance`` ``[Q, M]`` are updated in place.
"""

import numpy as np

from simhand_mm.functional.compiled import jit
from simhand_mm.functional.near_duplicates import WORDS


@jit(nogil=True, forceinline=True)
def _popcount(x):
    """Bits that are set; LLVM makes one instruction of it."""
    x = x - ((x >> np.uint64(1)) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((x * np.uint64(0x0101010101010101)) >> np.uint64(56))


@jit(nogil=True)
def search_band(
    keys, rows, starts, hashes, groups, queries, slots, band, limits, found_row, found_distance
):
    """Look at the buckets of some queries and keep what is near."""
    first, num_bits = band
    max_key_distance, max_distance = limits
    mask = np.uint64(2**num_bits - 1)
    for slot in slots:
        key = queries[slot, 0]
        value = np.int64((key >> np.uint64(first)) & mask)
        for flip in range(-1, num_bits):
            bucket = value if flip < 0 else value ^ (1 << flip)
            for i in range(starts[bucket], starts[bucket + 1]):
                if _popcount(keys[i] ^ key) > max_key_distance:
                    continue
                row = rows[i]
                if groups[row] == groups[slot]:
                    continue
                distance = np.int64(0)
                for word in range(WORDS):
                    distance += _popcount(hashes[row, word] ^ queries[slot, word])
                if distance <= max_distance:
                    _keep(row, distance, groups, found_row[slot], found_distance[slot])


@jit(nogil=True)
def _keep(row, distance, groups, found_row, found_distance):
    """Put a match into the list of a query: one of each group, the nearest, else the lower row."""
    replaced = -1
    for j in range(len(found_row)):
        if found_row[j] >= 0 and groups[found_row[j]] == groups[row]:
            replaced = j
            break
        if replaced < 0 or _is_nearer(
            found_distance[replaced], found_row[replaced], found_distance[j], found_row[j]
        ):
            replaced = j
    if _is_nearer(distance, row, found_distance[replaced], found_row[replaced]):
        found_row[replaced], found_distance[replaced] = row, distance


@jit(nogil=True, forceinline=True)
def _is_nearer(distance_a, row_a, distance_b, row_b):
    return distance_a < distance_b or (distance_a == distance_b and row_a < row_b)
