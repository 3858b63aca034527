"""Slow reference of the z-buffer: every pixel against every face."""

import numpy as np


def nearest_face(points_2d, depth, faces, width, height):
    """Face and depth at each pixel ``[H, W]``; -1 and inf where nothing is seen."""
    best = np.full((height, width), -1)
    depth_map = np.full((height, width), np.inf)
    for number, (a, b, c) in enumerate(faces):
        corners = np.stack([points_2d[a], points_2d[b], points_2d[c]])
        system = np.vstack([corners.T, np.ones(3)])
        area = np.linalg.det(system)
        if area > -1e-6 or min(depth[a], depth[b], depth[c]) <= 1:
            continue
        for y in range(height):
            for x in range(width):
                weights = np.linalg.solve(system, [x, y, 1])
                if (weights >= 0).all():
                    z = 1 / (weights / depth[[a, b, c]]).sum()
                    if z < depth_map[y, x]:
                        best[y, x], depth_map[y, x] = number, z
    return best, depth_map
