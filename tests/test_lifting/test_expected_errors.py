"""The summary of expected errors that simhand train-lifter prints."""

import numpy as np
import torch

from simhand_mm.lifting.evaluation import FoundHands, compare_expected_errors
from simhand_mm.lifting.lifter import LiftedHands
from simhand_mm.lifting.noise import HandSamples

BONE = 90.0  # mm, wrist to middle MCP


def test_expected_errors_are_compared_with_true_ones():
    """Each hand has one wrong keypoint, which is off by 21 times the error of its row, in mm."""
    errors_mm, expected = [4.0, 2.0, 8.0, 6.0], [0.2, 0.1, 0.4, 0.3]
    truth = torch.randn(4, 21, 3, generator=torch.Generator().manual_seed(0)) * 30
    truth[:, 0] = 0
    truth[:, 9] = torch.tensor([0, BONE, 0])
    found = truth / BONE
    found[:, 20, 0] += torch.tensor(errors_mm) * 21 / BONE

    def lifter(keypoints_2d, camera_matrix):
        each = np.repeat(np.array(expected)[:, None], 21, axis=1)
        return LiftedHands(found.numpy(), each, np.array([True, True, False, True]))

    points = torch.zeros(4, 21, 2)
    hands = FoundHands(HandSamples(points, truth, torch.zeros(4, 3, 3)), points, found)
    values = list(compare_expected_errors(lifter, hands).values())
    np.testing.assert_allclose(values, [0.25, 5 / BONE, 2, 8, 0.25, 4, 8], atol=1e-3)
