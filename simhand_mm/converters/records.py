"""What every converter of a labelled set shares: one record a hand, a reason for every drop."""

import json
from collections import Counter
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

# What can be counted of a split: all samples, those with a labelled hand, those that are kept.
STAGES = ("read", "labelled", "kept")


class UnusableSample(Exception):
    """A sample is left out; the message is the reason, without names or numbers."""


@dataclass(frozen=True)
class OfficialCount:
    """How many samples a split has according to somebody.

    Attributes:
        stage: One of :data:`STAGES`.
        count: How many.
        source: Who says so.
        rounding: Unit that ``count`` is rounded to; "325.3K" is rounded to 100.
    """

    stage: str
    count: int
    source: str
    rounding: int = 1

    def compare(self, found: int) -> str:
        """Whether a split has as many, in words."""
        is_equal = abs(found - self.count) <= self.rounding // 2
        verdict = "equal" if is_equal else f"DIFFERS by {found - self.count:+,}"
        rounded = "" if self.rounding == 1 else f", rounded to {self.rounding}"
        return f"{self.count:,} ({self.source}{rounded}): {verdict}"


@dataclass
class Conversion:
    """The records of one split and what was left out.

    Attributes:
        name: Data set and split, for messages.
        records: Dictionaries for :func:`simhand_mm.pool.write_poses`.
        drops: Reason -> how many samples.
        examples: Reason -> the first sample.
        num_unlabelled: How many of the samples that were left out have no hand to label.
    """

    name: str
    records: list[dict[str, Any]] = field(default_factory=list)
    drops: Counter = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    num_unlabelled: int = 0

    def drop(self, reason: str, sample_id: str, is_labelled: bool = True) -> None:
        """Count a sample that is left out."""
        self.drops[reason] += 1
        self.examples.setdefault(reason, sample_id)
        self.num_unlabelled += not is_labelled

    def add(self, **sample: Any) -> None:
        """Keep one hand (:func:`make_record`), or count why not."""
        try:
            self.records.append(make_record(**sample))
        except UnusableSample as reason:
            self.drop(str(reason), sample["sample_id"])

    def counts(self) -> dict[str, int]:
        """Samples at each of :data:`STAGES`."""
        read = len(self.records) + sum(self.drops.values())
        return dict(zip(STAGES, (read, read - self.num_unlabelled, len(self.records)), strict=True))

    def summary(self, official: Sequence[OfficialCount] = ()) -> str:
        """Counts for the terminal, beside those that the data set's authors or papers state."""
        counts, lines = self.counts(), [self.name]
        for stage in STAGES:
            claims = [c.compare(counts[stage]) for c in official if c.stage == stage]
            lines.append("; official ".join([f"  {stage:<9}{counts[stage]:>9,}", *claims]))
        for reason, count in self.drops.most_common():
            lines.append(f"  left out {count:,}: {reason} (first: {self.examples[reason]})")
        return "\n".join(lines)

    def check_unit(self, source_unit: str) -> None:
        """Refuse a set whose hands have no human size.

        Args:
            source_unit: Unit that the official files use.

        Raises:
            ValueError: If nothing is left, or the typical hand is too small or large.
        """
        if not self.records:
            raise ValueError(f"{self.name} must have usable hands, but has none.\n{self.summary()}")
        lengths = [bone_length(record["keypoints_3d"]) for record in self.records]
        typical, (low, high) = float(np.median(lengths)), PLAUSIBLE_BONE_MM
        if not low <= typical <= high:
            raise ValueError(
                f"3D joints of {self.name} must be in {source_unit}, but then the typical wrist to "
                f"middle-MCP bone measures {typical:.4g} mm, outside {low:g} to {high:g}. "
                "Take the official files, unchanged."
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
    """One hand as a row of a poses table.

    Args:
        sample_id: Unique in the set.
        image_path: Relative to the root of the data set.
        size_wh: Width and height of the image in px.
        camera_matrix: ``[3, 3]``, px.
        keypoints_3d: ``[21, 3]``, mm, camera frame, our order.
        handedness: ``left`` or ``right``.
        source: Name of the data set.
        valid: ``[21]`` bool, which labels exist; all by default. NaN labels never do.
        bbox_xyxy: Official box in px; by default the tight box of the projected keypoints.
        subject_id: Who.
        sequence_id: What belongs together and must not be split between training and validation.

    Raises:
        UnusableSample: If the hand cannot be trained or tested on.
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
    box = keypoints_to_box(points, labelled) if bbox_xyxy is None else to_array(bbox_xyxy, (4,))
    return {
        "sample_id": sample_id,
        "image_path": image_path,
        "width": size_wh[0],
        "height": size_wh[1],
        "camera_matrix": camera,
        "keypoints_3d": hand.astype(np.float32),
        "keypoints_2d": points.astype(np.float32),
        "keypoints_valid": labelled,
        "bbox_xyxy": box.astype(np.float32),
        "handedness": handedness,
        "subject_id": subject_id,
        "sequence_id": sequence_id,
        "source": source,
    }


def to_array(label: Any, shape: tuple[int, ...]) -> np.ndarray:
    """A label of an official file as float64 of a given shape.

    Raises:
        UnusableSample: If it has another shape or is not made of numbers.
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
    """Set the last sequences of a training set aside for validation, so that no test set chooses.

    Args:
        records: In the order of the table.
        share: Of the sequences, at least one if positive.

    Returns:
        Training and validation records, each in the given order.
    """
    sequences = sorted({record["sequence_id"] for record in records})
    count = min(max(round(share * len(sequences)), int(share > 0)), len(sequences) - 1)
    held = set(sequences[len(sequences) - count :])
    train = [record for record in records if record["sequence_id"] not in held]
    return train, [record for record in records if record["sequence_id"] in held]


def read_json(path: Path, archive: str) -> Any:
    """Read an official JSON file.

    Args:
        path: The file.
        archive: Where it comes from, for the message.

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
