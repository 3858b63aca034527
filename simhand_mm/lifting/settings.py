"""Settings of the commands of this subpackage; importing them loads no framework."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

# What is assumed of a hand and a camera of which nothing is known.
BONE_MM = 91.0  # wrist to middle MCP of the average synthetic hand, about that of an adult
FOV_DEG = 60.0  # along the longer side of the frame

# What is taken as the pose of a hand, see lifting/methods.py.
PoseMethod = Literal["lifted", "lifted_from_both", "half_and_half", "world_landmarks"]


@dataclass(frozen=True)
class LiftingTraining:
    """How a lifter is trained.

    Attributes:
        steps: Number of optimizer steps.
        batch_size: Hands per step.
        learning_rate: Peak of the schedule: it rises over the first 5 % of the steps, then falls.
        width: Units of each hidden layer.
        depth: Number of hidden layers.
        any_view: Share of hands that are seen from any direction; the others show palm or back.
        other_3d: Share of hands for which the estimator's own 3D is given as well.
        missing: Share of hands that lack some keypoints.
        seed: Seed of the initial weights, views and errors.
    """

    steps: int = 5000
    batch_size: int = 1024
    learning_rate: float = 1e-3
    width: int = 512
    depth: int = 3
    any_view: float = 0.5
    other_3d: float = 0.5
    missing: float = 0.1
    seed: int = 0


@dataclass(frozen=True)
class PseudoLabels:
    """Assumptions about cameras and hands, and limits of the expected error.

    Attributes:
        fov_deg: Field of view of the cameras along the longer side of the frame, in degrees.
        frame_size: Width and height of the frames in px. A pool does not know them: without this
            option a frame is taken to end where the boxes of its video end.
        bone_mm: Length of the bone from wrist to middle MCP, which 2D keypoints do not contain;
            91 mm is that of the average synthetic hand.
        max_error: A hand is dropped if its keypoints are expected to be further off on average, in
            units of that bone.
        max_keypoint_error: A keypoint is not a label if it is expected to be further off.
        method: What is taken as the pose: lifted from the 2D keypoints, lifted from these and the
            estimator's own 3D, the mean of the lifted pose and that 3D, or that 3D alone.
        keypoints_2d: The 2D labels: projected poses, or the keypoints that were found, which fit
            the image better but are not exactly the projection of the 3D label.
        held_out: Share of each video, its end, that is written as a second split, held_out. Of
            videos with fewer than ten hands, and of pictures, whole ones are held out.
        weights: File of simhand train-lifter; by default the one in the package.
    """

    fov_deg: float = FOV_DEG
    frame_size: tuple[int, int] | None = None
    bone_mm: float = BONE_MM
    max_error: float = 0.35
    max_keypoint_error: float = 0.6
    method: PoseMethod = "lifted"
    keypoints_2d: Literal["projected", "found"] = "projected"
    held_out: float = 0.0
    weights: Path | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.held_out < 1:
            raise ValueError(
                f"held_out must be at least 0 and less than 1, but got {self.held_out}. It is a "
                "share of each video."
            )
        if not 0 < self.fov_deg < 180:
            raise ValueError(
                f"fov_deg must lie between 0 and 180, but got {self.fov_deg}. Give degrees."
            )
        if not self.bone_mm > 0:
            raise ValueError(f"bone_mm must be positive, but got {self.bone_mm}. Give millimetres.")
