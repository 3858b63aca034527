"""A look at mined pairs: how far the positives are, and what they look like."""

from pathlib import Path

import numpy as np

from simhand_mm.options import Out, PairsName, Pool
from simhand_mm.pool import HandPairs, HandPool, load_pairs
from simhand_mm.visualization.contact_sheet import (
    choose_queries,
    save_sheet_image,
    sheet_html,
    sheet_image,
)
from simhand_mm.visualization.number_format import decimals
from simhand_mm.visualization.page import Page

# The columns of Figure 2 of SiMHand, and the nearest two beside them.
SHEET_RANKS = (1, 2, 3, 10, 50, 100)
_QUANTILES = (0.05, 0.5, 0.95)


def write_pairs_report(
    pool_dir: Pool,
    /,
    name: PairsName = "similar",
    out: Out = Path("pairs.html"),
    png: Path | None = None,
    num_queries: int = 12,
    seed: int = 0,
    keypoints: bool = False,
) -> Path:
    """Write the page that shows pairs, and the contact sheet as PNG where asked; returns the page.

    Args:
        pool_dir: Pool folder.
        name: Name of the pairs, see simhand mine --name.
        out: HTML file to write.
        png: PNG file to write the sheet to as well.
        num_queries: Rows of the sheet.
        seed: Chooses the queries.
        keypoints: Draw the keypoints over the hands.
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
    """Add the distances of each rank and where its hands come from."""
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
    """Cells of one rank: pairs, distances with so many decimals, share of own video, of hands."""
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
    """Add the sheet query | Top-1 | Top-2 | ... for some queries."""
    if not len(queries):
        page.paragraph("No hand has a positive.")
        return
    page.figure(
        sheet_html(pool, pairs, queries, shown_ranks(pairs), with_keypoints),
        f"{len(queries)} random queries of {len(pool):,} hands and their neighbours by rank, with "
        f"the distance d ({pairs.metric}) and the video. All hands are shown as right hands.",
    )


def shown_ranks(pairs: HandPairs) -> list[int]:
    """The ranks of the paper's figure that were mined; else the first ones that were."""
    mined = pairs.ranks.tolist()
    return [rank for rank in SHEET_RANKS if rank in mined] or mined[: len(SHEET_RANKS)]
