"""Hand100M, the annotations that the authors of SiMHand released -> a hand pool and its pairs.

The pictures are the user's own, cut from the videos. The released keypoints are fractions of a
crop that is clipped at the border of the picture and then stretched to a square; here they come
back to the pixels of the picture first, so that our crops, which are never stretched, fit them.
Axes: N hands of the pool, K positives.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from simhand_mm.converters.hand100m_annotations import Annotation, read_annotations
from simhand_mm.executors import Executor, LocalExecutor, WorkerDied, progress_bar
from simhand_mm.functional.affine import apply
from simhand_mm.functional.boxes import box_area, clip_box, square_box
from simhand_mm.pool import DropRecord, HandPairs, HandPool, HandRecord, PoolWriter, save_pairs
from simhand_mm.pool.cropping import crop_hand, encode_jpeg

PAIRS_NAME = "hand100m"
_CROP_SCALE = 1.3  # as released
_FPS = 30.0  # the numbers of the frames count those of 30 fps videos


def import_hand100m(
    annotation_files: Sequence[str | Path],
    images_dir: str | Path,
    pool_dir: str | Path,
    crop_size: int = 224,
    executor: Executor = LocalExecutor(),  # noqa: B008 (frozen)
) -> dict[str, Any]:
    """Make a pool of the annotated hands, and ``pairs/hand100m.npz`` of their positives.

    Can be killed and run again. Hands whose picture is missing or damaged, and wrong records, are
    left out with a reason.

    Args:
        annotation_files: ``Hand100M_<source>_<size>_v1-1.json``, one or more.
        images_dir: Folder that the file names in them start from.
        pool_dir: Folder of the pool.
        crop_size: Side of the crops in px.
        executor: Who makes the crops; by default this process.

    Returns:
        The content of ``pool.json``.

    Raises:
        ValueError: If a file is not of this form, or names a picture outside ``images_dir``.
        FileNotFoundError: If there is no picture at all.
    """
    if not annotation_files:
        raise ValueError("annotation_files must name at least one file, but there is none. Add it.")
    contents = [read_annotations(path) for path in annotation_files]
    settings = {
        "crop_size": crop_size,
        "crop_scale": _CROP_SCALE,
        "annotations": {Path(path).name: _digest(Path(path)) for path in annotation_files},
    }
    writer = PoolWriter(pool_dir, settings)
    with writer.lock():
        for path, (annotations, drops) in zip(map(Path, annotation_files), contents, strict=True):
            source = [*path.stem.split("_"), path.stem][1].lower()
            recipe = _WorkerRecipe(Path(images_dir), source, Path(pool_dir), settings)
            _import_videos(annotations, recipe, writer, executor)
            writer.write_video(f"({path.name})", [], drops)
        info = writer.finalize()
    everything = [annotation for annotations, _ in contents for annotation in annotations]
    if not info["num_hands"]:
        raise FileNotFoundError(
            f"images_dir must hold the annotated pictures, but {images_dir} has none of them (for "
            f"instance {everything[0].picture.file_name if everything else 'any'})."
        )
    save_pairs(pool_dir, PAIRS_NAME, _to_pairs(HandPool(pool_dir), everything))
    return info


def _import_videos(
    annotations: list[Annotation], recipe: "_WorkerRecipe", writer: PoolWriter, executor: Executor
) -> None:
    """Write the videos that the pool does not have yet."""
    done = {video_id for video_id, status in writer.statuses().items() if not status.failure}
    ordered = sorted(
        annotations, key=lambda hand: (hand.picture.video_id, hand.picture.frame_index)
    )
    videos = [list(group) for _, group in groupby(ordered, key=lambda h: h.picture.video_id)]
    to_do = [video for video in videos if video[0].picture.video_id not in done]
    with progress_bar(len(to_do), "videos") as progress:
        for video, result in executor(to_do, recipe):
            if isinstance(result, WorkerDied):
                video_id = video[0].picture.video_id
                drop = DropRecord(video_id, -1, "video", "crashed", str(result))
                writer.write_video(video_id, [], [drop], failure="crashed")
            progress.update()


@dataclass(frozen=True)
class _WorkerRecipe:
    """Builds, in each process, the function that crops the hands of a video into the pool."""

    images_dir: Path
    source: str
    pool_dir: Path
    settings: dict[str, Any]

    def __call__(self) -> Callable[[list[Annotation]], None]:
        writer = PoolWriter(self.pool_dir, self.settings)

        def work(annotations: list[Annotation]) -> None:
            crop_size = self.settings["crop_size"]
            hands, drops = _import_video(self.images_dir, self.source, crop_size, annotations)
            writer.write_video(annotations[0].picture.video_id, hands, drops)

        return work


def _import_video(
    images_dir: Path, source: str, crop_size: int, annotations: list[Annotation]
) -> tuple[list[HandRecord], list[DropRecord]]:
    """Crops of the annotated hands of a video, and what is left out."""
    video_id = annotations[0].picture.video_id
    hands, drops = [], []
    for picture, group in groupby(annotations, key=lambda hand: hand.picture):
        path = images_dir / picture.file_name
        image, reason = _read_picture(path)
        for annotation in group:
            why = reason if image is None else _reason_to_drop(annotation, image)
            if image is None or why:
                drop = (picture.frame_index, "picture", why, annotation.hand_id)
                drops.append(DropRecord(video_id, *drop))
            else:
                hands.append(_to_record(annotation, image, source, crop_size))
    return hands, drops


def _read_picture(path: Path) -> tuple[np.ndarray | None, str]:
    """An RGB image, or why there is none."""
    if not path.is_file():
        return None, "missing_picture"
    try:
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    except cv2.error:  # more pixels than OpenCV allows
        image = None
    if image is None:
        return None, "unreadable_picture"
    return image[..., ::-1], ""


def _reason_to_drop(annotation: Annotation, image: np.ndarray) -> str:
    size_wh = (image.shape[1], image.shape[0])
    inside = box_area(clip_box(annotation.bbox_xyxy, size_wh))
    return "outside_picture" if inside < box_area(annotation.bbox_xyxy) / 4 else ""


def _digest(path: Path) -> str:
    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


def _to_record(
    annotation: Annotation, image: np.ndarray, source: str, crop_size: int
) -> HandRecord:
    picture = annotation.picture
    height, width = image.shape[:2]
    bbox_xyxy = annotation.bbox_xyxy.astype(np.float32)
    x1, y1, x2, y2 = clip_box(square_box(np.trunc(bbox_xyxy), _CROP_SCALE), (width, height))
    # Fractions from edge to edge -> px; the centre of the first pixel is 0.
    keypoints = annotation.keypoints * [x2 - x1, y2 - y1] + [x1, y1] - 0.5
    mirror = annotation.handedness == "left"
    crop, affine = crop_hand(image, bbox_xyxy, _CROP_SCALE, crop_size, mirror)
    return HandRecord(
        hand_id=annotation.hand_id,
        video_id=picture.video_id,
        source=source,
        frame_index=picture.frame_index,
        time_s=picture.frame_index / _FPS,
        handedness=annotation.handedness,
        is_mirrored=mirror,
        bbox_xyxy=bbox_xyxy,
        bbox_score=1.0,  # none was released
        keypoints_2d=apply(affine, keypoints),
        keypoint_score=np.ones(len(keypoints)),
        crop=encode_jpeg(crop),
    )


def _to_pairs(pool: HandPool, annotations: Sequence[Annotation]) -> HandPairs:
    """The released positives as rows of the pool; -1 for those that it does not have."""
    num_ranks = max((len(hand.positives) for hand in annotations), default=0)
    index = np.full((len(pool), num_ranks), -1, dtype=np.int32)
    distance = np.full((len(pool), num_ranks), np.inf, dtype=np.float32)
    rows = pool.rows_of([hand.hand_id for hand in annotations])
    # All positives in one list: looking up ids one by one would take hours.
    positives = iter(pool.rows_of([other for hand in annotations for other in hand.positives]))
    for row, hand in zip(rows, annotations, strict=True):
        found = list(islice(positives, len(hand.positives)))
        if row >= 0:
            index[row, : len(found)] = found
            distance[row, : len(found)] = hand.distances
    distance[index < 0] = np.inf
    return HandPairs(
        positive_index=index,
        distance=distance,
        ranks=np.arange(1, num_ranks + 1, dtype=np.int32),
        rule="similar",
        metric="as released with Hand100M",
        pool_fingerprint=pool.fingerprint,
        info={"num_hands_without_positive": int((index < 0).all(axis=1).sum())},
    )
