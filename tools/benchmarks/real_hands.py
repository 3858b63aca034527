"""Compares ways to estimate 3D poses on real hands without labels: agreement, not errors.

    simhand prepare my_clips data/clips-pool --fps 10
    python tools/benchmarks/real_hands.py data/clips-pool --views desk_camera0 desk_camera1

For --views, two videos must show one hand at the same time. The poses of both are compared with
each other, and with the hand that is triangulated from the 2D keypoints of both; the cameras are
calibrated by these keypoints.

    python tools/benchmarks/real_hands.py data/signs-pool --label label --group person

With --label, poses are compared by what they tell about a label of the pool, such as a sign: the
accuracy of classifiers that are trained on the poses of other groups, such as people.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import torch

from simhand_mm.cli import run
from simhand_mm.functional.affine import apply, box_to_image_affine, invert
from simhand_mm.functional.boxes import square_box
from simhand_mm.functional.keypoints import SKELETON
from simhand_mm.functional.pose_metrics import keypoint_errors_mm
from simhand_mm.lifting.lifter import Lifter
from simhand_mm.lifting.methods import estimate_poses
from simhand_mm.lifting.pseudo_labels import crop_cameras
from simhand_mm.lifting.settings import BONE_MM, FOV_DEG, PoseMethod, PseudoLabels
from simhand_mm.pool import HandPool, read_predictions
from simhand_mm.pretraining.folds import select_hands, split_by_group
from simhand_mm.pretraining.probing import probe
from simhand_mm.probe_options import ProbeSettings

_MAX_EPIPOLAR_PX = 3.0
_FIELDS_OF_VIEW = range(30, 91, 5)  # degrees


@dataclass(frozen=True)
class TwoViews:
    """Hands that two videos show at the same time.

    Attributes:
        rows: ``[2, T]``, rows of the pool.
        points: ``[2, T, 21, 2]``, keypoints in px of the frames.
        triangulated: ``[T, 21, 3]``, any unit, axes of the first camera.
        about: Text on how well this worked.
    """

    rows: np.ndarray
    points: np.ndarray
    triangulated: np.ndarray
    about: str


def main(
    pool: Path,
    /,
    views: tuple[str, str] | None = None,
    predictions: Path | None = None,
    frame_size: tuple[int, int] | None = None,
    fov_deg: float = FOV_DEG,
    label: str | None = None,
    group: str = "video_id",
) -> None:
    """Print the agreement of each method with MediaPipe's world landmarks, and of two views.

    Args:
        pool: The pool of the clips.
        views: Ids of two videos that show one hand at the same time.
        predictions: predictions.parquet of an image model, with the hand ids of the pool.
        frame_size: Width and height of the frames; by default they end where the boxes end.
        fov_deg: Field of view that is assumed for lifting, along the longer side, in degrees.
        label: Column of the pool with classes that can be recognised from poses.
        group: Column of the pool; no group is in both the training and the test of a classifier.
    """
    source = HandPool(pool)
    settings = PseudoLabels(fov_deg=fov_deg, frame_size=frame_size)
    poses = poses_of(source, settings)
    if predictions:
        poses["image_model"] = aligned_predictions(source, predictions)
    world = poses["world_landmarks"]
    print(f"{len(source)} hands. Agreement in mm, for a bone of {settings.bone_mm:g} mm.")
    rows = [
        (name, *(f"{distance(hands, world, p):.1f}" for p in ("root_scale", "procrustes")))
        for name, hands in poses.items()
    ]
    print_table(("with the world landmarks", "root_scale", "procrustes"), rows)
    if views:
        seen = two_views(source, views, frame_size)
        print(f"\n{seen.about}")
        header = ("two views", "same time", "other times", "triangulated", "root_scale")
        print_table(header, [(name, *compare_views(p, seen)) for name, p in poses.items()])
    if label:
        print_classes(source, poses, ProbeSettings(label, group))


def print_classes(pool: HandPool, poses: dict[str, np.ndarray], settings: ProbeSettings) -> None:
    """Print the accuracy of classifiers of a label, on the hands that all methods have."""
    chosen = select_hands(pool, settings)
    known = [np.isfinite(hands[chosen.rows]).all((1, 2)) for hands in poses.values()]
    common = np.logical_and.reduce(known)
    rows, labels = chosen.rows[common], chosen.labels[common]
    splits = split_by_group(labels, chosen.groups[common], settings.folds, settings.seed)
    print(f"\n{len(rows)} hands, {settings.label} of other groups ({settings.group}), in %.")
    table = []
    for name, hands in poses.items():
        unit = (hands[rows] - hands[rows, :1]).reshape(len(rows), -1)
        unit /= np.linalg.norm(hands[rows, 9] - hands[rows, 0], axis=-1)[:, None]
        scores = probe(unit, labels, splits, settings.neighbors, "euclidean")
        cells = (f"{100 * s['mean']:.1f} ± {100 * s['std']:.1f}" for s in scores.values())
        table.append((name, *cells))
    print_table(("3D poses", f"{settings.neighbors} neighbours", "linear"), table)


def poses_of(pool: HandPool, settings: PseudoLabels) -> dict[str, np.ndarray]:
    """Return the poses ``[N, 21, 3]`` by each method, in mm."""
    cameras, lifter = crop_cameras(pool, settings), Lifter.load()
    given = (np.array(pool.keypoints_2d, np.float64), None, cameras, pool.keypoints_3d)
    return {
        method: estimate_poses(lifter, method, *given).keypoints_3d * settings.bone_mm
        for method in get_args(PoseMethod)
    }


def aligned_predictions(pool: HandPool, path: Path) -> np.ndarray:
    """Return the predictions of an image model, scaled to the same bone; NaN where missing."""
    table = read_predictions(path)
    hands = np.full((len(pool), 21, 3), np.nan)
    rows = pool.rows_of(list(table["sample_id"]))
    predicted = table["keypoints_3d"][rows >= 0]
    bone = np.linalg.norm(predicted[:, 9] - predicted[:, 0], axis=-1)
    hands[rows[rows >= 0]] = (predicted - predicted[:, :1]) * (BONE_MM / bone)[:, None, None]
    return hands


def distance(
    hands: np.ndarray, others: np.ndarray, protocol: str, over_hands: str = "mean"
) -> float:
    """Distance of poses ``[N, 21, 3]`` after alignment, over the hands that both have."""
    both = np.isfinite(hands).all((1, 2)) & np.isfinite(others).all((1, 2))
    if not both.any():
        return math.nan
    first, second = (torch.from_numpy(h[both].astype(np.float64)) for h in (hands, others))
    errors = keypoint_errors_mm(first, second, protocol).mean(1)
    return float(getattr(errors, over_hands)())


def two_views(
    pool: HandPool, views: tuple[str, str], frame_size: tuple[int, int] | None
) -> TwoViews:
    """Match the hands of two videos by frame, and triangulate them.

    The field of view is the one in which the lengths of the bones vary least over time.

    Raises:
        ValueError: If the pool lacks a video, or the videos have too few frames in common.
    """
    missing = set(views) - set(pool.video_ids)
    if missing:
        raise ValueError(
            f"views must be videos of the pool ({pool.video_ids[:5]}...), but got {views}."
        )
    frames = [_single_hands(pool, video) for video in views]
    common = sorted(frames[0].keys() & frames[1].keys())
    if len(common) < 8:
        raise ValueError(f"views must have 8 frames with one hand in common, but have {common}.")
    rows = np.array([[frame[index] for index in common] for frame in frames])
    rows = rows[:, pool.handedness_index[rows[0]] == pool.handedness_index[rows[1]]]
    points = np.stack([[_in_frame(pool, row) for row in view] for view in rows])
    size = frame_size or tuple(pool.bbox_xyxy[rows.ravel(), 2:].max(0).tolist())
    tried = {fov: triangulate(points, size, fov) for fov in _FIELDS_OF_VIEW}
    fov_deg = min(tried, key=lambda fov: variation_of_bones(tried[fov][0]))
    hands, angle_deg, share = tried[fov_deg]
    about = (
        f"{rows.shape[1]} frames of {views[0]} and {views[1]}, calibrated by the keypoints: "
        f"field of view {fov_deg} degrees, {angle_deg:.0f} degrees between the cameras, "
        f"{100 * share:.0f} % of the keypoints within {_MAX_EPIPOLAR_PX:g} px of their epipolar "
        f"lines, lengths of triangulated bones vary by {100 * variation_of_bones(hands):.0f} %."
    )
    return TwoViews(rows, points, hands, about)


def _single_hands(pool: HandPool, video: str) -> dict[int, int]:
    """Frame index -> row, for the frames of a video with one hand."""
    rows = np.flatnonzero(pool.video_index == pool.video_ids.index(video))
    frames, counts = np.unique(pool.frame_index[rows], return_counts=True)
    single = set(frames[counts == 1].tolist())
    return {int(pool.frame_index[r]): int(r) for r in rows if int(pool.frame_index[r]) in single}


def _in_frame(pool: HandPool, row: int) -> np.ndarray:
    """Keypoints ``[21, 2]`` in px of the frame, not mirrored."""
    square = square_box(pool.bbox_xyxy[row].astype(np.float64), pool.info["crop_scale"])
    size = (pool.crop_size, pool.crop_size)
    affine = box_to_image_affine(square, size, bool(pool.is_mirrored[row]))
    return apply(invert(affine), pool.keypoints_2d[row].astype(np.float64))


def triangulate(
    points: np.ndarray, frame_size: tuple[float, float], fov_deg: float
) -> tuple[np.ndarray, float, float]:
    """Triangulate ``[2, T, 21, 2]`` px by the essential matrix of all keypoints.

    Returns:
        The hands ``[T, 21, 3]``, the angle between the cameras in degrees, and the share of the
        keypoints that fit the essential matrix.
    """
    focal = max(frame_size) / 2 / math.tan(math.radians(fov_deg) / 2)
    camera = np.array([[focal, 0, frame_size[0] / 2], [0, focal, frame_size[1] / 2], [0, 0, 1]])
    first, second = points.reshape(2, -1, 2)
    cv2.setRNGSeed(0)
    essential, fits = cv2.findEssentialMat(
        first, second, camera, method=cv2.RANSAC, prob=0.999, threshold=_MAX_EPIPOLAR_PX
    )
    _, rotation, shift, _ = cv2.recoverPose(essential, first, second, camera, mask=fits.copy())
    still, moved = camera @ np.eye(3, 4), camera @ np.hstack([rotation, shift])
    found = np.asarray(cv2.triangulatePoints(still, moved, first.T, second.T))
    angle = math.acos(np.clip((np.trace(rotation) - 1) / 2, -1, 1))
    hands = (found[:3] / found[3]).T.reshape(*points.shape[1:3], 3)
    return hands, math.degrees(angle), float(fits.mean())


def variation_of_bones(hands: np.ndarray) -> float:
    """Standard deviation over time of the lengths of bones, relative to their mean."""
    bones = np.stack([np.linalg.norm(hands[:, b] - hands[:, a], axis=-1) for a, b in SKELETON], 1)
    return float((bones.std(0) / bones.mean(0)).mean())


def compare_views(poses: np.ndarray, seen: TwoViews) -> list[str]:
    """Distances of both views from each other and from the triangulated hand, as text.

    The first two are means after ``procrustes`` alignment, at the same time and at times half a
    video apart; the others are medians, because a few hands are triangulated badly.
    """
    first, second = poses[seen.rows]
    later = np.roll(second, len(second) // 2, axis=0)
    length = np.linalg.norm(seen.triangulated[:, 9] - seen.triangulated[:, 0], axis=-1)
    true = seen.triangulated * (BONE_MM / length)[:, None, None]
    values = [
        distance(first, second, "procrustes"),
        distance(first, later, "procrustes"),
        distance(first, true, "procrustes", "median"),
        distance(first, true, "root_scale", "median"),
    ]
    return [f"{value:.1f}" for value in values]


def print_table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Print a table, the first column left aligned."""
    widths = [max(len(line[column]) for line in [header, *rows]) for column in range(len(header))]
    for line in [header, *rows]:
        cells = [cell.rjust(width) for cell, width in zip(line, widths, strict=True)]
        print("  ".join([line[0].ljust(widths[0]), *cells[1:]]))


if __name__ == "__main__":
    run(main, __doc__)
