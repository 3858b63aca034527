"""The domains: videos in the wild, and labelled stills from a studio or of any appearance.

Videos and studio stills differ in camera, background, light and film, as unlabelled videos differ
from labelled data. Stills of any appearance are for models that must work on real images.
"""

from dataclasses import replace

import numpy as np

from simhand_mm.synthetic.drawing.backgrounds import (
    any_background,
    studio_background,
    wild_background,
)
from simhand_mm.synthetic.drawing.camera import Camera
from simhand_mm.synthetic.drawing.film import Film, sample_any_light, sample_light
from simhand_mm.synthetic.drawing.textures import linear_rgb
from simhand_mm.synthetic.hand.mesh import HandMesh
from simhand_mm.synthetic.hand.poses import smooth_path
from simhand_mm.synthetic.hand.subjects import Subject, sample_subject
from simhand_mm.synthetic.scenes import Scene, Staging, sample_track

_PROP_SHARE = 0.2
# Of stills of any appearance.
_OTHER_HAND_SHARE, _ANY_POSE_SHARE, _ANY_VIEW_SHARE = 0.2, 0.5, 0.5
_PAN_SHARE = 0.25  # range of the camera pan, as a fraction of the image size


def sample_clip(
    rng: np.random.Generator,
    mesh: HandMesh,
    num_frames: int,
    width: int,
    height: int,
    two_hands: bool,
) -> Scene:
    """Sample a short video of one person in the wild."""
    camera = Camera.centered(rng.uniform(0.85, 1.5) * width, width, height)
    subject = sample_subject(rng, mesh)
    stagings = _stage_pair(rng, width, height) if two_hands else [_stage_one(rng, width, height)]
    tracks = [sample_track(rng, subject, camera, staging, num_frames) for staging in stagings]
    large = (round(width * (1 + _PAN_SHARE)), round(height * (1 + _PAN_SHARE)))
    canvas = wild_background(rng, *large)
    room = np.array(large) - (width, height)
    pan = smooth_path(rng.uniform(0, 1, (3, 2)), num_frames) * room
    return Scene(
        camera=camera,
        light=sample_light(rng, contrast=1.0),
        film=Film(rng.uniform(0.75, 1.2), rng.choice([0.0, 0.0, 0.5, 0.8]), rng.uniform(1, 5)),
        canvas=linear_rgb(canvas).astype(np.float32),
        pan=np.rint(pan).astype(int),
        tracks=tuple(tracks),
    )


def sample_still(
    rng: np.random.Generator, mesh: HandMesh, subject: Subject, image_size: int
) -> Scene:
    """Sample a square studio image of one hand of a person."""
    camera = Camera.centered(rng.uniform(1.8, 3.0) * image_size, image_size, image_size)
    margin = 0.06 * image_size
    staging = Staging(
        handedness=str(rng.choice(["left", "right"])),
        area_xyxy=np.array([margin, margin, image_size - margin, image_size - margin]),
        size_px=rng.uniform(0.55, 0.8) * image_size,
        roll_deg=_any_roll(rng),
        holds_prop=rng.random() < _PROP_SHARE,
    )
    track = sample_track(rng, subject, camera, staging, num_frames=1)
    canvas = studio_background(rng, image_size, image_size)
    return Scene(
        camera=camera,
        light=sample_light(rng, contrast=0.7),
        film=Film(rng.uniform(0.85, 1.1), 0.0, rng.uniform(0.5, 2)),
        canvas=linear_rgb(canvas).astype(np.float32),
        pan=np.zeros((1, 2), int),
        tracks=(track,),
    )


def sample_any_still(
    rng: np.random.Generator, mesh: HandMesh, subject: Subject, image_size: int
) -> Scene:
    """Sample a square image of one hand of a person: any pose, view, light and background.

    The hand is small enough for crops that are rotated, shifted and enlarged; sometimes the
    other hand is in view, or covers a part of it.
    """
    focal_px = image_size * np.exp(rng.uniform(np.log(1.3), np.log(5.0)))
    camera = Camera.centered(focal_px, image_size, image_size)
    first = _stage_any(rng, image_size)
    tracks = [sample_track(rng, subject, camera, first, num_frames=1)]
    if rng.random() < _OTHER_HAND_SHARE:
        tracks.append(sample_track(rng, subject, camera, _stage_other(rng, first), num_frames=1))
    return Scene(
        camera=camera,
        light=sample_any_light(rng),
        film=Film(rng.uniform(0.6, 1.5), 0.0, rng.uniform(0.5, 3)),
        canvas=linear_rgb(any_background(rng, image_size, image_size)).astype(np.float32),
        pan=np.zeros((1, 2), int),
        tracks=tuple(tracks),
    )


def _stage_any(rng: np.random.Generator, image_size: int) -> Staging:
    margin = 0.17 * image_size
    return Staging(
        handedness=str(rng.choice(["left", "right"])),
        area_xyxy=np.array([margin, margin, image_size - margin, image_size - margin]),
        size_px=rng.uniform(0.35, 0.55) * image_size,
        roll_deg=_any_roll(rng),
        holds_prop=rng.random() < _PROP_SHARE,
        any_pose=rng.random() < _ANY_POSE_SHARE,
        any_view=rng.random() < _ANY_VIEW_SHARE,
    )


def _stage_other(rng: np.random.Generator, first: Staging) -> Staging:
    """Give the other hand a random half of the image, so that it rarely covers the first."""
    area = first.area_xyxy.copy()
    area[rng.integers(4)] = area.mean()
    return replace(
        first,
        handedness="left" if first.handedness == "right" else "right",
        area_xyxy=area,
        size_px=first.size_px * rng.uniform(0.85, 1.15),
        roll_deg=_any_roll(rng),
        holds_prop=False,
    )


def _stage_one(rng: np.random.Generator, width: int, height: int) -> Staging:
    """Give one hand the whole image."""
    margin = 0.03 * height
    return Staging(
        handedness=str(rng.choice(["left", "right"])),
        area_xyxy=np.array([margin, margin, width - margin, height - margin]),
        size_px=rng.uniform(0.4, 0.68) * height,
        roll_deg=_any_roll(rng),
        holds_prop=rng.random() < _PROP_SHARE,
    )


def _stage_pair(rng: np.random.Generator, width: int, height: int) -> list[Staging]:
    """Give each hand one half of the image; its forearm leaves the image on the same side."""
    margin = 0.03 * height
    size = rng.uniform(0.36, 0.5) * height
    left_first = rng.random() < 0.5  # seen by the person, or from the opposite side
    stagings = []
    for half, lean in ((0, 1), (1, -1)):
        left = half * width / 2
        stagings.append(
            Staging(
                handedness="left" if left_first == (half == 0) else "right",
                area_xyxy=np.array(
                    [left + margin, margin, left + width / 2 - margin, height - margin]
                ),
                size_px=size * rng.uniform(0.93, 1.07),
                roll_deg=lean * np.clip(rng.normal(22, 22), -12, 75),
                holds_prop=rng.random() < _PROP_SHARE,
            )
        )
    return stagings


def _any_roll(rng: np.random.Generator) -> float:
    """Sample an in-plane rotation in degrees: mostly fingers up, sometimes any direction."""
    return rng.uniform(-180, 180) if rng.random() < 0.3 else rng.normal(0, 32)
