"""Pose errors written from their definitions, one hand and one keypoint at a time."""

import math

import numpy as np


def align_reference(pred, target, protocol, valid):
    """One hand, [21, 3] each; ``valid`` [21] bool."""
    pred, target = np.array(pred, float), np.array(target, float)
    if protocol == "none":
        return pred
    moved = np.zeros_like(pred)
    if protocol in ("root", "root_scale"):
        scale = 1.0
        if protocol == "root_scale":
            pred_length = math.dist(pred[0], pred[9])
            scale = math.dist(target[0], target[9]) / pred_length if pred_length > 0 else 0.0
        for k in range(21):
            moved[k] = (pred[k] - pred[0]) * scale + target[0]
        return moved
    if protocol == "procrustes_official":  # the better one of the hand and its mirror image
        mirrored = pred * [-1, 1, 1]
        both = [align_reference(hand, target, "procrustes", valid) for hand in (pred, mirrored)]
        return min(both, key=lambda hand: ((hand - target)[np.array(valid)] ** 2).sum())
    # Horn (1987): the best rotation by the quaternion of the largest eigenvalue.
    keep = [k for k in range(21) if valid[k]]
    pred_mean = sum(pred[k] for k in keep) / len(keep)
    target_mean = sum(target[k] for k in keep) / len(keep)
    s = np.zeros((3, 3))
    for k in keep:
        s += np.outer(pred[k] - pred_mean, target[k] - target_mean)
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = s
    n = np.array(
        [
            [xx + yy + zz, yz - zy, zx - xz, xy - yx],
            [yz - zy, xx - yy - zz, xy + yx, zx + xz],
            [zx - xz, xy + yx, yy - xx - zz, yz + zy],
            [xy - yx, zx + xz, yz + zy, zz - xx - yy],
        ]
    )
    w, x, y, z = np.linalg.eigh(n)[1][:, -1]
    rotation = np.array(
        [
            [w * w + x * x - y * y - z * z, 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), w * w - x * x + y * y - z * z, 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), w * w - x * x - y * y + z * z],
        ]
    )
    numerator = sum((target[k] - target_mean) @ rotation @ (pred[k] - pred_mean) for k in keep)
    spread = sum(((pred[k] - pred_mean) ** 2).sum() for k in keep)
    scale = numerator / spread if spread > 0 else 0.0
    for k in range(21):
        moved[k] = scale * rotation @ (pred[k] - pred_mean) + target_mean
    return moved


def errors_reference(pred, target, protocol, valid):
    """List of the errors of all valid keypoints of all hands, mm."""
    errors = []
    for hand in range(len(pred)):
        aligned = align_reference(pred[hand], target[hand], protocol, valid[hand])
        for k in range(21):
            if valid[hand][k]:
                errors.append(math.dist(aligned[k], target[hand][k]))
    return errors


def auc_reference(errors, low, high, steps):
    """Area under the PCK curve by the trapezoid rule, as a share of the range."""
    thresholds = [low + (high - low) * i / (steps - 1) for i in range(steps)]
    pck = [sum(error <= threshold for error in errors) / len(errors) for threshold in thresholds]
    area = 0.0
    for i in range(steps - 1):
        area += (pck[i] + pck[i + 1]) / 2 * (thresholds[i + 1] - thresholds[i])
    return area / (high - low)
