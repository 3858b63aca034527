"""Plausible hands: ranges of bone lengths and of the bends between bones."""

from dataclasses import dataclass

import torch
from torch import Tensor

from simhand_mm.functional.keypoints import PARENTS, SKELETON, WRIST
from simhand_mm.functional.lifting import to_hand_unit

_BENDS = [(PARENTS[PARENTS[tip]], PARENTS[tip], tip) for tip in range(21) if PARENTS[tip] != WRIST]


@dataclass(frozen=True)
class PoseLimits:
    """Ranges of bone lengths and bends; a pose outside of one of them is not plausible.

    Attributes:
        lowest: ``[20 + 15]``, shortest bones (units of the hand), then smallest bends (radians).
        highest: ``[20 + 15]``, longest bones, then largest bends.
    """

    lowest: Tensor
    highest: Tensor

    @classmethod
    def of(cls, poses: Tensor, margin: float = 0.25) -> "PoseLimits":
        """Return the ranges of given poses, widened.

        Args:
            poses: ``[P, 21, 3]``, any unit.
            margin: By how much: a share of the bone lengths, an angle in radians for the bends.
        """
        bones, bends = _measures(poses)
        return cls(
            torch.cat([bones.amin(0) * (1 - margin), bends.amin(0) - margin]),
            torch.cat([bones.amax(0) * (1 + margin), bends.amax(0) + margin]),
        )

    def holds(self, poses: Tensor) -> Tensor:
        """Return whether each pose ``[N, 21, 3]`` (any unit) is within all ranges, ``[N]`` bool."""
        measures = torch.cat(_measures(poses), 1)
        return ((measures >= self.lowest) & (measures <= self.highest)).all(1)


def _measures(poses: Tensor) -> tuple[Tensor, Tensor]:
    """Return bone lengths ``[N, 20]`` in units of the hand and bends ``[N, 15]`` in radians."""
    poses = to_hand_unit(poses)
    parents, children = torch.tensor(SKELETON).T
    bones = (poses[:, children] - poses[:, parents]).norm(dim=-1)
    first, middle, last = torch.tensor(_BENDS).T
    before, after = poses[:, middle] - poses[:, first], poses[:, last] - poses[:, middle]
    cosine = torch.nn.functional.cosine_similarity(before, after, dim=-1)
    return bones, torch.arccos(cosine.clamp(-1, 1))
