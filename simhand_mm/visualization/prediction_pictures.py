"""Ground truth and the predictions of several models side by side, in the picture and in 3D."""

from collections.abc import Mapping

import cv2
import numpy as np

from simhand_mm.functional import affine
from simhand_mm.functional.boxes import square_box
from simhand_mm.visualization.drawing import (
    draw_hand,
    draw_hand_3d,
    fit_view,
    image_or_placeholder,
    transparent,
)
from simhand_mm.visualization.page import picture, picture_grid
from simhand_mm.visualization.predictions import Comparison

_PAGE_PX = 1108  # width of all columns together
_SHOWN_PX = (140, 330)  # width of a column, at least and at most
_CONTEXT = 1.35  # side of the picture over that of the hand's box


def comparison_html(comparison: Comparison, samples: Mapping[str, int]) -> str:
    """A row a sample: ground truth, then each model, over the picture and in two 3D views.

    Args:
        comparison: All samples.
        samples: Name of a row -> which sample.

    Raises:
        FileNotFoundError: If a picture cannot be read.
    """
    models = list(comparison.pred_3d)
    shown_px = int(np.clip(_PAGE_PX // (len(models) + 1) - 6, *_SHOWN_PX))
    rows = [_row(comparison, name, sample, shown_px) for name, sample in samples.items()]
    return picture_grid(["ground truth", *models], rows)


def _row(comparison: Comparison, name: str, sample: int, shown_px: int) -> list[str]:
    target = comparison.target_3d[sample]
    crop, crop_from_image = _crop(comparison, sample, 2 * shown_px)
    hands_of_row = [hands[sample] for hands in comparison.pred_3d.values()]
    center, extent_mm = fit_view(target, *hands_of_row)

    def cell(points: np.ndarray, hand: np.ndarray, reference: np.ndarray | None, text: str) -> str:
        moved = affine.apply(crop_from_image, points.astype(np.float64))
        views = _views(hand, center, extent_mm, reference, shown_px)
        return picture(draw_hand(crop, moved), size=shown_px) + picture(
            views, text, shown_px, kind="png", style="drawing"
        )

    text = f"{name}: {comparison.sample_ids[sample]}\nviews {extent_mm:.0f} mm wide"
    cells = [cell(comparison.target_2d[sample], target, None, text)]
    for model, hands in comparison.pred_3d.items():
        text = f"error {comparison.error_mm[model][sample]:.1f} mm"
        cells.append(cell(comparison.pred_2d[model][sample], hands[sample], target, text))
    return cells


def _crop(comparison: Comparison, sample: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    """The surroundings of the hand, ``[side, side, 3]``, and the map to them, ``[2, 3]``."""
    path = comparison.image_paths[sample]
    if not path.is_file():
        raise FileNotFoundError(f"image_path must exist, but {path} does not. Correct data_root.")
    image = image_or_placeholder(path.read_bytes(), str(path))
    box = square_box(comparison.bbox_xyxy[sample], _CONTEXT)
    crop_from_image = affine.box_to_image_affine(box, (side, side))
    crop = cv2.warpAffine(
        image, crop_from_image, (side, side), flags=cv2.INTER_CUBIC, borderValue=(128, 128, 128)
    )
    return crop, crop_from_image


def _views(
    pose: np.ndarray,
    center: np.ndarray,
    extent_mm: float,
    reference: np.ndarray | None,
    side: int,
) -> np.ndarray:
    """Front and side view, side by side; BGRA."""
    on_white, on_black = (
        np.concatenate(
            [
                draw_hand_3d(pose, view, side, extent_mm, center, reference, background)
                for view in ("front", "side")
            ],
            axis=1,
        )
        for background in (255, 0)
    )
    return transparent(on_white, on_black)
