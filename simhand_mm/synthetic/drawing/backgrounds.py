"""Procedural backgrounds: cluttered rooms, desks, greenery and streets; plain studio backdrops.

Images are ``[H, W, 3]`` uint8 RGB (sRGB) unless stated otherwise.
"""

import cv2
import numpy as np

from simhand_mm.synthetic.drawing.clutter import (
    draw_block,
    draw_cable,
    draw_disc,
    draw_sheet,
    opencv_color,
    random_color,
    to_bytes,
)
from simhand_mm.synthetic.drawing.textures import SKIN_TONES, cloud_noise


def wild_background(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """Draw a varied, cluttered background, as seen by a moving camera."""
    paints = [_desk, _room, _greenery, _street, _shelf]
    image = paints[rng.choice(len(paints))](rng, width, height)
    blur = rng.choice([0.0, 0.6, 1.2, 2.5]) * height / 240
    return _finish(rng, image, blur, unevenness=0.18)


def any_background(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """Draw a background for stills that should look like anything: also people and patterns."""
    paints = [_desk, _room, _greenery, _street, _shelf, *[_person, _patchwork, _plain] * 2]
    image = paints[rng.choice(len(paints))](rng, width, height)
    blur = rng.choice([0.0, 0.8, 1.6, 3.0, 6.0]) * height / 240
    return _finish(rng, image, blur, unevenness=0.25)


def studio_background(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """Draw a backdrop as in labelled studio data: a plain screen, sometimes a desk."""
    if rng.random() < 0.25:
        return _finish(rng, _desk(rng, width, height), 1.5 * height / 240, unevenness=0.12)
    screens = ((60, 150, 70), (70, 110, 170), (185, 185, 180), (60, 60, 65), (225, 222, 215))
    color = np.array(screens[rng.integers(len(screens))]) + rng.normal(0, 10, 3)
    folds = cloud_noise(rng, height, width, height * rng.uniform(0.3, 0.8), octaves=2)
    image = color + folds[..., None] * rng.uniform(2, 9)
    return _finish(rng, to_bytes(image), 0.0, unevenness=0.12)


def _finish(rng, image: np.ndarray, blur: float, unevenness: float) -> np.ndarray:
    """Light an image unevenly and blur it."""
    height, width = image.shape[:2]
    light = cloud_noise(rng, height, width, max(height, width) * 0.7, octaves=1)
    image = image * (1 + unevenness * np.clip(light, -2, 2))[..., None]
    if blur > 0:
        image = cv2.GaussianBlur(image, (0, 0), blur)
    return to_bytes(image)


def _desk(rng, width: int, height: int) -> np.ndarray:
    """Draw a table with objects, seen from above."""
    image = _wood(rng, width, height) if rng.random() < 0.6 else _plain(rng, width, height)
    for _ in range(rng.integers(6, 18)):
        draw = rng.choice([draw_sheet, draw_block, draw_disc, draw_cable])
        draw(rng, image)
    return image


def _room(rng, width: int, height: int) -> np.ndarray:
    """Draw a wall and a floor, with furniture, frames and lamps."""
    image = _plain(rng, width, height)
    horizon = int(height * rng.uniform(0.45, 0.8))
    floor = (
        _wood(rng, width, height - horizon)
        if rng.random() < 0.5
        else _tiles(rng, width, height - horizon)
    )
    image[horizon:] = floor
    for _ in range(rng.integers(4, 9)):
        draw_block(rng, image, upright=True)
    for _ in range(rng.integers(2, 6)):
        rng.choice([draw_sheet, draw_disc])(rng, image)
    return image


def _greenery(rng, width: int, height: int) -> np.ndarray:
    """Draw leaves, sky and earth."""
    image = _sky(rng, width, height)
    green = rng.uniform((50, 85, 25), (120, 130, 60))
    bushes = cloud_noise(rng, height, width, height * 0.3, octaves=4)
    hedge = (np.linspace(-1.2, 1.8, height)[:, None] + 0.5 * bushes > 0)[..., None]
    image = np.where(hedge, to_bytes(green * (0.45 + 0.12 * bushes[..., None])), image)
    for depth in np.linspace(0.35, 1.0, 420):
        center = (rng.uniform(0, width), height * rng.beta(1.9, 1.2))
        length = height * 0.11 * depth * rng.uniform(0.6, 1.6)
        color = green * depth * rng.uniform(0.4, 1.5) + rng.normal(0, 12, 3)
        size = (length, length * rng.uniform(0.2, 0.5))
        cv2.ellipse(
            image, (center, size, rng.uniform(0, 180)), opencv_color(color), -1, cv2.LINE_AA
        )
    return image


def _street(rng, width: int, height: int) -> np.ndarray:
    """Draw house fronts with windows above a road."""
    image = _sky(rng, width, height)
    ground = int(height * rng.uniform(0.65, 0.9))
    left = 0
    while left < width:
        right = left + int(width * rng.uniform(0.12, 0.35))
        top = int(height * rng.uniform(0.02, 0.4))
        wall = rng.uniform(60, 200) + rng.normal(0, 18, 3)
        image[top:ground, left:right] = opencv_color(wall)
        step = int(height * rng.uniform(0.07, 0.14))
        pane = opencv_color(wall * rng.uniform(0.3, 0.6))
        for y in range(top + step // 2, ground - step, step):
            for x in range(left + step // 2, right - step // 2, step):
                image[y : y + step // 2, x : x + step // 3 + 1] = pane
        left = right
    image[ground:] = opencv_color(rng.uniform(60, 130) + rng.normal(0, 6, 3))
    for _ in range(rng.integers(2, 6)):
        draw_block(rng, image)
    return image


def _shelf(rng, width: int, height: int) -> np.ndarray:
    """Draw shelves with books and boxes."""
    image = _plain(rng, width, height)
    board = int(height * rng.uniform(0.2, 0.33))
    for top in range(0, height, board):
        x = 0
        while x < width:
            thick = int(height * rng.uniform(0.025, 0.1)) + 2
            rise = int(board * rng.uniform(0.55, 0.9))
            if rng.random() < 0.85:
                color = random_color(rng)
                book = image[top + board - rise : top + board, x : x + thick]
                shade = 1 - 0.5 * np.abs(np.linspace(-0.9, 1, book.shape[1])) ** 2
                book[:] = to_bytes(np.array(color) * shade[None, :, None])
                book[len(book) // 5 : len(book) // 4] = random_color(rng)
            x += thick
        image[top + board - 4 : top + board] = opencv_color(rng.normal((120, 85, 55), 12))
    return image


def _person(rng, width: int, height: int) -> np.ndarray:
    """Draw a person behind the hand: clothes, often a face, of any size."""
    image = _room(rng, width, height)
    size = height * rng.uniform(0.5, 2.2)
    center = np.array([rng.uniform(0, width), rng.uniform(-0.3, 1.2) * height])
    skin = SKIN_TONES[rng.integers(len(SKIN_TONES))] * rng.uniform(0.7, 1.1)
    folds = cloud_noise(rng, height, width, height * 0.15)
    cloth = _plain(rng, width, height) * (1 + 0.15 * folds)[..., None]
    body = np.zeros((height, width), np.uint8)
    chest = ((center[0], center[1] + size * 1.05), (size * 1.5, size * 1.5), 0)
    cv2.ellipse(body, chest, (255,), -1, cv2.LINE_AA)
    image = np.where(body[..., None] > 127, to_bytes(cloth), image)
    tilt = rng.normal(0, 15)
    for share, shade, color in ((0.66, 0.9, rng.uniform(10, 110, 3)), (0.55, 1.0, skin)):
        place = center[0], center[1] + size * (0.0 if share > 0.6 else 0.06)
        face = (place, (size * share, size * share * 1.3), tilt)
        cv2.ellipse(image, face, opencv_color(color * shade), -1, cv2.LINE_AA)
    for x, y, wide in ((-0.12, -0.05, 0.08), (0.12, -0.05, 0.08), (0, 0.25, 0.18)):
        feature = (tuple(center + np.array([x, y]) * size), (size * wide, size * 0.05), tilt)
        cv2.ellipse(image, feature, opencv_color(skin * rng.uniform(0.3, 0.8)), -1, cv2.LINE_AA)
    return image


def _patchwork(rng, width: int, height: int) -> np.ndarray:
    """Draw colour noise of a random roughness, with a few objects."""
    cell = height * rng.uniform(0.05, 1.0)
    contrast = rng.uniform(8, 60, 3)
    layers = [cloud_noise(rng, height, width, cell, octaves=4) for _ in range(3)]
    shared = cloud_noise(rng, height, width, cell, octaves=4)[..., None]
    image = to_bytes(rng.uniform(20, 235, 3) + contrast * (0.5 * np.dstack(layers) + shared))
    for _ in range(rng.integers(0, 8)):
        rng.choice([draw_sheet, draw_block, draw_disc, draw_cable])(rng, image)
    return image


def _wood(rng, width: int, height: int) -> np.ndarray:
    """Draw wooden boards with grain."""
    base = np.array([[150, 105, 68], [105, 70, 45], [188, 155, 115], [90, 85, 80]])[rng.integers(4)]
    squeezed = cloud_noise(rng, height, max(width // 12, 2), height * 0.08)
    grain = cv2.resize(squeezed, (width, height), interpolation=cv2.INTER_LINEAR)
    image = base * (1 + 0.16 * grain[..., None])
    board = max(int(height * rng.uniform(0.15, 0.4)), 4)
    image *= np.where(np.arange(height) % board < 2, 0.6, 1.0)[:, None, None]
    return to_bytes(image)


def _plain(rng, width: int, height: int) -> np.ndarray:
    """Draw a surface of one colour with faint spots."""
    spots = cloud_noise(rng, height, width, height * 0.2)
    return to_bytes(np.array(random_color(rng, mute=0.6)) * (1 + 0.07 * spots[..., None]))


def _tiles(rng, width: int, height: int) -> np.ndarray:
    """Draw a chequered floor in perspective."""
    row = 1.0 / np.linspace(0.15, 1.0, height)[:, None]  # distance grows towards the horizon
    column = (np.arange(width)[None] - width / 2) / height * row
    count = rng.uniform(2, 5)
    odd = (np.floor(row * count) + np.floor(column * count)) % 2
    colors = np.stack([random_color(rng, mute=0.7), random_color(rng, mute=0.7)]).astype(float)
    return to_bytes(colors[odd.astype(int)])


def _sky(rng, width: int, height: int) -> np.ndarray:
    """Draw a bright or cloudy sky."""
    clouds = np.clip(cloud_noise(rng, height, width, height * 0.5), -1, 1)[..., None]
    blue = np.array([150, 185, 220]) * rng.uniform(0.6, 1.1)
    return to_bytes(blue + clouds * rng.uniform(5, 45))
