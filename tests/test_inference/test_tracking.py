import numpy as np
import pytest

from simhand_mm.inference.tracking import TrackedHands, new_boxes, without_doubles
from simhand_mm.pool import HandBox, HandPose3D

IMAGE = np.zeros((240, 320, 3), np.uint8)


def hand_at(x, y, side="right", score=0.9, size=40.0):
    points = np.array([x, y]) + np.random.default_rng(0).uniform(0, size, (21, 2))
    box = HandBox(np.array([x, y, x + size, y + size]), side)
    return HandPose3D(box, points, np.full(21, score), np.zeros((21, 3)))


class World:
    """Hands that move by 5 px a frame; the model finds the hand in a box if there is one."""

    def __init__(self, *starts):
        self.places = [np.array(start, float) for start in starts]
        self.scores = [0.9] * len(starts)

    def detect(self, image):
        return [HandBox(np.array([*place, *(place + 40)]), "left") for place in self.places]

    def model(self, image, boxes):
        hands = []
        for box in boxes:
            gaps = [np.abs(place - box.bbox_xyxy[:2]).max() for place in self.places]
            near = int(np.argmin(gaps)) if gaps else 0
            found = bool(gaps) and gaps[near] < 20
            place = self.places[near] if found else box.bbox_xyxy[:2]
            hand = hand_at(*place, score=self.scores[near] if found else 0.05)
            hands.append(HandPose3D(box, hand.keypoints_2d, hand.keypoint_score, hand.keypoints_3d))
        return hands

    def step(self):
        for place in self.places:
            place += 5


def test_one_search_is_enough_while_all_hands_are_followed():
    world = World((20, 20), (150, 20))
    tracked = TrackedHands(world.model, world.detect, max_hands=2)
    for _ in range(12):
        hands = tracked(IMAGE)
        assert [hand.handedness for hand in hands] == ["left", "left"]
        np.testing.assert_allclose(hands[0].keypoints_2d.min(0), world.places[0], atol=5)
        world.step()
    assert tracked.num_searches == 1


def test_a_lost_hand_is_dropped_and_found_again():
    world = World((20, 20))
    tracked = TrackedHands(world.model, world.detect, max_hands=1)
    assert len(tracked(IMAGE)) == 1
    world.scores[0] = 0.1
    assert tracked(IMAGE) == []
    world.scores[0] = 0.9
    assert len(tracked(IMAGE)) == 1
    assert tracked.num_searches == 2


def test_a_second_hand_is_searched_for_now_and_then():
    world = World((20, 20))
    tracked = TrackedHands(world.model, world.detect, max_hands=2, search_interval=4)
    counts = []
    for frame in range(9):
        if frame == 2:
            world.places.append(np.array([200.0, 100.0]))
            world.scores.append(0.9)
        counts.append(len(tracked(IMAGE)))
    assert counts == [1] * 5 + [2] * 4
    assert tracked.num_searches == 2


def test_a_hand_that_leaves_the_image_or_jumps_in_size_is_lost():
    outside, large = hand_at(330, 20), hand_at(20, 20, size=100.0)
    box = HandBox(np.array([20, 20, 60, 60]), "right")
    for hand in (outside, large):
        moved = HandPose3D(box, hand.keypoints_2d, hand.keypoint_score, hand.keypoints_3d)
        tracked = TrackedHands(lambda image, boxes, moved=moved: [moved], lambda image: [box])
        assert tracked(IMAGE) == []


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_hands_at_one_place_the_surer_one_stays(order):
    hands = [hand_at(20, 20, score=0.5), hand_at(22, 20, "left", 0.9), hand_at(150, 20)][::order]
    kept = without_doubles(hands)
    assert {(hand.handedness, hand.keypoint_score[0]) for hand in kept} == {
        ("left", 0.9),
        ("right", 0.9),
    }


def test_boxes_of_followed_hands_are_not_new():
    near = HandBox(np.array([22, 22, 60, 60]), "left")
    far = HandBox(np.array([200, 20, 240, 60]), "")
    followed = [HandBox(np.array([20, 20, 60, 60]), "left")]
    assert new_boxes(followed, [near, far]) == [far]
    assert new_boxes([], [near]) == [near]
    assert new_boxes(followed, []) == []
