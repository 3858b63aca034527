"""The two domains: videos in the wild, and labelled stills from a studio.

They differ in camera, background, light and film, as unlabelled videos differ from labelled data.
"""

import numpy as np

from simhand_mm.synthetic.drawing.backgrounds import studio_background, wild_background
from simhand_mm.synthetic.drawing.camera import Camera
from simhand_mm.synthetic.drawing.film import Film, sample_light
from simhand_mm.synthetic.drawing.textures import linear_rgb
from simhand_mm.synthetic.hand.mesh import HandMesh
from simhand_mm.synthetic.hand.poses import smooth_path
from simhand_mm.synthetic.hand.subjects import Subject, sample_subject
from simhand_mm.synthetic.scenes import Scene, Staging, sample_track

_PROP_SHARE = 0.2
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
