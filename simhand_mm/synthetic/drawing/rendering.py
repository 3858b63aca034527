"""Shading: renders posed meshes, a light and a background to an image in linear light.

Axes: V vertices, F faces, N covered pixels. Millimetres, camera frame (x right, y down, z
forward); colours are RGB in linear light.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from simhand_mm.synthetic.drawing.camera import Camera, project_points
from simhand_mm.synthetic.drawing.rasterizer import Raster, rasterize
from simhand_mm.synthetic.drawing.surfaces import Surface, unit

# Subsurface scattering, strongest for red: skin is lit slightly beyond the terminator.
_SCATTER = np.array([0.42, 0.20, 0.13], np.float32)
_SHADOW_MAP_SIZE = 160
_SHADOW_BIAS = (1.0, 1.0)  # mm, and cells of the shadow map


@dataclass(frozen=True)
class Light:
    """A distant lamp and ambient light.

    Attributes:
        direction: ``[3]`` unit vector to the lamp, camera frame.
        color: ``[3]`` colour times intensity of the lamp.
        ambient: ``[3]`` light from all directions, stronger from above.
        backdrop_shadow: 0 to 1, how dark the shadow on the background is.
    """

    direction: np.ndarray
    color: np.ndarray
    ambient: np.ndarray
    backdrop_shadow: float


def render(
    surfaces: list[Surface],
    camera: Camera,
    light: Light,
    background: np.ndarray,
    focus: np.ndarray,
    supersampling: float = 1.5,
) -> np.ndarray:
    """Render surfaces over a background.

    Args:
        surfaces: Surfaces in front of the background.
        camera: The camera; its size is the size of the image.
        light: The light of the scene.
        background: ``[H, W, 3]`` linear.
        focus: ``[P, 3]`` mm, points covered by the shadow map (the joints).
        supersampling: Raster pixels per image pixel and side.

    Returns:
        ``[H, W, 3]`` float32, linear light, not clipped.
    """
    fine = camera.resized(supersampling)
    faces, attributes = _gather(surfaces)
    vertices = attributes[:, :3]
    raster = rasterize(
        project_points(vertices, fine.camera_matrix),
        vertices[:, 2],
        faces,
        fine.width,
        fine.height,
    )
    pixels = _interpolate(attributes, faces[raster.face], raster.barycentric)
    lit = _lit_share(pixels[:, :6], vertices, faces, light, focus)
    color = _shade(pixels, lit, light) * _occlusion(raster, fine)[:, None]

    layer = np.zeros((fine.height * fine.width, 4), np.float32)
    layer[raster.pixel, :3], layer[raster.pixel, 3] = color, 1.0
    layer = layer.reshape(fine.height, fine.width, 4)
    layer = cv2.resize(layer, (camera.width, camera.height), interpolation=cv2.INTER_AREA)
    cover = layer[..., 3:]
    behind = background * (1 - light.backdrop_shadow * _cast_shadow(cover[..., 0], light))
    return layer[..., :3] + behind * (1 - cover)


def _gather(surfaces: list[Surface]):
    """Concatenate surfaces into faces ``[F, 3]`` and vertex attributes ``[V, 12]``.

    The attributes are position, normal, albedo, specular, gloss and scatter.
    """
    faces, attributes, offset = [], [], 0
    for surface in surfaces:
        size = len(surface.vertices)
        scatter = np.full(size, surface.scatter)
        single = np.stack([surface.specular, surface.gloss, scatter], axis=1)
        faces.append(surface.faces + offset)
        attributes.append(
            np.concatenate([surface.vertices, surface.normals, surface.albedo, single], axis=1)
        )
        offset += size
    return np.concatenate(faces), np.concatenate(attributes).astype(np.float32)


def _interpolate(
    attributes: np.ndarray, corners: np.ndarray, barycentric: np.ndarray
) -> np.ndarray:
    """Return attributes at pixels, ``[N, C]``, from vertices ``[V, C]`` and corners ``[N, 3]``.

    Computed with one attribute per row; NumPy gathers and multiplies twice as fast in this layout.
    """
    planes = np.ascontiguousarray(attributes.T)
    first, second, third = (
        planes.take(corners[:, k], axis=1) * np.ascontiguousarray(barycentric[:, k])
        for k in range(3)
    )
    return (first + second + third).T


def _lit_share(
    points: np.ndarray, vertices: np.ndarray, faces: np.ndarray, light: Light, focus: np.ndarray
) -> np.ndarray:
    """Return the share ``[N]`` of the lamp that reaches points ``[N, 6]`` (position, normal).

    Uses a shadow map. Points are moved off their surface to avoid self-shadowing.
    """
    across = unit(np.cross(light.direction, [0.1, 1.0, 0.2]))
    # In this order, faces turned to the lamp have the negative area that ``rasterize`` keeps.
    axes = np.stack([np.cross(light.direction, across), across], axis=1).astype(np.float32)
    center = focus.mean(axis=0).astype(np.float32)
    reach = np.linalg.norm(focus - center, axis=1).max() * 1.15 + 25.0
    half = (_SHADOW_MAP_SIZE - 1) / 2
    direction = light.direction.astype(np.float32)

    def to_map(positions):
        relative = positions - center
        return relative @ axes * np.float32(half / reach) + half, 1e4 - relative @ direction

    map_points, map_depth = to_map(vertices)
    shadow = rasterize(map_points, map_depth, faces, _SHADOW_MAP_SIZE, _SHADOW_MAP_SIZE)
    nearest = np.full((_SHADOW_MAP_SIZE, _SHADOW_MAP_SIZE), np.inf, np.float32)
    nearest.reshape(-1)[shadow.pixel] = shadow.depth
    bias = _SHADOW_BIAS[0] + _SHADOW_BIAS[1] * reach / half
    positions, depth = to_map(points[:, :3] + bias * unit(points[:, 3:]))
    lit = np.zeros(len(points), np.float32)
    for shift in ((-0.9, -0.9), (0.9, -0.9), (-0.9, 0.9), (0.9, 0.9), (0.0, 0.0)):
        cell = np.rint(positions + shift).astype(np.int64)
        outside = ((cell < 0) | (cell >= _SHADOW_MAP_SIZE)).any(axis=1)
        column, row = np.clip(cell, 0, _SHADOW_MAP_SIZE - 1).T
        lit += outside | (depth < nearest[row, column] + bias)
    return lit / 5


def _shade(pixels: np.ndarray, lit: np.ndarray, light: Light) -> np.ndarray:
    """Return the colour ``[N, 3]`` of pixels from their attributes ``[N, 12]`` of ``_gather``."""
    position, normal, albedo = pixels[:, :3], unit(pixels[:, 3:6]), pixels[:, 6:9]
    specular, gloss, scatter = pixels[:, 9:].T
    direction, lamp, ambient = np.array([light.direction, light.color, light.ambient], np.float32)
    view = unit(-position)
    facing = normal @ direction
    wrap = scatter[:, None] * _SCATTER
    diffuse = np.maximum(facing[:, None] + wrap, 0) / (1 + wrap)
    # A fifth of the lamp light passes through skin into the shadow.
    diffuse *= (lit + 0.2 * scatter * (1 - lit))[:, None]
    around = ambient * (0.65 - 0.35 * normal[:, 1:2])  # the sky is above, y points down
    half_way = np.einsum("ni,ni->n", normal, unit(view + direction))
    grazing = (1 - np.clip(np.einsum("ni,ni->n", normal, view), 0, 1)) ** 4
    highlight = specular * np.maximum(half_way, 0) ** gloss * lit * (facing > 0)
    color = albedo * (lamp * diffuse + around)
    return color + highlight[:, None] * lamp + 0.05 * grazing[:, None] * ambient


def _occlusion(raster: Raster, camera: Camera) -> np.ndarray:
    """Return screen-space ambient occlusion factors ``[N]``; darkens the gaps between fingers."""
    far = raster.depth.max() + 100.0 if len(raster.depth) else 1.0
    depth = np.full(camera.height * camera.width, far, np.float32)
    depth[raster.pixel] = raster.depth
    image = depth.reshape(camera.height, camera.width)
    small = cv2.resize(image, (camera.width // 4, camera.height // 4), interpolation=cv2.INTER_AREA)
    around = cv2.GaussianBlur(small, (0, 0), camera.width / 4 * 0.012 + 0.6)
    around = cv2.resize(around, (camera.width, camera.height)).reshape(-1)[raster.pixel]
    return 1 - 0.5 * np.clip((raster.depth - around) / 28.0, 0, 1)


def _cast_shadow(cover: np.ndarray, light: Light) -> np.ndarray:
    """Return the soft shadow ``[H, W, 1]`` of the foreground on the background."""
    height = len(cover)
    shift = np.array([[1, 0, 0], [0, 1, 0]], np.float32)
    shift[:, 2] = -light.direction[:2] * height * 0.06
    moved = cv2.warpAffine(cover, shift, cover.shape[::-1])
    return cv2.GaussianBlur(moved, (0, 0), height * 0.03)[..., None]
