"""A vectorised z-buffer in numpy.

Axes: V vertices, F faces, N covered pixels, H, W raster. Pixel centres lie at integer coordinates.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Raster:
    """The nearest face at each covered pixel.

    Args:
        pixel: `[N]` flat index row * W + column, ascending.
        face: `[N]` index of the face seen there.
        barycentric: `[N, 3]` perspective-correct weights of the face's corners.
        depth: `[N]` depth in the unit of the vertices.
    """

    pixel: np.ndarray
    face: np.ndarray
    barycentric: np.ndarray
    depth: np.ndarray


def rasterize(
    points_2d: np.ndarray,
    depth: np.ndarray,
    faces: np.ndarray,
    width: int,
    height: int,
    cull: bool = True,
) -> Raster:
    """Find what is seen at each pixel.

    Args:
        points_2d: `[V, 2]` px.
        depth: `[V]`; faces with a corner at depth <= 1 are left out.
        faces: `[F, 3]`, counter-clockwise seen from outside (that is clockwise on a screen whose
            y points down, and so of negative area there).
        width: Columns of the raster.
        height: Rows of the raster.
        cull: Leave out faces that turn their back.
    """
    corners = points_2d[faces].astype(np.float32)  # [F, 3, 2]
    area = _cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    drawn = (area < -1e-6) if cull else (np.abs(area) > 1e-6)
    drawn &= depth[faces].min(axis=1) > 1.0
    lowest, highest = corners.min(axis=1), corners.max(axis=1)
    drawn &= (highest >= 0).all(axis=1) & (lowest <= (width - 1, height - 1)).all(axis=1)
    face = np.flatnonzero(drawn)
    corners, area = corners[face], area[face]
    owner, column, row = _candidates(lowest[face], highest[face], width, height)

    origin = corners[:, 0]
    point = np.stack([column, row], axis=1).astype(np.float32) - origin[owner]
    side_b, side_c = corners[:, 1] - origin, corners[:, 2] - origin
    weight_b = _cross(point, (side_c / area[:, None])[owner])
    weight_c = _cross((side_b / area[:, None])[owner], point)
    weights = np.stack([1 - weight_b - weight_c, weight_b, weight_c], axis=1)
    inside = (weights >= -1e-5).all(axis=1)
    owner, weights = owner[inside], weights[inside]
    pixel = row[inside] * width + column[inside]
    # Depth is linear in screen space only as its inverse.
    weights = weights * (1.0 / depth[faces[face]]).astype(np.float32)[owner]
    inverse_depth = weights.sum(axis=1)

    order = np.lexsort((-inverse_depth, pixel))
    seen = order[np.diff(pixel[order], prepend=-1) > 0]
    return Raster(
        pixel=pixel[seen],
        face=face[owner[seen]],
        barycentric=weights[seen] / inverse_depth[seen, None],
        depth=1.0 / inverse_depth[seen],
    )


def _cross(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the scalar cross products `[...]` of vectors `[..., 2]`."""
    return first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]


def _candidates(lowest: np.ndarray, highest: np.ndarray, width: int, height: int):
    """List each pixel of each face's bounding box: face number, column, row."""
    limit = (width - 1, height - 1)
    first = np.clip(np.ceil(lowest), 0, limit).astype(np.int64)
    size = np.maximum(np.clip(np.floor(highest), -1, limit).astype(np.int64) - first + 1, 0)
    count = size[:, 0] * size[:, 1]
    owner = np.repeat(np.arange(len(count)), count)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    columns = size[owner, 0]
    return owner, first[owner, 0] + within % columns, first[owner, 1] + within // columns
