"""What a mining run found, and whether it is right.

Axes: N hands, R ranks.
"""

from typing import Any

import numpy as np

from simhand_mm.functional.neighbors import NeighborIndex, brute_force_in_other_groups
from simhand_mm.pool import HandPairs, HandPool

_MAX_DUPLICATE_SHARE = 0.01
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def summarize_pairs(pool: HandPool, pairs: HandPairs) -> dict[str, Any]:
    """Figures of any pairs, per rank.

    ``in_degree`` is how often a hand is chosen: a high maximum means that many hands share one
    positive, which bad keypoints cause. ``zero_share`` counts positives at distance 0: the same
    footage under two names.
    """
    columns = zip(pairs.ranks, pairs.positive_index.T, pairs.distance.T, strict=True)
    return {
        "rule": pairs.rule,
        "metric": pairs.metric,
        "num_hands": len(pool),
        "num_videos": len(pool.video_ids),
        "ranks": [
            {"rank": int(rank), **_summarize_rank(pool, positive, distance)}
            for rank, positive, distance in columns
        ],
    }


def _summarize_rank(pool: HandPool, positive: np.ndarray, distance: np.ndarray) -> dict[str, Any]:
    query = np.flatnonzero(positive >= 0)
    positive, distance = positive[query], distance[query]
    if not len(query):
        return {"num_pairs": 0}
    in_degree = np.bincount(positive, minlength=len(pool))
    same_source = pool.source_index[query] == pool.source_index[positive]
    return {
        "num_pairs": len(query),
        "distance": dict(
            zip(map(str, QUANTILES), np.quantile(distance, QUANTILES).tolist(), strict=True)
        ),
        "zero_share": float((distance == 0).mean()),
        "same_source_share": float(same_source.mean()),
        "same_video_share": float((pool.video_index[query] == pool.video_index[positive]).mean()),
        "in_degree_max": int(in_degree.max()),
        "never_chosen_share": float((in_degree == 0).mean()),
    }


def verify_pairs(
    pairs: HandPairs, embeddings: np.ndarray, groups: np.ndarray, num_queries: int, seed: int
) -> dict[str, Any]:
    """Compare random queries with a float64 brute force.

    Returns:
        ``num_queries``; ``num_equal``, queries whose rows are equal at every rank; ``recall``,
        share of all answers at an equal distance.
    """
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(len(groups), min(num_queries, len(groups)), replace=False))
    index, distance = brute_force_in_other_groups(embeddings, groups, rows, pairs.ranks)
    is_equal = (index == pairs.positive_index[rows]) & (distance == pairs.distance[rows])
    return {
        "num_queries": len(rows),
        "num_equal": int(is_equal.all(axis=1).sum()),
        "recall": float((distance == pairs.distance[rows]).mean()) if len(rows) else 1.0,
    }


def same_group_share(
    embeddings: np.ndarray, groups: np.ndarray, num_queries: int, seed: int
) -> float:
    """Share of queries whose nearest other hand is of their own group: why the rule is needed."""
    rng = np.random.default_rng(seed)
    usable = np.flatnonzero(np.isfinite(embeddings).all(axis=1))
    rows = np.sort(rng.choice(usable, min(num_queries, len(usable)), replace=False))
    nearest = NeighborIndex(embeddings, np.arange(len(groups))).search(rows, np.array([1]))[0][:, 0]
    found = nearest >= 0
    return float((groups[rows] == groups[nearest])[found].mean()) if found.any() else 0.0


def format_report(report: dict[str, Any]) -> str:
    """The report as text."""
    lines = [
        f"{report['rule']} pairs of {report['num_hands']} hands of {report['num_videos']} videos, "
        f"distance: {report['metric']}",
        "",
        "  rank     pairs  5 %     25 %    median  75 %    95 %    d=0      same source  "
        "max in-degree  never chosen",
    ]
    for row in report["ranks"]:
        if not row["num_pairs"]:
            lines.append(f"{row['rank']:6d} {0:9d}")
            continue
        quantiles = "  ".join(f"{value:.4f}" for value in row["distance"].values())
        lines.append(
            f"{row['rank']:6d} {row['num_pairs']:9d}  {quantiles}  {row['zero_share']:7.3%}  "
            f"{row['same_source_share']:11.1%}  {row['in_degree_max']:13d}  "
            f"{row['never_chosen_share']:12.1%}"
        )
    return "\n".join([*lines, "", *_remarks(report)])


def _remarks(report: dict[str, Any]) -> list[str]:
    """The part of the report that only similar hands have."""
    if "verification" not in report:
        return []
    checked = report["verification"]
    return [
        f"{report['num_dims']} dimensions explain {report['explained_variance']:.2%} of the "
        "keypoints' variance",
        f"{report['num_unusable']} hands have no usable keypoints: no positive, and never one",
        f"without the rule, the nearest hand of {report['same_group_share']:.1%} would be of the "
        f"same {report['group_by'].removesuffix('_id')}",
        f"{checked['num_equal']} of {checked['num_queries']} random queries are equal to a float64 "
        f"brute force (recall {checked['recall']:.4f})",
        *_remark_on_duplicates(report),
    ]


def _remark_on_duplicates(report: dict[str, Any]) -> list[str]:
    """Say how many pairs show the same footage, and what to do if they are many."""
    compared = report.get("near_duplicates")  # reports of older versions have none
    if not compared or not compared["num_compared"]:
        return []
    rank = report["ranks"][0]["rank"]
    text = (
        f"{compared['share']:.1%} of {compared['num_compared']} random Top-{rank} pairs are "
        "near-duplicate images"
    )
    if compared["share"] <= _MAX_DUPLICATE_SHARE:
        return [text]
    return [
        f"WARNING: {text}: videos share footage. Run simhand find-duplicates POOL -o "
        "duplicates.csv, and mine again with --group-by duplicates.csv"
    ]
