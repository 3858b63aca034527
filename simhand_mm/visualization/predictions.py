"""Joins the predictions of several models with the ground truth, and selects samples to show."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from simhand_mm.functional.pose_metrics import align, keypoint_errors_mm
from simhand_mm.pool import read_poses, read_predictions

# Quantiles of the mean error over models; one sample is shown for each.
SHOWN_QUANTILES = {
    "best": 0.0,
    "25% quantile": 0.25,
    "median": 0.5,
    "75% quantile": 0.75,
    "90% quantile": 0.9,
    "worst": 1.0,
}


@dataclass(frozen=True)
class Comparison:
    """Ground truth and the predictions of several models for the same samples.

    Attributes:
        sample_ids: ``N`` names.
        image_paths: ``N`` image files.
        bbox_xyxy: ``[N, 4]``, px in the image.
        target_2d: ``[N, 21, 2]``, px in the image; NaN where there is no label.
        target_3d: ``[N, 21, 3]``, mm, camera frame; NaN where there is no label.
        pred_2d: Model -> ``[N, 21, 2]``, px in the image.
        pred_3d: Model -> ``[N, 21, 3]``, mm, aligned by ``root_scale``.
        error_mm: Model -> ``[N]`` mm, mean over keypoints under ``root_scale``; NaN for a sample
            without wrist or middle MCP.
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
    data_root: str | Path, poses: str | Path, predictions: Mapping[str, Path]
) -> Comparison:
    """Join predictions with the ground truth by sample ID.

    Args:
        data_root: Folder that the image paths are relative to.
        poses: Poses table.
        predictions: Model -> ``predictions.parquet``. Without 2D keypoints, none are drawn.

    Raises:
        FileNotFoundError: If a table is missing.
        ValueError: If a file is not a table of predictions, the models have no sample of the set
            in common, or an image lies outside the data root.
    """
    labels = read_poses(poses)
    tables = {name: _read_table(path) for name, path in predictions.items()}
    common = set(labels["sample_id"]).intersection(*(table["row"] for table in tables.values()))
    if not common:
        raise ValueError(
            f"predictions must be of {poses}, but {sorted(predictions)} have no sample in common "
            "with it. Test the models on this set again."
        )
    rows = [row for row, sample_id in enumerate(labels["sample_id"]) if sample_id in common]
    sample_ids = [labels["sample_id"][row] for row in rows]
    is_labelled = labels["keypoints_valid"][rows][..., None]
    target_3d = np.where(is_labelled, labels["keypoints_3d"][rows], np.nan)
    pred_2d, pred_3d, error_mm = {}, {}, {}
    for name, table in tables.items():
        order = [table["row"][sample_id] for sample_id in sample_ids]
        pred_2d[name] = table["keypoints_2d"][order]
        pred_3d[name], error_mm[name] = _align(table["keypoints_3d"][order], target_3d)
    return Comparison(
        sample_ids=sample_ids,
        image_paths=[Path(data_root) / labels["image_path"][row] for row in rows],
        bbox_xyxy=labels["bbox_xyxy"][rows],
        target_2d=np.where(is_labelled, labels["keypoints_2d"][rows], np.nan),
        target_3d=target_3d,
        pred_2d=pred_2d,
        pred_3d=pred_3d,
        error_mm=error_mm,
    )


def choose_samples(comparison: Comparison) -> dict[str, int]:
    """Return name -> sample for each quantile of the mean error over models."""
    order = _finite_order(np.mean(list(comparison.error_mm.values()), axis=0))
    if not len(order):
        return {}
    return {
        name: int(order[round(quantile * (len(order) - 1))])
        for name, quantile in SHOWN_QUANTILES.items()
    }


def worst_samples(comparison: Comparison, model: str, count: int) -> dict[str, int]:
    """Return name -> sample for the largest errors of one model, in descending order."""
    order = _finite_order(-comparison.error_mm[model])[:count]
    return {f"worst {rank}": int(sample) for rank, sample in enumerate(order, start=1)}


def changed_samples(comparison: Comparison, model: str, other: str, count: int) -> dict[str, int]:
    """Return name -> sample for the largest gains of a model over another, then the losses."""
    gain = comparison.error_mm[other] - comparison.error_mm[model]
    better, worse = _finite_order(-gain)[:count], _finite_order(gain)[:count]
    return {
        **{f"{model} better {rank}": int(s) for rank, s in enumerate(better, 1) if gain[s] > 0},
        **{f"{model} worse {rank}": int(s) for rank, s in enumerate(worse, 1) if gain[s] < 0},
    }


def _finite_order(values: np.ndarray) -> np.ndarray:
    """Return the samples in ascending order of their value, without NaN."""
    order = np.argsort(values, kind="stable")
    return order[np.isfinite(values[order])]


def _read_table(path: str | Path) -> dict[str, Any]:
    """Return the arrays of one file, and ``row``: the row of each sample ID."""
    table = read_predictions(path, optional=["keypoints_2d"])
    rows = {sample_id: row for row, sample_id in enumerate(table["sample_id"])}
    return {"row": rows, **table}


def _align(pred: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return predictions aligned by ``root_scale`` and their mean error per sample, mm."""
    hands, truth = (torch.as_tensor(np.array(array, np.float64)) for array in (pred, target))
    errors = keypoint_errors_mm(hands, truth, "root_scale")
    return align(hands, truth, "root_scale").numpy(), errors.nanmean(1).numpy()
