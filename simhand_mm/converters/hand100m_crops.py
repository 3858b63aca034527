"""Crops of the annotated hands of a video of Hand100M.

The released keypoints are fractions of a crop that is clipped at the border of the image and then
stretched to a square. They are first converted back to pixels of the image, to fit our crops, which
are never stretched.

Not confirmed: that this crop is 1.3 times the box, as in the released loader of pre-training (that
of fine-tuning uses 1.5). If it is not, keypoints are off by about 5 % of the box, which is visible
on a page of ``simhand browse-pool``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from simhand_mm.converters.frame_numbers import VideoFiles
from simhand_mm.converters.hand100m_annotations import Annotation
from simhand_mm.functional.affine import apply
from simhand_mm.functional.boxes import box_area, clip_box, square_box
from simhand_mm.pool import DropRecord, HandRecord, PoolWriter
from simhand_mm.pool.cropping import brightness, crop_hand, encode_jpeg, sharpness

CROP_SCALE = 1.3  # as in the released code


@dataclass(frozen=True)
class CropRecipe:
    """Builds in each worker process the function that imports the hands of a video."""

    images_dir: Path
    source: str
    pool_dir: Path
    settings: dict[str, Any]
    videos: VideoFiles | None

    def __call__(self) -> Callable[[list[Annotation]], None]:
        """Return the function that crops the hands of a video and writes them to the pool."""
        writer = PoolWriter(self.pool_dir, self.settings)

        def work(annotations: list[Annotation]) -> None:
            hands, drops = _import_video(self, annotations)
            writer.write_video(annotations[0].picture.video_id, hands, drops)

        return work

    def times_of(self, name: str) -> np.ndarray:
        """Return the times of the frames of a video; empty if they are not known."""
        if self.videos is None:
            return np.zeros(0)
        found = self.videos.find(name)
        return self.videos.times_of(found[0]) if len(found) == 1 else np.zeros(0)


def _import_video(
    recipe: CropRecipe, annotations: list[Annotation]
) -> tuple[list[HandRecord], list[DropRecord]]:
    """Crop the annotated hands of a video; returns records of kept and of dropped hands."""
    video_id = annotations[0].picture.video_id
    hands, drops = [], []
    times_s = recipe.times_of(video_id)
    for picture, group in groupby(annotations, key=lambda hand: hand.picture):
        path = recipe.images_dir / picture.file_name
        image, reason = _read_picture(path)
        for annotation in group:
            why = reason if image is None else _reason_to_drop(annotation, image)
            if image is None or why:
                drop = (picture.frame_index, "picture", why, annotation.hand_id)
                drops.append(DropRecord(video_id, *drop))
            else:
                time_s = picture.frame_index / recipe.settings["fps"]
                if picture.frame_index < len(times_s):
                    time_s = float(times_s[picture.frame_index])
                hands.append(_to_record(annotation, image, time_s, recipe))
    return hands, drops


def _read_picture(path: Path) -> tuple[np.ndarray | None, str]:
    """Read an RGB image; returns None and the reason if that fails."""
    if not path.is_file():
        return None, "missing_image"
    try:
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    except cv2.error:  # more pixels than OpenCV allows
        image = None
    if image is None:
        return None, "unreadable_image"
    return image[..., ::-1], ""


def _reason_to_drop(annotation: Annotation, image: np.ndarray) -> str:
    size_wh = (image.shape[1], image.shape[0])
    inside = box_area(clip_box(annotation.bbox_xyxy, size_wh))
    return "outside_image" if inside < box_area(annotation.bbox_xyxy) / 4 else ""


def _to_record(
    annotation: Annotation, image: np.ndarray, time_s: float, recipe: CropRecipe
) -> HandRecord:
    picture = annotation.picture
    height, width = image.shape[:2]
    bbox_xyxy = annotation.bbox_xyxy.astype(np.float32)
    x1, y1, x2, y2 = clip_box(square_box(np.trunc(bbox_xyxy), CROP_SCALE), (width, height))
    # Fractions from edge to edge -> px. The centre of the first pixel is at 0.
    keypoints = annotation.keypoints * [x2 - x1, y2 - y1] + [x1, y1] - 0.5
    mirror = annotation.handedness == "left"
    crop, affine = crop_hand(image, bbox_xyxy, CROP_SCALE, recipe.settings["crop_size"], mirror)
    return HandRecord(
        hand_id=annotation.hand_id,
        video_id=picture.video_id,
        source=recipe.source,
        frame_index=picture.frame_index,
        time_s=time_s,
        handedness=annotation.handedness,
        is_mirrored=mirror,
        bbox_xyxy=bbox_xyxy,
        bbox_score=1.0,  # scores are not released
        keypoints_2d=apply(affine, keypoints),
        keypoint_score=np.ones(len(keypoints)),
        sharpness=sharpness(crop),
        brightness=brightness(crop),
        crop=encode_jpeg(crop),
    )
