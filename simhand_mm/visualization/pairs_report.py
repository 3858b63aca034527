"""Report on mined pairs: distances of the positives, and a contact sheet."""

from pathlib import Path
from typing import Annotated

import numpy as np

from simhand_mm.options import Html, Out, PairsName, Pool
from simhand_mm.pool import HandPairs, HandPool, load_pairs
from simhand_mm.visualization.contact_sheet import (
    choose_queries,
    save_sheet_image,
    sheet_html,
    sheet_image,
)
from simhand_mm.visualization.number_format import decimals
from simhand_mm.visualization.page import Page

# The columns of Figure 2 of SiMHand, plus the two nearest neighbours.
SHEET_RANKS = (1, 2, 3, 10, 50, 100)
_QUANTILES = (0.05, 0.5, 0.95)


def write_pairs_report(
    pool_dir: Pool,
    /,
    name: PairsName = "similar",
    out: Annotated[Out, Html] = Path("pairs.html"),
    png: Path | None = None,
    num_queries: int = 12,
    seed: int = 0,
    keypoints: bool = False,
) -> Path:
    """Write an HTML report on mined pairs, optionally with the contact sheet as PNG.

    Args:
        pool_dir: Pool folder.
        name: Name of the pairs file, see simhand mine --name.
        out: HTML file to write.
        png: PNG file for the contact sheet; not written by default.
        num_queries: Number of rows of the contact sheet.
        seed: Seed for the choice of the queries.
        keypoints: Draw the keypoints on the hands.

    Returns:
        The HTML file.
    """
    pool = HandPool(pool_dir)
    pairs = load_pairs(pool_dir, name, pool)
    queries = choose_queries(pairs, num_queries, seed)
    page = Page(f"Pairs “{name}”", f"{pool.root} · rule: {pairs.rule}")
    page.heading("Distances")
    add_rank_statistics(page, pool, pairs)
    page.heading("Queries and their positives")
    add_contact_sheet(page, pool, pairs, queries, keypoints)
    if png is not None:
        ranks = shown_ranks(pairs)
        save_sheet_image(sheet_image(pool, pairs, queries, ranks, keypoints), png)
    return page.save(out)


def add_rank_statistics(page: Page, pool: HandPool, pairs: HandPairs) -> None:
    """Add a table of the distances and the origin of the positives, by rank."""
    columns = zip(pairs.ranks, pairs.positive_index.T, pairs.distance.T, strict=True)
    found = pairs.distance[np.isfinite(pairs.distance)]
    places = decimals(np.quantile(found, _QUANTILES[0])) if len(found) else 0
    rows = [
        (f"{rank}", *_rank_cells(pool, positive, distance, places))
        for rank, positive, distance in columns
    ]
    page.table(
        ("rank", "queries", "5%", "median", "95%", "same video", "hands used as positive"),
        rows,
        f"Distance ({pairs.metric}) between query and positive by neighbour rank, over "
        f"{len(pairs.positive_index):,} hands.",
    )


def _rank_cells(
    pool: HandPool, positive_index: np.ndarray, distance: np.ndarray, places: int
) -> list[str]:
    """Return the cells of one rank: pairs, distances, share of own video, share of the hands.

    ``places`` is the number of decimals of the distances.
    """
    found = np.flatnonzero(positive_index >= 0)
    if not len(found):
        return ["0", *["–"] * (len(_QUANTILES) + 2)]
    positives = positive_index[found]
    same_video = (pool.video_index[found] == pool.video_index[positives]).mean()
    return [
        f"{len(found):,}",
        *(f"{quantile:,.{places}f}" for quantile in np.quantile(distance[found], _QUANTILES)),
        f"{same_video:.1%}",
        f"{len(np.unique(positives)) / len(pool):.1%}",
    ]


def add_contact_sheet(
    page: Page, pool: HandPool, pairs: HandPairs, queries: np.ndarray, with_keypoints: bool
) -> None:
    """Add the contact sheet (query, Top-1, Top-2, ...) of the given queries."""
    if not len(queries):
        page.paragraph("No hand has a positive.")
        return
    page.figure(
        sheet_html(pool, pairs, queries, shown_ranks(pairs), with_keypoints),
        f"{len(queries)} random queries out of {len(pool):,} hands and their neighbours by rank, "
        f"with distance d ({pairs.metric}) and video. All hands are shown as right hands.",
    )


def shown_ranks(pairs: HandPairs) -> list[int]:
    """Return the mined ranks among those of the paper's figure; without any, the first ranks."""
    mined = pairs.ranks.tolist()
    return [rank for rank in SHEET_RANKS if rank in mined] or mined[: len(SHEET_RANKS)]
