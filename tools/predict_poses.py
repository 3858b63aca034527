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


def main(
    poses: Path,
    output: Path,
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
    from simhand_mm.pose.evaluation import evaluate_poses

    labels = read_poses(poses)
    rows, found = find_labelled_hands(labels, data_root or poses.parents[1])
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
    targets = (labels["keypoints_3d"][rows], labels["keypoints_valid"][rows])
    predictions = {
        "sample_id": [labels["sample_id"][row] for row in rows],
        "keypoints_3d": hands,
        "keypoints_2d": keypoints,
        "keypoint_score": found["keypoint_score"],
        "error_mm": evaluate_poses(hands, *targets)["root_scale"]["per_sample_mm"],
    }
    write_predictions(output, predictions)
    print(f"{output}: {len(rows)} of {len(labels['sample_id'])} hands found, {method}")


def find_labelled_hands(
    labels: dict[str, Any], data_root: Path
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Run MediaPipe in the box of each hand.

    Returns:
        The rows of the hands that were found, and ``keypoints_2d [N, 21, 2]`` px of the image,
        ``keypoints_3d [N, 21, 3]`` mm and ``keypoint_score [N, 21]``.

    Raises:
        FileNotFoundError: If an image is missing.
        ValueError: If no hand was found.
    """
    from simhand_mm.executors import progress_bar
    from simhand_mm.preparation.finders import find_in_box
    from simhand_mm.preparation.image_files import read_image
    from simhand_mm.preparation.keypoints import MediaPipeHands

    estimator = MediaPipeHands()
    rows, columns = [], defaultdict(list)
    paths = [data_root / path for path in labels["image_path"]]
    with progress_bar(len(paths), "hands") as progress:
        for row, path in enumerate(paths):
            hand = find_in_box(estimator, read_image(path), labels["bbox_xyxy"][row])
            progress.update()
            if hand is None:
                continue
            rows.append(row)
            for name in ("keypoints_2d", "keypoints_3d", "keypoint_score"):
                columns[name].append(getattr(hand, name))
    if not rows:
        raise ValueError(
            f"images of {data_root} must show hands, but MediaPipe finds none in {len(paths)}. "
            "Check the boxes, and the data root."
        )
    return np.array(rows), {name: np.array(values) for name, values in columns.items()}


if __name__ == "__main__":
    run(main, __doc__)
