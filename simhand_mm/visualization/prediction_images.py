"""Ground truth and predictions of several models, drawn on the image and in 3D views."""

from collections.abc import Mapping

import cv2
import numpy as np

from simhand_mm.functional import affine
from simhand_mm.functional.boxes import square_box
from simhand_mm.visualization.drawing import draw_hand, draw_hand_3d, fit_view
from simhand_mm.visualization.images import image_or_placeholder, transparent
from simhand_mm.visualization.page import image_grid, image_html
from simhand_mm.visualization.predictions import Comparison

_PAGE_PX = 1108  # width of all columns together
_SHOWN_PX = (140, 330)  # smallest and largest width of a column
_CONTEXT = 1.35  # side length of the crop relative to the bounding box of the hand

HOW_TO_READ = (
    "Top: 2D keypoints on the image. Bottom: 3D pose under root_scale from the front and from the "
    "side, with the ground truth in grey. Error: mean over the keypoints under root_scale. "
    "Colours: thumb orange-red, index yellow, middle green, ring blue, pinky pink."
)


def comparison_html(
    comparison: Comparison, samples: Mapping[str, int], reference: str = "ground truth"
) -> str:
    """Return a grid with one row per sample: the reference, then each model.

    Each cell shows the keypoints on the image and two 3D views.

    Args:
        comparison: All samples.
        samples: Name of a row -> index of the sample.
        reference: What the targets of the comparison are; errors are distances from them.

    Raises:
        FileNotFoundError: If an image is missing.
    """
    word = "error" if reference == "ground truth" else "difference"
    models = list(comparison.pred_3d)
    shown_px = int(np.clip(_PAGE_PX // (len(models) + 1) - 6, *_SHOWN_PX))
    rows = [_row(comparison, name, sample, shown_px, word) for name, sample in samples.items()]
    return image_grid([reference, *models], rows)


def _row(comparison: Comparison, name: str, sample: int, shown_px: int, word: str) -> list[str]:
    target = comparison.target_3d[sample]
    crop, crop_from_image = _crop(comparison, sample, 2 * shown_px)
    hands_of_row = [hands[sample] for hands in comparison.pred_3d.values()]
    center, extent_mm = fit_view(target, *hands_of_row)

    def cell(points: np.ndarray, hand: np.ndarray, reference: np.ndarray | None, text: str) -> str:
        moved = affine.apply(crop_from_image, points.astype(np.float64))
        views = _views(hand, center, extent_mm, reference, shown_px)
        return image_html(draw_hand(crop, moved), size=shown_px) + image_html(
            views, text, shown_px, kind="png", style="drawing"
        )

    text = f"{name}: {comparison.sample_ids[sample]}\nviews {extent_mm:.0f} mm wide"
    cells = [cell(comparison.target_2d[sample], target, None, text)]
    for model, hands in comparison.pred_3d.items():
        text = f"{word} {comparison.error_mm[model][sample]:.1f} mm"
        cells.append(cell(comparison.pred_2d[model][sample], hands[sample], target, text))
    return cells


def _crop(comparison: Comparison, sample: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a crop around the hand, ``[side, side, 3]``, and its affine, ``[2, 3]``."""
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
    """Return the front view and the side view next to each other; BGRA."""
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
