"""A rule for positives: keep a mined pair only if each hand is a positive of the other.

PYTHONPATH=. python projects/example_project/positives.py POOL --pairs similar --name mutual
"""

from dataclasses import replace

import numpy as np

from simhand_mm.cli import run
from simhand_mm.options import PairsName, Pool
from simhand_mm.pool import HandPairs, HandPool, load_pairs, save_pairs


def mutual_pairs(pairs: HandPairs) -> HandPairs:
    """Keep the mined pairs whose query is among the positives of its positive.

    Args:
        pairs: Mined pairs; with more ranks, more pairs are kept.

    Returns:
        Pairs with the same ranks; -1 and inf where a pair is not mutual.
    """
    positive = pairs.positive_index
    rows = np.arange(len(positive))[:, None, None]
    # Without a positive, row -1 is read; the result is still -1.
    is_mutual = (positive[positive] == rows).any(axis=2) & (positive >= 0)  # [N, K]
    return replace(
        pairs,
        positive_index=np.where(is_mutual, positive, -1),
        distance=np.where(is_mutual, pairs.distance, np.inf),
        rule="mutual",
    )


def main(pool: Pool, /, pairs: PairsName = "similar", name: str = "mutual") -> None:
    """Write the pairs and print how many stay.

    Args:
        pool: Pool folder with mined pairs.
        pairs: Name of the mined pairs.
        name: Name of the new pairs.
    """
    mutual = mutual_pairs(load_pairs(pool, pairs, HandPool(pool)))
    shares = (mutual.positive_index >= 0).mean(axis=0)
    path = save_pairs(pool, name, mutual)
    kept = ", ".join(f"Top-{r} {s:.0%}" for r, s in zip(mutual.ranks, shares, strict=True))
    print(f"wrote {path}; hands with a mutual positive: {kept}")


if __name__ == "__main__":
    run(main, __doc__)
