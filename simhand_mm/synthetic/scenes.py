"""Scenes: hands, camera, light and background over T frames, sampled first and rendered later.

Axes: T frames, B bones. Millimetres, camera frame (x right, y down, z forward).
"""

from dataclasses import dataclass

import numpy as np

from simhand_mm.functional.boxes import clip_box, keypoints_to_box
from simhand_mm.synthetic.drawing.camera import Camera, place_in_frame, project_points
from simhand_mm.synthetic.drawing.film import Film
from simhand_mm.synthetic.drawing.rendering import Light, render
from simhand_mm.synthetic.drawing.surfaces import Surface, unit, vertex_normals
from simhand_mm.synthetic.hand.kinematics import axis_rotation, bone_transforms
from simhand_mm.synthetic.hand.mesh import HandMesh, refine, skin_vertices
from simhand_mm.synthetic.hand.pose_set import sample_free_pose
from simhand_mm.synthetic.hand.poses import sample_pose, smooth_path
from simhand_mm.synthetic.hand.props import fit_prop
from simhand_mm.synthetic.hand.subjects import Subject

# Largest cosine between the forearm and the direction to the camera.
_FOREARM_LIMIT = 0.75
_MIRROR = np.array([-1.0, 1.0, 1.0])
# From the hand frame (y up, palm towards the viewer) to the camera frame.
_PALM_TO_CAMERA = np.diag([1.0, -1.0, -1.0])


@dataclass(frozen=True)
class Staging:
    """Where and how a hand appears in a scene.

    Attributes:
        handedness: 'left' or 'right'.
        area_xyxy: ``[4]`` px, area of the image that the joints must not leave.
        size_px: Longer side of the bounding box of the joints, averaged over the frames.
        roll_deg: In-plane direction of the fingers: 0 is up, 90 is to the right.
        holds_prop: Whether the hand holds an object in all frames.
        any_pose: Whether each finger may take another gesture, unless the hand holds an object.
        any_view: Whether the hand may be seen from any side; ``roll_deg`` is then not used.
    """

    handedness: str
    area_xyxy: np.ndarray
    size_px: float
    roll_deg: float
    holds_prop: bool
    any_pose: bool = False
    any_view: bool = False


@dataclass(frozen=True)
class HandTrack:
    """One hand over the frames of a scene.

    Attributes:
        subject: The person.
        handedness: 'left' or 'right'.
        transforms: ``[T, B, 3, 4]`` bone transforms of the (right) hand at rest.
        rotation: ``[T, 3, 3]`` from the hand frame to the camera frame; mirrors a left hand.
        translation: ``[T, 3]`` mm.
        keypoints_3d: ``[T, 21, 3]`` mm, camera frame.
        prop: The object in the hand, or None.
    """

    subject: Subject
    handedness: str
    transforms: np.ndarray
    rotation: np.ndarray
    translation: np.ndarray
    keypoints_3d: np.ndarray
    prop: Surface | None


@dataclass(frozen=True)
class Scene:
    """Everything that determines the appearance of the frames.

    Attributes:
        camera: The camera.
        light: The light.
        film: Exposure, blur and sensor noise.
        canvas: ``[H', W', 3]`` background in linear RGB, larger than the image.
        pan: ``[T, 2]`` column and row of the canvas at the top left corner of the image.
        tracks: The hands.
    """

    camera: Camera
    light: Light
    film: Film
    canvas: np.ndarray
    pan: np.ndarray
    tracks: tuple[HandTrack, ...]

    def hand_labels(self, frame: int) -> list[dict]:
        """Return the ground truth of each hand in a frame (the fields of the parquet tables)."""
        labels = []
        for track in self.tracks:
            keypoints_3d = track.keypoints_3d[frame]
            keypoints_2d = project_points(keypoints_3d, self.camera.camera_matrix)
            size = (self.camera.width, self.camera.height)
            labels.append(
                {
                    "handedness": track.handedness,
                    "keypoints_2d": keypoints_2d.astype(np.float32),
                    "keypoints_3d": keypoints_3d.astype(np.float32),
                    "camera_matrix": self.camera.camera_matrix,
                    "bbox_xyxy": clip_box(keypoints_to_box(keypoints_2d), size).astype(np.float32),
                }
            )
        return labels


def sample_track(
    rng: np.random.Generator, subject: Subject, camera: Camera, staging: Staging, num_frames: int
) -> HandTrack:
    """Sample the motion of one hand over T frames."""
    num_keys = 1 if num_frames == 1 else max(3, num_frames // 7)
    keys = np.stack([_sample_key(rng, subject, staging) for _ in range(num_keys)])
    if staging.holds_prop:  # the fingers of a hand that holds an object hardly move
        keys = 0.85 * keys[:1] + 0.15 * keys
    transforms, joints = bone_transforms(subject.joints, smooth_path(keys, num_frames))
    if staging.any_view:
        rotation = np.repeat(_sample_any_view(rng)[None], num_frames, axis=0)
    else:
        rotation = _sample_view(rng, staging.roll_deg, num_keys, num_frames)
    if staging.handedness == "left":
        rotation = rotation * _MIRROR
    rotated = joints @ rotation.transpose(0, 2, 1)
    low, high = staging.area_xyxy[:2], staging.area_xyxy[2:]
    center = low + smooth_path(rng.uniform(0.1, 0.9, (num_keys, 2)), num_frames) * (high - low)
    translation = place_in_frame(rotated, camera, staging.size_px, center, staging.area_xyxy)
    return HandTrack(
        subject=subject,
        handedness=staging.handedness,
        transforms=transforms,
        rotation=rotation,
        translation=translation,
        keypoints_3d=rotated + translation[:, None],
        prop=fit_prop(rng, joints) if staging.holds_prop else None,
    )


def _sample_key(rng: np.random.Generator, subject: Subject, staging: Staging) -> np.ndarray:
    """Sample the angles ``[A]`` of one pose."""
    if staging.any_pose and not staging.holds_prop:
        return sample_free_pose(rng, subject.joints)
    return sample_pose(rng, subject.joints, "grasp" if staging.holds_prop else None)


def _sample_any_view(rng: np.random.Generator) -> np.ndarray:
    """Sample a rotation ``[3, 3]`` from all views in which the forearm is not before the hand."""
    while True:
        w, x, y, z = unit(rng.normal(0, 1, 4))  # a uniform unit quaternion
        rotation = np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
                [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
                [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
            ]
        )
        if rotation[2, 1] < _FOREARM_LIMIT:  # the forearm points to -y of the hand frame
            return rotation


def _sample_view(
    rng: np.random.Generator, roll_deg: float, num_keys: int, num_frames: int
) -> np.ndarray:
    """Sample rotations ``[T, 3, 3]`` that turn the palm or the back to the camera."""
    yaw = rng.choice([0.0, 180.0]) + rng.normal(0, 34)
    pitch = np.clip(rng.normal(0, 21), -45, 45)
    jitter = rng.normal(0, 1, (num_keys, 3)) * (16, 9, 14)
    yaw, pitch, roll = smooth_path(np.array([yaw, pitch, roll_deg]) + jitter, num_frames).T
    x_axis, y_axis, z_axis = np.eye(3)
    return (
        axis_rotation(z_axis, roll)
        @ axis_rotation(x_axis, pitch)
        @ _PALM_TO_CAMERA
        @ axis_rotation(y_axis, yaw)
    )


def render_frame(
    rng: np.random.Generator, scene: Scene, mesh: HandMesh, frame: int, supersampling: float
) -> np.ndarray:
    """Render one frame, ``[H, W, 3]`` uint8 RGB; ``rng`` draws the sensor noise."""
    camera = scene.camera
    surfaces = [s for track in scene.tracks for s in _track_surfaces(track, mesh, frame)]
    left, top = scene.pan[frame]
    background = scene.canvas[top : top + camera.height, left : left + camera.width]
    focus = np.concatenate([track.keypoints_3d[frame] for track in scene.tracks])
    linear = render(surfaces, camera, scene.light, background, focus, supersampling)
    return scene.film.expose(rng, linear)


def _track_surfaces(track: HandTrack, mesh: HandMesh, frame: int) -> list[Surface]:
    """Return the surfaces of hand, sleeve and prop in one video frame, in camera coordinates."""
    subject, transforms = track.subject, track.transforms[frame]
    vertices = skin_vertices(subject.vertices, mesh.skin_weights, transforms)
    vertices, normals = refine(vertices, vertex_normals(vertices, mesh.faces), mesh.edges)
    parts = [
        Surface(
            vertices=vertices,
            normals=normals,
            faces=mesh.fine_faces,
            albedo=subject.albedo,
            specular=subject.specular,
            gloss=subject.gloss,
            scatter=1.0,
        )
    ]
    if subject.sleeve:
        forearm = transforms[0]
        parts.append(subject.sleeve.moved(forearm[:, :3], forearm[:, 3]))
    if track.prop:
        parts.append(track.prop)
    return [part.moved(track.rotation[frame], track.translation[frame]) for part in parts]
