"""A pinhole camera, and placing hands in its view.

Camera frame: x right, y down, z forward, millimetres. Pixel centres lie at integer coordinates.
"""

from dataclasses import dataclass

import numpy as np

from simhand_mm.functional.camera import pinhole


@dataclass(frozen=True)
class Camera:
    """A pinhole camera.

    Attributes:
        camera_matrix: ``[3, 3]`` px.
        width: Width of the image in px.
        height: Height of the image in px.
    """

    camera_matrix: np.ndarray
    width: int
    height: int

    @classmethod
    def centered(cls, focal_px: float, width: int, height: int) -> "Camera":
        """Return a camera with square pixels and the principal point at the image centre."""
        matrix = pinhole(focal_px, focal_px, (width - 1) / 2, (height - 1) / 2)
        return cls(matrix, width, height)

    @property
    def focal_px(self) -> float:
        """Focal length in pixels."""
        return float(self.camera_matrix[0, 0])

    def resized(self, scale: float) -> "Camera":
        """Return the camera with the same view and ``scale`` times the pixels per side."""
        matrix = self.camera_matrix.copy()
        matrix[:2] *= scale
        matrix[:2, 2] += (scale - 1) / 2  # the corner of the first pixel stays, its centre moves
        return Camera(matrix, round(self.width * scale), round(self.height * scale))


def project_points(points: np.ndarray, camera_matrix: np.ndarray) -> np.ndarray:
    """Project points ``[..., 3]`` (mm, camera frame) to pixels ``[..., 2]``."""
    homogeneous = points @ camera_matrix.T
    return homogeneous[..., :2] / np.maximum(homogeneous[..., 2:], 1e-6)


def place_in_frame(
    points: np.ndarray, camera: Camera, size_px: float, center_px: np.ndarray, area_xyxy: np.ndarray
) -> np.ndarray:
    """Find the translations that project points to given centres and keep them inside an area.

    Args:
        points: ``[T, K, 3]`` mm, axes of the camera frame, origin of the hand frame.
        camera: The camera.
        size_px: Target length of the longer side of the bounding box, averaged over the frames.
        center_px: ``[T, 2]`` target centre of the bounding box.
        area_xyxy: ``[4]`` px, area of the image that the bounding box must not leave.

    Returns:
        Translations ``[T, 3]`` mm, with the same depth for all frames.
    """
    extent = np.ptp(points[..., :2], axis=1)  # [T, 2] mm
    limit = np.array([area_xyxy[2] - area_xyxy[0], area_xyxy[3] - area_xyxy[1]])
    depth = camera.focal_px * extent.max(axis=1).mean() / size_px
    depth = max(depth, (camera.focal_px * extent / (0.88 * limit)).max())
    middle = (points.max(axis=1) + points.min(axis=1)) / 2
    shift = np.array([0.0, 0.0, depth]) - middle
    for _ in range(3):  # perspective changes the box slightly in each iteration
        pixels = project_points(points + shift[:, None], camera.camera_matrix)
        lowest, highest = pixels.min(axis=1), pixels.max(axis=1)
        half = (highest - lowest) / 2
        target = np.clip(center_px, area_xyxy[:2] + half, area_xyxy[2:] - half)
        shift[:, :2] += (target - (lowest + highest) / 2) * depth / camera.focal_px
    return shift
