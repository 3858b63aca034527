"""Objects for backgrounds, drawn in place into ``[H, W, 3]`` uint8 RGB images."""

import cv2
import numpy as np


def draw_sheet(rng: np.random.Generator, image: np.ndarray) -> None:
    """Draw a printed sheet or a book."""
    corners = _turned_box(rng, image, 0.15, 0.45)
    paper = rng.uniform(150, 250) + rng.normal(0, 12, 3)
    _fill_with_shadow(image, corners, paper)
    for line in np.linspace(0.12, 0.88, rng.integers(4, 11)):
        start = corners[0] + line * (corners[3] - corners[0])
        across = corners[1] - corners[0]
        end = start + across * rng.uniform(0.5, 0.9)
        ink = opencv_color(paper * 0.45)
        cv2.line(image, _point(start + 0.08 * across), _point(end), ink, 1, cv2.LINE_AA)


def draw_block(rng: np.random.Generator, image: np.ndarray, upright: bool = False) -> None:
    """Draw a box with a lit top and a dark side."""
    corners = _turned_box(rng, image, 0.12, 0.5, upright)
    color = np.array(random_color(rng))
    _fill_with_shadow(image, corners, color)
    lift = np.array([0, -0.25]) * np.linalg.norm(corners[1] - corners[0])
    side = np.stack([corners[0], corners[1], corners[1] + lift, corners[0] + lift])
    cv2.fillPoly(image, [_points(side)], opencv_color(color * 1.3 + 15), cv2.LINE_AA)


def draw_disc(rng: np.random.Generator, image: np.ndarray) -> None:
    """Draw a plate, a cup seen from above or a lamp, as concentric rings."""
    height, width = image.shape[:2]
    center = np.array([rng.uniform(0, width), rng.uniform(0, height)])
    radius = height * rng.uniform(0.04, 0.17)
    flat = rng.uniform(0.6, 1.0)
    color = np.array(random_color(rng))
    shadow = (tuple(center + radius * 0.15), (2 * radius, 2 * radius * flat), 0)
    cv2.ellipse(image, shadow, (40, 38, 36), -1, cv2.LINE_AA)
    for share, shade in ((1.0, 1.0), (0.86, 0.7), (0.8, 1.15)):
        ring = (tuple(center), (2 * radius * share, 2 * radius * share * flat), 0)
        cv2.ellipse(image, ring, opencv_color(color * shade), -1, cv2.LINE_AA)


def draw_cable(rng: np.random.Generator, image: np.ndarray) -> None:
    """Draw a cable or a pen."""
    height, width = image.shape[:2]
    walk = np.cumsum(rng.normal(0, height * 0.08, (6, 2)), axis=0)
    points = walk + rng.uniform(0, 1, 2) * np.array([width, height])
    thickness = max(round(height * rng.uniform(0.008, 0.025)), 1)
    cv2.polylines(image, [_points(points)], False, random_color(rng), thickness, cv2.LINE_AA)


def random_color(rng: np.random.Generator, mute: float = 0.35) -> tuple:
    """Sample a colour; ``mute`` 1 is grey."""
    color = rng.uniform(20, 240, 3)
    return opencv_color(color + mute * (color.mean() - color))


def opencv_color(values) -> tuple:
    """Return a colour as OpenCV expects it."""
    return tuple(float(round(v)) for v in np.clip(values, 0, 255))


def to_bytes(image: np.ndarray) -> np.ndarray:
    """Clip values to 0 to 255 and convert them to uint8."""
    return np.clip(image, 0, 255).astype(np.uint8)


def _turned_box(rng, image, smallest: float, largest: float, upright=False) -> np.ndarray:
    """Return the corners ``[4, 2]`` px of a random rectangle in the image."""
    height, width = image.shape[:2]
    half = height * rng.uniform(smallest, largest, 2) / 2
    angle = 0.0 if upright else rng.uniform(-np.pi, np.pi)
    axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half @ axes
    return corners + rng.uniform(0, 1, 2) * np.array([width, height])


def _fill_with_shadow(image: np.ndarray, corners: np.ndarray, color: np.ndarray) -> None:
    """Fill a polygon and darken the ground next to it."""
    offset = 0.012 * len(image)
    mask = np.zeros(image.shape[:2], np.uint8)
    cv2.fillPoly(mask, [_points(corners + offset)], (110,))
    mask = cv2.GaussianBlur(mask, (0, 0), offset + 0.5)
    image[:] = cv2.multiply(image, cv2.merge([255 - mask] * 3), scale=1 / 255)
    cv2.fillPoly(image, [_points(corners)], opencv_color(color), cv2.LINE_AA)


def _point(values: np.ndarray) -> tuple[int, int]:
    """Return a point as OpenCV expects it."""
    return round(float(values[0])), round(float(values[1]))


def _points(values: np.ndarray) -> np.ndarray:
    """Return points as OpenCV expects them."""
    return np.rint(values).astype(np.int32)
