"""Hands as read from files of your own labels, and what readers of these files share."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from simhand_mm.converters.boxes import parse_side
from simhand_mm.converters.keypoint_orders import ORDERS, Order, OrderName, order_of_names
from simhand_mm.converters.records import UnusableSample
from simhand_mm.functional.keypoints import NUM_KEYPOINTS

Unit = Literal["m", "cm", "mm"]


@dataclass(frozen=True)
class OwnLabelSettings:
    """Settings of the converters of your own labels (coco, json).

    Attributes:
        unit: Unit of 3D keypoints. By default that of the file, or else the one that gives hands
            of human size.
        order: Order of the keypoints, if the file does not name them: palm-to-tip (wrist, then each
            finger from the palm; FreiHAND, OpenPose, MediaPipe), tip-to-palm (wrist, then each
            finger from its tip; RHD), wrist-last (each finger from its tip, then the wrist;
            InterHand2.6M) or mano (the wrist, three joints each of index, middle, pinky, ring and
            thumb, then the tips from thumb to pinky; MANO, HO-3D).
        images: Folder of the images, inside the data folder. By default it is searched for.
        side: Handedness of hands for which the file does not state it.
    """

    unit: Unit | None = None
    order: OrderName | None = None
    images: Path | None = None
    side: Literal["left", "right"] | None = None


@dataclass(frozen=True)
class LabelledHand:
    """One hand as it is read. Arrays are in our order of keypoints.

    Attributes:
        sample_id: Id, unique in the file.
        image: Path of the image as in the file.
        side: ``left``, ``right``, or '' if not stated.
        keypoints_2d: ``[21, 2]`` px, NaN where not labelled; None if there are none.
        keypoints_3d: ``[21, 3]``, any unit, camera frame, NaN where not labelled; None if none.
        camera_matrix: ``[3, 3]`` px; None if there is none.
        bbox_xyxy: ``[4]`` px; None if there is none.
        size_wh: Size of the image in px; None if not stated.
        subject_id: Id of the person.
        sequence_id: Id of the sequence.
        unit: Unit of the 3D keypoints; '' if not stated.
        split: Name of the split; '' if not stated.
    """

    sample_id: str
    image: str
    side: str = ""
    keypoints_2d: np.ndarray | None = None
    keypoints_3d: np.ndarray | None = None
    camera_matrix: np.ndarray | None = None
    bbox_xyxy: np.ndarray | None = None
    size_wh: tuple[int, int] | None = None
    subject_id: str = ""
    sequence_id: str = ""
    unit: str = ""
    split: str = ""


def choose_order(names: Sequence[str] | None, settings: OwnLabelSettings, name: str) -> Order:
    """Return the order of the keypoints of a file.

    Args:
        names: Names of the keypoints; None if the file has none.
        settings: For ``order``, which is used if the names do not tell.
        name: Name of the file, for the message.

    Raises:
        ValueError: If neither tells.
    """
    found = order_of_names(names) if names else None
    if found is None and settings.order is None:
        has = f"names keypoints {', '.join(names[:6])}, ..." if names else "names no keypoints"
        raise ValueError(
            f"the order of the keypoints must be known, but {name} {has}. Pass --order with one of "
            f"{', '.join(ORDERS)}, or name them wrist, thumb_1 to thumb_4, index_1, ..., pinky_4."
        )
    return ORDERS[settings.order or ""] if found is None else found


def side_of(values: Sequence[Any]) -> str:
    """Return the first stated handedness as ``left`` or ``right``; '' if none is stated.

    Raises:
        UnusableSample: If it is another word, such as 'interacting'.
    """
    stated = next((value for value in values if value not in (None, "")), None)
    try:
        return "" if stated is None else parse_side(stated)
    except ValueError as error:
        raise UnusableSample("handedness neither left nor right") from error


def to_keypoints(label: Any, order: Order, num_axes: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Read keypoints: a flat or nested list of 21 times ``num_axes`` numbers, or one more each.

    Args:
        label: The list; null for missing numbers.
        order: Order of the keypoints in it.
        num_axes: 2 or 3.

    Returns:
        ``[21, num_axes]`` in our order, and the ``[21]`` additional numbers (flags) or None.

    Raises:
        UnusableSample: If it is no such list.
    """
    try:
        values = np.array(label, dtype=np.float64).reshape(NUM_KEYPOINTS, -1)[list(order)]
    except (TypeError, ValueError) as error:
        raise UnusableSample(f"keypoints are not {NUM_KEYPOINTS} x {num_axes} numbers") from error
    if values.shape[1] not in (num_axes, num_axes + 1):
        raise UnusableSample(f"keypoints are not {NUM_KEYPOINTS} x {num_axes} numbers")
    return values[:, :num_axes], values[:, num_axes] if values.shape[1] > num_axes else None
