"""Anybody's own labels: from hands with 2D or 3D keypoints to poses tables, with checks.

Hands with 3D keypoints and a camera are records of the table of a split. Hands with 2D keypoints
only are records of a second one, which trains the heatmaps.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from simhand_mm.converters.conversion import Conversion
from simhand_mm.converters.keypoint_orders import check_order
from simhand_mm.converters.labelled_hands import LabelledHand, OwnLabelSettings, Unit
from simhand_mm.converters.own_images import OwnImages
from simhand_mm.converters.records import UnusableSample, make_record, make_record_2d
from simhand_mm.functional.camera import project
from simhand_mm.functional.keypoints import PLAUSIBLE_BONE_MM, bone_length

_MM: dict[str, float] = {"m": 1000.0, "cm": 10.0, "mm": 1.0}
_MAX_DISAGREEMENT = 0.15  # of 2D and projected 3D keypoints, relative to the size of the hand
_WORDS_OF_SPLITS = ("train", "val", "test")


@dataclass
class OwnLabels:
    """What is written for one split.

    Attributes:
        poses: Hands with 3D labels.
        keypoints: Hands with 2D labels only.
        notes: What was assumed.
    """

    poses: Conversion
    keypoints: Conversion
    notes: list[str] = field(default_factory=list)

    def summary(self) -> str:
        """Format the counts as text, with what was assumed."""
        return "\n".join([self.poses.summary(), *(f"  {note}" for note in self.notes)])


def split_of(path: Path) -> str:
    """Name of the split of a file: train, val or test if its name has one, else its name."""
    words = [word for word in _WORDS_OF_SPLITS if word in path.stem.lower()]
    return words[0] if len(words) == 1 else path.stem


def to_tables(
    hands: Sequence[LabelledHand],
    conversion: Conversion,
    root: Path,
    folders: Sequence[Path],
    settings: OwnLabelSettings,
) -> OwnLabels:
    """Check the hands of a split and turn them into records.

    Args:
        hands: The hands.
        conversion: For the records with 3D labels; has the hands that could not be read.
        root: Folder that image paths are relative to.
        folders: Folders in which the images may be.
        settings: What the file may not state.

    Raises:
        ValueError: If the unit, the order or the camera cannot be right, or no hand is usable.
    """
    labels = OwnLabels(conversion, Conversion(f"{conversion.name}, 2D only"))
    _check_arrays(hands, conversion.name)
    unit = _choose_unit(hands, conversion.name, settings, labels.notes)
    images = OwnImages(root, hands, folders, settings)
    for hand in hands:
        try:
            common = {"sample_id": hand.sample_id, **images.find(hand), **_common(hand, settings)}
        except UnusableSample as reason:
            conversion.drop(str(reason), hand.sample_id)
            continue
        _add(labels, hand, common, _MM[settings.unit or hand.unit or unit])
    if conversion.drops["image missing"]:
        labels.notes.append(f"images were searched for in {images.searched} (--images)")
    if conversion.drops["hand behind the camera"]:
        labels.notes.append(
            "3D keypoints must be in the frame of the camera (x right, y down, z forward), not "
            "relative to the wrist"
        )
    if labels.poses.records:
        labels.poses.check_unit(settings.unit or unit)
    elif not labels.keypoints.records:
        raise ValueError(f"{conversion.name} must have usable hands.\n{labels.summary()}")
    return labels


def _add(labels: OwnLabels, hand: LabelledHand, common: dict[str, Any], mm: float) -> None:
    """Add a hand to the table that its labels allow."""
    try:
        if hand.keypoints_3d is None:
            raise UnusableSample("2D keypoints only")
        if hand.camera_matrix is None:
            raise UnusableSample("no camera matrix")
        pose_mm = mm * hand.keypoints_3d
        record = make_record(keypoints_3d=pose_mm, camera_matrix=hand.camera_matrix, **common)
    except UnusableSample as reason:
        labels.poses.drop(str(reason), hand.sample_id)
    else:
        labels.poses.records.append(record)
        return
    try:
        if hand.keypoints_2d is not None:
            labels.keypoints.records.append(
                make_record_2d(keypoints_2d=hand.keypoints_2d, **common)
            )
    except UnusableSample as reason:
        labels.keypoints.drop(str(reason), hand.sample_id)


def _common(hand: LabelledHand, settings: OwnLabelSettings) -> dict[str, Any]:
    side = hand.side or settings.side
    if not side:
        raise UnusableSample("handedness not stated (--side states it for all)")
    box = hand.bbox_xyxy
    has_area = box is not None and np.isfinite(box).all() and (box[2:] > box[:2]).all()
    sequence_id = hand.sequence_id or str(PurePosixPath(hand.image).parent)
    return {
        "handedness": side,
        "source": "own",
        "bbox_xyxy": box if has_area else None,
        "subject_id": hand.subject_id,
        "sequence_id": sequence_id,
    }


def _check_arrays(hands: Sequence[LabelledHand], name: str) -> None:
    """Check the order of the keypoints, and that 2D and 3D agree."""
    for points in (
        [hand.keypoints_3d for hand in hands if hand.keypoints_3d is not None],
        [hand.keypoints_2d for hand in hands if hand.keypoints_2d is not None],
    ):
        if points:
            check_order(np.stack(points), name)
    errors = [error for hand in hands if (error := _disagreement(hand)) is not None]
    if errors and float(np.median(errors)) > _MAX_DISAGREEMENT:
        raise ValueError(
            f"2D and 3D keypoints of {name} must agree, but the projected 3D keypoints are "
            f"typically {np.median(errors):.2g} hand sizes away from the 2D ones. 3D keypoints "
            "must be in the frame of the camera (x right, y down, z forward), and camera_matrix or "
            "cam_param must be that of the image."
        )


def _disagreement(hand: LabelledHand) -> float | None:
    """Mean distance of 2D and projected 3D keypoints, relative to the extent of the hand."""
    if hand.keypoints_2d is None or hand.keypoints_3d is None or hand.camera_matrix is None:
        return None
    both = np.isfinite(hand.keypoints_2d).all(-1) & np.isfinite(hand.keypoints_3d).all(-1)
    both &= np.nan_to_num(hand.keypoints_3d[:, 2]) > 0
    if both.sum() < 2:
        return None
    points = hand.keypoints_2d[both]
    projected = project(hand.keypoints_3d[both], hand.camera_matrix)
    extent = max(float(np.ptp(points, axis=0).max()), 1.0)
    return float(np.linalg.norm(projected - points, axis=-1).mean()) / extent


def _choose_unit(
    hands: Sequence[LabelledHand], name: str, settings: OwnLabelSettings, notes: list[str]
) -> Unit:
    """Return the unit of hands that do not state one."""
    poses = [h.keypoints_3d for h in hands if h.keypoints_3d is not None and not h.unit]
    if not poses or settings.unit:
        return settings.unit or "mm"
    lengths = bone_length(np.stack(poses))
    typical = float(np.nanmedian(lengths)) if np.isfinite(lengths).any() else 0.0
    low, high = PLAUSIBLE_BONE_MM
    fitting: list[Unit] = [unit for unit in ("m", "cm", "mm") if low <= _MM[unit] * typical < high]
    if not fitting:
        raise ValueError(
            f"3D keypoints of {name} must be in m, cm or mm, but the typical wrist to middle-MCP "
            f"bone measures {typical:.4g}, which is no hand in any of them. Scale the keypoints."
        )
    notes.append(
        f"3D keypoints are taken as {fitting[0]}, because the typical wrist to middle-MCP bone "
        f"measures {typical:.4g}; --unit states another unit"
    )
    return fitting[0]
