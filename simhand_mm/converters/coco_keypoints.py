"""Hands in COCO keypoint files: ``{"images": [...], "annotations": [...], "categories": [...]}``.

An annotation has ``image_id``, ``keypoints`` (21 times x, y, flag; 0: not labelled), and optionally
``bbox`` ``[x, y, width, height]``, a side (``handedness``, ``hand_side``, ``left_right``,
``hand_type``, also in ``attributes``, or the name of the category), and 3D keypoints in the frame
of the camera (``keypoints_3d`` or ``joint_cam``, 21 x 3). The camera is ``camera_matrix`` or
``cam_param`` with ``focal`` and ``princpt``, of the annotation or of its image. COCO-WholeBody's
``lefthand_kpts`` and ``righthand_kpts`` are read, too. Pixels are taken as they are.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from simhand_mm.converters.conversion import Conversion
from simhand_mm.converters.keypoint_orders import ORDERS, Order
from simhand_mm.converters.labelled_hands import (
    LabelledHand,
    OwnLabelSettings,
    choose_order,
    side_of,
    to_keypoints,
)
from simhand_mm.converters.records import UnusableSample, to_array
from simhand_mm.converters.source_files import read_source
from simhand_mm.functional.camera import pinhole
from simhand_mm.functional.keypoints import NUM_KEYPOINTS

_SIDE_FIELDS = ("handedness", "hand_side", "left_right", "hand_type")
_POSE_FIELDS = ("keypoints_3d", "joint_cam")
_SEQUENCE_FIELDS = ("sequence_id", "seq_name", "video_id")
_SUBJECT_FIELDS = ("subject_id", "subject", "person")


def read_coco_keypoints(
    path: Path, settings: OwnLabelSettings, conversion: Conversion
) -> list[LabelledHand]:
    """Read the hands of a file.

    Args:
        path: The JSON file.
        settings: For the order of keypoints without names.
        conversion: Counts what is dropped.

    Raises:
        ValueError: If it is no COCO file, or the order of its keypoints is not known.
    """
    images, annotations, categories = _read_file(path)
    orders: dict[Any, Order] = {}
    hands = []
    for number, annotation in enumerate(annotations):
        try:
            image = images[annotation["image_id"]]
            base = {"image": str(image["file_name"]), "size_wh": _size(image)}
            category = categories.get(annotation.get("category_id"), {})
        except (KeyError, TypeError, AttributeError):
            conversion.drop("malformed annotation", f"annotation {number}")
            continue
        sample_id = f"{image['file_name']}/{annotation.get('id', number)}"
        base |= {
            "subject_id": _first_text(_SUBJECT_FIELDS, annotation, image),
            "sequence_id": _first_text(_SEQUENCE_FIELDS, annotation, image),
        }
        if "lefthand_kpts" in annotation or "righthand_kpts" in annotation:
            hands += _read_wholebody(annotation, sample_id, base, conversion)
            continue
        names = category.get("keypoints") or None
        if all(annotation.get(field) is None for field in ("keypoints", *_POSE_FIELDS)):
            conversion.drop("no keypoints", sample_id, is_labelled=False)
            continue
        if names and len(names) != NUM_KEYPOINTS:
            conversion.drop("category without 21 keypoints", sample_id, is_labelled=False)
            continue
        key = annotation.get("category_id")
        if key not in orders:
            orders[key] = choose_order(names, settings, path.name)
        try:
            hands.append(_read_hand(annotation, image, category, sample_id, orders[key], base))
        except UnusableSample as reason:
            conversion.drop(str(reason), sample_id)
    return hands


def _read_file(path: Path) -> tuple[dict[Any, dict], list[dict], dict[Any, dict]]:
    """Return images by id, annotations, and categories by id."""
    content = read_source(path, "your labels")
    try:
        images = {image["id"]: image for image in content["images"]}
        categories = {category["id"]: category for category in content.get("categories", ())}
        return images, list(content["annotations"]), categories
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path} must be COCO JSON with images and annotations, but reading it gives "
            f"{type(error).__name__}: {error}. Export it as COCO keypoints, or move it out of the "
            "folder if it is not one of the label files."
        ) from error


def _read_hand(
    annotation: dict[str, Any],
    image: dict[str, Any],
    category: dict[str, Any],
    sample_id: str,
    order: Order,
    base: dict[str, Any],
) -> LabelledHand:
    if annotation.get("iscrowd"):
        raise UnusableSample("group of hands (iscrowd)")
    pose = next((annotation[n] for n in _POSE_FIELDS if annotation.get(n) is not None), None)
    if pose is not None:
        pose = to_keypoints(pose, order, 3)[0]
        if annotation.get("joint_valid") is not None:
            pose[to_keypoints(annotation["joint_valid"], order, 1)[0][:, 0] == 0] = np.nan
    points = None
    if annotation.get("keypoints") is not None:
        points = _labelled(annotation["keypoints"], order)
    if points is None and pose is None:
        raise UnusableSample("no labelled keypoint")
    box = annotation.get("bbox")
    return LabelledHand(
        sample_id=sample_id,
        side=_side(annotation, image, category),
        keypoints_2d=points,
        keypoints_3d=pose,
        camera_matrix=camera_of(annotation, image),
        bbox_xyxy=None if box is None else _to_xyxy(box),
        **base,
    )


def _labelled(label: Any, order: Order) -> np.ndarray | None:
    """Keypoints with NaN where the flag is 0; None if no keypoint is labelled."""
    points, flags = to_keypoints(label, order, 2)
    if flags is not None:
        points[~(flags > 0)] = np.nan
    return points if np.isfinite(points).all(-1).any() else None


def _read_wholebody(
    annotation: dict[str, Any], sample_id: str, base: dict[str, Any], conversion: Conversion
) -> Iterator[LabelledHand]:
    """Both hands of a person of COCO-WholeBody."""
    for side in ("left", "right"):
        name = f"{sample_id}/{side}"
        if not annotation.get(f"{side}hand_valid"):
            conversion.drop("hand not labelled", name, is_labelled=False)
            continue
        try:
            points = _labelled(annotation.get(f"{side}hand_kpts"), ORDERS["palm-to-tip"])
            if points is None:
                raise UnusableSample("no labelled keypoint")
            box = _to_xyxy(annotation.get(f"{side}hand_box"))
        except UnusableSample as reason:
            conversion.drop(str(reason), name)
            continue
        yield LabelledHand(sample_id=name, side=side, keypoints_2d=points, bbox_xyxy=box, **base)


def _side(annotation: dict[str, Any], image: dict[str, Any], category: dict[str, Any]) -> str:
    """Handedness of the hand as the image shows it."""
    attributes = annotation.get("attributes") or {}
    if attributes.get("is_mirrored"):  # a left hand that looks like a right one (export-pool)
        return "right" if side_of([attributes.get("handedness")]) == "left" else "left"
    name = str(category.get("name", "")).lower()
    of_category = next((side for side in ("left", "right") if side in name), "")
    stated = [entry.get(field) for entry in (annotation, attributes) for field in _SIDE_FIELDS]
    return side_of([*stated, of_category, *(image.get(field) for field in _SIDE_FIELDS)])


def camera_of(*entries: dict[str, Any]) -> np.ndarray | None:
    """Return the camera matrix ``[3, 3]`` of the first entry that has one; None if none has.

    Raises:
        UnusableSample: If it is malformed.
    """
    for entry in entries:
        if entry.get("camera_matrix") is not None:
            matrix = np.array(entry["camera_matrix"], dtype=object).ravel()
            try:
                return to_array(matrix.tolist(), (9,)).reshape(3, 3)
            except UnusableSample:
                raise UnusableSample("camera_matrix is not 3 x 3 numbers") from None
        if entry.get("cam_param") is not None:
            parameters = entry["cam_param"]
            if not isinstance(parameters, dict):
                raise UnusableSample("malformed cam_param")
            focal = to_array(parameters.get("focal"), (2,))
            return pinhole(*focal, *to_array(parameters.get("princpt"), (2,)))
    return None


def _to_xyxy(box: Any) -> np.ndarray:
    x, y, width, height = to_array(box, (4,))
    return np.array([x, y, x + width, y + height])


def _size(image: dict[str, Any]) -> tuple[int, int] | None:
    width, height = int(image.get("width") or 0), int(image.get("height") or 0)
    return (width, height) if width > 0 and height > 0 else None


def _first_text(names: tuple[str, ...], *entries: dict[str, Any]) -> str:
    values = [entry.get(name) for entry in entries for name in names]
    return next((str(value) for value in values if value not in (None, "")), "")
