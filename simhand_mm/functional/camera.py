"""Pinhole cameras, and what happens to them and to 3D points when an image is warped.

Frames: ``keypoints_3d`` in any length unit in the camera frame (x right, y down, z forward);
``keypoints_2d`` in px of the image, pixel centres at integer coordinates. NumPy only.

A similarity map of the image (rotation, uniform scale, shift, mirror) is exactly the picture that
another camera takes of the scene turned about, or mirrored along, the optical axis. With ``A`` the
map, ``Q`` its rotation or reflection and ``K`` the camera: ``A K X = (A K Qᵀ) (Q X)``. So targets
moved by :func:`turn_keypoints_3d` and :func:`move_camera` project onto the moved 2D keypoints
without any approximation, wherever the crop lies in the image.
"""

import numpy as np


def project(keypoints_3d: np.ndarray, camera_matrix: np.ndarray) -> np.ndarray:
    """Project points into the image.

    Args:
        keypoints_3d: ``[..., K, 3]``, camera frame.
        camera_matrix: ``[..., 3, 3]``, px.

    Returns:
        ``[..., K, 2]``, px.
    """
    image = np.asarray(keypoints_3d) @ np.swapaxes(camera_matrix, -1, -2)
    return image[..., :2] / image[..., 2:]


def orthogonal_part(affine: np.ndarray) -> np.ndarray:
    """Rotation or reflection of a similarity map.

    Args:
        affine: ``[..., 2, 3]``, source to destination px.

    Returns:
        ``[..., 2, 2]``, orthogonal; its determinant is -1 where the map mirrors.

    Raises:
        ValueError: If the map stretches or shears, so that no camera could take the picture.
    """
    linear = np.asarray(affine, dtype=np.float64)[..., :2]
    scale = np.sqrt(np.abs(np.linalg.det(linear)))[..., None, None]
    turn = linear / np.maximum(scale, np.finfo(np.float64).tiny)
    if not np.allclose(turn @ np.swapaxes(turn, -1, -2), np.eye(2), atol=1e-4):
        raise ValueError(
            f"affine must be a similarity (rotation, uniform scale, mirror), but got {affine}. "
            "Crop a square box to a square image."
        )
    return turn


def turn_keypoints_3d(
    affine: np.ndarray, keypoints_3d: np.ndarray, inverse: bool = False
) -> np.ndarray:
    """Turn 3D points about the optical axis as a similarity map turns the image.

    Args:
        affine: ``[..., 2, 3]``, source to destination px.
        keypoints_3d: ``[..., K, 3]``, camera frame, absolute or root-relative.
        inverse: Turn from the frame of the destination image back to that of the source.

    Returns:
        ``[..., K, 3]``; depths are unchanged.
    """
    turn = orthogonal_part(affine)
    turned = np.array(keypoints_3d, dtype=np.float64)
    turned[..., :2] = turned[..., :2] @ (turn if inverse else np.swapaxes(turn, -1, -2))
    return turned


def move_camera(affine: np.ndarray, camera_matrix: np.ndarray) -> np.ndarray:
    """Camera matrix of the warped image, for points turned by :func:`turn_keypoints_3d`.

    Args:
        affine: ``[2, 3]``, source to destination px.
        camera_matrix: ``[3, 3]`` of the source image, px.

    Returns:
        ``[3, 3]``, px. Upper triangular where ``fx == fy``, the skew is 0 or nothing turns.
    """
    homogeneous, turn = np.eye(3), np.eye(3)
    homogeneous[:2] = affine
    turn[:2, :2] = orthogonal_part(affine)
    return homogeneous @ np.asarray(camera_matrix, dtype=np.float64) @ turn.T


def solve_translation(
    keypoints_3d: np.ndarray,
    keypoints_2d: np.ndarray,
    camera_matrix: np.ndarray,
    weight: np.ndarray | None = None,
) -> np.ndarray:
    """Where a hand of known shape and size must stand to be seen at given pixels.

    Least squares of ``(K (X + t))_xy - (K (X + t))_z * x``, which is linear in ``t``.

    Args:
        keypoints_3d: ``[B, K, 3]``, known up to the translation, e.g. root-relative mm.
        keypoints_2d: ``[B, K, 2]``, px.
        camera_matrix: ``[B, 3, 3]``, px.
        weight: ``[B, K]``, trust in each keypoint; all equal by default.

    Returns:
        ``[B, 3]`` in the unit of ``keypoints_3d``.
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
