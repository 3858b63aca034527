"""The output images of the demo."""

import numpy as np
import pytest

from simhand_mm.visualization.demo_frame import DrawnHand, draw_demo_frame
from tests.test_visualization.labelled_stills import make_target


def hand(offset=0.0, label="left"):
    target = make_target(0)
    return DrawnHand(target[:, :2] / 4 + 40 + offset, target - target[0], label)


@pytest.mark.parametrize("num_hands", [0, 1, 2, 5])
def test_size_does_not_depend_on_the_number_of_hands(num_hands):
    image = np.full((90, 120, 3), 128, np.uint8)
    frame = draw_demo_frame(image, [hand(5 * number) for number in range(num_hands)])
    assert frame.shape == (360, 480 + 360, 3)  # four times as large
    assert (image == 128).all()
    assert (frame[:, :480] != 128).any() == (num_hands > 0)
    rows = (frame[:, 480:] != 255).any((1, 2))
    assert rows[-360 // max(num_hands, 2) :].any() == (num_hands > 1)


def test_large_images_are_scaled_down_together_with_the_hand():
    image = np.zeros((3000, 4000, 3), np.uint8)
    large = hand()
    large = DrawnHand(large.keypoints_2d * 25, large.keypoints_3d, "right")
    frame = draw_demo_frame(image, [large])
    assert frame.shape == (1200, 1600 + 1200, 3)
    wrist = np.round((large.keypoints_2d[0] + 0.5) * 0.4 - 0.5).astype(int)
    assert frame[wrist[1], wrist[0]].min() > 200  # the light dot of the wrist


def test_hands_outside_the_image_are_accepted():
    frame = draw_demo_frame(np.zeros((60, 80, 3), np.uint8), [hand(1e6), hand(-1e6)])
    assert frame.shape == (360, 840, 3)
