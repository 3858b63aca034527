"""Generates pools of hand poses of any size with realistic statistics for mining.

Pools contain keypoints and videos, but no images. The distribution of video lengths has a heavy
tail; a hand moves smoothly around a few grasps (some shared by all videos) with sudden breaks; the
detector is noisy and sometimes wrong; a few videos are re-encoded or bit-identical copies of
others.
"""

from dataclasses import dataclass

import numpy as np

# Lengths of wrist->knuckle and of the three phalanges, and directions in the palm; thumb first.
_BONES = np.array(
    [
        [0.40, 0.32, 0.27, 0.22],
        [0.95, 0.40, 0.25, 0.20],
        [0.92, 0.45, 0.28, 0.21],
        [0.86, 0.41, 0.27, 0.21],
        [0.80, 0.33, 0.20, 0.18],
    ]
)
_FINGER_ANGLES = np.deg2rad([55.0, 18.0, 0.0, -15.0, -30.0])
_REST_ANGLES = np.tile([0.0, 0.35, 0.45, 0.25], 5)
_VIEWS = np.array(
    [
        [0.0, 0.0, 0.0],
        [0.9, 0.0, 0.4],
        [-0.8, 0.5, 0.0],
        [0.0, 1.2, -0.6],
        [2.2, 0.2, 0.3],
        [0.2, -1.0, 1.4],
    ]
)
_VIEW_SHARES = [0.3, 0.2, 0.15, 0.15, 0.1, 0.1]
_NUM_SYNERGIES = 12
_NUM_GRASPS = 400
_HANDS_PER_BLOCK = 100_000


@dataclass(frozen=True)
class Footage:
    """Properties of a pool: keypoint noise (share of the crop), motion and sudden breaks."""

    keypoint_noise: float
    motion: float
    break_share: float
    box_jitter: float


FOOTAGE = {
    "ordinary": Footage(keypoint_noise=0.006, motion=0.5, break_share=0.04, box_jitter=1.0),
    "slow": Footage(keypoint_noise=0.002, motion=0.25, break_share=0.01, box_jitter=0.3),
    "noisy": Footage(keypoint_noise=0.03, motion=0.5, break_share=0.04, box_jitter=1.0),
}


def generate_pool(num_hands: int, footage: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Generate keypoints and videos of a pool.

    Args:
        num_hands: Number of rows N.
        footage: A key of ``FOOTAGE``.
        seed: Random seed; the same seed gives the same pool.

    Returns:
        ``keypoints_2d [N, 21, 2]`` float32 in units of the crop side, ``video_index [N]`` int32.
    """
    rng = np.random.default_rng(seed)
    lengths = _video_lengths(num_hands, rng)
    grasps = rng.normal(size=(_NUM_GRASPS, _NUM_SYNERGIES))
    grasp_shares = rng.dirichlet(np.full(_NUM_GRASPS, 0.5))
    mixing = np.linalg.qr(rng.normal(size=(20, _NUM_SYNERGIES)))[0]
    mixing *= 0.9 / np.arange(1, _NUM_SYNERGIES + 1) ** 0.7
    mixing[:, 0] += 0.25 * np.tile([0.1, 1.0, 1.0, 0.6], 5)  # opening and closing of the hand

    keypoints = np.empty((num_hands, 21, 2), np.float32)
    start = 0
    for block in _blocks(lengths):
        poses, rotations, shapes, boxes = _motion(
            block, grasps, grasp_shares, FOOTAGE[footage], rng
        )
        joints = _forward_kinematics(_REST_ANGLES + poses @ mixing.T, shapes)
        joints = np.einsum("nij,nkj->nki", _rotation_matrices(rotations), joints)
        seen = _project(joints, boxes)
        keypoints[start : start + len(seen)] = _detect(seen, FOOTAGE[footage].keypoint_noise, rng)
        start += len(seen)
    _upload_again(keypoints, lengths, rng)
    return keypoints, np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)


def _video_lengths(num_hands: int, rng: np.random.Generator) -> np.ndarray:
    """Sample the number of rows per video: a mixture of two lognormals with means 125 and 50."""
    count = num_hands // 50 + 10
    is_long = rng.random(count) < 0.29
    mean = np.where(is_long, 125.0, 50.0)
    lengths = np.maximum(1, (mean * rng.lognormal(-0.5, 1.0, count)).astype(np.int64))
    last = int(np.searchsorted(np.cumsum(lengths), num_hands))
    lengths = lengths[: last + 1]
    lengths[-1] -= lengths.sum() - num_hands
    return lengths


def _blocks(lengths: np.ndarray) -> list[np.ndarray]:
    """Group consecutive videos into blocks of about ``_HANDS_PER_BLOCK`` rows, to bound memory."""
    block = np.cumsum(lengths) // _HANDS_PER_BLOCK
    return np.split(lengths, np.flatnonzero(np.diff(block)) + 1)


def _motion(
    lengths: np.ndarray,
    grasps: np.ndarray,
    grasp_shares: np.ndarray,
    footage: Footage,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Sample synergy coefficients, rotation vectors, finger lengths and boxes of all rows."""
    videos = np.repeat(np.arange(len(lengths)), lengths)
    first = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    is_break = rng.random(len(videos)) < footage.break_share
    is_break[first] = True
    # Each video has a few anchors, and switches to one of them at each break.
    num_anchors = 1 + rng.poisson(3 + lengths / 60)
    anchor_start = np.concatenate([[0], np.cumsum(num_anchors)[:-1]])
    anchor_video = np.repeat(np.arange(len(lengths)), num_anchors)
    grasp = rng.choice(_NUM_GRASPS, num_anchors.sum(), p=grasp_shares)
    anchor_pose = 0.85 * grasps[grasp] + 0.45 * rng.normal(size=(len(grasp), _NUM_SYNERGIES))
    view = _VIEWS[rng.choice(len(_VIEWS), len(lengths), p=_VIEW_SHARES)]
    view = view + 0.35 * rng.normal(size=view.shape)
    anchor_view = view[anchor_video] + 0.40 * rng.normal(size=(len(grasp), 3))

    break_video = videos[is_break]
    anchor = anchor_start[break_video] + rng.integers(0, num_anchors[break_video])
    anchor = anchor[np.cumsum(is_break) - 1]
    scale = np.repeat([0.22, 0.18], [_NUM_SYNERGIES, 3]) * footage.motion
    walk = _smooth_walk(lengths, is_break, _NUM_SYNERGIES + 3, rng) * scale
    shapes = 1 + 0.05 * rng.normal(size=(len(lengths), 5))
    boxes = rng.normal(size=(len(videos), 3)) * [0.015, 0.015, 0.03] * footage.box_jitter
    distances = rng.uniform(4.0, 9.0, len(lengths))  # camera, in hand units: mild perspective
    return (
        anchor_pose[anchor] + walk[:, :_NUM_SYNERGIES],
        anchor_view[anchor] + walk[:, _NUM_SYNERGIES:],
        shapes[videos],
        np.concatenate([boxes, distances[videos, None]], axis=1),
    )


def _smooth_walk(
    lengths: np.ndarray, is_break: np.ndarray, dims: int, rng: np.random.Generator
) -> np.ndarray:
    """Sample unit-variance Ornstein-Uhlenbeck walks ``[rows, dims]``, restarted at each break."""
    keep = 0.9
    walk = rng.normal(size=(len(is_break), dims))
    first = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    for step in range(1, lengths.max()):
        rows = first[lengths > step] + step
        rows = rows[~is_break[rows]]
        walk[rows] = keep * walk[rows - 1] + np.sqrt(1 - keep**2) * walk[rows]
    return walk


def _forward_kinematics(angles: np.ndarray, shapes: np.ndarray) -> np.ndarray:
    """Compute joints ``[N, 21, 3]`` from spread and three flexions per finger ``[N, 20]``."""
    angles = angles.reshape(-1, 5, 4)
    joints = np.zeros((len(angles), 21, 3))
    for finger, (bones, base) in enumerate(zip(_BONES, _FINGER_ANGLES, strict=True)):
        lengths = bones * shapes[:, finger, None]
        metacarpal = np.array([np.cos(base), np.sin(base), 0.0 if finger else 0.25])
        tip = metacarpal * lengths[:, :1]
        joints[:, 1 + 4 * finger] = tip
        azimuth = base + 0.35 * np.clip(angles[:, finger, 0], -1, 1)
        bend = np.cumsum(np.clip(angles[:, finger, 1:], -0.3, 1.7), axis=1)
        for bone in range(3):
            cos, sin = np.cos(bend[:, bone]), np.sin(bend[:, bone])
            direction = np.stack([cos * np.cos(azimuth), cos * np.sin(azimuth), -sin], axis=1)
            tip = tip + direction * lengths[:, bone + 1, None]
            joints[:, 2 + 4 * finger + bone] = tip
    return joints


def _rotation_matrices(vectors: np.ndarray) -> np.ndarray:
    """Convert rotation vectors ``[N, 3]`` to matrices ``[N, 3, 3]`` (Rodrigues)."""
    angle = np.linalg.norm(vectors, axis=1) + 1e-9
    x, y, z = (vectors / angle[:, None]).T
    cross = np.zeros((len(vectors), 3, 3))
    cross[:, 0, 1], cross[:, 0, 2], cross[:, 1, 2] = -z, y, -x
    cross[:, 1, 0], cross[:, 2, 0], cross[:, 2, 1] = z, -y, x
    sin, cos = np.sin(angle)[:, None, None], np.cos(angle)[:, None, None]
    return np.eye(3) + sin * cross + (1 - cos) * (cross @ cross)


def _project(joints: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Project to keypoints in units of the crop, a jittered square box of 1.3 times the hand."""
    points = joints[..., :2] / (1 + joints[..., 2:] / boxes[:, 3, None, None])
    low, high = points.min(axis=1), points.max(axis=1)
    side = (high - low).max(axis=1, keepdims=True) * 1.3 * np.exp(boxes[:, 2:3])
    return (points - (low + high)[:, None] / 2) / side[:, None] + 0.5 + boxes[:, None, :2]


def _detect(keypoints: np.ndarray, noise: float, rng: np.random.Generator) -> np.ndarray:
    """Add detector noise; 3 % of the hands get the pose of another hand."""
    size = noise * np.exp(0.4 * rng.normal(size=(len(keypoints), 1, 1)))
    seen = keypoints + size * rng.normal(size=keypoints.shape)
    wrong = np.flatnonzero(rng.random(len(seen)) < 0.03)
    other = seen[rng.integers(0, len(seen), len(wrong))]
    seen[wrong] = other + 0.06 * rng.normal(size=other.shape)
    return seen


def _upload_again(keypoints: np.ndarray, lengths: np.ndarray, rng: np.random.Generator) -> None:
    """Replace 0.4 % of the videos by copies of an earlier one, a quarter of them bit-identical."""
    first = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    again = rng.permutation(np.arange(1, len(lengths)))[: max(2, len(lengths) // 250)]
    for position, video in enumerate(again):
        original = rng.integers(0, video)
        count = min(lengths[original], lengths[video])
        copy = keypoints[first[original] : first[original] + count]
        if position >= max(1, len(again) // 4):
            copy = copy + 2e-3 * rng.normal(size=copy.shape)
        keypoints[first[video] : first[video] + count] = copy
