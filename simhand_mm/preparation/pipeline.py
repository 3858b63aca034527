"""One video -> hands for the pool, and what was left out with reasons."""

import time
from dataclasses import asdict, dataclass, field
from typing import Any

from simhand_mm.functional.affine import apply
from simhand_mm.pool import DropRecord, HandRecord
from simhand_mm.preparation.crops import crop_hand, encode_jpeg, sharpness
from simhand_mm.preparation.finders import FoundHand, HandFinder
from simhand_mm.preparation.frame_reader import Frame
from simhand_mm.preparation.quality import QualityGate
from simhand_mm.preparation.videos import Video, VideoError, sample_frames


@dataclass(frozen=True)
class CropSettings:
    """What a pool is made with, apart from how hands are found.

    Attributes:
        source: Name of the collection of videos, a column of the pool.
        fps: Frames per second of video.
        crop_size: Side of the stored crops in px.
        crop_scale: Side of the square crop over the longer side of the hand's box.
        gate: Limits that a hand must keep.
    """

    source: str = "videos"
    fps: float = 1.0
    crop_size: int = 224
    crop_scale: float = 1.3
    gate: QualityGate = field(default_factory=QualityGate)

    def record(self) -> dict[str, Any]:
        """JSON-like form for ``pool.json``."""
        return asdict(self)


@dataclass
class PreparedVideo:
    """Outcome of one video.

    Attributes:
        video_id: Id of the video in the pool.
        failure: Reason why nothing of the video could be used, or ''.
        hands: What enters the pool.
        drops: What does not.
        num_frames: Frames looked at.
        seconds: Time that it took.
    """

    video_id: str
    failure: str = ""
    hands: list[HandRecord] = field(default_factory=list)
    drops: list[DropRecord] = field(default_factory=list)
    num_frames: int = 0
    seconds: float = 0.0


def prepare_video(video: Video, finder: HandFinder, settings: CropSettings) -> PreparedVideo:
    """Find, check and crop the hands of a video.

    Never raises for what is wrong with the video: a damaged one keeps its readable frames, an
    unreadable one has a ``failure``; both have a drop with the reason.
    """
    begun = time.monotonic()
    outcome = PreparedVideo(video.video_id)
    try:
        for frame in sample_frames(video.path, settings.fps):
            outcome.num_frames += 1
            _add_frame(outcome, frame, finder(video.video_id, frame), settings)
    except VideoError as error:
        _add_failure(outcome, error.reason, error.detail)
    except OSError as error:
        _add_failure(outcome, "unreadable_file", error.strerror or type(error).__name__)
    except Exception as error:  # whatever a broken file sets off, the other videos go on
        outcome.hands = []
        outcome.num_frames = 0
        _add_failure(outcome, "error", f"{type(error).__name__}: {error}")
    outcome.seconds = time.monotonic() - begun
    return outcome


def _add_failure(outcome: PreparedVideo, reason: str, detail: str) -> None:
    if not outcome.num_frames:
        outcome.failure = reason
    outcome.drops.append(DropRecord(outcome.video_id, -1, "video", reason, detail))


def _add_frame(
    outcome: PreparedVideo, frame: Frame, found: list[FoundHand], settings: CropSettings
) -> None:
    """Add the hands of a frame to the outcome, or why they are left out."""

    def drop(stage: str, reason: str, detail: str = "") -> None:
        outcome.drops.append(DropRecord(outcome.video_id, frame.index, stage, reason, detail))

    if not found:
        drop("detection", "no_hand")
    size_wh = (frame.image.shape[1], frame.image.shape[0])
    good = []
    for hand in found:
        reason = settings.gate.reason_to_drop(hand, size_wh)
        if reason:
            drop("quality", reason, hand.handedness)
        else:
            good.append(hand)
    duplicates = settings.gate.duplicates(good)
    for number, hand in enumerate(good):
        if number in duplicates:
            drop("quality", "duplicate", hand.handedness)
            continue
        mirror = hand.handedness == "left"
        crop, affine = crop_hand(
            frame.image, hand.bbox_xyxy, settings.crop_scale, settings.crop_size, mirror
        )
        if sharpness(crop) < settings.gate.min_sharpness:
            drop("quality", "blurred", hand.handedness)
            continue
        outcome.hands.append(
            HandRecord(
                hand_id=f"{outcome.video_id}/{frame.index:08d}_{number}",
                video_id=outcome.video_id,
                source=settings.source,
                frame_index=frame.index,
                time_s=frame.time_s,
                handedness=hand.handedness,
                is_mirrored=mirror,
                bbox_xyxy=hand.bbox_xyxy,
                bbox_score=hand.bbox_score,
                keypoints_2d=apply(affine, hand.keypoints_2d),
                keypoint_score=hand.keypoint_score,
                crop=encode_jpeg(crop),
            )
        )
