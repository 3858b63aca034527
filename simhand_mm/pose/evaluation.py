"""Evaluates predictions under all protocols."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from simhand_mm.functional.camera import solve_translation
from simhand_mm.functional.keypoints import KEYPOINT_NAMES
from simhand_mm.functional.pose_metrics import (
    PROTOCOLS,
    keypoint_errors_mm,
    mean_of_column_means,
    pck_auc,
    pck_curve,
)
from simhand_mm.pool import read_poses, read_predictions
from simhand_mm.pool.predictions import check_sample_ids
from simhand_mm.pose.predictions import read_keypoints
from simhand_mm.pose.screening import screen_poses

# The range of the paper (Sec. 4.1), and that of FreiHAND and DexYCB.
AUC_RANGES = {"pck_auc_20_50": (20.0, 50.0, 15), "pck_auc_0_50": (0.0, 50.0, 100)}
CURVE_MM = torch.linspace(0, 80, 161, dtype=torch.float64)


def place_in_camera(
    keypoints_3d: np.ndarray,
    keypoints_2d: np.ndarray,
    scores: np.ndarray,
    camera_matrix: np.ndarray,
) -> np.ndarray:
    """Place root-relative predictions in the camera frame, for the protocol ``none``.

    Args:
        keypoints_3d: ``[N, 21, 3]``, root-relative mm.
        keypoints_2d: ``[N, 21, 2]``, px in the image.
        scores: ``[N, 21]``, confidence of the 2D keypoints.
        camera_matrix: ``[N, 3, 3]``, px.

    Returns:
        ``[N, 21, 3]``, mm, camera frame.
    """
    arrays = (np.asarray(a, np.float64) for a in (keypoints_3d, keypoints_2d, camera_matrix))
    hands, points, cameras = arrays
    return hands + solve_translation(hands, points, cameras, scores)[:, None]


def evaluate_poses(
    pred: np.ndarray,
    target: np.ndarray,
    valid: np.ndarray,
    handedness: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Evaluate predictions under all protocols.

    Args:
        pred: ``[N, 21, 3]``, mm, camera frame.
        target: ``[N, 21, 3]``, mm, camera frame.
        valid: ``[N, 21]`` bool, whether the target exists.
        handedness: ``N`` strings ``'left'`` or ``'right'``; by default right. Only
            ``mpjpe_columns_mm`` depends on it.

    Returns:
        Protocol -> ``mpjpe_mm``, ``mpjpe_columns_mm`` (mean over the mean errors per keypoint and
        handedness), ``pck_auc_20_50``, ``pck_auc_0_50``, ``per_keypoint_mm`` (by name),
        ``pck_curve`` (over ``CURVE_MM``) and ``per_sample_mm [N]``.

    Raises:
        ValueError: If a prediction is NaN or infinite; it would be counted as no error.
    """
    unusable = ~np.isfinite(pred).all((1, 2))
    if unusable.any():
        raise ValueError(
            f"pred must be finite, but {unusable.sum()} of {len(pred)} hands are not, first hand "
            f"{np.argmax(unusable)}. Lower the learning rate if the training has diverged."
        )
    hands, truth = (torch.as_tensor(np.asarray(a, np.float64)) for a in (pred, target))
    is_labelled = torch.as_tensor(np.asarray(valid, bool))
    is_left = torch.tensor([side == "left" for side in handedness or ["right"] * len(pred)])
    results = {}
    for protocol in PROTOCOLS:
        errors = keypoint_errors_mm(hands, truth, protocol, is_labelled)
        results[protocol] = dict(
            mpjpe_mm=float(errors.nanmean()),
            mpjpe_columns_mm=float(mean_of_column_means(errors, is_left)),
            **{name: float(pck_auc(errors, *limits)) for name, limits in AUC_RANGES.items()},
            per_keypoint_mm=dict(zip(KEYPOINT_NAMES, errors.nanmean(0).tolist(), strict=True)),
            pck_curve=pck_curve(errors, CURVE_MM).tolist(),
            per_sample_mm=errors.nanmean(1).numpy(),
        )
    return results


def as_metrics(results: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the content of ``metrics.json``: all results except those of single hands.

    Args:
        results: Results of :func:`evaluate_poses`.
    """
    protocols = {
        protocol: {name: value for name, value in result.items() if name != "per_sample_mm"}
        for protocol, result in results.items()
    }
    num_hands = len(next(iter(results.values()))["per_sample_mm"])
    return {
        "num_hands": num_hands,
        "pck_thresholds_mm": CURVE_MM.tolist(),
        "protocols": protocols,
    }


def evaluate_file(
    poses: str | Path, predictions: str | Path, hands_of: str | Path | None = None
) -> dict[str, Any]:
    """Evaluate a file of predictions on the usable rows of a poses table.

    Args:
        poses: Poses table; unusable rows are dropped and counted, as in testing.
        predictions: File in a format of :func:`~simhand_mm.pose.predictions.read_keypoints`.
        hands_of: ``predictions.parquet``, perhaps of another model. Only its hands are evaluated,
            such as those that a detector found.

    Returns:
        See :func:`evaluate_poses`.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file is damaged, or a row to evaluate has no prediction.
    """
    labels = read_poses(poses)
    check_sample_ids(labels["sample_id"], poses)
    usable = screen_poses(labels, str(poses))
    if hands_of:
        wanted = read_predictions(hands_of, ())["sample_id"]
        usable &= np.isin(labels["sample_id"], wanted)
        if not usable.any():
            raise ValueError(
                f"hands_of must have hands of {poses}, but {hands_of} has none. Predict this split."
            )
    sample_ids = [
        name for name, is_used in zip(labels["sample_id"], usable, strict=True) if is_used
    ]
    pred = read_keypoints(predictions, sample_ids)
    handedness = [labels["handedness"][row] for row in np.flatnonzero(usable)]
    targets = labels["keypoints_3d"][usable]
    return evaluate_poses(pred, targets, labels["keypoints_valid"][usable], handedness)


_ABOUT_TABLE = (
    "procrustes: rotations only. procrustes_official: reflections too, as in the toolkits of "
    "FreiHAND, DexYCB and HO-3D.\nby column: mean over the mean errors per keypoint and "
    "handedness; under root it is the MPJPE of the toolkit of AssemblyHands."
)


def format_table(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Format the results as a table for the terminal, with AUCs in percent as in papers."""
    width = max(map(len, results)) + 2
    lines = [
        f"{'protocol':<{width}}{'MPJPE mm':>9}{'by column':>11}{'AUC 20-50':>11}{'AUC 0-50':>10}"
    ]
    for protocol, result in results.items():
        lines.append(
            f"{protocol:<{width}}{result['mpjpe_mm']:>9.2f}{result['mpjpe_columns_mm']:>11.2f}"
            f"{100 * result['pck_auc_20_50']:>11.2f}{100 * result['pck_auc_0_50']:>10.2f}"
        )
    return "\n".join([*lines, _ABOUT_TABLE])
