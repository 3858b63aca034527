"""Lifting 2D keypoints of hands to 3D poses with an uncertainty."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from simhand_mm.functional.keypoints import WRIST
from simhand_mm.functional.lifting import look_at_hand, to_hand_unit
from simhand_mm.lifting.limits import PoseLimits
from simhand_mm.lifting.network import LiftingNetwork
from simhand_mm.pool.array_files import write_checkpoint
from simhand_mm.pool.files import sha256_of

SHIPPED_WEIGHTS = Path(__file__).with_name("lifter.pth")
MIN_KEYPOINTS = 11  # up to half of them are missing in training
_FORMAT = "simhand_mm lifter 1"


@dataclass(frozen=True)
class LiftedHands:
    """3D poses that were estimated from 2D keypoints.

    Attributes:
        keypoints_3d: ``[N, 21, 3]`` float32, axes of the camera (x right, y down, z forward). The
            wrist is at 0, and the bone from the wrist to the middle MCP measures 1. NaN for a hand
            with fewer than 11 keypoints.
        expected_error: ``[N, 21]`` float32, how far each keypoint is expected to be off, same
            unit; the wrist, which is 0 by definition, has 0.
        is_plausible: ``[N]`` bool, whether bone lengths and bends are those of hands.
    """

    keypoints_3d: np.ndarray
    expected_error: np.ndarray
    is_plausible: np.ndarray


class Lifter:
    """A trained network with the limits of the poses that it was trained on.

    Example:
        >>> keypoints_2d = np.random.default_rng(0).uniform(0, 100, (5, 21, 2))
        >>> Lifter.load()(keypoints_2d, ["left"] * 5).keypoints_3d.shape
        (5, 21, 3)

    Args:
        network: The network.
        limits: Ranges of bone lengths and bends.
        meta: How it was trained, plain values.
    """

    def __init__(self, network: LiftingNetwork, limits: PoseLimits, meta: dict[str, Any]) -> None:
        self.network = network.float().eval()
        self.limits = limits
        self.meta = meta

    @classmethod
    def load(cls, path: str | Path = SHIPPED_WEIGHTS) -> "Lifter":
        """Read a lifter without executing anything in the file.

        Args:
            path: File of ``simhand train-lifter``; by default the one in the package.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is not a lifter.
        """
        if not Path(path).is_file():
            raise FileNotFoundError(
                f"weights must be a file, but {path} does not exist. Train a lifter with "
                "simhand train-lifter, or leave the option out."
            )
        try:
            content = torch.load(path, map_location="cpu", weights_only=True)
            if content["format"] != _FORMAT:
                raise ValueError(f"its format is {content['format']!r}")
            network = LiftingNetwork(**content["shape"])
            network.load_state_dict(content["state_dict"])
            limits = PoseLimits(**content["limits"])
        except Exception as error:  # torch raises many types for files of other kinds
            raise ValueError(
                f"weights must be a file of simhand train-lifter, but reading {path} gives: "
                f"{str(error).splitlines()[0]}. Give another file."
            ) from error
        return cls(network, limits, content["meta"])

    def save(self, path: str | Path) -> str:
        """Write the lifter in half precision, atomically, and return the SHA-256 of the file."""
        state = {name: value.half() for name, value in self.network.state_dict().items()}
        content = {
            "format": _FORMAT,
            "shape": self.network.shape,
            "state_dict": state,
            "limits": asdict(self.limits),
            "meta": self.meta,
        }
        write_checkpoint(path, content)
        return sha256_of(path)

    def __call__(
        self,
        keypoints_2d: np.ndarray,
        handedness: Sequence[str] | np.ndarray | None = None,
        camera_matrix: np.ndarray | None = None,
        other_3d: np.ndarray | None = None,
        batch_size: int = 8192,
    ) -> LiftedHands:
        """Lift keypoints.

        Args:
            keypoints_2d: ``[N, 21, 2]`` px; NaN for keypoints that are missing.
            handedness: ``[N]`` 'left' or 'right'; None if all look like right hands.
            camera_matrix: ``[N, 3, 3]`` or ``[3, 3]`` px, without skew. Where there is none (None,
                or NaN), the hand is taken to lie in the middle of its image, and the pose is
                relative to a camera that looks straight at it.
            other_3d: ``[N, 21, 3]``, any unit, axes of the camera: the pose by another
                model, such as MediaPipe's world landmarks; NaN for hands without it.
            batch_size: Number of hands that are lifted at once.

        Raises:
            ValueError: If an array has another shape, or a hand is neither left nor right.
        """
        inputs = _inputs(keypoints_2d, handedness, camera_matrix, other_3d)
        chunks = zip(*(torch.split(value, batch_size) for value in inputs), strict=True)
        parts = [self._lift(*chunk) for chunk in chunks]
        if not parts:
            return LiftedHands(np.zeros((0, 21, 3)), np.zeros((0, 21)), np.zeros(0, bool))
        return LiftedHands(*(torch.cat(part).numpy() for part in zip(*parts, strict=True)))

    @torch.inference_mode()
    def _lift(
        self, keypoints_2d: Tensor, is_left: Tensor, camera: Tensor, other_3d: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Lift one batch: mirror left hands, go to the lifter's frame and back. See _inputs."""
        valid = keypoints_2d.isfinite().all(-1)
        mirror = torch.where(is_left, -1.0, 1.0)[:, None]
        axis = camera[:, :1, 2]
        keypoints_2d = keypoints_2d.clone()
        keypoints_2d[..., 0] = axis + mirror * (keypoints_2d[..., 0] - axis)
        flat, rotation = look_at_hand(keypoints_2d, camera, valid)
        has_other = other_3d.isfinite().all(-1).all(-1)
        sign = torch.stack([mirror, torch.ones_like(mirror), torch.ones_like(mirror)], -1)
        other = to_hand_unit(other_3d * sign) @ rotation.mT
        pose, log_error = self.network(flat.float(), valid, other.float(), has_other)
        error = log_error.exp()
        error[:, WRIST] = 0.0
        in_camera = (pose.double() @ rotation * sign).float()
        is_enough = valid.sum(1) >= MIN_KEYPOINTS
        zero_or_nan = torch.where(is_enough, 0.0, torch.nan)[:, None]
        is_plausible = self.limits.holds(pose) & is_enough
        return in_camera + zero_or_nan[..., None], error + zero_or_nan, is_plausible


def _inputs(
    keypoints_2d: np.ndarray,
    handedness: Sequence[str] | np.ndarray | None,
    camera_matrix: np.ndarray | None,
    other_3d: np.ndarray | None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Check the inputs and fill in what is missing: keypoints, left hands, cameras, other poses."""
    keypoints_2d = np.asarray(keypoints_2d, np.float64)
    count = len(keypoints_2d)
    if keypoints_2d.shape != (count, 21, 2):
        raise ValueError(
            f"keypoints_2d must be [N, 21, 2], but got {keypoints_2d.shape}. Give the 21 "
            "keypoints of each hand in px."
        )
    sides = np.full(count, "right") if handedness is None else np.asarray(handedness, dtype=str)
    if sides.shape != (count,) or not np.isin(sides, ["left", "right"]).all():
        raise ValueError(
            f"handedness must be 'left' or 'right' for each of {count} hands, but got "
            f"{len(sides)} values, among them {sorted(set(sides.tolist()))[:4]}. Correct them."
        )
    guess = _camera_at(keypoints_2d)
    camera = guess if camera_matrix is None else np.asarray(camera_matrix, np.float64)
    camera = np.broadcast_to(camera, (count, 3, 3))
    camera = np.where(np.isnan(camera).all((1, 2), keepdims=True), guess, camera)
    if count and not (np.isfinite(camera).all() and (camera[:, [0, 1], [0, 1]] > 0).all()):
        raise ValueError(
            "camera_matrix must be finite with positive focal lengths, but is not for at least "
            "one hand. Leave it out where it is not known."
        )
    other = np.full((count, 21, 3), np.nan) if other_3d is None else np.asarray(other_3d, float)
    if other.shape != (count, 21, 3):
        raise ValueError(
            f"other_3d must be [{count}, 21, 3], but got {other.shape}. Give the 21 keypoints of "
            "each hand, NaN where there are none."
        )
    arrays = (keypoints_2d, sides == "left", camera.copy(), other)
    keypoints, is_left, cameras, others = map(torch.from_numpy, arrays)
    return keypoints, is_left, cameras, others


def _camera_at(keypoints_2d: np.ndarray) -> np.ndarray:
    """Return cameras ``[N, 3, 3]`` that look at the centre of each hand from far away."""
    known = np.isfinite(keypoints_2d).all(-1, keepdims=True)
    points = np.where(known, keypoints_2d, 0.0)
    middle = points.sum(1) / np.maximum(known.sum(1), 1)
    extent = np.abs(points - middle[:, None] * known).max((1, 2))
    camera = np.tile(np.eye(3), (len(points), 1, 1))
    camera[:, 0, 0] = camera[:, 1, 1] = 100 * np.maximum(extent, 1e-6)
    camera[:, :2, 2] = middle
    return camera
