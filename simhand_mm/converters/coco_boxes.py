"""Hand boxes from COCO-style JSON: ``{"images": [...], "annotations": [...]}``.

An annotation has ``image_id``, ``bbox`` ``[x, y, width, height]`` in px, and optionally ``score``.
The side is read from a field ``handedness``, ``hand_side`` or ``left_right``, else from the name of
the category ("left hand"). Annotations of categories without "hand" in their name are ignored.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from simhand_mm.converters.boxes import (
    DEFAULT_MIN_SCORE,
    BoxConversion,
    parse_frame_name,
    parse_side,
)
from simhand_mm.pool import read_json

_SIDE_FIELDS = ("handedness", "hand_side", "left_right")


def convert_coco_boxes(path: str | Path, min_score: float = DEFAULT_MIN_SCORE) -> BoxConversion:
    """Read a file of boxes.

    Args:
        path: The JSON file.
        min_score: Boxes with a lower score are dropped.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not COCO-style JSON.
    """
    try:
        content = read_json(path)
        images = _by_id(content["images"], "file_name")
        annotations = list(content["annotations"])
        categories = _by_id(content.get("categories", ()), "name")
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} must be COCO-style JSON with images and annotations, but reading it gives "
            f"{type(error).__name__}: {error}."
        ) from error
    conversion = BoxConversion(min_score)
    conversion.num_frames = len(images)
    for number, annotation in enumerate(annotations):
        place = f"{path}, annotation {number}"
        try:
            category = categories.get(annotation.get("category_id"), "hand").lower()
            frame = parse_frame_name(images[annotation["image_id"]])
            x, y, width, height = map(float, annotation["bbox"])
            score = float(annotation.get("score", 1.0))
            side = _side(annotation, category)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            conversion.drop("unreadable annotation", f"{place}: {type(error).__name__} {error}")
            continue
        if "hand" in category:
            conversion.add(frame, (x, y, x + width, y + height), score, side, place)
    return conversion


def _by_id(entries: Iterable[Any], field: str) -> dict[Any, str]:
    """Map ids to a field of the entries. Boxes of entries without it are dropped later."""
    return {
        entry["id"]: entry[field]
        for entry in entries
        if isinstance(entry, dict)
        and isinstance(entry.get("id"), int | str)
        and isinstance(entry.get(field), str)
    }


def _side(annotation: dict[str, Any], category: str) -> str:
    for name in _SIDE_FIELDS:
        if annotation.get(name) is not None:
            return parse_side(annotation[name])
    return next((side for side in ("left", "right") if side in category), "")
