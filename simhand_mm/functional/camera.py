"""Pinhole cameras, and how they and 3D points change when an image is warped.

Frames: ``keypoints_3d`` in any length unit in the camera frame (x right, y down, z forward);
``keypoints_2d`` in px of the image, pixel centres at integer coordinates. NumPy only.

An image warped by a similarity map (rotation, uniform scale, translation, reflection) is exactly
what another camera sees of the scene rotated about the optical axis, or reflected in a plane
through it. With ``A`` the map, ``Q`` its rotation or reflection and ``K`` the camera:
``A K X = (A K Qᵀ) (Q X)``. So 3D keypoints from :func:`transform_keypoints_3d`, projected by the
camera from :func:`transform_camera`, lie exactly on the warped 2D keypoints, wherever the crop is
in the image.
"""

import math

import numpy as np

_IDENTITY = np.eye(2)


def project(keypoints_3d: np.ndarray, camera_matrix: np.ndarray) -> np.ndarray:
    """Project 3D points into the image.

    Args:
        keypoints_3d: ``[..., K, 3]``, camera frame.
        camera_matrix: ``[..., 3, 3]``, px.

    Returns:
        ``[..., K, 2]``, px.
    """
    image = np.asarray(keypoints_3d) @ np.swapaxes(camera_matrix, -1, -2)
    return image[..., :2] / image[..., 2:]


def pinhole(fx: float, fy: float, cx: float, cy: float) -> np.ndarray:
    """Return the camera matrix ``[3, 3]`` with these focal lengths and principal point, px."""
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]], dtype=np.float64)


def orthogonal_part(affine: np.ndarray) -> np.ndarray:
    """Return the rotation or reflection of a similarity map.

    Args:
        affine: ``[..., 2, 3]``, source to destination px.

    Returns:
        ``[..., 2, 2]``, orthogonal; the determinant is -1 if the map is a reflection.

    Raises:
        ValueError: If the map stretches or shears the image; no camera matches such an image.
    """
    linear = np.asarray(affine, dtype=np.float64)[..., :2]
    # Written out: for one small matrix, np.linalg.det and np.allclose take most of the time.
    determinant = linear[..., 0, 0] * linear[..., 1, 1] - linear[..., 0, 1] * linear[..., 1, 0]
    scale = np.sqrt(np.abs(determinant))[..., None, None]
    orthogonal = linear / np.maximum(scale, np.finfo(np.float64).tiny)
    error = np.abs(orthogonal @ np.swapaxes(orthogonal, -1, -2) - _IDENTITY)
    if not (error <= 1e-4).all():
        raise ValueError(
            f"affine must be a similarity (rotation, uniform scale, mirror), but got {affine}. "
            "Crop a square box to a square image."
        )
    return orthogonal


def transform_keypoints_3d(
    affine: np.ndarray, keypoints_3d: np.ndarray, inverse: bool = False
) -> np.ndarray:
    """Rotate or reflect 3D points as a similarity map rotates or reflects the image.

    Args:
        affine: ``[..., 2, 3]``, source to destination px.
        keypoints_3d: ``[..., K, 3]``, camera frame, absolute or root-relative.
        inverse: From the camera frame of the destination image back to that of the source image.

    Returns:
        ``[..., K, 3]``, same unit; depths are unchanged.
    """
    orthogonal = orthogonal_part(affine)
    transformed = np.array(keypoints_3d, dtype=np.float64)
    matrix = orthogonal if inverse else np.swapaxes(orthogonal, -1, -2)
    transformed[..., :2] = transformed[..., :2] @ matrix
    return transformed


def camera_of_view(size_wh: tuple[float, float], fov_deg: float) -> np.ndarray:
    """Return the camera with a field of view along the longer side of its image.

    Args:
        size_wh: Width and height of the image in px.
        fov_deg: Field of view in degrees.

    Returns:
        ``[3, 3]``, px, with square pixels and the principal point at the centre.
    """
    width, height = size_wh
    focal_px = max(width, height) / 2 / math.tan(math.radians(fov_deg) / 2)
    return pinhole(focal_px, focal_px, (width - 1) / 2, (height - 1) / 2)


def transform_camera(affine: np.ndarray, camera_matrix: np.ndarray) -> np.ndarray:
    """Return the camera matrix of the warped image, for points from :func:`transform_keypoints_3d`.

    Args:
        affine: ``[2, 3]``, source to destination px.
        camera_matrix: ``[3, 3]`` of the source image, px.

    Returns:
        ``[3, 3]``, px. Upper triangular if ``fx == fy`` and the skew is 0, or if the map does not
        rotate.
    """
    homogeneous, orthogonal = np.eye(3), np.eye(3)
    homogeneous[:2] = affine
    orthogonal[:2, :2] = orthogonal_part(affine)
    return homogeneous @ np.asarray(camera_matrix, dtype=np.float64) @ orthogonal.T


def solve_translation(
    keypoints_3d: np.ndarray,
    keypoints_2d: np.ndarray,
    camera_matrix: np.ndarray,
    weight: np.ndarray | None = None,
) -> np.ndarray:
    """Solve for the translation that makes a hand of known shape and size project to given pixels.

    Least squares on ``(K (X + t))_xy - (K (X + t))_z * x``, which is linear in ``t``.

    Args:
        keypoints_3d: ``[B, K, 3]``, known up to the translation, e.g. root-relative mm.
        keypoints_2d: ``[B, K, 2]``, px.
        camera_matrix: ``[B, 3, 3]``, px.
        weight: ``[B, K]``, weight of each keypoint (default: all equal).

    Returns:
        ``[B, 3]``, the translation ``t`` in the unit of ``keypoints_3d``.
    """
    rows = camera_matrix[:, None, :2] - keypoints_2d[..., None] * camera_matrix[:, None, 2:]
    offset = -(rows @ keypoints_3d[..., None])[..., 0]  # [B, K, 2]
    if weight is not None:
        rows, offset = rows * weight[..., None, None], offset * weight[..., None]
    batch = len(rows)
    rows, offset = rows.reshape(batch, -1, 3), offset.reshape(batch, -1, 1)
    transposed = rows.swapaxes(-1, -2)
    normal = transposed @ rows + 1e-12 * np.eye(3)
    return np.linalg.solve(normal, transposed @ offset)[..., 0]
