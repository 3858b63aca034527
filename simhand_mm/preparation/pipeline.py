"""Preparation of one video: its hands for the pool, and what was dropped, with reasons."""

import time
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import cv2
import numpy as np

from simhand_mm.functional.affine import apply
from simhand_mm.functional.keypoints import mirror_keypoints_3d, root_relative
from simhand_mm.pool import DropRecord, HandRecord, VideoStatus
from simhand_mm.pool.cropping import brightness, crop_hand, encode_jpeg, sharpness
from simhand_mm.pool.parts import FinishedVideo
from simhand_mm.preparation.finders import FoundHand, HandFinder
from simhand_mm.preparation.footage import Footage
from simhand_mm.preparation.frame_reader import Frame
from simhand_mm.preparation.quality import QualityGate
from simhand_mm.preparation.tasks import piece_of
from simhand_mm.preparation.videos import VideoError, import_av


@dataclass(frozen=True)
class CropSettings:
    """Settings of a pool, except how hands are found.

    Attributes:
        source: Name of the collection of videos, a column of the pool; a list or --levels may name
            another one for each file.
        fps: Frames per second of video.
        crop_size: Side of the stored crops in px.
        crop_scale: Side of the square crop divided by the longer side of the hand's box.
        gate: Quality limits for hands.
    """

    source: str = "videos"
    fps: float = 1.0
    crop_size: int = 224
    crop_scale: float = 1.3
    gate: QualityGate = field(default_factory=QualityGate)

    def __post_init__(self) -> None:
        for name in ("fps", "crop_size", "crop_scale"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, but got {getattr(self, name)}.")

    def record(self) -> dict[str, Any]:
        """JSON-like form for ``pool.json``, with the versions of libraries that affect bytes."""
        versions = {"av": import_av().__version__, "opencv": cv2.__version__}
        return {**asdict(self), "versions": versions}


def prepare_video(
    video: Footage, finder: HandFinder, settings: CropSettings, num_threads: int = 1
) -> FinishedVideo:
    """Find, check and crop the hands of a video, decoding with ``num_threads``.

    Problems of the video never raise an exception: a damaged video keeps its readable frames, an
    unreadable one has a ``failure``; both have a drop with the reason.
    """
    start = time.monotonic()
    hands: list[HandRecord] = []
    drops: list[DropRecord] = []
    num_frames, reason = 0, ""
    try:
        only = finder.frames_of(video.video_id)
        if only is not None and not only:
            raise VideoError(video.title, "no_boxes", "the table of detections has no box in it")
        for frame in video.frames(settings.fps, only, num_threads):
            if isinstance(frame, DropRecord):
                drops.append(frame)
                reason = reason or frame.reason
                continue
            kept, dropped = _prepare_frame(video, frame, finder(video.video_id, frame), settings)
            hands += kept
            drops += dropped
            num_frames += 1
    except VideoError as error:
        reason = error.reason
        drops.append(DropRecord(video.video_id, -1, "video", reason, error.detail))
    except Exception as error:  # an error in one video must not stop the others
        return failed_video(video, "error", f"{type(error).__name__}: {error}", start)
    num_doubled = len(hands) - len({hand.hand_id for hand in hands})
    if num_doubled:
        detail = f"{num_doubled} hands have repeated frame numbers"
        return failed_video(video, "repeated_frames", detail, start)
    failure, problem = ("", reason) if num_frames else (reason, "")
    status = VideoStatus(video.video_id, failure, num_frames, problem=problem)
    return _finished(video, status, hands, drops, start)


def failed_video(
    video: Footage, reason: str, detail: str, start: float | None = None
) -> FinishedVideo:
    """Return the outcome of a video that cannot be used.

    Args:
        video: The video.
        reason: Short code for counting.
        detail: Description.
        start: When its processing started, as of :func:`time.monotonic`; None if it is not known.
    """
    drops = [DropRecord(video.video_id, -1, "video", reason, detail)]
    return _finished(video, VideoStatus(video.video_id, reason), [], drops, start)


def _finished(
    video: Footage,
    status: VideoStatus,
    hands: list[HandRecord],
    drops: list[DropRecord],
    start: float | None,
) -> FinishedVideo:
    """Complete the status of a video with counts, time and the identity of its file."""
    source = video.source_file
    status = replace(
        status,
        num_hands=len(hands),
        num_drops=len(drops),
        seconds=0.0 if start is None else time.monotonic() - start,
        file=source.name,
        num_bytes=source.num_bytes,
        modified_s=source.modified_s,
    )
    return FinishedVideo(status, hands, drops, *piece_of(video))


def _prepare_frame(
    video: Footage, frame: Frame, found: list[FoundHand], settings: CropSettings
) -> tuple[list[HandRecord], list[DropRecord]]:
    """Return the hands and the drops of a frame."""
    hands, drops = [], []
    if not found:
        drops.append(DropRecord(video.video_id, frame.index, "detection", "no_hand"))
    size_wh = (frame.image.shape[1], frame.image.shape[0])
    reasons = settings.gate.reasons_to_drop(found, size_wh)
    for number, (hand, reason) in enumerate(zip(found, reasons, strict=True)):
        record = None if reason else _to_record(video, frame, number, hand, settings)
        if record:
            hands.append(record)
        else:
            detail = f"{hand.handedness} hand {number}"
            drop = DropRecord(video.video_id, frame.index, "quality", reason or "blurred", detail)
            drops.append(drop)
    return hands, drops


def _to_record(
    video: Footage, frame: Frame, number: int, hand: FoundHand, settings: CropSettings
) -> HandRecord | None:
    """Return a hand in the form stored in the pool; None if its crop is blurred."""
    bbox_xyxy = hand.bbox_xyxy.astype("float32")  # the crop must follow exactly from the stored box
    mirror = hand.handedness == "left"
    crop, affine = crop_hand(
        frame.image, bbox_xyxy, settings.crop_scale, settings.crop_size, mirror
    )
    crop_sharpness = sharpness(crop)
    if crop_sharpness < settings.gate.min_sharpness:
        return None
    assert hand.keypoints_2d is not None and hand.keypoint_score is not None  # checked by the gate
    return HandRecord(
        hand_id=f"{video.video_id}/{frame.index:06d}/{number}",
        video_id=video.video_id,
        source=frame.columns.get("source") or settings.source,
        frame_index=frame.index,
        time_s=frame.time_s,
        handedness=hand.handedness,
        is_mirrored=mirror,
        bbox_xyxy=bbox_xyxy,
        bbox_score=hand.bbox_score,
        keypoints_2d=apply(affine, hand.keypoints_2d),
        keypoint_score=hand.keypoint_score,
        sharpness=crop_sharpness,
        brightness=brightness(crop),
        keypoints_3d=_of_right_hand(hand.keypoints_3d, mirror),
        columns=frame.columns,
        crop=encode_jpeg(crop),
    )


def _of_right_hand(keypoints_3d: np.ndarray | None, mirror: bool) -> np.ndarray | None:
    """Move the wrist ``[21, 3]`` to 0 and mirror as the crop."""
    if keypoints_3d is None:
        return None
    moved = root_relative(keypoints_3d)
    return mirror_keypoints_3d(moved) if mirror else moved
