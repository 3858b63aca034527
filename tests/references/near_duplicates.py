"""Slow reference of the search for near-duplicates: every pair of hashes, bit by bit."""

import numpy as np


def bits_of(words):
    """The bits of each row of words, ``[N, 64 W]``."""
    return np.array([[int(word) >> bit & 1 for word in row for bit in range(64)] for row in words])


def find(hashes, groups, queries, max_distance, max_key_distance, max_matches):
    """Rows and distances of the nearest hash of each other group; -1 and 257 where none."""
    bits, asked = bits_of(hashes), bits_of(queries)
    row = np.full((len(hashes), max_matches), -1)
    distance = np.full((len(hashes), max_matches), 257)
    for query in range(len(hashes)):
        best = {}
        for other in range(len(hashes)):
            different = bits[other] != asked[query]
            if groups[other] == groups[query] or different[:64].sum() > max_key_distance:
                continue
            if different.sum() <= max_distance:
                found = (different.sum(), other)
                best[groups[other]] = min(best.get(groups[other], found), found)
        for place, (bits_apart, other) in enumerate(sorted(best.values())[:max_matches]):
            row[query, place], distance[query, place] = other, bits_apart
    return row, distance
