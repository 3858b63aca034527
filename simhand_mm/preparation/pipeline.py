"""Preparation of one video: its hands for the pool, and what was dropped, with reasons."""

import time
from dataclasses import asdict, dataclass, field
from typing import Any

import cv2
import numpy as np

from simhand_mm.functional.affine import apply
from simhand_mm.functional.keypoints import mirror_keypoints_3d, root_relative
from simhand_mm.pool import DropRecord, HandRecord
from simhand_mm.pool.cropping import brightness, crop_hand, encode_jpeg, sharpness
from simhand_mm.preparation.finders import FoundHand, HandFinder
from simhand_mm.preparation.footage import Footage
from simhand_mm.preparation.frame_reader import Frame
from simhand_mm.preparation.quality import QualityGate
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


@dataclass
class PreparedVideo:
    """Outcome of one video.

    Attributes:
        failure: Reason why the video could not be used at all, or ''.
        hands: Hands for the pool.
        drops: What was dropped, with reasons.
        problem: Reason why only a part of the video could be used, or ''.
        num_frames: Number of frames processed.
        seconds: Processing time.
    """

    failure: str = ""
    hands: list[HandRecord] = field(default_factory=list)
    drops: list[DropRecord] = field(default_factory=list)
    problem: str = ""
    num_frames: int = 0
    seconds: float = 0.0


def prepare_video(
    video: Footage, finder: HandFinder, settings: CropSettings, num_threads: int = 1
) -> PreparedVideo:
    """Find, check and crop the hands of a video, decoding with ``num_threads``.

    Problems of the video never raise an exception: a damaged video keeps its readable frames, an
    unreadable one has a ``failure``; both have a drop with the reason.
    """
    start = time.monotonic()
    outcome = PreparedVideo()
    problem = None
    unreadable = ""
    try:
        only = finder.frames_of(video.video_id)
        if only is not None and not only:
            raise VideoError(video.title, "no_boxes", "the table of detections has no box in it")
        for frame in video.frames(settings.fps, only, num_threads):
            if isinstance(frame, DropRecord):
                outcome.drops.append(frame)
                unreadable = unreadable or frame.reason
                continue
            hands, drops = _prepare_frame(video, frame, finder(video.video_id, frame), settings)
            outcome.hands += hands
            outcome.drops += drops
            outcome.num_frames += 1
    except VideoError as error:
        problem = (error.reason, error.detail)
    except Exception as error:  # an error in one video must not stop the others
        problem = ("error", f"{type(error).__name__}: {error}")
        outcome = PreparedVideo()
    num_doubled = len(outcome.hands) - len({hand.hand_id for hand in outcome.hands})
    if num_doubled:
        problem = ("repeated_frames", f"{num_doubled} hands have repeated frame numbers")
        outcome = PreparedVideo()
    if problem:
        outcome.drops.append(DropRecord(video.video_id, -1, "video", *problem))
    reason = problem[0] if problem else unreadable
    if outcome.num_frames:
        outcome.problem = reason
    else:
        outcome.failure = reason
    outcome.seconds = time.monotonic() - start
    return outcome


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
