"""Every protocol side by side for a set of predictions."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from simhand_mm.functional.camera import solve_translation
from simhand_mm.functional.keypoints import KEYPOINT_NAMES
from simhand_mm.functional.pose_metrics import PROTOCOLS, keypoint_errors_mm, pck_auc, pck_curve

# The paper's range (Sec. 4.1), and that of FreiHAND and DexYCB.
AUC_RANGES = {"pck_auc_20_50": (20.0, 50.0, 15), "pck_auc_0_50": (0.0, 50.0, 100)}
CURVE_MM = torch.linspace(0, 80, 161, dtype=torch.float64)


def place_in_camera(
    keypoints_3d: np.ndarray,
    keypoints_2d: np.ndarray,
    scores: np.ndarray,
    camera_matrix: np.ndarray,
) -> np.ndarray:
    """Move root-relative predictions to where the camera sees them, for the protocol ``none``.

    Args:
        keypoints_3d: ``[N, 21, 3]``, root-relative mm.
        keypoints_2d: ``[N, 21, 2]``, px of the image.
        scores: ``[N, 21]``, trust in the 2D keypoints.
        camera_matrix: ``[N, 3, 3]``, px.

    Returns:
        ``[N, 21, 3]``, mm, camera frame.
    """
    arrays = (np.asarray(a, np.float64) for a in (keypoints_3d, keypoints_2d, camera_matrix))
    hands, points, cameras = arrays
    return hands + solve_translation(hands, points, cameras, scores)[:, None]


def evaluate_poses(pred: np.ndarray, target: np.ndarray, valid: np.ndarray) -> dict[str, Any]:
    """Measure predictions under every protocol.

    Args:
        pred: ``[N, 21, 3]``, mm, camera frame.
        target: ``[N, 21, 3]``, mm, camera frame.
        valid: ``[N, 21]`` bool, which targets exist.

    Returns:
        Protocol -> ``mpjpe_mm``, ``pck_auc_20_50``, ``pck_auc_0_50``, ``per_keypoint_mm`` (by
        name), ``pck_curve`` (over ``CURVE_MM``) and ``per_sample_mm [N]``.
    """
    pred, target = (torch.as_tensor(np.asarray(a, np.float64)) for a in (pred, target))
    valid = torch.as_tensor(np.asarray(valid, bool))
    results = {}
    for protocol in PROTOCOLS:
        errors = keypoint_errors_mm(pred, target, protocol, valid)
        results[protocol] = dict(
            mpjpe_mm=float(errors.nanmean()),
            **{name: float(pck_auc(errors, *limits)) for name, limits in AUC_RANGES.items()},
            per_keypoint_mm=dict(zip(KEYPOINT_NAMES, errors.nanmean(0).tolist(), strict=True)),
            pck_curve=pck_curve(errors, CURVE_MM).tolist(),
            per_sample_mm=errors.nanmean(1).numpy(),
        )
    return results


def format_table(results: Mapping[str, Mapping[str, Any]]) -> str:
    """The protocols as a table for the terminal; AUCs in percent as in papers."""
    lines = [f"{'protocol':<12}{'MPJPE mm':>10}{'AUC 20-50':>11}{'AUC 0-50':>10}"]
    for protocol, result in results.items():
        aucs = (100 * result[name] for name in AUC_RANGES)
        lines.append(
            f"{protocol:<12}{result['mpjpe_mm']:>10.2f}"
            + "".join(f"{auc:>{width}.2f}" for auc, width in zip(aucs, (11, 10), strict=True))
        )
    return "\n".join(lines)
