"""Hands in a JSON file of ours: ``{"unit": "m", "hands": [{...}, ...]}``, or just the list.

A hand has ``image``, ``handedness``, ``keypoints_2d`` (21 x 2 px) or ``keypoints_3d`` (21 x 3,
frame of the camera: x right, y down, z forward) with ``camera_matrix`` (3 x 3 px), or both; null
for numbers that are not labelled. Optional: ``bbox_xyxy``, ``unit``, ``split``, ``sample_id``,
``subject_id``, ``sequence_id``. Next to ``hands``: ``unit``, ``keypoint_names``.
"""

from pathlib import Path
from typing import Any, get_args

import numpy as np

from simhand_mm.converters.coco_keypoints import camera_of
from simhand_mm.converters.conversion import Conversion
from simhand_mm.converters.keypoint_orders import ORDERS, Order
from simhand_mm.converters.labelled_hands import (
    LabelledHand,
    OwnLabelSettings,
    Unit,
    choose_order,
    side_of,
    to_keypoints,
)
from simhand_mm.converters.records import UnusableSample, to_array
from simhand_mm.converters.source_files import read_source


def read_json_hands(
    path: Path, settings: OwnLabelSettings, conversion: Conversion
) -> list[LabelledHand]:
    """Read the hands of a file. Without names and ``order``, keypoints are in our order.

    Args:
        path: The JSON file.
        settings: For the order of keypoints without names.
        conversion: Counts what is dropped.

    Raises:
        ValueError: If it has no list of hands, or its names of keypoints do not tell their order.
    """
    content = read_source(path, "your labels")
    header = content if isinstance(content, dict) else {"hands": content}
    entries, names = header.get("hands"), header.get("keypoint_names")
    if not isinstance(entries, list):
        raise ValueError(
            f'{path} must be {{"hands": [...]}} or a list of hands, but is not. '
            "docs/data_format.md describes it."
        )
    order = ORDERS["palm-to-tip"]
    if names or settings.order:
        order = choose_order(names, settings, path.name)
    hands = []
    for number, entry in enumerate(entries):
        sample_id = f"{path.name}, hand {number}"
        try:
            hands.append(_read_hand(entry, str(number), order, str(header.get("unit") or "")))
        except UnusableSample as reason:
            conversion.drop(str(reason), sample_id)
        except (KeyError, TypeError, AttributeError):
            conversion.drop("malformed hand", sample_id)
    return hands


def _read_hand(entry: dict[str, Any], number: str, order: Order, unit: str) -> LabelledHand:
    image = str(entry["image"])
    points, pose, box = (entry.get(n) for n in ("keypoints_2d", "keypoints_3d", "bbox_xyxy"))
    unit = str(entry.get("unit") or unit)
    if unit and unit not in get_args(Unit):
        raise UnusableSample(f"unit is none of {', '.join(get_args(Unit))}")
    points = None if points is None else to_keypoints(points, order, 2)[0]
    pose = None if pose is None else to_keypoints(pose, order, 3)[0]
    if not any(p is not None and np.isfinite(p).all(-1).any() for p in (points, pose)):
        raise UnusableSample("no labelled keypoint")
    return LabelledHand(
        sample_id=str(entry.get("sample_id") or f"{image}/{number}"),
        image=image,
        side=side_of([entry.get("handedness")]),
        keypoints_2d=points,
        keypoints_3d=pose,
        camera_matrix=camera_of(entry),
        bbox_xyxy=None if box is None else to_array(box, (4,)),
        subject_id=str(entry.get("subject_id") or ""),
        sequence_id=str(entry.get("sequence_id") or ""),
        unit=unit,
        split=str(entry.get("split") or ""),
    )
