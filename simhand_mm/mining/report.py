"""Report of a mining run: statistics of the pairs, and their verification.

Axes: N hands, R ranks.
"""

from typing import Any

import numpy as np

from simhand_mm.functional.neighbors import NeighborIndex, brute_force_in_other_groups
from simhand_mm.pool import HandPairs, HandPool

_MAX_DUPLICATE_SHARE = 0.01
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def summarize_pairs(pool: HandPool, pairs: HandPairs) -> dict[str, Any]:
    """Compute statistics of pairs, per rank.

    ``in_degree`` is the number of queries that have a hand as positive. A high maximum means that
    many hands share one positive, usually because of bad keypoints. ``zero_share`` is the fraction
    of positives at distance 0, i.e. the same footage under two names.

    Args:
        pool: The pool.
        pairs: Pairs of the pool, mined by any rule.

    Returns:
        A dictionary for JSON with ``rule``, ``metric``, ``num_hands``, ``num_videos``, and the
        statistics of each rank in ``ranks``.
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
    """Compare the answers of random queries with brute force in float64.

    Args:
        pairs: The mined pairs.
        embeddings: ``[N, D]`` float32.
        groups: ``[N]``.
        num_queries: Number of queries to compare.
        seed: Seed that selects them.

    Returns:
        ``num_queries``; ``num_equal``, the number of queries with equal answers at every rank;
        ``recall``, the fraction of all answers at an equal distance.
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
    """Fraction of random queries whose nearest other hand is of the same group.

    Shows why positives must be of other groups.

    Args:
        embeddings: ``[N, D]`` float32.
        groups: ``[N]``.
        num_queries: Number of queries.
        seed: Seed that selects them.
    """
    rng = np.random.default_rng(seed)
    usable = np.flatnonzero(np.isfinite(embeddings).all(axis=1))
    rows = np.sort(rng.choice(usable, min(num_queries, len(usable)), replace=False))
    nearest = NeighborIndex(embeddings, np.arange(len(groups))).search(rows, np.array([1]))[0][:, 0]
    found = nearest >= 0
    return float((groups[rows] == groups[nearest])[found].mean()) if found.any() else 0.0


def format_report(report: dict[str, Any]) -> str:
    """Format the report as text."""
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
    return "\n".join([*lines, "", *_remarks(report), *_shortage_warnings(report)])


def _shortage_warnings(report: dict[str, Any]) -> list[str]:
    """Name the ranks at which hands have no positive, and why; training drops these hands."""
    reasons = {
        "similar": "a hand has a positive of rank n if other videos (or groups, with --group-by) "
        "have n hands with usable keypoints; mine smaller ranks, or prepare more videos",
        "temporal": "a hand has a positive if its video has a hand of the same side in another "
        "frame that is near enough; allow a larger --max-gap-s, or prepare with a higher --fps",
    }
    num_hands = report["num_hands"]
    few = [
        f"rank {row['rank']}: {row['num_pairs']} of {num_hands}"
        for row in report["ranks"]
        if 2 * row["num_pairs"] < num_hands
    ]
    reason = reasons.get(report["rule"], "prepare more videos")
    return [f"WARNING: few hands have a positive ({', '.join(few)}); {reason}"] if few else []


def _remarks(report: dict[str, Any]) -> list[str]:
    """Lines of the report that exist for similar hands only."""
    if "verification" not in report:
        return []
    checked = report["verification"]
    return [
        f"{report['num_dims']} dimensions explain {report['explained_variance']:.2%} of the "
        "keypoints' variance",
        f"{report['num_unusable']} hands have no usable keypoints and are in no pair",
        f"{report['same_group_share']:.1%} of hands have their nearest hand in the same "
        f"{report['group_by'].removesuffix('_id')}, which is excluded",
        f"{checked['num_equal']} of {checked['num_queries']} random queries have the same answers "
        f"as brute force in float64 (recall {checked['recall']:.4f})",
        *_duplicates_remark(report),
    ]


def _duplicates_remark(report: dict[str, Any]) -> list[str]:
    """Report the share of pairs that show the same footage, and what to do if it is large."""
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
