"""The search for near-duplicates equals a comparison of all pairs."""

import numpy as np
import pytest

from simhand_mm.functional.near_duplicates import find_near_duplicates, hamming_distance
from tests.references import near_duplicates as reference


def flip(hashes, share, rng):
    """Flip each bit with a probability."""
    return hashes ^ np.packbits(rng.random((len(hashes), 256)) < share, axis=1).view(np.uint64)


def random_hashes(count, num_origins, share=0.06, seed=0):
    """Copies of a few hashes, each with some bits flipped."""
    rng = np.random.default_rng(seed)
    origins = rng.integers(0, 2**64, (num_origins, 4), dtype=np.uint64)
    return flip(origins[rng.integers(0, num_origins, count)], share, rng)


@pytest.mark.parametrize("num_threads", [1, 3])
@pytest.mark.parametrize("max_distance, max_key_distance, max_matches", [(48, 9, 8), (20, 4, 2)])
@pytest.mark.parametrize("is_mirrored", [False, True])
def test_equals_the_comparison_of_all_pairs(
    max_distance, max_key_distance, max_matches, is_mirrored, num_threads
):
    hashes = random_hashes(300, 25)
    queries = random_hashes(300, 25)[::-1].copy() if is_mirrored else None
    groups = np.random.default_rng(1).integers(0, 20, 300)
    limits = (max_distance, max_key_distance, max_matches)
    row, distance = find_near_duplicates(
        hashes,
        groups,
        queries,
        max_distance=max_distance,
        max_key_distance=max_key_distance,
        max_matches=max_matches,
        num_threads=num_threads,
    )
    expected = reference.find(hashes, groups, hashes if queries is None else queries, *limits)
    assert (expected[0] >= 0).sum() > 50
    np.testing.assert_array_equal(row, expected[0])
    np.testing.assert_array_equal(distance, expected[1])


@pytest.mark.parametrize("bits", [[0, 1, 2, 3, 4, 5, 6, 7, 8], [0, 12, 13, 26, 39, 40, 52, 63, 51]])
def test_nine_bits_anywhere_in_the_key_are_found(bits):
    """Also where they lie in one band, or spread so that no band is equal."""
    hashes = np.zeros((2, 4), np.uint64)
    hashes[1, 0] = sum(1 << bit for bit in bits)
    row, distance = find_near_duplicates(hashes, np.array([0, 1]), max_distance=9)
    assert row[:, 0].tolist() == [1, 0] and distance[:, 0].tolist() == [9, 9]
    row, _ = find_near_duplicates(hashes, np.array([5, 5]), max_distance=9)
    assert (row < 0).all()


def test_distance_counts_bits():
    a, b = random_hashes(20, 20), random_hashes(20, 20, seed=1)
    expected = (reference.bits_of(a) != reference.bits_of(b)).sum(1)
    np.testing.assert_array_equal(hamming_distance(a, b), expected)


def test_nothing_to_search():
    row, distance = find_near_duplicates(
        np.zeros((0, 4), np.uint64), np.zeros(0, int), max_distance=9
    )
    assert row.shape == distance.shape == (0, 8)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"hashes": np.zeros((3, 4), np.int64)}, "hashes must be uint64"),
        ({"queries": np.zeros((2, 4), np.uint64)}, "queries must be uint64"),
        ({"max_key_distance": 10}, "max_key_distance must be"),
    ],
)
def test_wrong_input_is_refused(change, message):
    usual = {"hashes": np.zeros((3, 4), np.uint64), "groups": np.arange(3), "max_distance": 9}
    with pytest.raises(ValueError, match=message):
        find_near_duplicates(**{**usual, **change})
