"""Read the annotation files released by the authors of SiMHand (Hand100M).

Content of ``Hand100M_Ego4D_50k_v1-1.json``::

    images:      id, file_name                         "<video>/frame_000030.jpg"
    annotations: image_id, hand_id (str), boxes (a JSON string "[x1, y1, x2, y2]", px),
                 left_right ("Left" or "Right"), keypoint_25d (21 x (x, y, z)),
                 positive_sample (hand ids, nearest first), distance (one per positive)
"""

import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from simhand_mm.converters.boxes import parse_frame_name, parse_side
from simhand_mm.functional.keypoints import NUM_KEYPOINTS
from simhand_mm.pool import DropRecord, read_json


@dataclass(frozen=True)
class Picture:
    """An extracted image of a video.

    Attributes:
        file_name: Path relative to the folder of the images.
        video_id: Its folder.
        frame_index: The number in its name.
    """

    file_name: str
    video_id: str
    frame_index: int

    def hand_id(self, annotated_id: Any) -> str:
        """Return our id of a hand in the image; its last part is the authors' id."""
        return f"{self.video_id}/{self.frame_index:06d}/{annotated_id}"


@dataclass(frozen=True)
class Annotation:
    """One annotated hand.

    Attributes:
        hand_id: Id in our pool.
        picture: The image of the hand.
        bbox_xyxy: ``[4]``, px of the image.
        handedness: ``'left'`` or ``'right'``.
        keypoints: ``[21, 2]``, fractions of the released crop, from edge to edge.
        positives: Ids in our pool, nearest first; '' for those that are not in the file.
        distances: Distance of each positive.
    """

    hand_id: str
    picture: Picture
    bbox_xyxy: np.ndarray
    handedness: str
    keypoints: np.ndarray
    positives: list[str]
    distances: list[float]


def read_annotations(path: str | Path) -> tuple[list[Annotation], list[DropRecord]]:
    """Read a file; returns its annotations, and its malformed records with the reason.

    Images that cannot be used, e.g. because their path leaves the folder of the images, are
    malformed, too.

    Raises:
        ValueError: If the file has another format.
    """
    path = Path(path)
    try:
        content = read_json(path)
        images = list(content["images"])
        records = list(content["annotations"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} must be a Hand100M file with images and annotations, but reading it gives "
            f"{type(error).__name__}: {error}. Download it again."
        ) from error
    pictures: dict[Any, Picture] = {}
    annotations: dict[str, Annotation] = {}
    drops = []
    for number, image in enumerate(images):
        try:
            pictures[image["id"]] = _to_picture(image["file_name"])
        except (KeyError, ValueError, TypeError) as error:
            detail = f"image {number}: {type(error).__name__}: {error}"
            drops.append(DropRecord(f"({path.name})", -1, "annotation", "wrong_image", detail))
    hand_ids = _hand_ids(records, pictures)
    for number, record in enumerate(records):
        try:
            annotation = _to_annotation(record, pictures, hand_ids)
            if annotation.hand_id in annotations:
                raise ValueError(f"hand_id {record['hand_id']!r} is not unique")
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            detail = f"annotation {number}: {type(error).__name__}: {error}"
            drops.append(DropRecord(f"({path.name})", -1, "annotation", "wrong_record", detail))
        else:
            annotations[annotation.hand_id] = annotation
    return list(annotations.values()), drops


def _to_picture(name: str) -> Picture:
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts:
        raise ValueError(f"file_name must stay below the folder of the images, but is {name!r}")
    return Picture(name, *parse_frame_name(name))


def _hand_ids(records: list[Any], pictures: dict[Any, Picture]) -> dict[str, str]:
    """Map the authors' ids of hands to ours."""
    found = {}
    for record in records:
        if isinstance(record, dict) and record.get("image_id") in pictures and "hand_id" in record:
            picture = pictures[record["image_id"]]
            found[str(record["hand_id"])] = picture.hand_id(record["hand_id"])
    return found


def _to_annotation(
    record: dict[str, Any], pictures: dict[Any, Picture], hand_ids: dict[str, str]
) -> Annotation:
    box = record["boxes"]
    box = np.array(json.loads(box) if isinstance(box, str) else box, dtype=np.float64)
    keypoints = np.array(record["keypoint_25d"], dtype=np.float64).reshape(NUM_KEYPOINTS, 3)
    if box.shape != (4,) or not (np.isfinite(box).all() and (box[2:] > box[:2]).all()):
        raise ValueError(f"boxes must be [x1, y1, x2, y2] with an area, but got {box.tolist()}")
    if not np.isfinite(keypoints[:, :2]).all():
        raise ValueError("keypoint_25d must be finite")
    # A positive that is not in the file gets an empty id.
    positives = [hand_ids.get(str(other), "") for other in record.get("positive_sample", ())]
    distances = [float(distance) for distance in record.get("distance", ())]
    if len(distances) != len(positives):
        raise ValueError(f"{len(positives)} positives must have as many distances")
    picture = pictures[record["image_id"]]
    return Annotation(
        hand_id=picture.hand_id(record["hand_id"]),
        picture=picture,
        bbox_xyxy=box,
        handedness=parse_side(record["left_right"]),
        keypoints=keypoints[:, :2],
        positives=positives,
        distances=distances,
    )
