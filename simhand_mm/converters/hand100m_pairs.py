"""Convert the positives released with Hand100M to pairs of a pool.

Axes: N hands of the pool, K positives.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Literal, TypeAlias

import numpy as np

from simhand_mm.converters.hand100m_annotations import Annotation
from simhand_mm.pool import HandPairs, HandPool

Rule: TypeAlias = Literal["similar", "temporal"]


def check_positives(
    annotations: Sequence[Annotation], rule: Rule, ranks: Sequence[int] | None
) -> np.ndarray:
    """Check that positives are of the given kind, and return their ranks.

    Args:
        annotations: All hands.
        rule: Kind of the positives.
        ranks: Neighbour rank of each positive of a hand (default: 1, 2, ...).

    Returns:
        ``[K]`` int32.

    Raises:
        ValueError: If the number of positives differs from that of ``ranks``, or most positives
            are of the other kind.
    """
    num_ranks = max((len(hand.positives) for hand in annotations), default=0)
    ranks = range(1, num_ranks + 1) if ranks is None else ranks
    if len(ranks) != num_ranks:
        raise ValueError(
            f"ranks must have one number per positive of a hand, {num_ranks}, but got "
            f"{list(ranks)}. Correct --ranks."
        )
    videos = [(h.picture.video_id, other) for h in annotations for other in h.positives if other]
    # An id starts with its video.
    num_inside = sum(other.startswith(f"{video_id}/") for video_id, other in videos)
    expected = {"similar": 0, "temporal": len(videos)}[rule]
    if abs(num_inside - expected) > len(videos) / 2:
        other_rule = "temporal" if rule == "similar" else "similar"
        raise ValueError(
            f"rule must fit the positives, but with {rule!r} {num_inside} of {len(videos)} are "
            f"hands of the same video. Import them with --rule {other_rule}."
        )
    return np.array(ranks, dtype=np.int32)


def to_pairs(
    pool: HandPool, annotations: Sequence[Annotation], rule: str, ranks: np.ndarray
) -> HandPairs:
    """Convert released positives to rows of the pool; -1 if a positive is not in the pool.

    Args:
        pool: The pool of the annotated hands.
        annotations: All hands.
        rule: Kind of the positives.
        ranks: ``[K]``, see :func:`check_positives`.
    """
    index = np.full((len(pool), len(ranks)), -1, dtype=np.int32)
    distance = np.full((len(pool), len(ranks)), np.inf, dtype=np.float32)
    rows = pool.rows_of([hand.hand_id for hand in annotations])
    # Look all positives up in one call: one call per id would take hours.
    positives = iter(pool.rows_of([other for hand in annotations for other in hand.positives]))
    for row, hand in zip(rows, annotations, strict=True):
        found = list(islice(positives, len(hand.positives)))
        if row >= 0:
            index[row, : len(found)] = found
            distance[row, : len(found)] = hand.distances
    distance[index < 0] = np.inf
    return HandPairs(
        positive_index=index,
        distance=distance,
        ranks=ranks,
        rule=rule,
        metric="as released with Hand100M",
        pool_fingerprint=pool.fingerprint,
        info={"num_hands_without_positive": int((index < 0).all(axis=1).sum())},
    )
