"""A rule for positives: keep a mined pair only if each hand is a positive of the other.

PYTHONPATH=. python projects/example_project/positives.py POOL --pairs similar --name mutual
"""

import argparse
from dataclasses import replace

import numpy as np

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


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pool", help="pool folder with mined pairs")
    parser.add_argument("--pairs", default="similar", help="name of the mined pairs")
    parser.add_argument("--name", default="mutual", help="name of the new pairs")
    args = parser.parse_args()
    mutual = mutual_pairs(load_pairs(args.pool, args.pairs, HandPool(args.pool)))
    shares = (mutual.positive_index >= 0).mean(axis=0)
    path = save_pairs(args.pool, args.name, mutual)
    kept = ", ".join(f"Top-{r} {s:.0%}" for r, s in zip(mutual.ranks, shares, strict=True))
    print(f"wrote {path}; hands with a mutual positive: {kept}")


if __name__ == "__main__":
    main()
