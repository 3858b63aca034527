"""Predictions of several models beside the ground truth, on the same samples."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import torch

from simhand_mm.functional import affine
from simhand_mm.functional.boxes import square_box
from simhand_mm.functional.pose_metrics import align, keypoint_errors_mm
from simhand_mm.pool import read_poses
from simhand_mm.pool.files import resolve_inside
from simhand_mm.pool.schema import column_to_array
from simhand_mm.visualization.drawing import draw_hand, draw_hand_3d, transparent
from simhand_mm.visualization.page import picture, picture_grid

# Which samples are shown: shares of all samples that are easier, by the mean error over models.
SHOWN_QUANTILES = {
    "best": 0.0,
    "25% quantile": 0.25,
    "median": 0.5,
    "75% quantile": 0.75,
    "90% quantile": 0.9,
    "worst": 1.0,
}

_SHOWN_PX = 214
_CONTEXT = 1.35  # side of the picture over that of the hand's box


@dataclass(frozen=True)
class Comparison:
    """Ground truth and the predictions of several models for the same samples.

    Attributes:
        sample_ids: ``N`` names.
        image_paths: ``N`` pictures.
        bbox_xyxy: ``[N, 4]``, px of the picture.
        target_2d: ``[N, 21, 2]``, px of the picture; NaN where there is no label.
        target_3d: ``[N, 21, 3]``, mm, camera frame; NaN where there is no label.
        pred_2d: Model -> ``[N, 21, 2]``, px of the picture.
        pred_3d: Model -> ``[N, 21, 3]``, mm, aligned by ``root_scale``.
        error_mm: Model -> ``[N]``, mean over keypoints under ``root_scale``.
    """

    sample_ids: list[str]
    image_paths: list[Path]
    bbox_xyxy: np.ndarray
    target_2d: np.ndarray
    target_3d: np.ndarray
    pred_2d: dict[str, np.ndarray]
    pred_3d: dict[str, np.ndarray]
    error_mm: dict[str, np.ndarray]


def read_comparison(
    data_root: str | Path, split: str, predictions: Mapping[str, Path]
) -> Comparison:
    """Join predictions with the ground truth by sample id.

    Args:
        data_root: Folder that holds ``poses/<split>.parquet``.
        split: Name of the labelled set.
        predictions: Model -> its ``predictions.parquet``.

    Raises:
        ValueError: If the models have no sample of the set in common.
    """
    poses = read_poses(Path(data_root) / "poses" / f"{split}.parquet")
    tables = {name: pq.read_table(path) for name, path in predictions.items()}
    ids = {name: table["sample_id"].to_pylist() for name, table in tables.items()}
    common = set(poses["sample_id"]).intersection(*ids.values())
    if not common:
        raise ValueError(
            f"predictions must be of {split} in {data_root}, but {sorted(predictions)} have no "
            "sample in common with it. Test the models on this set again."
        )
    rows = [row for row, sample_id in enumerate(poses["sample_id"]) if sample_id in common]
    labelled = poses["keypoints_valid"][rows][..., None]
    target_3d = np.where(labelled, poses["keypoints_3d"][rows], np.nan)
    pred_2d, pred_3d, error_mm = {}, {}, {}
    for name, table in tables.items():
        position = {sample_id: number for number, sample_id in enumerate(ids[name])}
        order = [position[poses["sample_id"][row]] for row in rows]
        pred_2d[name] = column_to_array(table["keypoints_2d"], "keypoints_2d")[order]
        pred = column_to_array(table["keypoints_3d"], "keypoints_3d")[order]
        pred_3d[name], error_mm[name] = _align(pred, target_3d)
    return Comparison(
        sample_ids=[poses["sample_id"][row] for row in rows],
        image_paths=[resolve_inside(data_root, poses["image_path"][row]) for row in rows],
        bbox_xyxy=poses["bbox_xyxy"][rows],
        target_2d=np.where(labelled, poses["keypoints_2d"][rows], np.nan),
        target_3d=target_3d,
        pred_2d=pred_2d,
        pred_3d=pred_3d,
        error_mm=error_mm,
    )


def choose_samples(comparison: Comparison) -> dict[str, int]:
    """Name -> sample for each quantile of the mean error over models."""
    mean_error = np.mean(list(comparison.error_mm.values()), axis=0)
    order = np.argsort(mean_error, kind="stable")
    order = order[np.isfinite(mean_error[order])]  # a sample without wrist has no error
    if not len(order):
        return {}
    return {
        name: int(order[round(quantile * (len(order) - 1))])
        for name, quantile in SHOWN_QUANTILES.items()
    }


def comparison_html(comparison: Comparison, samples: Mapping[str, int]) -> str:
    """A row a sample: ground truth, then each model, over the picture and in two 3D views."""
    models = list(comparison.pred_3d)
    rows = []
    for name, sample in samples.items():
        target = comparison.target_3d[sample]
        extent_mm = _extent_mm(target)
        cells = [
            _cell(
                _overlay(comparison, sample, comparison.target_2d[sample]),
                _views(target, target, extent_mm, with_reference=False),
                f"{name}: {comparison.sample_ids[sample]}\nviews {extent_mm:.0f} mm wide",
            )
        ]
        for model in models:
            pred = comparison.pred_3d[model][sample]
            cells.append(
                _cell(
                    _overlay(comparison, sample, comparison.pred_2d[model][sample]),
                    _views(pred, target, extent_mm),
                    f"error {comparison.error_mm[model][sample]:.1f} mm",
                )
            )
        rows.append(cells)
    return picture_grid(["ground truth", *models], rows)


def _extent_mm(target: np.ndarray) -> float:
    """Side of the 3D views that holds a hand with a margin, mm; a multiple of 20."""
    sides = np.nanmax(target, axis=0) - np.nanmin(target, axis=0)
    return float(20 * np.ceil(1.2 * np.nanmax(sides) / 20))


def _align(pred: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Predictions under ``root_scale`` and their mean error a sample, mm."""
    pred, target = (torch.as_tensor(np.array(array, np.float64)) for array in (pred, target))
    errors = keypoint_errors_mm(pred, target, "root_scale")
    return align(pred, target, "root_scale").numpy(), errors.nanmean(1).numpy()


def _overlay(comparison: Comparison, sample: int, keypoints_2d: np.ndarray) -> np.ndarray:
    """The surroundings of the hand with a skeleton, ``[S, S, 3]``."""
    path = comparison.image_paths[sample]
    image = cv2.imread(str(path))
    if image is None:
        raise FileNotFoundError(
            f"image_path must be a picture, but {path} cannot be read. Correct data_root."
        )
    size = 2 * _SHOWN_PX
    box = square_box(comparison.bbox_xyxy[sample], _CONTEXT)
    crop_from_image = affine.box_to_image_affine(box, (size, size))
    crop = cv2.warpAffine(
        image, crop_from_image, (size, size), flags=cv2.INTER_CUBIC, borderValue=(128, 128, 128)
    )
    return draw_hand(crop, affine.apply(crop_from_image, keypoints_2d.astype(np.float64)))


def _views(
    pose: np.ndarray, target: np.ndarray, extent_mm: float, with_reference: bool = True
) -> np.ndarray:
    """Front and side view, side by side, about the middle of the ground truth; BGRA."""
    center = (np.nanmin(target, axis=0) + np.nanmax(target, axis=0)) / 2
    reference = target if with_reference else None
    on_white, on_black = (
        np.concatenate(
            [
                draw_hand_3d(pose, view, _SHOWN_PX, extent_mm, center, reference, background)
                for view in ("front", "side")
            ],
            axis=1,
        )
        for background in (255, 0)
    )
    return transparent(on_white, on_black)


def _cell(overlay: np.ndarray, views: np.ndarray, label: str) -> str:
    return picture(overlay, size=_SHOWN_PX) + picture(
        views, label, _SHOWN_PX, kind="png", style="drawing"
    )
