"""Predict the hands of a labelled set with MediaPipe and the lifter, as a table to evaluate.

    simhand predict data/hands/poses/test.parquet lifted.parquet
    simhand evaluate data/hands/poses/test.parquet lifted.parquet --hands-of lifted.parquet

Only the images, boxes, sides and cameras of the set are used. Image models: simhand test --dump.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from simhand_mm.cli import run
from simhand_mm.lifting.settings import BONE_MM, PoseMethod
from simhand_mm.options import Table


def main(
    poses: Path,
    output: Table,
    /,
    method: PoseMethod = "lifted",
    data_root: Path | None = None,
    without_camera: bool = False,
    weights: Path | None = None,
) -> None:
    """Predict the poses, write them, and print how many hands were found.

    Args:
        poses: Labels of the split, <data root>/poses/<split>.parquet.
        output: The predictions.parquet to write; it has no row for hands that were not found.
        method: lifted: from MediaPipe's 2D keypoints. lifted_from_both: from these and its world
            landmarks. half_and_half: mean of lifted and world landmarks. world_landmarks: these.
        data_root: Folder of the images; by default two levels above POSES.
        without_camera: Lift as if the cameras were not known.
        weights: File of simhand train-lifter; by default the one in the package.
    """
    from simhand_mm.functional.camera import solve_translation
    from simhand_mm.lifting.lifter import SHIPPED_WEIGHTS, Lifter
    from simhand_mm.lifting.methods import estimate_poses
    from simhand_mm.pool import read_poses, write_predictions
    from simhand_mm.pool.files import check_not_an_input
    from simhand_mm.pool.predictions import check_sample_ids
    from simhand_mm.pose.screening import screen_inputs

    check_not_an_input(output, poses)
    labels = read_poses(poses)
    check_sample_ids(labels["sample_id"], poses)
    usable = np.flatnonzero(screen_inputs(labels, str(poses)))
    rows, found = find_labelled_hands(labels, usable, data_root or poses.absolute().parents[1])
    camera = labels["camera_matrix"][rows]
    keypoints = found["keypoints_2d"].astype(np.float64)
    estimated = estimate_poses(
        Lifter.load(weights or SHIPPED_WEIGHTS),
        method,
        keypoints,
        [labels["handedness"][row] for row in rows],
        None if without_camera else camera,
        found["keypoints_3d"],
    )
    # The errors under the protocols none and root depend on the assumed size.
    hands = estimated.keypoints_3d.astype(np.float64) * BONE_MM
    hands += solve_translation(hands, keypoints, camera, np.ones(keypoints.shape[:2]))[:, None]
    predictions = {
        "sample_id": [labels["sample_id"][row] for row in rows],
        "keypoints_3d": hands,
        "keypoints_2d": keypoints,
        "keypoint_score": found["keypoint_score"],
        "error_mm": errors_of(hands, labels["keypoints_3d"][rows], labels["keypoints_valid"][rows]),
    }
    write_predictions(output, predictions)
    print(f"{output}: {len(rows)} of {len(labels['sample_id'])} hands found, {method}")


def errors_of(hands: np.ndarray, truth: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Return the error of each hand ``[N]`` in mm under ``root_scale``; NaN without a 3D label."""
    from simhand_mm.functional.keypoints import REFERENCE_BONE
    from simhand_mm.pose.evaluation import evaluate_poses

    valid = valid.astype(bool) & np.isfinite(truth).all(-1)
    is_labelled = valid[:, list(REFERENCE_BONE)].all(-1)
    errors = np.full(len(hands), np.nan)
    if is_labelled.any():
        pred, target, valid = (v[is_labelled] for v in (hands, np.nan_to_num(truth), valid))
        errors[is_labelled] = evaluate_poses(pred, target, valid)["root_scale"]["per_sample_mm"]
    return errors


def find_labelled_hands(
    labels: dict[str, Any], usable: np.ndarray, data_root: Path
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Run MediaPipe in the box of each hand. Images that cannot be read are named, and dropped.

    Args:
        labels: The table of labels.
        usable: Its rows in which to look.
        data_root: Folder of the images.

    Returns:
        The rows of the hands that were found, and ``keypoints_2d [N, 21, 2]`` px of the image,
        ``keypoints_3d [N, 21, 3]`` mm and ``keypoint_score [N, 21]``.

    Raises:
        ValueError: If no hand was found.
    """
    from simhand_mm.executors import progress_bar
    from simhand_mm.preparation.finders import find_in_box
    from simhand_mm.preparation.image_files import ImageFileError, read_image
    from simhand_mm.preparation.keypoints import MediaPipeHands

    estimator = MediaPipeHands()
    rows, columns, unread = [], defaultdict(list), []
    with progress_bar(len(usable), "hands") as progress:
        for row in usable:
            path = data_root / labels["image_path"][row]
            progress.update()
            try:
                image = read_image(path)
            except ImageFileError as error:
                unread.append(f"{path}: {error.detail}")
                continue
            hand = find_in_box(estimator, image, labels["bbox_xyxy"][row])
            if hand is None:
                continue
            rows.append(row)
            for name in ("keypoints_2d", "keypoints_3d", "keypoint_score"):
                columns[name].append(getattr(hand, name))
    if not rows:
        raise ValueError(
            f"images of {data_root} must show hands, but MediaPipe finds none in {len(usable)}, of "
            f"which {len(unread)} cannot be read{f' (first: {unread[0]})' if unread else ''}. "
            "Check the boxes, and the data root."
        )
    if unread:
        print(f"dropped: {len(unread)} hands whose image cannot be read, first {unread[0]}")
    return np.array(rows), {name: np.array(values) for name, values in columns.items()}


if __name__ == "__main__":
    run(main, __doc__)
