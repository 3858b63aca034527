"""Report on a hand pool: statistics, reasons for dropped data, and example hands."""

from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simhand_mm.options import Html, Out, Pool
from simhand_mm.pool import HandPool
from simhand_mm.pool.files import explaining_damage
from simhand_mm.visualization.charts import histogram
from simhand_mm.visualization.hands import hand_html
from simhand_mm.visualization.page import Page, gallery

_NUM_NAMED = 20  # videos named in the text


def write_pool_report(
    pool_dir: Pool,
    /,
    out: Annotated[Out, Html] = Path("pool.html"),
    num_hands: int = 48,
    seed: int = 0,
) -> Path:
    """Write an HTML report on a hand pool.

    Args:
        pool_dir: Pool folder.
        out: HTML file to write.
        num_hands: Number of hands in each gallery.
        seed: Seed for the choice of random hands.

    Returns:
        The HTML file.
    """
    pool = HandPool(pool_dir)
    page = Page("Hand pool", f"{pool.root} · fingerprint {pool.fingerprint[:12]}")
    page.heading("Contents of the pool")
    add_pool_statistics(page, pool)
    page.heading("Dropped data")
    add_drop_reasons(page, pool)
    if len(pool):
        page.heading("Hands")
        add_random_hands(page, pool, num_hands, seed)
        add_worst_hands(page, pool, num_hands)
    return page.save(out)


def add_pool_statistics(page: Page, pool: HandPool) -> None:
    """Add counts and the distributions of sizes and scores."""
    if not len(pool):
        page.note("The pool is empty: no hand was kept. The reasons are listed below.")
        return
    per_video = hands_per_video(pool)
    num_left = int((pool.handedness_index == 0).sum())
    rows = [
        ("Hands", f"{len(pool):,}"),
        ("Videos with hands", f"{len(per_video):,}"),
        ("Sources", ", ".join(pool.sources)),
        ("Left / right hands", f"{num_left:,} / {len(pool) - num_left:,}"),
        ("Hands per video: median (min to max)", _spread(per_video)),
        ("Stored crops", f"{pool.crop_size} × {pool.crop_size} px"),
    ]
    page.table((), rows, "Statistics of the pool. Left hands are stored mirrored.")
    sizes = (pool.bbox_xyxy[:, 2:] - pool.bbox_xyxy[:, :2]).max(axis=1)
    charts = (
        histogram(per_video, "Hands per video", "hands", y_label="videos"),
        histogram(sizes, "Hand size", "longer side of the box, px"),
        histogram(pool.bbox_score, "Detection score", "score"),
        histogram(pool.keypoint_score.mean(axis=1), "Keypoint score", "mean over keypoints"),
    )
    page.charts(
        charts,
        f"Distributions over {len(pool):,} hands of {len(per_video):,} videos.",
    )


def add_drop_reasons(page: Page, pool: HandPool) -> None:
    """Add a table of the reasons for dropped data."""
    counts = drop_counts(pool)
    if not counts:
        page.paragraph("Nothing was dropped.")
        return
    total = sum(count for _, _, count, _ in counts)
    rows = [
        (f"{stage}: {reason}", f"{count:,}", f"{count / total:.1%}", f"{num_videos:,}")
        for stage, reason, count, num_videos in counts
    ]
    page.table(
        ("stage: reason", "dropped", "share", "videos affected"),
        rows,
        f"Reasons why frames, hands or whole videos were dropped: {total:,} dropped, "
        f"{len(pool):,} hands kept.",
    )
    if empty := videos_without_hands(pool):
        named = ", ".join(empty[:_NUM_NAMED])
        more = f", and {len(empty) - _NUM_NAMED:,} more" if len(empty) > _NUM_NAMED else ""
        page.paragraph(f"Videos without any hand: {len(empty):,} ({named}{more}).")


def add_random_hands(page: Page, pool: HandPool, num_hands: int, seed: int) -> None:
    """Add a gallery of random hands with their keypoints."""
    count = min(num_hands, len(pool))
    rows = np.sort(np.random.default_rng(seed).choice(len(pool), count, replace=False))
    page.figure(
        gallery(_labelled_hand(pool, row) for row in rows),
        f"{count} random hands of {len(pool):,} (seed {seed}) with the estimated keypoints. "
        "Labels: video, time, handedness (m: mirrored), detection score, keypoint score.",
    )


def add_worst_hands(page: Page, pool: HandPool, num_hands: int) -> None:
    """Add a gallery of the hands whose keypoints have the lowest scores."""
    count = min(num_hands, len(pool))
    scores = (
        pool.keypoint_score.mean(axis=1) + 1e-3 * pool.bbox_score
    )  # the detection score breaks ties
    rows = np.argsort(scores, kind="stable")[:count]
    page.figure(
        gallery(_labelled_hand(pool, row) for row in rows),
        f"The {count} hands with the lowest keypoint scores, worst first. Labels as above.",
    )


def _labelled_hand(pool: HandPool, row: int) -> str:
    side = pool.value(row, "handedness")
    score = float(pool.keypoint_score[row].mean())
    label = (
        f"{pool.value(row, 'video_id')}\n"
        f"{pool.time_s[row]:.1f} s, {side}{' (m)' if pool.is_mirrored[row] else ''}\n"
        f"{pool.bbox_score[row]:.2f}, {score:.2f}"
    )
    return hand_html(pool, row, label, with_keypoints=True)


def hands_per_video(pool: HandPool) -> np.ndarray:
    """Return the number of hands of each video with at least one hand, ``[V]``."""
    return np.bincount(pool.video_index, minlength=len(pool.video_ids))


def videos_without_hands(pool: HandPool) -> list[str]:
    """Return the IDs of the videos with dropped data and no hand in the pool."""
    path = pool.root / "drops.parquet"
    if not path.is_file():
        return []
    dropped = _read_drops(path, "video_id")["video_id"].unique().to_pylist()
    return sorted(set(dropped) - set(pool.video_ids))


def drop_counts(pool: HandPool) -> list[tuple[str, str, int, int]]:
    """Return stage, reason, number of drops and of affected videos, most frequent first."""
    path = pool.root / "drops.parquet"
    if not path.is_file():
        return []
    table = _read_drops(path, "stage", "reason", "video_id")
    grouped = table.group_by(["stage", "reason"]).aggregate(
        [([], "count_all"), ("video_id", "count_distinct")]
    )
    counts = zip(
        *(
            _values(grouped, name)
            for name in ("stage", "reason", "count_all", "video_id_count_distinct")
        ),
        strict=True,
    )
    return sorted(counts, key=lambda entry: (-entry[2], entry[0], entry[1]))


def _read_drops(path: Path, *columns: str) -> pa.Table:
    with explaining_damage(path, "Copy the pool again, or run simhand prepare again."):
        return pq.read_table(path, columns=list(columns))


def _values(table: pa.Table, name: str) -> list:
    return table[name].to_pylist()


def _spread(values: np.ndarray) -> str:
    return f"{np.median(values):,.0f} ({values.min():,} to {values.max():,})"
