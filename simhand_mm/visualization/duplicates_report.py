"""Report on shared footage: the videos concerned, and pairs of near-duplicate hands."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from simhand_mm.pool import HandPool
from simhand_mm.visualization.charts import histogram
from simhand_mm.visualization.hands import hand_html
from simhand_mm.visualization.page import Page, image_grid

_MAX_ROWS = 50  # videos in the table


def write_duplicates_report(
    pool: HandPool,
    path: str | Path,
    hands: tuple[np.ndarray, np.ndarray, np.ndarray],
    videos: tuple[np.ndarray, np.ndarray, np.ndarray],
    summary: Sequence[tuple[str, str]],
    num_pairs: int = 24,
) -> Path:
    """Write an HTML report on near-duplicate hands and videos with shared footage.

    Args:
        pool: The pool.
        path: HTML file to write.
        hands: Rows of the pool ``[P, 2]``, distances ``[P]`` in bits (of 256), and whether the
            hands are mirrored ``[P]``.
        videos: Pairs of videos ``[S, 2]``, number of shared frames ``[S]``, and time offsets
            ``[S]`` in seconds.
        summary: Names and values of the first table.
        num_pairs: Number of pairs of hands to show.

    Returns:
        The HTML file.
    """
    page = Page("Shared footage", f"{pool.root} · fingerprint {pool.fingerprint[:12]}")
    page.heading("Summary")
    page.table(
        (), summary, "Near-duplicate hands of different videos, and the videos that share footage."
    )
    _add_videos(page, pool, *videos)
    if len(hands[0]):
        _add_hands(page, pool, *hands, num_pairs)
    return page.save(path)


def _add_videos(
    page: Page, pool: HandPool, videos: np.ndarray, num_frames: np.ndarray, offset_s: np.ndarray
) -> None:
    page.heading("Videos that share footage")
    if not len(videos):
        page.paragraph("No two videos share footage.")
        return
    order = np.argsort(-num_frames, kind="stable")[:_MAX_ROWS]
    page.table(
        ("video", "shares footage with", "shared frames", "offset, s"),
        [
            (*(pool.video_ids[v] for v in videos[i]), f"{num_frames[i]:,}", f"{offset_s[i]:+.1f}")
            for i in order
        ],
        f"{len(order)} of {len(videos):,} pairs of videos, sorted by the number of shared frames. "
        "Offset: time in the second video minus time in the first video.",
    )


def _add_hands(
    page: Page,
    pool: HandPool,
    rows: np.ndarray,
    distance: np.ndarray,
    is_mirrored: np.ndarray,
    num_pairs: int,
) -> None:
    page.heading("Near-duplicate hands")
    chart = histogram(distance, "Pairs by distance", "differing bits of 256", y_label="pairs")
    page.charts([chart], f"Hash distances of {len(rows):,} pairs of hands.")
    order = np.argsort(distance, kind="stable")
    chosen = order[np.linspace(0, len(order) - 1, min(num_pairs, len(order))).astype(int)]
    cells = [
        (
            *(_hand_html(pool, int(row)) for row in rows[pair]),
            f"{distance[pair]} bits{', mirrored' if is_mirrored[pair] else ''}",
        )
        for pair in chosen
    ]
    page.figure(
        image_grid(("hand", "near-duplicate", "distance"), cells),
        f"{len(chosen)} of {len(rows):,} pairs, at regular intervals from the smallest to the "
        "largest distance.",
    )


def _hand_html(pool: HandPool, row: int) -> str:
    return hand_html(pool, row, f"{pool.value(row, 'video_id')}\n{pool.time_s[row]:.1f} s")
