"""Hands of a pool with lifted poses, written as a labelled set for fine-tuning.

Everything but the images is an estimate. What was assumed is in ``pseudo_labels.json`` next to it.
"""

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from simhand_mm.functional.affine import box_to_image_affine
from simhand_mm.functional.boxes import clip_box, keypoints_to_box, square_box
from simhand_mm.functional.camera import (
    camera_of_view,
    project,
    solve_translation,
    transform_camera,
)
from simhand_mm.functional.keypoints import REFERENCE_BONE
from simhand_mm.lifting.lifter import SHIPPED_WEIGHTS, LiftedHands, Lifter
from simhand_mm.lifting.methods import estimate_poses
from simhand_mm.lifting.settings import PseudoLabels
from simhand_mm.pool.files import sha256_of, write_json
from simhand_mm.pool.poses import write_poses
from simhand_mm.pool.reader import HandPool

HELD_OUT = "held_out"
_SUMMARY = "pseudo_labels.json"
MIN_HANDS_TO_SPLIT = 10


def write_pseudo_labels(
    pool: HandPool, output: str | Path, settings: PseudoLabels, split: str = "train"
) -> dict[str, Any]:
    """Write ``poses/<split>.parquet``, ``images/`` and ``pseudo_labels.json``.

    With ``settings.held_out``, also ``poses/held_out.parquet``.

    Args:
        pool: The hands.
        output: Folder of the labelled set.
        settings: Assumptions and limits.
        split: Name of the table.

    Returns:
        The content of ``pseudo_labels.json``, with the number of dropped hands by reason.

    Raises:
        ValueError: If the folder has content of others, such as labels that are no estimates.
    """
    output = Path(output)
    _check_output(output)
    weights = settings.weights or SHIPPED_WEIGHTS
    cameras = crop_cameras(pool, settings)
    keypoints = np.array(pool.keypoints_2d, np.float64)
    other = None if settings.method == "lifted" else pool.keypoints_3d
    lifted = estimate_poses(
        Lifter.load(weights), settings.method, keypoints, camera_matrix=cameras, other_3d=other
    )
    poses_mm = _place_in_camera(keypoints, cameras, lifted, settings.bone_mm)
    reasons = _reasons_to_drop(poses_mm, lifted, settings)
    is_held_out = held_out_rows(pool, settings.held_out)
    records: dict[str, list] = {split: []} | ({HELD_OUT: []} if settings.held_out else {})
    for row in np.flatnonzero(reasons == "").tolist():
        name = HELD_OUT if is_held_out[row] else split
        image_path = f"images/{name}/{row:08d}.jpg"
        _write_bytes(output / image_path, pool.read_crop(row))
        is_found = settings.keypoints_2d == "found"
        points = keypoints[row] if is_found else project(poses_mm[row], cameras[row])
        labels = {
            "keypoints_3d": poses_mm[row],
            "camera_matrix": cameras[row],
            "keypoints_valid": lifted.expected_error[row] <= settings.max_keypoint_error,
        }
        records[name].append({**_record(pool, row, image_path, points), **labels})
    for name, rows in records.items():
        write_poses(output / "poses" / f"{name}.parquet", rows)
    summary = {
        **_assumptions(pool, settings, weights),
        "num_hands": len(records[split]),
        "num_held_out": len(records.get(HELD_OUT, ())),
        "num_dropped": dict(Counter(reasons[reasons != ""].tolist())),
    }
    write_json(output / _SUMMARY, summary)
    return summary


def _check_output(output: Path) -> None:
    """Refuse folders of others. A run that was stopped has left images, but not yet the summary."""
    if not output.is_dir() or (output / _SUMMARY).is_file():
        return
    others = sorted(path.name for path in output.iterdir() if path.name != "images")
    if others:
        raise ValueError(
            f"OUTPUT must be a new or empty folder, or one of simhand pseudo-label, but {output} "
            f"has {', '.join(others[:3])}{', ...' if len(others) > 3 else ''}. Choose another "
            "folder."
        )


def _write_bytes(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _assumptions(pool: HandPool, settings: PseudoLabels, weights: str | Path) -> dict[str, Any]:
    """What the labels depend on, for ``pseudo_labels.json``."""
    options = asdict(settings)
    options.pop("weights")  # a path of this machine; its hash is written instead
    return {
        "estimated": "keypoints_3d, keypoints_2d, camera_matrix",
        "frame_size_from": "option" if settings.frame_size else "boxes of each video",
        **options,
        "lifter_sha256": sha256_of(weights),
        "pool_fingerprint": pool.fingerprint,
    }


def held_out_rows(pool: HandPool, share: float) -> np.ndarray:
    """Return which hands ``[N]`` are held out, bool: the last ``share`` of each video.

    Of videos with fewer than ten hands, and of pictures, which count as such, every n-th is held
    out as a whole, where n is about 1 / ``share``.
    """
    is_held_out = np.zeros(len(pool), bool)
    if not share:
        return is_held_out
    counts = np.bincount(pool.video_index, minlength=len(pool.video_ids))
    step = max(round(1 / share), 1)
    chosen = set(np.flatnonzero(counts < MIN_HANDS_TO_SPLIT)[step - 1 :: step].tolist())
    for video, count in enumerate(counts):
        rows = np.flatnonzero(pool.video_index == video)
        times = pool.time_s[rows]
        if count >= MIN_HANDS_TO_SPLIT:
            is_held_out[rows] = times > times.min() + (1 - share) * np.ptp(times)
        else:
            is_held_out[rows] = video in chosen
    return is_held_out


def crop_cameras(pool: HandPool, settings: PseudoLabels) -> np.ndarray:
    """Camera matrices ``[N, 3, 3]`` px of the crops, mirrored where the crops are."""
    sizes = np.empty((len(pool), 2))
    if settings.frame_size:
        sizes[:] = settings.frame_size
    else:
        ends = np.zeros((len(pool.video_ids), 2))
        np.maximum.at(ends, pool.video_index, pool.bbox_xyxy[:, 2:])
        sizes[:] = np.maximum(ends, 1)[pool.video_index]
    crop_size = (pool.crop_size, pool.crop_size)
    squares = square_box(pool.bbox_xyxy.astype(np.float64), pool.info["crop_scale"])
    cameras = np.empty((len(pool), 3, 3))
    for row, (width, height) in enumerate(sizes):
        frame = camera_of_view((width, height), settings.fov_deg)
        affine = box_to_image_affine(squares[row], crop_size, bool(pool.is_mirrored[row]))
        cameras[row] = transform_camera(affine, frame)
    return cameras


def _place_in_camera(
    keypoints: np.ndarray, cameras: np.ndarray, lifted: LiftedHands, bone_mm: float
) -> np.ndarray:
    """Return poses ``[N, 21, 3]``, mm in the camera frame, that project to their keypoints."""
    poses = np.nan_to_num(lifted.keypoints_3d.astype(np.float64)) * bone_mm
    weight = 1 / np.maximum(np.nan_to_num(lifted.expected_error, nan=1.0), 0.05)
    return poses + solve_translation(poses, np.nan_to_num(keypoints), cameras, weight)[:, None]


def _reasons_to_drop(
    poses_mm: np.ndarray, lifted: LiftedHands, settings: PseudoLabels
) -> np.ndarray:
    """Return why each hand is dropped, ``[N]`` str; empty if it is not."""
    errors = lifted.expected_error
    bone_error = errors[:, list(REFERENCE_BONE)].max(1)
    reasons = np.full(len(poses_mm), "", dtype="U24")
    for reason, rows in (  # a later reason replaces an earlier one
        ("uncertain", ~(errors.mean(1) <= settings.max_error)),
        ("uncertain", ~(bone_error <= settings.max_keypoint_error)),
        ("behind_camera", poses_mm[..., 2].min(1, initial=np.inf) <= 0),
        ("implausible", ~lifted.is_plausible),
        ("too_few_keypoints", ~np.isfinite(errors).all(1)),
    ):
        reasons[rows] = reason
    return reasons


def _record(pool: HandPool, row: int, image_path: str, keypoints_2d: np.ndarray) -> dict[str, Any]:
    size = pool.crop_size
    video_id = pool.value(row, "video_id")
    return {
        "sample_id": pool.hand_id(row),
        "image_path": image_path,
        "width": size,
        "height": size,
        "keypoints_2d": keypoints_2d,
        "bbox_xyxy": clip_box(keypoints_to_box(keypoints_2d), (size, size)),
        "handedness": "right",  # as all crops of a pool look
        "subject_id": video_id,
        "sequence_id": video_id,
        "source": f"pseudo-labels of {pool.value(row, 'source')}",
    }
