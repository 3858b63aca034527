"""Train the network that lifts 2D keypoints to 3D on synthetic poses alone.

    simhand train-lifter data/synthetic lifter.pth

The errors of MediaPipe are measured on two thirds of the synthetic videos, whose truth is known.
The lifter is tested on the other videos, which show other people.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from simhand_mm.cli import run
from simhand_mm.lifting.settings import LiftingTraining
from simhand_mm.options import Weights

if TYPE_CHECKING:
    from torch import Tensor

    from simhand_mm.lifting.evaluation import FoundHands


def main(
    synthetic: Path,
    output: Weights,
    /,
    training: LiftingTraining,
    people: int = 4000,
    poses: int = 64,
    fps: float = 2.5,
) -> None:
    """Measure errors, train, test, and write the weights.

    Args:
        synthetic: Data set of simhand synthesize.
        output: File of the weights to write (.pth).
        training: How to train.
        people: Number of synthetic people to train on.
        poses: Number of poses of each of them.
        fps: Frames per second of the videos in which errors are measured.
    """
    import torch

    from simhand_mm.lifting.evaluation import compare_expected_errors, errors_of_methods
    from simhand_mm.lifting.lifter import Lifter
    from simhand_mm.lifting.limits import PoseLimits
    from simhand_mm.lifting.noise import HandSamples, NoiseBank
    from simhand_mm.lifting.training import train_lifter
    from simhand_mm.synthetic.hand.pose_set import sample_hand_poses

    torch.set_num_threads(1)
    hands, video = find_hands(synthetic, fps)
    train, test = hands[video % 3 != 2], hands[video % 3 == 2]
    bank = NoiseBank.measure(
        HandSamples(
            train.truth.keypoints_2d.float(),
            train.truth.keypoints_3d.float(),
            train.truth.camera_matrix.float(),
        ),
        train.found_2d.float(),
        train.found_3d.float(),
    )
    print(f"errors of {len(bank.true_3d)} hands measured, {len(test.found_2d)} hands to test on")
    sampled_poses = torch.from_numpy(sample_hand_poses(people, poses, training.seed))
    network = train_lifter(
        sampled_poses, bank, training, lambda step, loss: print(step, f"{loss:.4f}")
    )
    meta = {
        "settings": asdict(training),
        "people": people,
        "poses_per_person": poses,
        "num_measured_hands": len(bank.true_3d),
    }
    Lifter(network, PoseLimits.of(sampled_poses), meta).save(output)
    lifter = Lifter.load(output)  # as others will have it, in half precision
    lifter.meta["held_out_videos"] = scores = errors_of_methods(lifter, test)
    print(json.dumps(scores | {"expected errors": compare_expected_errors(lifter, test)}, indent=2))
    print(f"{output}: sha256 {lifter.save(output)}")


def find_hands(synthetic: Path, fps: float) -> tuple[FoundHands, Tensor]:
    """Return what MediaPipe finds in the videos and the truth; left hands become right hands.

    Returns:
        The hands, and the number of the video of each, ``[N]``.

    Raises:
        ValueError: If MediaPipe finds no hand.
    """
    import torch

    from simhand_mm.functional.boxes import keypoints_to_box
    from simhand_mm.functional.keypoints import mirror_keypoints_3d
    from simhand_mm.lifting.evaluation import FoundHands
    from simhand_mm.lifting.noise import HandSamples
    from simhand_mm.preparation.keypoints import MediaPipeHands
    from simhand_mm.preparation.videos import sample_frames
    from simhand_mm.synthetic.ground_truth import GroundTruth

    truth = GroundTruth.load(synthetic)
    estimator = MediaPipeHands(max_hands=2)
    video_ids = sorted(set(truth.video_id.tolist()))
    places, hands = [], []
    for number, video_id in enumerate(video_ids):
        for frame in sample_frames(synthetic / "videos" / f"{video_id}.mp4", fps):
            found = estimator(frame.image)
            hands += found
            places += [(number, frame.index)] * len(found)
    rows = truth.match(
        [video_ids[number] for number, _ in places],
        np.array([frame_index for _, frame_index in places]),
        np.array([keypoints_to_box(hand.keypoints_2d) for hand in hands]),
        [hand.handedness for hand in hands],
    )
    is_known = rows >= 0
    if not is_known.any():
        raise ValueError(
            f"{synthetic} must contain videos in which MediaPipe finds hands, but it finds none. "
            "Make more of them with simhand synthesize."
        )
    rows, video = rows[is_known], np.array([number for number, _ in places])[is_known]
    points = np.array([hand.keypoints_2d for hand in hands])[is_known], truth.keypoints_2d[rows]
    poses = np.array([hand.keypoints_3d for hand in hands])[is_known], truth.keypoints_3d[rows]
    camera, is_left = truth.camera_matrix[rows], truth.handedness[rows] == "left"
    found_2d, true_2d = (torch.from_numpy(_mirror_2d(each, camera, is_left)) for each in points)
    found_3d, true_3d = (
        torch.from_numpy(np.where(is_left[:, None, None], mirror_keypoints_3d(each), each))
        for each in poses
    )
    samples = HandSamples(true_2d, true_3d, torch.from_numpy(camera))
    return FoundHands(samples, found_2d, found_3d), torch.from_numpy(video)


def _mirror_2d(keypoints: np.ndarray, camera_matrix: np.ndarray, is_left: np.ndarray) -> np.ndarray:
    """Mirror left hands in the plane of the principal point: x becomes 2 cx - x."""
    mirrored = keypoints.astype(np.float64)
    mirrored[is_left, :, 0] = 2 * camera_matrix[is_left, :1, 2] - mirrored[is_left, :, 0]
    return mirrored


if __name__ == "__main__":
    run(main, __doc__)
