"""Hand100M, the annotations that the authors of SiMHand released -> a hand pool and its pairs.

The pictures are the user's own, cut from the videos. The released keypoints are fractions of a
crop that is clipped at the border of the picture and then stretched to a square; here they come
back to the pixels of the picture first, so that our crops, which are never stretched, fit them.

Not confirmed: that this crop is 1.3 times the box, as the released loader of pre-training cuts it;
that of fine-tuning cuts 1.5 times. If it is wrong, keypoints are off by some 5 % of the box, which
a page of ``simhand browse-pool`` shows.
"""

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from simhand_mm.converters.frame_numbers import VideoFiles
from simhand_mm.converters.hand100m_annotations import Annotation, read_annotations
from simhand_mm.converters.hand100m_pairs import Rule, check_positives, to_pairs
from simhand_mm.converters.records import OfficialCount
from simhand_mm.executors import Executor, LocalExecutor, WorkerDied, progress_bar
from simhand_mm.functional.affine import apply
from simhand_mm.functional.boxes import box_area, clip_box, square_box
from simhand_mm.options import Ranks
from simhand_mm.pool import DropRecord, HandPool, HandRecord, PoolWriter, save_pairs
from simhand_mm.pool.cropping import brightness, crop_hand, encode_jpeg, sharpness

logger = logging.getLogger(__name__)

PAIRS_NAME = "hand100m"
_CROP_SCALE = 1.3  # as released
# Images and hands of a file by the authors' README.
_OFFICIAL_COUNTS = {"Hand100M_Ego4D_50k_v1-1": (49_930, 50_000)}


@dataclass(frozen=True)
class Hand100MSettings:
    """What annotations of Hand100M become.

    Attributes:
        crop_size: Side of the crops in px.
        fps: Frames per second of the videos, for the time of a hand: the number in the name of an
            image is that of the source frame. All videos of Ego4D that the authors list have 30;
            those of 100DOH differ, and with ``--videos`` each video tells its own times.
        rule: What the positives are: similar hands of other videos, or, in the files for TempCLR,
            hands of near frames of the same video (temporal).
        ranks: Neighbour rank of each positive of a hand; by default 1, 2, ... The files of the
            Top-K ablation hold one positive: give its K.
    """

    crop_size: int = 224
    fps: float = 30.0
    rule: Rule = "similar"
    ranks: Ranks | None = None

    def __post_init__(self) -> None:
        for name in ("crop_size", "fps"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, but got {getattr(self, name)}.")


def import_hand100m(
    annotation_files: Sequence[str | Path],
    images_dir: str | Path,
    pool_dir: str | Path,
    settings: Hand100MSettings = Hand100MSettings(),  # noqa: B008 (frozen)
    executor: Executor = LocalExecutor(),  # noqa: B008 (frozen)
    videos: VideoFiles | None = None,
) -> dict[str, Any]:
    """Make a pool of the annotated hands, and ``pairs/hand100m.npz`` of their positives.

    Can be killed and run again. Hands whose picture is missing or damaged, and wrong records, are
    left out with a reason.

    Args:
        annotation_files: ``Hand100M_<source>_<size>_v1-1.json``, one or more.
        images_dir: Folder that the file names in them start from.
        pool_dir: Folder of the pool.
        settings: What becomes of the annotations.
        executor: Who makes the crops; by default this process.
        videos: The videos of the images, which tell when a frame is shown.

    Returns:
        The content of ``pool.json``.

    Raises:
        ValueError: If a file is not of this form, or its positives are not what ``settings`` say.
        FileNotFoundError: If there is no picture at all.
    """
    if not annotation_files:
        raise ValueError("annotation_files must name at least one file, but there is none. Add it.")
    contents = [read_annotations(path) for path in annotation_files]
    everything = [annotation for annotations, _ in contents for annotation in annotations]
    ranks = check_positives(everything, settings.rule, settings.ranks)
    _warn_of_times(everything, settings, videos)
    made_with = {
        "crop_size": settings.crop_size,
        "crop_scale": _CROP_SCALE,
        "fps": settings.fps,
        "times_from_videos": videos is not None,
        "annotations": {Path(path).name: _digest(Path(path)) for path in annotation_files},
    }
    writer = PoolWriter(pool_dir, made_with)
    with writer.lock():
        for path, (annotations, drops) in zip(map(Path, annotation_files), contents, strict=True):
            _report_counts(path, annotations, len(drops))
            source = [*path.stem.split("_"), path.stem][1].lower()
            recipe = _WorkerRecipe(Path(images_dir), source, Path(pool_dir), made_with, videos)
            _import_videos(annotations, recipe, writer, executor)
            writer.write_video(f"({path.name})", [], drops)
        info = writer.finalize()
    if not info["num_hands"]:
        raise FileNotFoundError(
            f"images_dir must hold the annotated pictures, but {images_dir} has none of them (for "
            f"instance {everything[0].picture.file_name if everything else 'any'})."
        )
    pairs = to_pairs(HandPool(pool_dir), everything, settings.rule, ranks)
    save_pairs(pool_dir, PAIRS_NAME, pairs)
    return info


def _warn_of_times(
    annotations: Sequence[Annotation], settings: Hand100MSettings, videos: VideoFiles | None
) -> None:
    names = sorted({hand.picture.video_id for hand in annotations})
    unknown = [name for name in names if videos is None or len(videos.find(name)) != 1]
    if unknown:
        logger.warning(
            "no video file for %d of %d videos (first: %s): their times are frame number / %g",
            *(len(unknown), len(names), unknown[0], settings.fps),
        )


def _report_counts(path: Path, annotations: Sequence[Annotation], num_wrong: int) -> None:
    found = len({hand.picture for hand in annotations}), len(annotations)
    claims = _OFFICIAL_COUNTS.get(path.stem)
    official = ("", "")
    if claims:
        counts = [OfficialCount("read", count, "its README") for count in claims]
        official = tuple(f"; official {c.compare(n)}" for c, n in zip(counts, found, strict=True))
    logger.info("%s: %d images%s", path.name, found[0], official[0])
    logger.info("%s: %d hands%s; %d wrong records", path.name, found[1], official[1], num_wrong)


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
    videos: VideoFiles | None

    def __call__(self) -> Callable[[list[Annotation]], None]:
        writer = PoolWriter(self.pool_dir, self.settings)

        def work(annotations: list[Annotation]) -> None:
            hands, drops = _import_video(self, annotations)
            writer.write_video(annotations[0].picture.video_id, hands, drops)

        return work

    def times_of(self, name: str) -> np.ndarray:
        """Times of the frames of a video; empty where they are not known."""
        if self.videos is None:
            return np.zeros(0)
        found = self.videos.find(name)
        return self.videos.times_of(found[0]) if len(found) == 1 else np.zeros(0)


def _import_video(
    recipe: _WorkerRecipe, annotations: list[Annotation]
) -> tuple[list[HandRecord], list[DropRecord]]:
    """Crops of the annotated hands of a video, and what is left out."""
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
    annotation: Annotation, image: np.ndarray, time_s: float, recipe: _WorkerRecipe
) -> HandRecord:
    picture = annotation.picture
    height, width = image.shape[:2]
    bbox_xyxy = annotation.bbox_xyxy.astype(np.float32)
    x1, y1, x2, y2 = clip_box(square_box(np.trunc(bbox_xyxy), _CROP_SCALE), (width, height))
    # Fractions from edge to edge -> px; the centre of the first pixel is 0.
    keypoints = annotation.keypoints * [x2 - x1, y2 - y1] + [x1, y1] - 0.5
    mirror = annotation.handedness == "left"
    crop, affine = crop_hand(image, bbox_xyxy, _CROP_SCALE, recipe.settings["crop_size"], mirror)
    return HandRecord(
        hand_id=annotation.hand_id,
        video_id=picture.video_id,
        source=recipe.source,
        frame_index=picture.frame_index,
        time_s=time_s,
        handedness=annotation.handedness,
        is_mirrored=mirror,
        bbox_xyxy=bbox_xyxy,
        bbox_score=1.0,  # none was released
        keypoints_2d=apply(affine, keypoints),
        keypoint_score=np.ones(len(keypoints)),
        sharpness=sharpness(crop),
        brightness=brightness(crop),
        crop=encode_jpeg(crop),
    )
