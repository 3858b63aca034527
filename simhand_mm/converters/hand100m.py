"""Convert Hand100M, the annotations released by the authors of SiMHand, to a hand pool and pairs.

The user extracts the images from the videos. ``hand100m_crops.py`` crops the hands.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from simhand_mm.converters.conversion import OfficialCount
from simhand_mm.converters.frame_numbers import VideoFiles
from simhand_mm.converters.hand100m_annotations import Annotation, read_annotations
from simhand_mm.converters.hand100m_crops import CROP_SCALE, CropRecipe
from simhand_mm.converters.hand100m_pairs import Rule, check_positives, to_pairs
from simhand_mm.executors import Executor, LocalExecutor, WorkerDied, progress_bar
from simhand_mm.options import Ranks
from simhand_mm.pool import DropRecord, HandPool, PoolWriter, save_pairs
from simhand_mm.pool.files import sha256_of

logger = logging.getLogger(__name__)

PAIRS_NAME = "hand100m"
# Numbers of images and hands of a file, according to the authors' README.
_OFFICIAL_COUNTS = {"Hand100M_Ego4D_50k_v1-1": (49_930, 50_000)}


@dataclass(frozen=True)
class Hand100MSettings:
    """Settings of the import of Hand100M.

    Attributes:
        crop_size: Side of the crops in px.
        fps: Frames per second of the videos, to compute the time of a hand from the frame number
            in the name of its image. All Ego4D videos that the authors list have 30; those of
            100DOH differ. With ``--videos``, times are read from the videos instead.
        rule: Kind of the positives: similar hands of other videos (similar) or, in the files for
            TempCLR, hands of near frames of the same video (temporal).
        ranks: Neighbour rank of each positive of a hand (default: 1, 2, ...). The files of the
            Top-K ablation have one positive per hand: pass its K.
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
    """Write a pool of the annotated hands, and ``pairs/hand100m.npz`` with their positives.

    Can be killed and run again. Hands whose image is missing or damaged, and malformed records, are
    dropped with a reason.

    Args:
        annotation_files: ``Hand100M_<source>_<size>_v1-1.json``, one or more.
        images_dir: Folder of the images; file names in the annotations are relative to it.
        pool_dir: Folder of the pool.
        settings: The settings.
        executor: Runs the cropping (default: this process).
        videos: The videos of the images, which have the time stamps of the frames.

    Returns:
        The content of ``pool.json``.

    Raises:
        ValueError: If a file has another format, or its positives do not fit ``settings``.
        FileNotFoundError: If no annotated image exists.
    """
    if not annotation_files:
        raise ValueError("annotation_files must have at least one file, but got none. Add one.")
    contents = [read_annotations(path) for path in annotation_files]
    everything = [annotation for annotations, _ in contents for annotation in annotations]
    ranks = check_positives(everything, settings.rule, settings.ranks)
    _warn_of_times(everything, settings, videos)
    made_with = {
        "crop_size": settings.crop_size,
        "crop_scale": CROP_SCALE,
        "fps": settings.fps,
        "times_from_videos": videos is not None,
        "annotations": {Path(path).name: f"sha256:{sha256_of(path)}" for path in annotation_files},
    }
    writer = PoolWriter(pool_dir, made_with)
    with writer.lock():
        for path, (annotations, drops) in zip(map(Path, annotation_files), contents, strict=True):
            _report_counts(path, annotations, len(drops))
            source = [*path.stem.split("_"), path.stem][1].lower()
            recipe = CropRecipe(Path(images_dir), source, Path(pool_dir), made_with, videos)
            _import_videos(annotations, recipe, writer, executor)
            writer.write_video(f"({path.name})", [], drops)
        info = writer.finalize()
    if not info["num_hands"]:
        raise FileNotFoundError(
            f"images_dir must have the annotated images, but {images_dir} has none of them (e.g. "
            f"{everything[0].picture.file_name if everything else 'any'}). Extract them there."
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
            "no video file for %d of %d videos (first: %s): their times are frame index / %g",
            len(unknown),
            len(names),
            unknown[0],
            settings.fps,
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
    annotations: list[Annotation], recipe: CropRecipe, writer: PoolWriter, executor: Executor
) -> None:
    """Import the videos that the pool does not have yet."""
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
