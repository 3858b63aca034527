"""A vectorised z-buffer in NumPy.

Axes: V vertices, F faces, N covered pixels, H, W raster. Pixel centres lie at integer coordinates.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Raster:
    """The nearest face at each covered pixel.

    Attributes:
        pixel: ``[N]`` flat index row * W + column, ascending.
        face: ``[N]`` index of the visible face.
        barycentric: ``[N, 3]`` perspective-correct weights of the corners of the face.
        depth: ``[N]`` depth in the unit of the vertices.
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
) -> Raster:
    """Find the visible face at each pixel. Back faces are skipped.

    Args:
        points_2d: ``[V, 2]`` px.
        depth: ``[V]``; faces with a corner at depth <= 1 are skipped.
        faces: ``[F, 3]``, counter-clockwise seen from outside (that is clockwise on a screen whose
            y points down, so their area is negative there).
        width: Columns of the raster.
        height: Rows of the raster.
    """
    # One array per corner and coordinate: NumPy is slow along axes of length 2 and 3.
    a, b, c = faces.T
    x, y = points_2d.astype(np.float32).T
    area = (x[b] - x[a]) * (y[c] - y[a]) - (y[b] - y[a]) * (x[c] - x[a])
    near = np.where(depth > 1.0, x, np.nan)  # NaN fails every comparison below
    left, right = _extent(near[a], near[b], near[c])
    top, bottom = _extent(y[a], y[b], y[c])
    is_inside = (right >= 0) & (left <= width - 1) & (bottom >= 0) & (top <= height - 1)
    face = np.flatnonzero((area < -1e-6) & is_inside)
    a, b, c, area = a[face], b[face], c[face], area[face]
    owner, column, row = _candidates(
        left[face], right[face], top[face], bottom[face], width, height
    )

    dx, dy = column - x[a][owner], row - y[a][owner]
    weight_b = ((y[c] - y[a]) / area)[owner] * dx - ((x[c] - x[a]) / area)[owner] * dy
    weight_c = ((x[b] - x[a]) / area)[owner] * dy - ((y[b] - y[a]) / area)[owner] * dx
    weight_a = 1 - weight_b - weight_c
    tolerance = np.float32(-1e-5)
    inside = (weight_a >= tolerance) & (weight_b >= tolerance) & (weight_c >= tolerance)
    owner, pixel = owner[inside], (row * width + column)[inside]
    # In screen space only the inverse depth is linear.
    inverse = (1.0 / depth).astype(np.float32)
    weight_a = weight_a[inside] * inverse[a][owner]
    weight_b = weight_b[inside] * inverse[b][owner]
    weight_c = weight_c[inside] * inverse[c][owner]
    inverse_depth = weight_a + weight_b + weight_c

    covered, seen = _nearest(pixel, inverse_depth, width * height)
    weights = np.stack([weight_a[seen], weight_b[seen], weight_c[seen]], axis=1)
    return Raster(
        pixel=covered,
        face=face[owner[seen]],
        barycentric=weights / inverse_depth[seen, None],
        depth=1.0 / inverse_depth[seen],
    )


def _extent(a: np.ndarray, b: np.ndarray, c: np.ndarray):
    """Return the elementwise minimum and maximum of three arrays."""
    return np.minimum(np.minimum(a, b), c), np.maximum(np.maximum(a, b), c)


def _nearest(pixel: np.ndarray, inverse_depth: np.ndarray, num_pixels: int):
    """Return the covered pixels, ascending, and the index of the nearest entry of each."""
    order = np.argsort(inverse_depth, kind="stable")
    front = np.full(num_pixels, -1)
    front[pixel[order]] = order  # the last assignment to a pixel, the nearest entry, wins
    covered = np.flatnonzero(front >= 0)
    return covered, front[covered]


def _candidates(left, right, top, bottom, width: int, height: int):
    """List each pixel of the bounding box of each face: index of the face, column, row."""
    first_column = np.maximum(np.ceil(left), 0).astype(np.int32)
    first_row = np.maximum(np.ceil(top), 0).astype(np.int32)
    columns = np.minimum(np.floor(right), width - 1).astype(np.int32) - first_column + 1
    rows = np.minimum(np.floor(bottom), height - 1).astype(np.int32) - first_row + 1
    columns, rows = np.maximum(columns, 0), np.maximum(rows, 0)
    count = columns * rows
    owner = np.repeat(np.arange(len(count), dtype=np.int32), count)
    start = np.cumsum(count, dtype=np.int32) - count
    within = np.arange(len(owner), dtype=np.int32) - start[owner]
    below = within // columns[owner]
    return owner, first_column[owner] + within - below * columns[owner], first_row[owner] + below
