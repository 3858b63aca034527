"""Contact sheets of mined pairs: query, Top-1, Top-2, ..., as in Figures 2 and 8 of SiMHand."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from simhand_mm.pool import HandPairs, HandPool, atomic_path
from simhand_mm.visualization.hands import hand_html, hand_image
from simhand_mm.visualization.number_format import significant
from simhand_mm.visualization.page import image_grid

_SHOWN_PX = 152


@dataclass(frozen=True)
class SheetCell:
    """One cell of a contact sheet.

    Attributes:
        row: Row of the pool; -1 if there is no such neighbour.
        distance: Distance to the query, in the unit of the pairs; None for the query.
    """

    row: int
    distance: float | None = None


def choose_queries(pairs: HandPairs, num_queries: int, seed: int) -> np.ndarray:
    """Choose random pool rows that have a positive, sorted, ``[<= num_queries]``."""
    candidates = np.flatnonzero((pairs.positive_index >= 0).any(axis=1))
    count = min(num_queries, len(candidates))
    return np.sort(np.random.default_rng(seed).choice(candidates, count, replace=False))


def sheet_cells(pairs: HandPairs, queries: np.ndarray, ranks: list[int]) -> list[list[SheetCell]]:
    """Return the query and its neighbours for each row of a sheet.

    Raises:
        ValueError: If a rank was not mined.
    """
    columns = [pairs.column_of_rank(rank) for rank in ranks]
    return [
        [SheetCell(int(query))]
        + [
            SheetCell(int(pairs.positive_index[query, c]), float(pairs.distance[query, c]))
            for c in columns
        ]
        for query in queries
    ]


def sheet_header(pairs: HandPairs, ranks: list[int]) -> list[str]:
    """Return the column headings of a sheet."""
    name = "Top-{}" if pairs.rule == "similar" else pairs.rule + " {}"
    return ["Query", *(name.format(rank) for rank in ranks)]


def sheet_html(
    pool: HandPool,
    pairs: HandPairs,
    queries: np.ndarray,
    ranks: list[int],
    with_keypoints: bool = False,
) -> str:
    """Return the sheet as HTML; distance and video are printed below each image."""
    rows = [
        [
            hand_html(pool, cell.row, label, _SHOWN_PX, with_keypoints) if cell.row >= 0 else "none"
            for cell, label in ((cell, "\n".join(_labels(pool, cell))) for cell in cells)
        ]
        for cells in sheet_cells(pairs, queries, ranks)
    ]
    return image_grid(sheet_header(pairs, ranks), rows)


def sheet_image(
    pool: HandPool,
    pairs: HandPairs,
    queries: np.ndarray,
    ranks: list[int],
    with_keypoints: bool = False,
    tile_px: int = 224,
) -> np.ndarray:
    """Return the sheet as one image for a paper, ``[H, W, 3]`` uint8, BGR, on white."""
    gap, head, label = tile_px // 16, tile_px // 6, tile_px // 3
    font = ImageFont.load_default(tile_px / 12)
    cells = sheet_cells(pairs, queries, ranks)
    width = (len(ranks) + 1) * (tile_px + gap) + gap
    sheet = Image.new("RGB", (width, head + len(cells) * (tile_px + label) + gap), "white")
    pen = ImageDraw.Draw(sheet)
    for column, title in enumerate(sheet_header(pairs, ranks)):
        pen.text((gap + column * (tile_px + gap), head / 4), title, "black", font)
    for line, row in enumerate(cells):
        for column, cell in enumerate(row):
            x, y = gap + column * (tile_px + gap), head + line * (tile_px + label)
            if cell.row >= 0:
                hand = hand_image(pool, cell.row, tile_px, with_keypoints)
                sheet.paste(Image.fromarray(hand[..., ::-1]), (x, y))
            for number, text in enumerate(_labels(pool, cell)):
                place = (x, y + tile_px + 2 + number * tile_px / 9)
                pen.text(place, _fit(text, font, tile_px), "#555555", font)
    return np.ascontiguousarray(np.asarray(sheet)[..., ::-1])


def save_sheet_image(image: np.ndarray, path: str | Path) -> Path:
    """Write a sheet as PNG atomically; return the path."""
    path = Path(path)
    with atomic_path(path) as temporary:
        temporary.write_bytes(cv2.imencode(".png", image)[1].tobytes())
    return path


def _labels(pool: HandPool, cell: SheetCell) -> list[str]:
    if cell.row < 0:
        return ["none"]
    video_id = pool.value(cell.row, "video_id")
    first = (
        f"{pool.time_s[cell.row]:.1f} s"
        if cell.distance is None
        else f"d = {significant(cell.distance)}"
    )
    return [first, video_id]


def _fit(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: float) -> str:
    """Shorten a text in the middle until it is at most ``width`` px wide."""
    shown, keep = text, len(text)
    while font.getlength(shown) > width and keep > 2:
        keep -= 1
        shown = text[: (keep + 1) // 2] + "…" + text[len(text) - keep // 2 :]
    return shown
