"""Common parts of all converters of labelled data sets: one record per hand, reasons for drops."""

import json
import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from simhand_mm.functional.boxes import keypoints_to_box
from simhand_mm.functional.camera import project
from simhand_mm.functional.keypoints import (
    NUM_KEYPOINTS,
    PLAUSIBLE_BONE_MM,
    REFERENCE_BONE,
    bone_length,
)

#: Counts of a split: all samples, those with a labelled hand, those that are kept.
STAGES = ("read", "labelled", "kept")


class UnusableSample(Exception):
    """Raised to leave a sample out. The message is the reason, without names or numbers."""


@dataclass(frozen=True)
class OfficialCount:
    """A published number of samples of a split.

    Attributes:
        stage: One of :data:`STAGES`.
        count: The number.
        source: Its source.
        rounding: Unit that ``count`` is rounded to; "325.3K" is rounded to 100.
    """

    stage: str
    count: int
    source: str
    rounding: int = 1

    def compare(self, found: int) -> str:
        """Compare with the number that was found; returns text."""
        is_equal = abs(found - self.count) <= self.rounding // 2
        verdict = "equal" if is_equal else f"DIFFERS by {found - self.count:+,}"
        rounded = "" if self.rounding == 1 else f", rounded to {self.rounding}"
        return f"{self.count:,} ({self.source}{rounded}): {verdict}"


@dataclass
class Conversion:
    """The records of one split, and the number of samples dropped.

    Attributes:
        name: Data set and split, for messages.
        records: Dictionaries for :func:`simhand_mm.pool.poses.write_poses`.
        drops: Number of samples dropped, by reason.
        examples: The first sample dropped, by reason.
        num_unlabelled: Number of samples dropped that have no labelled hand.
    """

    name: str
    records: list[dict[str, Any]] = field(default_factory=list)
    drops: Counter = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    num_unlabelled: int = 0

    def drop(self, reason: str, sample_id: str, is_labelled: bool = True) -> None:
        """Count a sample that is dropped."""
        self.drops[reason] += 1
        self.examples.setdefault(reason, sample_id)
        self.num_unlabelled += not is_labelled

    def add(self, **sample: Any) -> None:
        """Add one hand (arguments of :func:`make_record`), or count why it is dropped."""
        try:
            self.records.append(make_record(**sample))
        except UnusableSample as reason:
            self.drop(str(reason), sample["sample_id"])

    def counts(self) -> dict[str, int]:
        """Return the number of samples at each of :data:`STAGES`."""
        read = len(self.records) + sum(self.drops.values())
        return dict(zip(STAGES, (read, read - self.num_unlabelled, len(self.records)), strict=True))

    def summary(self, official: Sequence[OfficialCount] = ()) -> str:
        """Format the counts as text, next to published ones."""
        counts, lines = self.counts(), [self.name]
        for stage in STAGES:
            claims = [c.compare(counts[stage]) for c in official if c.stage == stage]
            lines.append("; official ".join([f"  {stage:<9}{counts[stage]:>9,}", *claims]))
        for reason, count in self.drops.most_common():
            lines.append(f"  dropped {count:,}: {reason} (first: {self.examples[reason]})")
        return "\n".join(lines)

    def check_unit(self, source_unit: str) -> None:
        """Check that hands have the size of human hands, i.e. that the unit is right.

        Args:
            source_unit: Unit of the official files.

        Raises:
            ValueError: If there are no records, or the typical hand is too small or too large.
        """
        if not self.records:
            raise ValueError(f"{self.name} must have usable hands, but has none.\n{self.summary()}")
        lengths = [bone_length(record["keypoints_3d"]) for record in self.records]
        typical, (low, high) = float(np.median(lengths)), PLAUSIBLE_BONE_MM
        if not low <= typical <= high:
            raise ValueError(
                f"3D joints of {self.name} must be in {source_unit}, but then the typical wrist to "
                f"middle-MCP bone measures {typical:.4g} mm, outside {low:g} to {high:g}. "
                "Use the unmodified official files."
            )


def make_record(
    sample_id: str,
    image_path: str,
    size_wh: tuple[int, int],
    camera_matrix: np.ndarray,
    keypoints_3d: np.ndarray,
    handedness: str,
    source: str,
    valid: np.ndarray | None = None,
    bbox_xyxy: np.ndarray | None = None,
    subject_id: str = "",
    sequence_id: str = "",
) -> dict[str, Any]:
    """Build a row of a poses table.

    Args:
        sample_id: Id, unique in the set.
        image_path: Path relative to the root of the data set.
        size_wh: Width and height of the image in px.
        camera_matrix: ``[3, 3]``, px.
        keypoints_3d: ``[21, 3]``, mm, camera frame, our order.
        handedness: ``left`` or ``right``.
        source: Name of the data set.
        valid: ``[21]`` bool, which keypoints are labelled (default: all). NaN ones never are.
        bbox_xyxy: Official box in px (default: the tight box of the projected keypoints).
        subject_id: Id of the person.
        sequence_id: Id of the sequence. Its samples must not be split between training and
            validation.

    Raises:
        UnusableSample: If the hand cannot be used for training or testing.
    """
    hand, camera = to_array(keypoints_3d, (NUM_KEYPOINTS, 3)), to_array(camera_matrix, (3, 3))
    labelled = np.isfinite(hand).all(-1) & (True if valid is None else np.asarray(valid, bool))
    if not labelled[list(REFERENCE_BONE)].all():
        raise UnusableSample("wrist or middle MCP without label")
    if not (np.isfinite(camera).all() and camera[0, 0] > 0 and camera[1, 1] > 0):
        raise UnusableSample("no camera matrix")
    if (hand[labelled, 2] <= 0).any():
        raise UnusableSample("hand behind the camera")
    hand = np.where(labelled[:, None], hand, np.nan)
    points = project(hand, camera)
    return _row(
        sample_id,
        camera,
        hand,
        points,
        labelled,
        bbox_xyxy,
        size_wh,
        image_path=image_path,
        handedness=handedness,
        subject_id=subject_id,
        sequence_id=sequence_id,
        source=source,
    )


def make_record_2d(
    sample_id: str, keypoints_2d: np.ndarray, bbox_xyxy: np.ndarray | None = None, **fields: Any
) -> dict[str, Any]:
    """Build a row of a poses table without 3D labels: keypoints_3d and camera_matrix are NaN.

    Args:
        sample_id: Id, unique in the set.
        keypoints_2d: ``[21, 2]``, px, our order; NaN where not labelled.
        bbox_xyxy: Official box in px (default: the tight box of the keypoints).
        **fields: Other arguments of :func:`make_record`, without 3D labels and camera.

    Raises:
        UnusableSample: If fewer than two keypoints are labelled.
    """
    points = to_array(keypoints_2d, (NUM_KEYPOINTS, 2))
    labelled = np.isfinite(points).all(-1)
    if labelled.sum() < 2:
        raise UnusableSample("fewer than two labelled keypoints")
    hand, camera = np.full((NUM_KEYPOINTS, 3), np.nan), np.full((3, 3), np.nan)
    return _row(sample_id, camera, hand, points, labelled, bbox_xyxy, **fields)


def _row(
    sample_id: str,
    camera: np.ndarray,
    hand: np.ndarray,
    points: np.ndarray,
    labelled: np.ndarray,
    bbox_xyxy: np.ndarray | None,
    size_wh: tuple[int, int],
    **fields: str,
) -> dict[str, Any]:
    box = keypoints_to_box(points, labelled) if bbox_xyxy is None else to_array(bbox_xyxy, (4,))
    return {
        "sample_id": sample_id,
        "width": size_wh[0],
        "height": size_wh[1],
        "camera_matrix": camera,
        "keypoints_3d": hand.astype(np.float32),
        "keypoints_2d": points.astype(np.float32),
        "keypoints_valid": labelled,
        "bbox_xyxy": box.astype(np.float32),
        **fields,
    }


def to_array(label: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Convert a label of an official file to a float64 array of a given shape.

    Raises:
        UnusableSample: If it has another shape or is not numeric.
    """
    try:
        array = np.array(label, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UnusableSample(f"label is not an array of numbers {list(shape)}") from error
    if array.shape != shape:
        raise UnusableSample(f"label is not an array of numbers {list(shape)}")
    return array


def hold_out(
    records: Sequence[dict[str, Any]], share: float
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Hold out the last sequences of a training set for validation.

    So checkpoints need not be chosen on a test set.

    Args:
        records: Records in the order of the table.
        share: Fraction of the sequences to hold out; at least one sequence if positive.

    Returns:
        Training and validation records, each in the given order.
    """
    sequences = sorted({record["sequence_id"] for record in records})
    count = min(max(round(share * len(sequences)), int(share > 0)), len(sequences) - 1)
    held = set(sequences[len(sequences) - count :])
    train = [record for record in records if record["sequence_id"] not in held]
    return train, [record for record in records if record["sequence_id"] in held]


class ImageFiles:
    """The set of existing images. Lists each folder once instead of testing each file.

    Args:
        root: Folder that paths are relative to.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._names: dict[str, set[str]] = defaultdict(set)

    def __contains__(self, path: str) -> bool:
        folder, name = os.path.split(path)
        if folder not in self._names:
            directory = self._root / folder
            self._names[folder] = set(os.listdir(directory)) if directory.is_dir() else set()
        return name in self._names[folder]


def read_json(path: Path, archive: str) -> Any:
    """Read an official JSON file.

    Args:
        path: The file.
        archive: Name of the archive that contains it, for messages.

    Raises:
        FileNotFoundError: If it is missing.
        ValueError: If it is damaged.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} must exist, but does not. It is part of {archive}.")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path} must be complete JSON, but is damaged ({error}). Extract {archive} again."
        ) from error
