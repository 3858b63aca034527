"""The options of `simhand probe`, in a separate module so that its help does not load torch."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ProbeSettings:
    """Settings of probing.

    Attributes:
        label: Column with the labels.
        group: Column with the groups. Hands of a group are never in training and test together.
        table: CSV or parquet file with hand_id or video_id and these columns, if hands.parquet
            does not have them.
        config: Config of the pre-training of the backbones (default: the recipe in their files).
        input_size: Side of the inputs in px, for ResNets of other projects.
        folds: Number of folds.
        neighbors: Number of neighbours that vote.
        seed: Seed of the folds and of the random weights.
        device: Device on which the features are computed.
    """

    label: str
    group: str = "video_id"
    table: Path | None = None
    config: Path | None = None
    input_size: int | None = None
    folds: int = 5
    neighbors: int = 7
    seed: int = 0
    device: str = "cpu"
