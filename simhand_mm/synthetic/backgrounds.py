"""Procedural backgrounds: cluttered rooms, desks, greenery and streets; plain studio backdrops.

Pictures are `[H, W, 3]` uint8 RGB (sRGB) unless said otherwise.
"""

import cv2
import numpy as np

from simhand_mm.synthetic.textures import cloud_noise


def wild_background(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """Draw a varied, cluttered background as a moving camera meets it."""
    paint = rng.choice([_desk, _room, _greenery, _street, _shelf])
    picture = paint(rng, width, height)
    blur = rng.choice([0.0, 0.6, 1.2, 2.5]) * height / 240
    return _finish(rng, picture, blur, unevenness=0.18)


def studio_background(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """Draw a backdrop as labelled sets are recorded before: a plain screen, at times a desk."""
    if rng.random() < 0.25:
        return _finish(rng, _desk(rng, width, height), 1.5 * height / 240, unevenness=0.12)
    screens = ((60, 150, 70), (70, 110, 170), (185, 185, 180), (60, 60, 65), (225, 222, 215))
    color = np.array(screens[rng.integers(len(screens))]) + rng.normal(0, 10, 3)
    folds = cloud_noise(rng, height, width, height * rng.uniform(0.3, 0.8), octaves=2)
    picture = color + folds[..., None] * rng.uniform(2, 9)
    return _finish(rng, _to_bytes(picture), 0.0, unevenness=0.12)


def _finish(rng, picture: np.ndarray, blur: float, unevenness: float) -> np.ndarray:
    """Light a picture unevenly and put it out of focus."""
    height, width = picture.shape[:2]
    light = cloud_noise(rng, height, width, max(height, width) * 0.7, octaves=1)
    picture = picture * (1 + unevenness * np.clip(light, -2, 2))[..., None]
    if blur > 0:
        picture = cv2.GaussianBlur(picture, (0, 0), blur)
    return _to_bytes(picture)


def _desk(rng, width: int, height: int) -> np.ndarray:
    """Look down on a table with things on it."""
    picture = _wood(rng, width, height) if rng.random() < 0.6 else _plain(rng, width, height)
    for _ in range(rng.integers(6, 18)):
        draw = rng.choice([_draw_sheet, _draw_block, _draw_disc, _draw_cable])
        draw(rng, picture)
    return picture


def _room(rng, width: int, height: int) -> np.ndarray:
    """Look at a wall above a floor, with furniture, frames and lamps."""
    picture = _plain(rng, width, height)
    horizon = int(height * rng.uniform(0.45, 0.8))
    floor = (
        _wood(rng, width, height - horizon)
        if rng.random() < 0.5
        else _tiles(rng, width, height - horizon)
    )
    picture[horizon:] = floor
    for _ in range(rng.integers(4, 9)):
        _draw_block(rng, picture, upright=True)
    for _ in range(rng.integers(2, 6)):
        rng.choice([_draw_sheet, _draw_disc])(rng, picture)
    return picture


def _greenery(rng, width: int, height: int) -> np.ndarray:
    """Look at leaves, sky and earth."""
    picture = _sky(rng, width, height)
    green = rng.uniform((50, 85, 25), (120, 130, 60))
    bushes = cloud_noise(rng, height, width, height * 0.3, octaves=4)
    hedge = (np.linspace(-1.2, 1.8, height)[:, None] + 0.5 * bushes > 0)[..., None]
    picture = np.where(hedge, _to_bytes(green * (0.45 + 0.12 * bushes[..., None])), picture)
    for depth in np.linspace(0.35, 1.0, 420):
        center = (rng.uniform(0, width), height * rng.beta(1.9, 1.2))
        length = height * 0.11 * depth * rng.uniform(0.6, 1.6)
        color = green * depth * rng.uniform(0.4, 1.5) + rng.normal(0, 12, 3)
        size = (length, length * rng.uniform(0.2, 0.5))
        cv2.ellipse(picture, (center, size, rng.uniform(0, 180)), _color(color), -1, cv2.LINE_AA)
    return picture


def _street(rng, width: int, height: int) -> np.ndarray:
    """Look at house fronts with windows above a road."""
    picture = _sky(rng, width, height)
    ground = int(height * rng.uniform(0.65, 0.9))
    left = 0
    while left < width:
        right = left + int(width * rng.uniform(0.12, 0.35))
        top = int(height * rng.uniform(0.02, 0.4))
        wall = rng.uniform(60, 200) + rng.normal(0, 18, 3)
        picture[top:ground, left:right] = _color(wall)
        step = int(height * rng.uniform(0.07, 0.14))
        pane = _color(wall * rng.uniform(0.3, 0.6))
        for y in range(top + step // 2, ground - step, step):
            for x in range(left + step // 2, right - step // 2, step):
                picture[y : y + step // 2, x : x + step // 3 + 1] = pane
        left = right
    picture[ground:] = _color(rng.uniform(60, 130) + rng.normal(0, 6, 3))
    for _ in range(rng.integers(2, 6)):
        _draw_block(rng, picture)
    return picture


def _shelf(rng, width: int, height: int) -> np.ndarray:
    """Look at boards full of books and boxes."""
    picture = _plain(rng, width, height)
    board = int(height * rng.uniform(0.2, 0.33))
    for top in range(0, height, board):
        x = 0
        while x < width:
            thick = int(height * rng.uniform(0.025, 0.1)) + 2
            rise = int(board * rng.uniform(0.55, 0.9))
            if rng.random() < 0.85:
                color = _any_color(rng)
                book = picture[top + board - rise : top + board, x : x + thick]
                shade = 1 - 0.5 * np.abs(np.linspace(-0.9, 1, book.shape[1])) ** 2
                book[:] = _to_bytes(np.array(color) * shade[None, :, None])
                book[len(book) // 5 : len(book) // 4] = _any_color(rng)
            x += thick
        picture[top + board - 4 : top + board] = _color(rng.normal((120, 85, 55), 12))
    return picture


def _wood(rng, width: int, height: int) -> np.ndarray:
    """Paint boards with grain."""
    base = np.array([[150, 105, 68], [105, 70, 45], [188, 155, 115], [90, 85, 80]])[rng.integers(4)]
    squeezed = cloud_noise(rng, height, max(width // 12, 2), height * 0.08)
    grain = cv2.resize(squeezed, (width, height), interpolation=cv2.INTER_LINEAR)
    picture = base * (1 + 0.16 * grain[..., None])
    board = max(int(height * rng.uniform(0.15, 0.4)), 4)
    picture *= np.where(np.arange(height) % board < 2, 0.6, 1.0)[:, None, None]
    return _to_bytes(picture)


def _plain(rng, width: int, height: int) -> np.ndarray:
    """Paint a surface of one colour with slight spots."""
    spots = cloud_noise(rng, height, width, height * 0.2)
    return _to_bytes(np.array(_any_color(rng, mute=0.6)) * (1 + 0.07 * spots[..., None]))


def _tiles(rng, width: int, height: int) -> np.ndarray:
    """Paint a chequered floor that runs into the distance."""
    row = 1.0 / np.linspace(0.15, 1.0, height)[:, None]  # distance grows towards the horizon
    column = (np.arange(width)[None] - width / 2) / height * row
    count = rng.uniform(2, 5)
    odd = (np.floor(row * count) + np.floor(column * count)) % 2
    colors = np.stack([_any_color(rng, mute=0.7), _any_color(rng, mute=0.7)]).astype(float)
    return _to_bytes(colors[odd.astype(int)])


def _sky(rng, width: int, height: int) -> np.ndarray:
    """Paint a bright or clouded sky."""
    clouds = np.clip(cloud_noise(rng, height, width, height * 0.5), -1, 1)[..., None]
    blue = np.array([150, 185, 220]) * rng.uniform(0.6, 1.1)
    return _to_bytes(blue + clouds * rng.uniform(5, 45))


def _draw_sheet(rng, picture: np.ndarray) -> None:
    """Lay a printed sheet or a book."""
    corners = _turned_box(rng, picture, 0.15, 0.45)
    paper = rng.uniform(150, 250) + rng.normal(0, 12, 3)
    _fill_with_shadow(picture, corners, paper)
    for line in np.linspace(0.12, 0.88, rng.integers(4, 11)):
        start = corners[0] + line * (corners[3] - corners[0])
        across = corners[1] - corners[0]
        end = start + across * rng.uniform(0.5, 0.9)
        ink = _color(paper * 0.45)
        cv2.line(picture, _point(start + 0.08 * across), _point(end), ink, 1, cv2.LINE_AA)


def _draw_block(rng, picture: np.ndarray, upright: bool = False) -> None:
    """Put a box with a lit top and a dark side."""
    corners = _turned_box(rng, picture, 0.12, 0.5, upright)
    color = np.array(_any_color(rng))
    _fill_with_shadow(picture, corners, color)
    lift = np.array([0, -0.25]) * np.linalg.norm(corners[1] - corners[0])
    side = np.stack([corners[0], corners[1], corners[1] + lift, corners[0] + lift])
    cv2.fillPoly(picture, [_points(side)], _color(color * 1.3 + 15), cv2.LINE_AA)


def _draw_disc(rng, picture: np.ndarray) -> None:
    """Put a plate, a cup seen from above or a lamp: rings of shades."""
    height, width = picture.shape[:2]
    center = np.array([rng.uniform(0, width), rng.uniform(0, height)])
    radius = height * rng.uniform(0.04, 0.17)
    flat = rng.uniform(0.6, 1.0)
    color = np.array(_any_color(rng))
    shadow = (tuple(center + radius * 0.15), (2 * radius, 2 * radius * flat), 0)
    cv2.ellipse(picture, shadow, (40, 38, 36), -1, cv2.LINE_AA)
    for share, shade in ((1.0, 1.0), (0.86, 0.7), (0.8, 1.15)):
        ring = (tuple(center), (2 * radius * share, 2 * radius * share * flat), 0)
        cv2.ellipse(picture, ring, _color(color * shade), -1, cv2.LINE_AA)


def _draw_cable(rng, picture: np.ndarray) -> None:
    """Lay a cable or a pen."""
    height, width = picture.shape[:2]
    walk = np.cumsum(rng.normal(0, height * 0.08, (6, 2)), axis=0)
    points = walk + rng.uniform(0, 1, 2) * np.array([width, height])
    thickness = max(round(height * rng.uniform(0.008, 0.025)), 1)
    cv2.polylines(picture, [_points(points)], False, _any_color(rng), thickness, cv2.LINE_AA)


def _turned_box(rng, picture, smallest: float, largest: float, upright=False) -> np.ndarray:
    """Return the corners `[4, 2]` px of a rectangle somewhere in the picture."""
    height, width = picture.shape[:2]
    half = height * rng.uniform(smallest, largest, 2) / 2
    angle = 0.0 if upright else rng.uniform(-np.pi, np.pi)
    axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half @ axes
    return corners + rng.uniform(0, 1, 2) * np.array([width, height])


def _fill_with_shadow(picture: np.ndarray, corners: np.ndarray, color: np.ndarray) -> None:
    """Fill a polygon and darken the ground beside it."""
    offset = 0.012 * len(picture)
    mask = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillPoly(mask, [_points(corners + offset)], 110)
    mask = cv2.GaussianBlur(mask, (0, 0), offset + 0.5)
    picture[:] = cv2.multiply(picture, cv2.merge([255 - mask] * 3), scale=1 / 255)
    cv2.fillPoly(picture, [_points(corners)], _color(color), cv2.LINE_AA)


def _any_color(rng, mute: float = 0.35) -> tuple:
    """Draw a colour; `mute` 1 is grey."""
    color = rng.uniform(20, 240, 3)
    return _color(color + mute * (color.mean() - color))


def _color(values) -> tuple:
    """Return a colour as OpenCV takes it."""
    return tuple(float(round(v)) for v in np.clip(values, 0, 255))


def _point(values) -> tuple:
    return round(float(values[0])), round(float(values[1]))


def _points(values: np.ndarray) -> np.ndarray:
    return np.rint(values).astype(np.int32)


def _to_bytes(picture: np.ndarray) -> np.ndarray:
    return np.clip(picture, 0, 255).astype(np.uint8)
