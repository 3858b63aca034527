"""The two worlds: videos in the wild, and labelled stills from a studio.

They differ in camera, background, light and film, as unlabelled videos differ from labelled sets.
"""

import numpy as np

from simhand_mm.synthetic.backgrounds import studio_background, wild_background
from simhand_mm.synthetic.camera import Camera
from simhand_mm.synthetic.film import Film, sample_light
from simhand_mm.synthetic.mesh import HandMesh
from simhand_mm.synthetic.poses import smooth_path
from simhand_mm.synthetic.scenes import Scene, sample_track
from simhand_mm.synthetic.subjects import Subject, sample_subject
from simhand_mm.synthetic.textures import linear_rgb

_PROP_SHARE = 0.2
_PAN_SHARE = 0.25  # how far the camera may pan, of the picture's size


def sample_clip(
    rng: np.random.Generator,
    mesh: HandMesh,
    num_frames: int,
    width: int,
    height: int,
    two_hands: bool,
) -> Scene:
    """Draw a short video of one person in the wild."""
    camera = Camera.centered(rng.uniform(0.85, 1.5) * width, width, height)
    subject = sample_subject(rng, mesh)
    hands = ["left", "right"] if rng.random() < 0.5 else ["right", "left"]
    margin = 0.03 * height
    edges = [0.0, 0.5, 1.0] if two_hands else [0.0, 1.0]
    tracks = []
    for left, right, handedness in zip(edges[:-1], edges[1:], hands, strict=False):
        area = np.array([left * width, 0, right * width, height]) + margin * np.array(
            [1, 1, -1, -1]
        )
        size = rng.uniform(0.34, 0.48) if two_hands else rng.uniform(0.4, 0.68)
        holds = rng.random() < _PROP_SHARE
        tracks.append(
            sample_track(rng, subject, handedness, camera, area, size * height, num_frames, holds)
        )
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
    """Draw a square picture of one hand of a person in a studio."""
    camera = Camera.centered(rng.uniform(1.8, 3.0) * image_size, image_size, image_size)
    margin = 0.06 * image_size
    area = np.array([margin, margin, image_size - margin, image_size - margin])
    size = rng.uniform(0.55, 0.8) * image_size
    handedness = str(rng.choice(["left", "right"]))
    holds = rng.random() < _PROP_SHARE
    track = sample_track(rng, subject, handedness, camera, area, size, 1, holds)
    canvas = studio_background(rng, image_size, image_size)
    return Scene(
        camera=camera,
        light=sample_light(rng, contrast=0.7),
        film=Film(rng.uniform(0.85, 1.1), 0.0, rng.uniform(0.5, 2)),
        canvas=linear_rgb(canvas).astype(np.float32),
        pan=np.zeros((1, 2), int),
        tracks=(track,),
    )
