"""Train the network that lifts 2D keypoints to 3D on synthetic poses alone.

    simhand train-lifter data/synthetic lifter.pth

The errors of MediaPipe are measured on two thirds of the synthetic videos, whose truth is known.
The lifter is tested on the other videos, which show other people.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from simhand_mm.cli import run
from simhand_mm.functional.keypoints import MIDDLE_MCP, WRIST
from simhand_mm.lifting.settings import LiftingTraining

if TYPE_CHECKING:
    from torch import Tensor

    from simhand_mm.lifting.lifter import LiftedHands, Lifter


def main(
    synthetic: Path,
    output: Path,
    /,
    training: LiftingTraining,
    people: int = 4000,
    poses: int = 64,
    fps: float = 2.5,
) -> None:
    """Measure errors, train, test, and write the weights.

    Args:
        synthetic: Data set of simhand synthesize.
        output: File of the weights.
        training: How to train.
        people: Number of synthetic people to train on.
        poses: Number of poses of each of them.
        fps: Frames per second of the videos in which errors are measured.
    """
    import torch

    from simhand_mm.lifting.lifter import Lifter
    from simhand_mm.lifting.limits import PoseLimits
    from simhand_mm.lifting.noise import HandSamples, NoiseBank
    from simhand_mm.lifting.training import train_lifter
    from simhand_mm.synthetic.hand.pose_set import sample_hand_poses

    torch.set_num_threads(1)
    hands = find_hands(synthetic, fps)
    is_test = hands.pop("video") % 3 == 2
    train, test = ({n: v[rows] for n, v in hands.items()} for rows in (~is_test, is_test))
    bank = NoiseBank.measure(
        HandSamples(*(train[n].float() for n in ("true_2d", "true_3d", "camera"))),
        train["found_2d"].float(),
        train["found_3d"].float(),
    )
    print(f"errors of {len(bank.true_3d)} hands measured, {len(is_test[is_test])} hands to test on")
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
    lifter.meta["held_out_videos"] = scores = test_lifter(lifter, test)
    print(json.dumps(scores | {"expected errors": check_expected_errors(lifter, test)}, indent=2))
    print(f"{output}: sha256 {lifter.save(output)}")


def find_hands(synthetic: Path, fps: float) -> dict[str, Tensor]:
    """Return what MediaPipe finds in the videos and the truth; left hands become right hands."""
    import torch

    from simhand_mm.functional.boxes import keypoints_to_box
    from simhand_mm.preparation.keypoints import MediaPipeHands
    from simhand_mm.preparation.videos import sample_frames
    from simhand_mm.synthetic.ground_truth import GroundTruth

    truth = GroundTruth.load(synthetic)
    estimator = MediaPipeHands(max_hands=2)
    columns: dict[str, list] = defaultdict(list)
    video_ids = sorted(set(truth.video_id.tolist()))
    for number, video_id in enumerate(video_ids):
        for frame in sample_frames(synthetic / "videos" / f"{video_id}.mp4", fps):
            found = estimator(frame.image)
            boxes = np.array([keypoints_to_box(hand.keypoints_2d) for hand in found])
            sides = [hand.handedness for hand in found]
            count = len(found)
            rows = truth.match([video_id] * count, np.full(count, frame.index), boxes, sides)
            for hand, row in zip(found, rows, strict=True):
                if row >= 0:
                    columns["row"].append(row)
                    columns["video"].append(number)
                    columns["found_2d"].append(hand.keypoints_2d)
                    columns["found_3d"].append(hand.keypoints_3d)
    if not columns:
        raise ValueError(
            f"{synthetic} must contain videos in which MediaPipe finds hands, but it finds none. "
            "Make more of them with simhand synthesize."
        )
    hands = {name: np.array(values) for name, values in columns.items()}
    rows = hands.pop("row")
    hands["true_2d"], hands["true_3d"] = truth.keypoints_2d[rows], truth.keypoints_3d[rows]
    hands["camera"] = truth.camera_matrix[rows]
    _mirror(hands, truth.handedness[rows] == "left")
    return {name: torch.from_numpy(values) for name, values in hands.items()}


def _mirror(hands: dict[str, np.ndarray], is_left: np.ndarray) -> None:
    """Mirror left hands in the plane of the principal point, in place: x becomes 2 cx - x."""
    from simhand_mm.functional.keypoints import mirror_keypoints_3d

    twice_cx = 2 * hands["camera"][is_left, :1, 2]
    for name in ("found_2d", "true_2d"):
        hands[name] = hands[name].astype(np.float64)
        hands[name][is_left, :, 0] = twice_cx - hands[name][is_left, :, 0]
    for name in ("found_3d", "true_3d"):
        hands[name][is_left] = mirror_keypoints_3d(hands[name][is_left])


def test_lifter(lifter: Lifter, hands: dict[str, Tensor]) -> dict[str, dict[str, float]]:
    """Mean errors in mm of each method, and with other inputs, over hands with known truth."""
    from simhand_mm.lifting.methods import estimate_poses

    found, other, camera = (hands[name].numpy() for name in ("found_2d", "found_3d", "camera"))
    methods = ("world_landmarks", "lifted", "lifted_from_both", "half_and_half")
    lifted = {
        name: estimate_poses(lifter, name, found, None, camera, other) for name in methods
    } | {
        "lifted, without the camera": lifter(found),
        "lifted, true 2D keypoints": lifter(hands["true_2d"].numpy(), camera_matrix=camera),
    }
    return {
        name: {
            protocol: round(_errors_mm(poses, hands, protocol).mean().item(), 2)
            for protocol in ("root_scale", "procrustes")
        }
        for name, poses in lifted.items()
    }


def check_expected_errors(lifter: Lifter, hands: dict[str, Tensor]) -> dict[str, float]:
    """Compare expected errors with true ones (``root_scale``), over hands with known truth."""
    lifted = lifter(hands["found_2d"].numpy(), camera_matrix=hands["camera"].numpy())
    errors_mm = _errors_mm(lifted, hands, "root_scale").numpy()
    bones = (hands["true_3d"][:, MIDDLE_MCP] - hands["true_3d"][:, WRIST]).norm(dim=-1).numpy()
    hand_mm, expected = errors_mm.mean(1), lifted.expected_error.mean(1)
    first, last = np.quantile(expected, [0.25, 0.75])
    values = {
        "expected, in units of the hand": expected.mean(),
        "true, in units of the hand": (errors_mm / bones[:, None]).mean(),
        "mm, quarter with the smallest expected error": hand_mm[expected <= first].mean(),
        "mm, quarter with the largest expected error": hand_mm[expected >= last].mean(),
        "share of hands that are not plausible": 1 - lifted.is_plausible.mean(),
        "mm, plausible": hand_mm[lifted.is_plausible].mean(),
        "mm, not plausible": hand_mm[~lifted.is_plausible].mean(),
    }
    return {name: round(float(value), 3) for name, value in values.items()}


def _errors_mm(lifted: LiftedHands, hands: dict[str, Tensor], protocol: str) -> Tensor:
    """``[N, 21]`` mm."""
    import torch

    from simhand_mm.functional.pose_metrics import keypoint_errors_mm

    poses = torch.from_numpy(lifted.keypoints_3d).double()
    return keypoint_errors_mm(poses, hands["true_3d"].double(), protocol)


if __name__ == "__main__":
    run(main, __doc__)
