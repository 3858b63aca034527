"""The conversion of one split: its records, and how many samples were dropped and why."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from simhand_mm.converters.records import UnusableSample, make_record
from simhand_mm.functional.keypoints import PLAUSIBLE_BONE_MM, bone_length

#: Counts of a split: all samples, those with a labelled hand, those that are kept.
STAGES = ("read", "labelled", "kept")


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
